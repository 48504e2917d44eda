"""What `ws-retrain` takes: tables, texts, late classes, functions."""

import dataclasses
import re

import keras
import numpy as np
import pytest
from keras import layers
from sklearn import datasets as tables

from ws_keras.data import history
from ws_keras.data import splits
from ws_keras.storage import files

QUICK = ("--max_epochs=3", "--verbose=0")


def run(nursery, folder, *, model, data, out="new.keras", flags=()):
    return nursery.run(
        f"--model={folder / model}",
        f"--data={data.format(folder)}",
        f"--out={folder / out}",
        *QUICK,
        *flags,
        command="launch.retrain",
    )


def classifier(width, classes):
    model = keras.Sequential(
        [
            keras.Input((width,)),
            layers.Dense(16, "relu"),
            layers.Dense(classes, name="logits"),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.01), loss, metrics=["acc"])
    return model


def regression(width):
    model = keras.Sequential([keras.Input((width,)), layers.Dense(1)])
    model.compile("adam", "mse", metrics=["mae"])
    return model


@pytest.fixture(scope="module")
def patients(tmp_path_factory):
    """Rows of scikit-learn's diabetes data as a table, newest first."""
    pytest.importorskip("pandas")  # an extra
    folder = tmp_path_factory.mktemp("patients")
    found = tables.load_diabetes()
    names = [*found.feature_names, "progression", "visit"]
    lines = [",".join(names)]
    for place in reversed(range(200)):
        row = [*found.data[place], found.target[place]]
        day = np.datetime64("2026-01-01") + place
        lines.append(",".join([*(f"{v:.6f}" for v in row), str(day)]))
    (folder / "today.csv").write_text("\n".join(lines))
    regression(10).save(folder / "last.keras")
    return folder


@pytest.mark.slow
def test_regression_on_a_table_in_the_order_of_time(nursery, patients):
    done = run(
        nursery,
        patients,
        model="last.keras",
        data="csv:{}/today.csv",
        flags=(
            "--target=progression",
            "--order_by=visit",
            "--compare=both",
            "--seeds=2",
        ),
    )
    assert done.returncode == 0, done.stderr
    assert "40 of 200 samples are held out: the newest 20 %" in done.stdout
    assert re.search(r"^warm: mae [\d.]+ held out", done.stdout, re.M)
    assert "The old model without training: 1" in done.stdout
    # It is the error of the last 40 of the table's 200 patients.
    found = tables.load_diabetes()
    x, y = found.data[160:200], found.target[160:200]
    old = keras.models.load_model(patients / "last.keras")
    error = np.abs(old.predict(x, verbose=0)[:, 0] - y).mean()
    said = re.search(r"without training: ([\d.]+) held out", done.stdout)[1]
    assert abs(float(said) - error) < 0.1
    # A week later, the time is that of the record.
    done = run(
        nursery,
        patients,
        model="new.keras",
        data="csv:{}/today.csv",
        out="next.keras",
        flags=("--target=progression",),
    )
    assert done.returncode == 0, done.stderr
    assert "40 of 200 samples are held out: the newest 20 %" in done.stdout
    assert "by 'visit'" in done.stdout and "40 are old" in done.stdout


