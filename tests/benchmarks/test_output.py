"""What is missing is said before the first turn, and no row is lost."""

import pathlib
import subprocess
import sys

import pytest

from benchmarks import output
from benchmarks import pairs
from benchmarks import suite

ROOT = pathlib.Path(__file__).parents[2]
# One comparison that ends, one that fails after its first row, one that ends.
CODE = """
import sys
from absl import flags
from benchmarks import __main__ as command, pairs, suite

def reports(wall):
    return [{"wall": wall, "cpu": wall, "samples": 10, "loss": 0.1}] * 3

def row(work):
    return pairs.row(work, "ours", reports(1.0), "theirs", reports(2.0))

def fails(count):
    yield row("second")
    raise RuntimeError("out of memory")

suite.SUITE.update(
    sweep=lambda _: iter([row("first")]),
    fused=fails,
    callback=lambda _: iter([row("third")]),
)
flags.FLAGS(["benchmarks", *sys.argv[1:]])
command.main([])
"""


def run(*arguments):
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True
    )


def test_a_package_that_is_missing_is_named_with_the_way_to_it():
    with pytest.raises(SystemExit, match="pip install -e '.\\[bench\\]'") as e:
        output.check("json", "no_such_package", "none.at_all")
    assert "without no_such_package and none.at_all" in str(e.value)
    output.check("json", "numpy")


def test_needs_are_those_of_comparisons_that_there_are():
    assert set(suite.NEEDS) <= set(suite.SUITE)


def test_a_folder_that_cannot_be_written_is_said_before_the_first_turn():
    done = run("-m", "benchmarks", "--only=fused", "--output=/dev/null/x")
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert "Received: --output=/dev/null/x (Not a directory)" in done.stderr


def test_a_comparison_that_fails_loses_no_row(tmp_path):
    done = run(
        *("-c", CODE, "--only=sweep,fused", "--only=callback"),
        f"--output={tmp_path}",
    )
    assert done.returncode == 1
    assert "1 of 3 comparisons have failed" in done.stderr
    assert "--only=fused." in done.stderr and "out of memory" in done.stderr
    works = [row.work for row in pairs.read(tmp_path / "rows.jsonl")]
    assert works == ["first", "second", "third"]
    table = (tmp_path / "tables.md").read_text()
    assert all(f"| {work} | theirs |" in table for work in works)
    assert (tmp_path / "ratios.png").stat().st_size
    assert done.stdout.count("| theirs |") == 3
