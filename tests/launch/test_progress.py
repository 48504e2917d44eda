"""How far a run has come, on a terminal and elsewhere."""

import io

import pytest

from launch import progress
from ws_keras.results import rows


class Terminal(io.StringIO):
    def isatty(self):
        return True


def epoch(number):
    return rows.Epoch(
        setting="own/warm/seed0",
        round=1,
        epoch=number,
        loss=1.0,
        train_accuracy=61.25,
        accuracy=50.0,
        learning_rate=0.001,
        samples_per_second=1234.0,
    )


def row(number, last=False, stopped_by="threshold"):
    return rows.Row(
        setting="own/warm/seed0",
        experiment="own",
        arm="warm",
        shrink=1.0,
        perturb=0.0,
        seed=0,
        round=number,
        num_samples=1000 * number,
        epochs=7,
        steps=7,
        sample_passes=7000,
        train_seconds=12.34,
        trace_seconds=0.0,
        eval_seconds=0.0,
        train_accuracy=99.2,
        accuracy=33.3,
        loss=0.1,
        eval_loss=2.0,
        stopped_by=stopped_by,
        last=last,
        dataset="cifar10",
        model="mlp",
        optimizer="adam",
    )


def test_elsewhere_each_round_is_a_line():
    stream = io.StringIO()
    shown = progress.Progress({"own/warm/seed0": [1000, 2000]}, stream)
    shown.skipped("own/cold/seed0")
    shown.epoch(epoch(1))
    shown.round(row(1))
    shown.round(row(2, last=True))
    lines = stream.getvalue().splitlines()
    assert lines[0] == "own/cold/seed0  finished before, skipped"
    assert lines[1].startswith(
        "own/warm/seed0  round 1: 1000 samples, 7 epochs, 12.3 s, train "
        "99.2 %, held out 33.3 % (threshold); "
    )
    assert lines[2].endswith("(threshold); 0 s left") and len(lines) == 3


def test_on_a_terminal_one_line_is_rewritten():
    stream = Terminal()
    shown = progress.Progress({"own/warm/seed0": [1000]}, stream)
    shown.epoch(epoch(1))
    shown.epoch(epoch(2))
    text = stream.getvalue()
    assert "\n" not in text and text.count("\r") == 2
    last = text.split("\r")[-1]
    for part in ("round 1", "epoch 2", "train 61.2 %", "1234 samples/s"):
        assert part in last
    shown.round(row(1, last=True))
    # The line is wiped before the result of the round takes its place.
    wiped, result = stream.getvalue().split("\r")[-2:]
    assert not wiped.strip() and result.endswith("left\n")


def test_a_setting_that_ended_early_leaves_nothing_to_do():
    stream = io.StringIO()
    costs = {"own/warm/seed0": [1000, 2000, 3000]}
    shown = progress.Progress(costs, stream)
    shown.round(row(1, last=True, stopped_by="nan"))
    line, note = stream.getvalue().splitlines()
    assert line.endswith("(nan); 0 s left")
    assert note == (
        "own/warm/seed0  its loss became nan or infinite, which ends it. "
        "Choose a smaller `optimizer.learning_rate` or `penalty.weight`"
    )


@pytest.mark.parametrize(
    "seconds, text",
    [(3, "3 s"), (90, "2 min"), (8000, "2 h 13 min"), (3600, "1 h 00 min")],
)
def test_durations(seconds, text):
    assert progress.duration(seconds) == text
