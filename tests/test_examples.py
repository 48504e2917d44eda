"""Each example runs, and ends in a number that shows its point."""

import os
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]
# What the last line must say; groups are numbers above zero, or zero.
ENDS = {
    "compare_on_your_data": r"% of its sample passes\. It (did not pay|paid)",
    "custom_loop": r"round 4: 2000 images, [4-9]\d\.\d % held out",
    "mirrored": r"largest difference between the replicas: 0\.0$",
    "weekly_retraining": r"cold +[\d.]+ % held out after \d+ epochs",
}


def test_no_example_is_left_out():
    names = {path.stem for path in (ROOT / "examples").glob("*.py")}
    assert names == set(ENDS)


@pytest.mark.parametrize("name", ENDS)
def test_example(name):
    done = subprocess.run(
        [sys.executable, f"examples/{name}.py"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert re.search(ENDS[name], done.stdout.splitlines()[-1])
