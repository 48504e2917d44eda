"""What a command imports when it starts."""

import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]
SCRIPT = """
import sys
from launch import start_up
start_up.keras()
import keras
print(sorted({"matplotlib", "sklearn"} & set(sys.modules)))
import matplotlib.pyplot
from sklearn import cluster
start_up.keras()
print(sorted({"matplotlib", "sklearn"} & set(sys.modules)))
"""


def test_keras_comes_without_what_no_command_uses():
    pytest.importorskip("matplotlib")
    pytest.importorskip("sklearn")
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=ROOT, capture_output=True, text=True
    )
    assert done.stdout == "[]\n['matplotlib', 'sklearn']\n", done.stderr
