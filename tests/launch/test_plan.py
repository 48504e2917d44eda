"""What settings cost, by the epochs that are expected or given."""

import pytest
from ws_keras.configs import base

from launch import plan
from ws_keras import settings as all_settings


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
    config = base.get_config().unlock()
    config.arms = ("warm",)
    (setting, *_) = all_settings.product(config, fixed=fields)
    own = all_settings.apply(config, setting)
    first, later = epochs
    sizes = [1000, 2000, 3000]
    assert plan.passes(setting, own, sizes) == [
        1000 * first,
        2000 * later,
        3000 * later,
    ]