@pytest.mark.slow
def test_columns_in_another_order_are_those_of_the_record(nursery, patients):
    found = tables.load_diabetes()
    columns = dict(zip(found.feature_names, found.data.T, strict=True))
    columns["progression"] = found.target
    for name, order, rows in (
        ("sorted", sorted(columns), slice(0, 200)),
        ("turned", [*columns][::-1], slice(200, 260)),
    ):
        np.savetxt(
            patients / f"{name}.csv",
            np.stack([columns[n][rows] for n in order], 1),
            fmt="%.6f",
            delimiter=",",
            header=",".join(order),
            comments="",
        )
    model = regression(10)
    model.save(patients / "old.keras")
    past = history.of(splits.Rule(), np.ones(1), np.ones(1), np.ones(1))
    past = dataclasses.replace(past, features=tuple(found.feature_names))
    with history.place(patients / "old.keras").open("wb") as file:
        history.write(file, past, files.sha256(patients / "old.keras"))
    done = run(
        nursery,
        patients,
        model="old.keras",
        data="csv:{}/sorted.csv",
        out="of_sorted.keras",
        flags=(
            "--target=progression",
            f"--held_out=csv:{patients / 'turned.csv'}",
        ),
    )
    assert done.returncode == 0, done.stderr
    x, y = found.data[200:260], found.target[200:260]
    for words, name in (
        (r"without training: ([\d.]+) held out", "old"),
        (r"^shrink_.*: mae ([\d.]+) held out", "of_sorted"),
    ):
        saved = keras.models.load_model(patients / f"{name}.keras")
        error = np.abs(saved.predict(x, verbose=0)[:, 0] - y).mean()
        said = re.search(words, done.stdout, re.M)
        assert abs(float(said[1]) - error) < 0.1, name
    again = history.read(patients / "of_sorted.keras")
    assert again.features == tuple(found.feature_names)


@pytest.mark.parametrize(
    ("flag", "words"),
    [
        ("--features=age,progression", "in both"),
        ("--old_samples=20", "Sort the file by time"),
    ],
)
def test_what_would_make_numbers_too_good_is_refused(
    nursery, patients, flag, words
):
    done = run(
        nursery,
        patients,
        model="last.keras",
        data="csv:{}/today.csv",
        out="other.keras",
        flags=("--target=progression", "--order_by=visit", flag),
    )
    assert done.returncode == 1 and words in done.stderr


def test_a_column_that_equals_the_target_is_named(nursery, patients, tmp_path):
    header, *lines = (patients / "today.csv").read_text().split("\n")
    place = header.split(",").index("progression")
    kept = ["bp", "age", "progression", "grams"]
    table = [",".join(kept)]
    for line in lines:
        cells = dict(zip(header.split(","), line.split(","), strict=True))
        cells["grams"] = str(1000 * float(line.split(",")[place]))
        table.append(",".join(cells[name] for name in kept))
    (tmp_path / "today.csv").write_text("\n".join(table))
    regression(3).save(tmp_path / "last.keras")
    done = run(
        nursery,
        tmp_path,
        model="last.keras",
        data="csv:{}/today.csv",
        flags=("--target=progression", "--old_samples=0"),
    )
    assert done.returncode == 0, done.stderr
    said = "The target equals feature 'grams' of the samples, except"
    assert said in done.stdout and said in done.stderr


def test_columns_without_a_role_are_named(nursery, patients):
    done = run(
        nursery,
        patients,
        model="last.keras",
        data="csv:{}/today.csv",
        out="other.keras",
        flags=("--target=progression",),
    )
    assert done.returncode == 1
    assert "'visit'" in done.stderr and "--features" in done.stderr


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """A model of the digits 0 to 7, its record, and all ten digits."""
    folder = tmp_path_factory.mktemp("digits")
    x, y = tables.load_digits(return_X_y=True)
    x, y = x[:600] / 16, y[:600]
    first = y < 8
    np.savez(folder / "first.npz", x=x[first], y=y[first])
    np.savez(folder / "all.npz", x=x, y=y)
    classifier(64, 8).save(folder / "zero.keras")
    return folder


@pytest.fixture(scope="module")
def first(nursery, digits):
    done = run(
        nursery,
        digits,
        model="zero.keras",
        data="npz:{}/first.npz",
        out="one.keras",
        flags=("--old_samples=0", "--max_epochs=15"),
    )
    assert done.returncode == 0, done.stderr
    return done


