"""The command that retrains a saved model, run as a user runs it."""

import os
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import layers

ROOT = pathlib.Path(__file__).parents[2]


def retrain(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "launch.retrain", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A saved model that has seen a third of the data, and all data."""
    folder = tmp_path_factory.mktemp("retrain")
    rng = np.random.default_rng(0)
    centers = rng.normal(0, 3, (3, 4))
    y = rng.integers(0, 3, 150)
    x = (centers[y] + rng.normal(0, 1, (150, 4))).astype("float32")
    np.savez(folder / "today.npz", x=x, y=y)
    np.savez(folder / "wide.npz", x=np.ones((20, 7), "float32"), y=y[:20])
    np.savez(folder / "labels.npz", x=x[:20], y=y[:20] + 1)
    (folder / "notes.md").write_text("My notes.")
    model = keras.Sequential(
        [keras.Input((4,)), layers.Dense(8, "relu"), layers.Dense(3)]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.02), loss, metrics=["accuracy"])
    model.fit(x[:50], y[:50], epochs=3, verbose=0)
    model.save(folder / "last.keras")
    (folder / "damaged.keras").write_bytes(
        (folder / "last.keras").read_bytes()[:900]
    )
    return folder


@pytest.fixture(scope="module")
def done(folder):
    old = (folder / "last.keras").read_bytes()
    result = retrain(
        f"--model={folder / 'last.keras'}",
        f"--data=npz:{folder / 'today.npz'}",
        f"--out={folder / 'new.keras'}",
        "--compare=cold",
        "--max_epochs=20",
    )
    assert (folder / "last.keras").read_bytes() == old
    return result


def test_new_model_is_the_trained_one(folder, done):
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    data = np.load(folder / "today.npz")
    old, new = (
        keras.models.load_model(folder / f"{name}.keras")
        for name in ("last", "new")
    )
    before, after = (
        m.evaluate(data["x"], data["y"], verbose=0, return_dict=True)
        for m in (old, new)
    )
    assert after["accuracy"] > before["accuracy"]
    assert after["accuracy"] > 0.9
    # It was not only shrunk: it has been trained to the end.
    assert new.optimizer.iterations.numpy() > 0


def test_report_compares_with_cold(folder, done):
    report = (folder / "new.md").read_text(encoding="utf8")
    assert "shrink_perturb 0.4/0.1: " in report
    assert "points against cold (one seed, no error bar)" in report
    assert report.split("\n\n", 1)[1].strip() in done.stdout
    assert str(folder / "new.keras") in done.stdout


def test_nothing_else_is_left_behind(folder, done):
    assert sorted(path.name for path in folder.iterdir()) == [
        "damaged.keras",
        "labels.npz",
        "last.keras",
        "new.keras",
        "new.md",
        "notes.md",
        "today.npz",
        "wide.npz",
    ]


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"model": "none.keras"}, "which is no file"),
        ({"model": "damaged.keras"}, "must be a whole model saved by Keras"),
        ({"data": "npz:{}/wide.npz"}, "Received: x of shape (20, 7)"),
        ({"data": "npz:{}/labels.npz"}, "Received: labels up to 3"),
        ({"out": "notes.keras"}, "notes.md exists"),
        ({"out": "last.keras"}, "which is never touched"),
        ({"out": "other.h5"}, "must end with .keras"),
        ({"shrink": "1.4"}, "Received: shrink=1.4"),
        ({"compare": "tepid"}, "Received: tepid"),
        ({"held_out": "1.5"}, "Received: 1.5 of 150 samples"),
    ],
)
def test_bad_input_is_one_sentence(nursery, folder, changes, words):
    values = {
        "model": "last.keras",
        "data": "npz:{}/today.npz",
        "out": "other.keras",
        **changes,
    }
    for name in ("model", "out"):
        values[name] = str(folder / values[name])
    values["data"] = values["data"].format(folder)
    before = {path: path.read_bytes() for path in folder.iterdir()}
    arguments = [f"--{k}={v}" for k, v in values.items()]
    result = nursery.run(*arguments, command="launch.retrain")
    assert result.returncode == 1
    assert words in result.stderr and result.stderr.count("\n") == 1
    assert {p: p.read_bytes() for p in folder.iterdir()} == before
