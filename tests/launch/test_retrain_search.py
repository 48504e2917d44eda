"""`ws-retrain --search`: which start was best on the past rounds."""

import re

import keras
import numpy as np
import pytest
from keras import layers
from sklearn import datasets

from launch import fresh
from ws_keras.data import merged
from ws_keras.data import tables

BUILD = """
import keras

def build():
    model = keras.Sequential(
        [keras.Input((64,)), keras.layers.Dense(8, "relu"),
         keras.layers.Dense(10)]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.03), loss, metrics=["accuracy"])
    return model
"""
QUICK = ("--compare=fire", "--seeds=3", "--max_epochs=2", "--verbose=0")
# Until something is learned, so that a start can be recommended.
LEARNS = ("--compare=fire", "--seeds=3", "--threshold=0.6", "--verbose=0")


@pytest.fixture(scope="module")
def history(tmp_path_factory):
    """Three weeks of digits, in a file each and in one with a column."""
    folder = tmp_path_factory.mktemp("history")
    x, y = datasets.load_digits(return_X_y=True)
    x = (x[:300] / 16).astype("float32")
    y, week = y[:300], np.repeat([31, 32, 40], 100)
    for number in range(3):
        own = slice(100 * number, 100 * (number + 1))
        np.savez(folder / f"week{number}.npz", x=x[own], y=y[own])
    order = np.random.default_rng(0).permutation(300)
    np.savez(folder / "all.npz", x=x[order], y=y[order], week=week[order])
    np.savez(folder / "other.npz", x=x[:50], label=y[:50])
    np.savez(folder / "narrow.npz", x=x[:50, :60], y=y[:50])
    (folder / "models.py").write_text(BUILD)
    scope = {}
    exec(BUILD, scope)
    model = scope["build"]()
    model.fit(x, y, epochs=1, verbose=0)
    model.save(folder / "last.keras")
    return folder


def run(nursery, folder, *flags, model="last.keras", out="new.keras"):
    return nursery.run(
        f"--model={folder / model}",
        f"--out={folder / out}",
        *flags,
        command="launch.retrain",
    )


def files(folder):
    weeks = (f"npz:{folder}/week{number}.npz" for number in range(3))
    return f"--rounds={','.join(weeks)}"


def test_a_history_of_files_and_a_model_that_is_built(nursery, history):
    flags = (files(history), "--search", *QUICK)
    model = "models.py:build"
    found = run(nursery, history, *flags, model=model, out="one.keras")
    assert found.returncode == 0, found.stderr
    assert "of 300 samples are held out" in found.stdout
    stages = re.findall(
        r"Stage (\d), one seed, (\d) rounds: (.+)", found.stdout
    )
    assert [stage[:2] for stage in stages] == [("1", "2"), ("2", "3")]
    assert all(arm in stages[0][2] for arm in ("cold", "warm", "fire"))
    report = (history / "one.md").read_text()
    start = re.search(r"--start=(\S+) (uses it|was taken)", report)
    assert start[1] in ("cold", "warm", "fire", "shrink_perturb-0.4-0.1")
    assert ("No recommendation" in report) == (start[2] == "was taken")
    new = keras.models.load_model(history / "one.keras")
    assert new.optimizer.iterations.numpy() > 0


@pytest.mark.slow
def test_rounds_are_the_values_of_an_array_in_ascending_order(nursery, history):
    """With a huge margin the cheapest start is recommended, and taken."""
    data = f"--data=npz:{history}/all.npz"
    flags = (data, "--rounds=week", "--search", *LEARNS, "--margin=95")
    flags += ("--search_passes=1000000",)
    found = run(nursery, history, *flags, out="two.keras")
    assert found.returncode == 0, found.stderr
    assert "Stage 2, one seed, 3 rounds" in found.stdout
    report = (history / "two.md").read_text()
    assert "The search recommends this start" in report
    assert re.search(r"In round 3 \S+ took [\d,]+ sample passes", report) or (
        "begin with cold" in report
    )
    assert "To begin the next round so:" in report
    assert (history / "two.split.npz").exists()


@pytest.mark.slow
def test_a_start_by_name(nursery, history):
    data = f"--data=npz:{history}/all.npz"
    flags = (data, "--features=x", "--start=fire", *QUICK[2:])
    found = run(nursery, history, *flags, out="three.keras")
    assert found.returncode == 0, found.stderr
    assert "trained with the start fire" in found.stdout


