"""How far a run has come, on a terminal and elsewhere."""

import io
import math
import re

import pytest

from launch import progress
from launch import remaining
from ws_keras.storage import rows


class Terminal(io.StringIO):
    def isatty(self):
        return True


def epoch(number, round=1, setting="own/warm/seed0"):
    return rows.Epoch(
        setting=setting,
        round=round,
        epoch=number,
        loss=1.0,
        train_accuracy=61.25,
        accuracy=50.0,
        learning_rate=0.001,
        samples_per_second=1234.0,
    )


def row(number, last=False, stopped_by="threshold", **fields):
    defaults = dict(
        setting="own/warm/seed0", cpu_seconds=20.06, num_samples=1000 * number
    )
    return rows.Row(
        **{**defaults, **fields},
        experiment="own",
        arm="warm",
        shrink=1.0,
        perturb=0.0,
        seed=0,
        round=number,
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


@pytest.fixture
def columns(monkeypatch):
    """Sets the width of the terminal."""
    return lambda count: monkeypatch.setenv("COLUMNS", str(count))


def screen(text):
    """What is to be seen in the last line, as a terminal would show it."""
    return text.split("\n")[-1].split("\r")[-1]


def test_elsewhere_each_round_is_a_line():
    stream = io.StringIO()
    costs = {"own/warm/seed0": [1000, 2000]}
    every = ["own/cold/seed0", "own/warm/seed0"]
    shown = progress.Progress(costs, stream, every)
    shown.skipped("own/cold/seed0")
    shown.epoch(epoch(1))
    shown.round(row(1))
    shown.round(row(2, last=True))
    first, second, third = stream.getvalue().replace("\n    ", " ").splitlines()
    assert first == "own/cold/seed0  finished before, skipped"
    assert second.startswith(
        "own/warm/seed0  round 1 of 2: 1000 samples, 7 epochs, 12.3 s (20.1 "
        "CPU-s), train 99.2 %, held out 33.3 % (threshold); setting 2 of 2; "
    )
    assert second.endswith("left")
    # Nothing is left to be said of the time.
    assert third.endswith("(threshold); setting 2 of 2")


def test_seconds_that_were_not_measured_are_not_shown():
    stream = io.StringIO()
    shown = progress.Progress({"own/warm/seed0": [1000]}, stream)
    shown.round(row(1, last=True, cpu_seconds=math.nan))
    assert ", 12.3 s, train" in stream.getvalue()


def test_on_a_terminal_one_line_is_rewritten(columns):
    columns(140)
    stream = Terminal()
    shown = progress.Progress({"own/warm/seed0": [1000]}, stream)
    shown.epoch(epoch(1))
    shown.epoch(epoch(2))
    text = stream.getvalue()
    assert "\n" not in text and text.count("\r") == 4
    for part in (
        "own/warm/seed0",
        "setting 1 of 1",
        "round 1 of 1",
        "epoch 2",
        "train 61.2 %",
        "1234 samples/s",
    ):
        assert part in screen(text)
    shown.round(row(1, last=True))
    # The line is wiped before the result of the round takes its place.
    wiped, result = stream.getvalue().split("\r")[-2:]
    assert wiped == " " * 139
    assert result.startswith("own/warm/seed0  round 1 of 1")


def test_epochs_are_counted_in_their_round(columns):
    columns(100)
    stream = Terminal()
    shown = progress.Progress({"own/warm/seed0": [1000] * 3}, stream)
    seen = []
    for number, round_ in [(1, 1), (2, 1), (3, 2), (4, 2), (5, 3)]:
        shown.epoch(epoch(number, round_))
        seen.append(screen(stream.getvalue()).split("  ")[2:4])
    assert seen == [
        ["round 1 of 3", "epoch 1"],
        ["round 1 of 3", "epoch 2"],
        ["round 2 of 3", "epoch 1"],
        ["round 2 of 3", "epoch 2"],
        ["round 3 of 3", "epoch 1"],
    ]


@pytest.mark.parametrize(
    ("state", "number", "count"),
    [
        # Two rounds of 3 and 4 epochs, and 2 epochs of the third.
        ({"rounds": 2, "epochs": 9, "place": {"epoch": 2, "step": 5}}, 3, 3),
        ({"rounds": 2, "epochs": 9, "place": {"epoch": 2, "step": 0}}, 3, 3),
        ({"rounds": 2, "epochs": 9, "place": None}, 3, 1),
        ({"rounds": 0, "epochs": 9, "place": {"epoch": 9, "step": 0}}, 1, 10),
    ],
)
def test_a_round_goes_on_counting_where_it_was(state, number, count, columns):
    columns(100)
    stream = Terminal()
    shown = progress.Progress({"own/warm/seed0": [1000] * 3}, stream)
    shown.resumed("own/warm/seed0", state)
    shown.epoch(epoch(10, number))
    assert f"round {number} of 3  epoch {count}  " in stream.getvalue()


LONG = "table1_two_phase/cifar10-resnet18-adam/shrink_perturb-0.4-0.1/seed3"


@pytest.mark.parametrize("width", [40, 60, 72, 80, 100, 120, 200])
def test_nothing_is_wider_than_the_terminal(width, columns):
    columns(width)
    stream = Terminal()
    costs = {LONG: [100.0] * 20}
    shown = progress.Progress(costs, stream, [*map(str, range(11)), LONG])
    shown.round(row(1, setting=LONG))
    shown.epoch(epoch(9, 2, setting=LONG))
    line = screen(stream.getvalue())
    shown.status("11 of 12 settings done, 2 running, 1 waiting")
    text = stream.getvalue()
    assert max(map(len, re.split("[\r\n]", text))) <= width
    # Room for what the terminal echoes of Ctrl-C.
    assert len(line) <= width - 5
    words = " ".join(text.split())
    assert "held out 33.3 % (threshold);" in words and "12 of 12;" in words
    assert "12 of 12" in line or "12/12" in line
    assert "2 of 20" in line or "2/20" in line
    if width >= 60:
        assert line.split("  ")[0].endswith("seed3") and "epoch 1" in line
    if width >= 80:
        assert line.endswith("left")


@pytest.mark.parametrize(
    ("width", "line"),
    [
        (90, "1 of 9 settings done, 2 running, 6 waiting; 2 to 12 min left"),
        (62, "1 of 9 done, 2 running, 6 waiting; 2 to 12 min left"),
        (50, "1 of 9 done, 2 running, 6 waiting"),
        (30, "1 of 9 done, 2 running, …"),
    ],
)
def test_how_all_stand_is_cut_last_of_all(width, line, columns):
    columns(width)
    stream = Terminal()
    clock = 0.0
    left = remaining.Remaining({"own/warm/seed0": [1000] * 8}, lambda: clock)
    shown = progress.Progress({"own/warm/seed0": [1000] * 8}, stream, left=left)
    clock = 60.0
    shown.round(row(1))
    shown.status("1 of 9 settings done, 2 running, 6 waiting")
    assert screen(stream.getvalue()) == line


def test_elsewhere_no_line_is_wider_than_120_columns(columns):
    columns(40)  # of no meaning for a file
    stream = io.StringIO()
    shown = progress.Progress({LONG: [100.0] * 20}, stream)
    shown.round(row(1, setting=LONG, num_samples=1000000))
    lines = stream.getvalue().splitlines()
    assert len(lines) == 2 and max(map(len, lines)) <= 120
    assert lines[1].startswith("    ")


def test_the_line_is_wiped_at_the_end(columns):
    columns(80)
    stream = Terminal()
    with progress.Progress({"own/warm/seed0": [1000]}, stream) as shown:
        shown.epoch(epoch(1))
        assert screen(stream.getvalue())
    assert screen(stream.getvalue()) == ""


def test_a_dumb_terminal_gets_lines(monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    stream = Terminal()
    shown = progress.Progress({"own/warm/seed0": [1000]}, stream)
    shown.epoch(epoch(1))
    shown.round(row(1, last=True))
    assert "\r" not in stream.getvalue() and "\x1b" not in stream.getvalue()


def test_a_setting_that_diverged_says_why():
    stream = io.StringIO()
    costs = {"own/warm/seed0": [1000, 2000, 3000]}
    shown = progress.Progress(costs, stream)
    shown.round(row(1, last=True, stopped_by="nan"))
    text = " ".join(stream.getvalue().split())
    assert "(nan); setting 1 of 1 own/warm/seed0 it ended because" in text
    assert "Choose a smaller `optimizer.learning_rate`" in text
