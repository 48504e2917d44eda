"""Ctrl-C while a command is imported."""

import signal
import subprocess
import sys

import pytest

from launch import entry

# What all commands import is the first that receives the signal.
INTERRUPTED = """
import importlib.abc, os, signal, sys
class Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "absl":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Finder())
from launch import entry
getattr(entry, sys.argv[1])()
"""


@pytest.mark.parametrize("name", ["report", "retrain", "run", "sweep"])
def test_interrupted_imports_are_one_sentence(name):
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, name],
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(
            signal.SIGINT, signal.default_int_handler
        ),
    )
    assert done.returncode == 130
    assert done.stderr.startswith("Interrupted")
    assert done.stderr.count("\n") == 1


def test_each_command_is_that_of_its_module(monkeypatch):
    for name in ("report", "retrain", "run", "sweep"):
        called = []
        module = type(sys)(f"launch.{name}")
        module.run = lambda called=called, name=name: called.append(name)
        monkeypatch.setitem(sys.modules, f"launch.{name}", module)
        getattr(entry, name)()
        assert called == [name]