@pytest.mark.quick(every=2)
@pytest.mark.parametrize(
    "flags, words",
    [
        ((), "--data"),
        (("--rounds=npz:{}/week0.npz", "--search"), "Received: 1 from"),
        (("--data=npz:{}/all.npz", "--search"), "neither --rounds nor"),
        (
            ("--data=npz:{}/all.npz", "--search", "--rounds=month"),
            "must hold `month`",
        ),
        (("--data=npz:{}/all.npz", "--rounds=week"), "without --search"),
        (("--data=npz:{}/all.npz", "--search_minutes=2"), "without --search"),
        (
            ("--rounds=npz:{}/week0.npz,npz:{}/other.npz", "--search"),
            "other.npz must hold the same arrays",
        ),
        (
            ("--rounds=npz:{}/week0.npz,npz:{}/narrow.npz", "--search"),
            "Received: (60,) instead of (64,)",
        ),
        (
            ("--rounds=npz:{}/week0.npz", "--data=npz:{}/all.npz"),
            "files only",
        ),
        (
            ("--rounds=3", "--data=npz:{}/all.npz", "--search", "--start=fire"),
            "chooses the start",
        ),
        (
            ("--rounds=3", "--data=npz:{}/all.npz", "--search", "--seeds=2"),
            "at least 3",
        ),
        (
            (
                *("--rounds=3", "--data=npz:{}/all.npz", "--search"),
                *("--search_minutes=-1",),
            ),
            "search_minutes=-1",
        ),
        (
            (
                *("--rounds=3", "--data=npz:{}/all.npz", "--search"),
                *("--search_passes=5", "--max_epochs=1", "--verbose=0"),
            ),
            "--search_passes=5",
        ),
        (
            ("--data=npz:{}/all.npz", "--start=fire", "--shrink=0.2"),
            "must not be given with `--start`",
        ),
        (("--data=npz:{}/all.npz", "--start=tepid"), "arm='tepid'"),
    ],
)
def test_bad_input_is_one_sentence(nursery, history, flags, words):
    flags = [flag.replace("{}", str(history)) for flag in flags]
    found = run(nursery, history, *flags, out="bad.keras")
    assert found.returncode == 1
    assert words in found.stderr and found.stderr.count("\n") == 1
    assert not list(history.glob("bad*"))


def test_files_are_one_table(tmp_path):
    for number, names in enumerate((["b", "a"], ["c", "b", "a"])):
        x = np.arange(len(names)) + 10.0 * number
        np.savez(tmp_path / f"{number}.npz", x=x, city=np.array(names))
    sources = [f"npz:{tmp_path}/{number}.npz" for number in range(2)]
    table = merged.read(sources)
    assert table["x"].tolist() == [0, 1, 10, 11, 12]
    assert table["city"].tolist() == ["b", "a", "c", "b", "a"]
    assert table.of_files(5).tolist() == [0, 0, 1, 1, 1]
    assert isinstance(merged.read(sources[:1]), tables.Table)
    np.savez(tmp_path / "2.npz", x=np.array(["1"]), city=np.array(["a"]))
    table = merged.read([*sources, f"npz:{tmp_path}/2.npz"])
    with pytest.raises(ValueError, match="2.npz must hold `x` like"):
        table["x"]


@pytest.mark.parametrize("kind", [layers.Dense, layers.LSTM])
def test_a_search_begins_with_fresh_weights(kind):
    parts = [keras.Input((4, 2)), kind(3), layers.Flatten()]
    model = keras.Sequential([*parts, layers.Dense(2)])
    model.compile(keras.optimizers.Adam(0.02), "mse")
    for variable in model.trainable_variables:
        variable.assign(variable + 7.0)
    build = fresh.builder(model)
    keras.utils.set_random_seed(3)
    first, second = build(), build()
    keras.utils.set_random_seed(3)
    again = build()
    assert float(first.optimizer.learning_rate) == pytest.approx(0.02)
    kernels = [m.trainable_variables[0].numpy() for m in (first, second, again)]
    assert abs(kernels[0]).max() < 3
    assert (kernels[0] != kernels[1]).any()
    np.testing.assert_array_equal(kernels[0], kernels[2])
