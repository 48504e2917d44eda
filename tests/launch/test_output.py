"""What is printed: nothing that a terminal obeys, and its own faults."""

import io
import os
import pathlib
import subprocess
import sys

import pytest

from launch import output

ROOT = pathlib.Path(__file__).parents[2]
needs_full = pytest.mark.skipif(
    not os.path.exists("/dev/full"), reason="needs /dev/full"
)


def command(*arguments, **streams):
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=ROOT,
        text=True,
        check=False,
        **{"capture_output": not streams, **streams},
    )


@needs_full
@pytest.mark.parametrize(
    "arguments",
    [
        ["launch.report", "--help"],
        pytest.param(
            ["launch.run", "--config=quickstart", "--list"],
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_full_output_is_not_the_workdirs_fault(arguments):
    with open("/dev/full", "w") as full:
        done = command(*arguments, stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 1
    (sentence,) = done.stderr.splitlines()
    assert "standard output" in sentence and "No space left" in sentence


@needs_full
def test_a_full_error_leaves_the_status():
    with open("/dev/full", "w") as full:
        done = command(
            *("launch.report", "--workdir=missing"),
            stdout=subprocess.PIPE,
            stderr=full,
        )
    assert (done.returncode, done.stdout) == (1, "")


def test_a_name_that_a_terminal_would_obey(tmp_path):
    """Colors, titles, a cursor that moves, a text that is turned."""
    evil = "a\x1b[31mred\x1b]0;title\x07\x9b2J\r\u202eb"
    for words in (evil, os.fsdecode(b"\xff")):
        done = command("launch.report", f"--workdir={tmp_path / words}")
        assert done.returncode == 1
        assert done.stderr.count("\n") == 1
        assert not set(done.stderr) & set("\x1b\x07\x9b\r\u202e")


def test_our_own_display_goes_back_to_the_start_of_its_line():
    assert output.clean("\r12 of 30\tsettings\n") == "\r12 of 30\tsettings\n"
    assert output.clean("a\rb\x00\x7f") == "a\ufffdb\ufffd\ufffd"
    kept = "é 語 \N{WARNING SIGN} — −"
    assert output.clean(kept) == kept


def test_signs_that_a_terminal_lacks_are_replaced():
    raw = io.BytesIO()
    stream = output.Output(io.TextIOWrapper(raw, "ascii"), "output")
    print("−4.5", file=stream, flush=True)
    assert raw.getvalue() == b"?4.5\n"
