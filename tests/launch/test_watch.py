"""The progress of all workers, from what they write."""

import io

from launch import watch
from ws_keras.storage import rows
from ws_keras.storage import workdir


def row(setting, number, last=False):
    return rows.Row(
        **dict.fromkeys(("seed", "steps", "sample_passes"), 0),
        **dict.fromkeys(("trace_seconds", "eval_seconds", "loss"), 0.0),
        **dict.fromkeys(("shrink", "perturb", "eval_loss"), 0.0),
        **dict.fromkeys(("experiment", "arm", "dataset", "model"), "own"),
        setting=setting,
        round=number,
        num_samples=100 * number,
        epochs=2,
        train_seconds=1.0,
        train_accuracy=90.0,
        accuracy=80.0,
        stopped_by="epochs",
        last=last,
        optimizer="adam",
    )


def test_rows_of_all_settings_are_shown_once(tmp_path):
    folder = workdir.Workdir(tmp_path)
    for setting in ("a", "b"):
        rows.append(folder.rows_path(setting), row(setting, 1))
    stream = io.StringIO()
    costs = {"a": [100, 200], "b": [100, 200], "c": [100, 200]}
    shown = watch.Watch(folder, costs, stream)
    rows.append(folder.rows_path("b"), row("b", 2, last=True))
    shown.ended("b", None, again=False)
    # Begun anew: the first round is written again, and is not counted twice.
    folder.rows_path("a").unlink()
    shown.ended("a", "killed", again=True)
    rows.append(folder.rows_path("a"), row("a", 1))
    rows.append(folder.rows_path("a"), row("a", 2, last=True))
    shown.ended("a", None, again=False)
    rows.append(folder.rows_path("c"), row("c", 1, last=True))
    shown.ended("c", None, again=False)
    lines = stream.getvalue().replace("\n    ", " ").splitlines()
    assert [line.split(":")[0] for line in lines] == [
        "b  round 2 of 2",
        "a  ended",
        "a  round 2 of 2",
        "c  round 1 of 2",
    ]
    assert lines[1] == "a  ended: killed; it will be tried again"
    assert "(epochs); setting 2 of 3; " in lines[0]
    assert lines[-1].endswith("(epochs); setting 3 of 3")


def test_time_left_counts_what_was_done_before(tmp_path):
    folder = workdir.Workdir(tmp_path)
    rows.append(folder.rows_path("a"), row("a", 1))
    stream = io.StringIO()
    shown = watch.Watch(folder, {"a": [10**9, 1]}, stream)
    rows.append(folder.rows_path("a"), row("a", 2, last=True))
    shown.ended("a", None, again=False)
    assert stream.getvalue().endswith("(epochs); setting 1 of 1\n")


def test_rows_that_cannot_be_read_stop_nothing(tmp_path):
    folder = workdir.Workdir(tmp_path)
    folder.rows_path("a").mkdir(parents=True)
    stream = io.StringIO()
    shown = watch.Watch(folder, {"a": [1]}, stream)
    shown.ended("a", "no rows", again=False)
    assert stream.getvalue() == "a  ended: no rows\n"


def test_rows_of_others_are_left_to_the_worker(tmp_path):
    """A copied folder, a round that the setting does not have."""
    folder = workdir.Workdir(tmp_path)
    for wrong in (row("b", 1), row("a", 0), row("a", 7)):
        rows.append(folder.rows_path("a"), wrong)
    stream = io.StringIO()
    shown = watch.Watch(folder, {"a": [100, 200]}, stream)
    rows.append(folder.rows_path("a"), row("a", 1))
    shown.ended("a", "refused", again=False)
    lines = stream.getvalue().replace("\n    ", " ").splitlines()
    found = [line.split(":")[0] for line in lines]
    assert found == ["a  round 1 of 2", "a  ended"]
