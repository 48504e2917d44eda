"""The figures of an accelerator, as a trial on whatever is there."""

import importlib.util
import json
import math
import os
import pathlib
import subprocess
import sys

import pytest

# A minute or more of compiling.
pytestmark = pytest.mark.slow

ROOT = pathlib.Path(__file__).parents[2]
SCRIPT = '''
import sys
class Without:
    """A finder that does not find TensorFlow, as if it were not installed."""
    def __init__(self, finder):
        self.finder = finder
    def find_spec(self, name, *arguments):
        if name.split(".")[0] == "tensorflow":
            return None
        return self.finder.find_spec(name, *arguments)
sys.meta_path[:] = map(Without, sys.meta_path)
from absl import flags
from benchmarks import gpu
flags.FLAGS(["gpu", "--small", "--rows=" + sys.argv[1]])
gpu.main([])
'''
FIELDS = {"card", "work", "program", "dtype", "batch", "seeds", "median"}
FIELDS |= {"low", "high", "unit", "repetitions"}
HAS_TORCH = importlib.util.find_spec("torch") is not None


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """The rows that a trial writes."""
    pytest.importorskip("jax")
    path = tmp_path_factory.mktemp("gpu") / "rows.jsonl"
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, path],
        cwd=ROOT,
        env={**os.environ, "KERAS_BACKEND": "jax"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_each_figure_has_rows(found):
    figures = {(row["work"].split(",")[0], row["dtype"]) for row in found}
    names = {row["program"] for row in found}
    assert ("ResNet-18 training", "float32") in figures
    assert {"Keras on JAX", "Keras on JAX, 2 seeds", "JAX, rbg"} <= names
    assert "copy, scaled" in names


def test_rows_are_complete_positive_numbers(found):
    for row in found:
        assert row.keys() >= FIELDS
        assert 0 < row["low"] <= row["median"] <= row["high"], row
        assert math.isfinite(row["high"])


@pytest.mark.skipif(not HAS_TORCH, reason="PyTorch is not installed")
def test_both_programs_train_alike(found):
    ours, theirs = (r["median"] for r in found if r["unit"] == "nats")
    assert ours == pytest.approx(theirs, rel=1e-3)


@pytest.mark.skipif(not HAS_TORCH, reason="PyTorch is not installed")
def test_programs_are_compared(found):
    for work in ("training", "shrink-perturb"):
        ratios = [
            row["program"]
            for row in found
            if work in row["work"] and row["unit"] == "ratio"
        ]
        assert any("JAX" in name and "PyTorch" in name for name in ratios)