def test_late_classes_are_shown_apart(nursery, digits, first):
    arguments = {
        "model": "one.keras",
        "data": "npz:{}/all.npz",
        "out": "two.keras",
    }
    done = run(nursery, digits, **arguments)
    assert done.returncode == 1 and "--grow" in done.stderr
    done = run(
        nursery,
        digits,
        **arguments,
        flags=("--grow", "--compare=warm", "--seeds=2", "--max_epochs=20"),
    )
    assert done.returncode == 0, done.stderr
    assert "had 8 classes and now has 10" in done.stdout
    (table,) = re.findall(r"^(\| held out.*?)\n\n", done.stdout, re.M | re.S)
    header, _, *lines = [
        [cell.strip() for cell in line.strip("| ").split("|")]
        for line in table.splitlines()
    ]
    names = [re.sub(r" \(.*", "", name) for name in header]
    assert names == [
        "held out",
        "all",
        "old samples",
        "new samples",
        "old classes",
        "new classes",
    ]
    values = {
        name: [float(cell.rstrip(" %")) for cell in cells]
        for name, *cells in lines
    }
    old_model, warm = values["the old model"], values["warm"]
    assert "shrink_perturb 0.4/0.1" in values  # as in the other table
    # It cannot know the classes that it never saw; the new one does.
    assert old_model[4] == 0 and warm[4] > 50
    assert old_model[3] > 70 and warm[3] > 70
    grown = keras.models.load_model(digits / "two.keras")
    assert grown.output_shape == (None, 10)


@pytest.mark.slow
def test_share_of_old_samples(nursery, digits, first):
    done = run(
        nursery,
        digits,
        model="one.keras",
        data="npz:{}/all.npz",
        out="replayed.keras",
        flags=("--grow", "--replay=0.25"),
    )
    assert done.returncode == 0, done.stderr
    said = re.search(
        r"takes (\d+) new samples and (\d+) of (\d+) old ones", done.stdout
    )
    new, again, old = map(int, said.groups())
    assert 0.15 < again / old < 0.35
    passes = re.search(r"([\d,]+) sample passes in 3 epochs", done.stdout)[1]
    assert int(passes.replace(",", "")) == 3 * (new + again)


def test_labels_beyond_the_next_classes(nursery, digits, first):
    data = np.load(digits / "first.npz")
    y = np.where(data["y"] == 7, 900, data["y"])
    np.savez(digits / "years.npz", x=data["x"], y=y)
    done = run(
        nursery,
        digits,
        model="one.keras",
        data="npz:{}/years.npz",
        out="years.keras",
        flags=("--grow",),
    )
    assert done.returncode == 1
    assert "1 new label up to 900" in done.stderr
    assert "Number them from 8 on" in done.stderr


