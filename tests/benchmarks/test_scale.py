"""What is measured of large sweeps, on small ones."""

import pytest

from benchmarks import scale
from ws_keras.storage import rows
from ws_keras.storage import workdir


def test_rows_and_events_are_those_of_a_run(tmp_path):
    found = scale.settings(8)
    assert len({setting.id for setting in found}) == 8
    folder = workdir.Workdir(tmp_path / "run")
    size = scale.write_rows(folder, found, rounds=3)
    written = rows.read_workdir(folder.path)
    assert len(written) == 24 and sum(row.last for row in written) == 8
    assert 1 < size < 3
    kilobytes, milliseconds = scale.write_events(tmp_path / "e", found, 3)
    # 10 epochs of 5 scalars and 5 of the round itself, three times.
    assert 5 < kilobytes < 20 and milliseconds > 0


@pytest.mark.slow
def test_a_point_has_a_number_for_each_column():
    point = scale.measure(8, rounds=3)
    head, rule, line = scale.table([point]).splitlines()
    assert line.startswith("| 8 | 3 | ") and line.count("|") == head.count("|")
    if point["opened_s"] is None:  # no browser here
        del point["opened_s"]
    assert all(value > 0 for value in point.values())
