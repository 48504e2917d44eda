"""Rows about another metric than accuracy, and older ones."""

import dataclasses
import math

import pytest

from ws_keras.storage import metric as metrics
from ws_keras.storage import rows

MAE = metrics.Metric("mae", "min")


def test_rows_name_their_metric_and_hold_it(make_arm, tmp_path):
    (row,) = make_arm("cold", [50.0])[-1:]
    path = tmp_path / "rows.jsonl"
    own = dataclasses.replace(
        row,
        labels={**row.labels, **MAE.labels},
        measures=MAE.measures(1.5, 2.5),
        **MAE.fields(1.5, 2.5),
    )
    rows.append(path, own)
    (read,) = rows.read(path)
    assert metrics.of(read) == MAE
    assert (MAE.value(read), MAE.training(read)) == (2.5, 1.5)
    assert math.isnan(read.accuracy) and math.isnan(read.train_accuracy)


def test_rows_of_accuracy_are_as_ever(make_arm):
    row = make_arm("cold", [50.0])[-1]
    assert metrics.of(row) == metrics.ACCURACY
    assert metrics.ACCURACY.value(row) == row.accuracy
    assert metrics.ACCURACY.fields(0.5, 0.25) == {
        "train_accuracy": 50.0,
        "accuracy": 25.0,
    }
    assert not metrics.ACCURACY.labels
    assert not metrics.ACCURACY.measures(0.5, 0.25)


@pytest.mark.parametrize("labels", [{"monitor": 3, "mode": "min"}, {"mode": 1}])
def test_other_labels_of_these_names_name_no_metric(make_arm, labels):
    row = dataclasses.replace(make_arm("cold", [50.0])[-1], labels=labels)
    assert metrics.of(row) == metrics.ACCURACY
