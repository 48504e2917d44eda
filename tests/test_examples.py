"""Each example runs, and ends in a number that shows its point."""

import os
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]
# What the last line must say; groups are numbers above zero, or zero.
AGAINST = (
    r"shrink-perturb has [+\-\d.]+ points against warm for \d+ % of its "
    r"epochs, and [+\-\d.]+ points against cold for \d+ %\.$"
)
ENDS = {
    "active_learning": AGAINST,
    "backbone": r"has [+\-\d.]+ points and [+\-\d.]+ epochs against warm, and",
    "compare_on_your_data": r"^(Recommendation: begin with|No recommend)",
    "custom_loop": r"held-out accuracy changed by \+\d+\.\d points",
    "growing_vocabulary": r"^Recommended: (cold|warm|shrink_perturb)",
    "late_class": r"^Recommended: (cold|warm|shrink_perturb)",
    "mirrored": r"with the same weights: the largest difference is 0\.0",
    "own_method": r"^tensorboard --logdir=.+runs/own$",
    "tabular_regression": r"^Recommended: (cold|warm|shrink_perturb)",
    "text_classifier": r"^Against cold, .* warm has [+\-\d.]+ points and",
    "time_ordered": r"^Recommendation: begin with",
    "weekly_retraining": AGAINST,
}
ARM = r"^(warm|shrink-perturb|cold) +([\d.]+) % held out after ([\d.]+) epochs"


def active_learning_shows_its_point(text, accuracy):
    assert accuracy["shrink-perturb"] > accuracy["warm"] + 10
    assert accuracy["shrink-perturb"] > accuracy["cold"]


def backbone_shows_its_point(text, accuracy):
    # Some variables of each sort, and none of the frozen ones touched.
    sorts = r"\d+ frozen, \d+ not selected, \d+ a statistic, \d+ mixed, "
    assert re.match(sorts + r"\d+ reset\n", text)
    assert re.search(r"^([1-9]\d*) of \1 frozen variables as", text, re.M)
    assert accuracy["shrink-perturb"] > accuracy["cold"] + 3
    assert accuracy["shrink-perturb"] > accuracy["warm"] - 3


def text_classifier_shows_its_point(text, accuracy):
    assert min(accuracy.values()) > 60  # chance is 33
    assert accuracy["warm"] > max(accuracy.values()) - 3


POINTS = {
    "active_learning": active_learning_shows_its_point,
    "backbone": backbone_shows_its_point,
    "text_classifier": text_classifier_shows_its_point,
}


def test_no_example_is_left_out():
    names = {path.stem for path in (ROOT / "examples").glob("*.py")}
    assert names == set(ENDS)


# Those that compare arms take 15 seconds to two minutes each.
FAST = ("custom_loop",)
EXAMPLES = [
    pytest.param(name, marks=() if name in FAST else pytest.mark.slow)
    for name in ENDS
]


@pytest.mark.parametrize("name", EXAMPLES)
def test_example(name, tmp_path):
    done = subprocess.run(
        [sys.executable, str(ROOT / f"examples/{name}.py")],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    # A line of code follows a recommendation.
    ends = [done.stdout.rstrip().split("\n")[-1]]
    ends += re.findall("^Recommendation.*", done.stdout, re.M)
    assert any(re.search(ENDS[name], end) for end in ends)
    if name in POINTS:
        found = re.findall(ARM, done.stdout, re.M)
        accuracy = {arm: float(percent) for arm, percent, _ in found}
        epochs = {arm: float(count) for arm, _, count in found}
        assert len(found) == len(epochs) == 3
        assert epochs["warm"] == min(epochs.values())
        POINTS[name](done.stdout, accuracy)