def test_new_words_of_a_table_of_texts(nursery, tmp_path):
    pytest.importorskip("pandas")  # an extra
    rng = np.random.default_rng(0)
    words = layers.TextVectorization(output_sequence_length=3, name="words")
    words.adapt(["red apple please", "green pear please"])
    model = keras.Sequential(
        [
            keras.Input((), dtype="string", name="text"),
            words,
            layers.Embedding(7, 4, name="rows"),
            layers.GlobalAveragePooling1D(),
            layers.Dense(2),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=["accuracy"])
    model.save(tmp_path / "last.keras")
    fruit = {0: ["apple", "quince"], 1: ["pear", "medlar"]}
    lines = ["text,label"]
    for number in range(120):
        label = int(rng.integers(2))
        lines.append(f"{rng.choice(fruit[label])} number {number},{label}")
    (tmp_path / "today.csv").write_text("\n".join(lines))
    done = run(
        nursery,
        tmp_path,
        model="last.keras",
        data="csv:{}/today.csv",
        flags=("--target=label", "--old_samples=0", "--grow"),
    )
    assert done.returncode == 0, done.stderr
    assert "are added to 'rows'" in done.stdout
    grown = keras.models.load_model(tmp_path / "new.keras")
    vocabulary = grown.layers[0].get_vocabulary()
    assert vocabulary[:7] == words.get_vocabulary()
    assert {"quince", "medlar"} <= set(vocabulary[7:])


BUILD = """
import keras

def build():
    model = keras.Sequential([keras.Input((64,)), keras.layers.Dense(10)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=["accuracy"])
    return model

def broken():
    return keras.Sequential([keras.layers.Dense(10)])

def failing():
    raise RuntimeError("no weights today")

def bare():
    return keras.Sequential([keras.Input((64,)), keras.layers.Dense(10)])
"""


@pytest.mark.quick(1)
@pytest.mark.parametrize("compare", [(), ("--compare=both", "--seeds=2")])
def test_model_that_is_built_has_no_past(nursery, digits, compare, tmp_path):
    (tmp_path / "own_classes.py").write_text("CLASSES = 10")
    text = BUILD.replace("Dense(10)", "Dense(CLASSES)")
    (tmp_path / "own.py").write_text(f"from own_classes import CLASSES\n{text}")
    done = nursery.run(
        f"--model={tmp_path / 'own.py'}:build",
        f"--data=npz:{digits / 'all.npz'}",
        f"--out={tmp_path / 'new.keras'}",
        *QUICK,
        "--max_epochs=15",
        *compare,
        command="launch.retrain",
    )
    assert done.returncode == 0, done.stderr
    assert "Of these 0 are old" in done.stdout
    assert "The old model" not in done.stdout
    model = keras.models.load_model(tmp_path / "new.keras")
    x, y = (np.load(digits / "all.npz")[name] for name in ("x", "y"))
    assert model.evaluate(x, y, verbose=0)[1] > 0.3


@pytest.mark.slow
def test_a_killed_first_training_continues_to_the_same_model(
    nursery, digits, tmp_path
):
    (tmp_path / "own.py").write_text(BUILD)

    def train(out, **options):
        return nursery.run(
            f"--model={tmp_path / 'own.py'}:build",
            f"--data=npz:{digits / 'all.npz'}",
            f"--out={tmp_path / out}",
            *QUICK,
            "--checkpoint_minutes=1e-9",
            command="launch.retrain",
            **options,
        )

    def weights(out):
        return keras.models.load_model(tmp_path / out).get_weights()

    assert train("killed.keras", kill_at=30).returncode == -9
    assert list(tmp_path.glob(".killed.*.training/**/checkpoint-*"))
    for out in ("killed.keras", "whole.keras"):
        done = train(out)
        assert done.returncode == 0, done.stderr
    pairs = zip(weights("killed.keras"), weights("whole.keras"), strict=True)
    for ours, theirs in pairs:
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("other", "build, broken, failing"),
        ("broken", "not built"),
        ("bare", "Call `model.compile` in this function."),
        ("failing", "line 14 (RuntimeError: no weights today)"),
    ],
)
def test_function_that_builds_no_model(nursery, digits, name, words, tmp_path):
    (tmp_path / "own.py").write_text(BUILD)
    done = nursery.run(
        f"--model={tmp_path / 'own.py'}:{name}",
        f"--data=npz:{digits / 'all.npz'}",
        f"--out={tmp_path / 'new.keras'}",
        command="launch.retrain",
    )
    assert done.returncode == 1 and words in done.stderr
    assert done.stderr.count("\n") == 1 and "--model" in done.stderr


def test_older_format_is_refused_by_its_suffix(nursery, digits, tmp_path):
    (tmp_path / "old.h5").write_bytes(b"\x89HDF\r\n")
    done = nursery.run(
        f"--model={tmp_path / 'old.h5'}",
        f"--data=npz:{digits / 'all.npz'}",
        f"--out={tmp_path / 'new.keras'}",
        command="launch.retrain",
    )
    assert done.returncode == 1
    assert "'.h5'" in done.stderr and "compile=False" in done.stderr
