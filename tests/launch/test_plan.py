"""What settings cost, by the epochs that are expected or given."""

import pytest
from ws_keras.configs import base

from launch import plan
from ws_keras import settings as all_settings


def _passes(arm, fields, sizes):
    config = base.get_config().unlock()
    config.arms = (arm,)
    (setting, *_) = all_settings.product(config, fixed=fields)
    return plan.passes(setting, all_settings.apply(config, setting), sizes)


@pytest.mark.parametrize(
    ("fields", "epochs"),
    [
        ({}, (17, 6)),  # the first round starts from scratch
        ({"train.epochs": 5}, (5, 5)),
        ({"train.epochs": 5, "second.epochs": 2}, (5, 2)),
        ({"train.first_epochs": 3}, (3, 6)),
        ({"train.expected_epochs.cold": 160}, (160, 6)),
    ],
)
def test_a_warm_start_costs_a_cold_one_first(fields, epochs):
    first, later = epochs
    assert _passes("warm", fields, [1000, 2000, 3000]) == [
        1000 * first,
        2000 * later,
        3000 * later,
    ]


@pytest.mark.parametrize(
    ("arm", "epochs"), [("cold", 17), ("warm_reset", 6), ("head_reset", 11)]
)
def test_relatives_cost_what_they_are_like(arm, epochs):
    assert _passes(arm, {}, [1000, 2000]) == [17000, 2000 * epochs]
