"""What a command imports when it starts."""

import logging
import os
import pathlib
import subprocess
import sys

import pytest

from launch import start_up

ROOT = pathlib.Path(__file__).parents[2]
SCRIPT = """
import sys
from launch import start_up
start_up.keras()
import keras
print(sorted({"jax", "matplotlib", "pandas", "sklearn"} & set(sys.modules)))
import matplotlib.pyplot
from sklearn import cluster
start_up.keras()
print(sorted({"matplotlib", "sklearn"} & set(sys.modules)))
"""


def run(script, **environment):
    return subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )


@pytest.mark.slow  # imports all of it anew
def test_keras_comes_without_what_no_command_uses():
    pytest.importorskip("matplotlib")
    pytest.importorskip("sklearn")
    done = run(SCRIPT, KERAS_BACKEND="tensorflow")
    assert done.stdout == "[]\n['matplotlib', 'sklearn']\n", done.stderr


def test_what_tensorflow_says_of_retracing_is_hidden(caplog):
    with start_up.tensorflow():
        pass
    logger = logging.getLogger("tensorflow")
    logger.propagate, before = True, logger.propagate
    try:
        logger.warning("%d of 9 calls triggered tf.function retracing.", 5)
        logger.warning("The disk is full.")
    finally:
        logger.propagate = before
    assert [r.getMessage() for r in caplog.records] == ["The disk is full."]


def test_the_backend_is_imported():
    pytest.importorskip("jax")
    script = (
        "from launch import start_up\n"
        "start_up.keras()\n"
        "import keras\n"
        "print(keras.backend.backend())\n"
    )
    assert run(script, KERAS_BACKEND="jax").stdout == "jax\n"


@pytest.mark.parametrize(
    ("text", "backend"),
    [
        ('{"backend": "jax"}', "jax"),
        ('{"floatx": "float32"}', "tensorflow"),
        ("[]", "tensorflow"),
        ("{", "tensorflow"),
        (None, "tensorflow"),
    ],
)
def test_the_backend_is_that_of_keras(monkeypatch, tmp_path, text, backend):
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    if text is not None:
        (tmp_path / "keras.json").write_text(text)
    assert start_up._backend() == backend
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    assert start_up._backend() == "torch"
