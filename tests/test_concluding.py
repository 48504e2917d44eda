"""Whether the metric of each held-out sample is known."""

import math

import numpy as np
import pytest

from ws_keras import concluding


@pytest.mark.parametrize("lost", [math.nan, math.inf, -math.inf])
def test_a_metric_that_is_no_number_takes_nothing_from_others(make_row, lost):
    """Else their intervals would leave out the variation between samples."""
    labels = {"monitor": "mae", "mode": "min"}
    values = {"a": 1.0, "b": 2.0, "c": lost}
    rows = [
        make_row(setting=name, last=True, labels=labels, measures={"mae": v})
        for name, v in values.items()
    ]
    outcomes = {"a": np.ones(4), "b": np.full(4, 2.0)}
    assert concluding.known(rows, outcomes) is outcomes
    del outcomes["b"]
    assert concluding.known(rows, outcomes) is None


def test_seeds_that_diverged_have_no_outcome(make_row):
    rows = [make_row(setting="a", last=True)]
    rows.append(make_row(setting="b", last=True, stopped_by="nan"))
    outcomes = {"a": np.ones(4)}
    assert concluding.known(rows, outcomes) is outcomes
    assert concluding.known(rows[:1], {}) is None
