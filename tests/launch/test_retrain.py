"""The command that retrains a saved model, run as a user runs it."""

import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import layers

from ws_keras.data import digests
from ws_keras.data import history
from ws_keras.storage import files

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
    one_hot = keras.Sequential([keras.Input((4,)), layers.Dense(3)])
    one_hot.compile("sgd", "categorical_crossentropy", metrics=["accuracy"])
    one_hot.save(folder / "one_hot.keras")
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
        "--old_samples=50",
        "--compare=cold",
        "--max_epochs=20",
        "--seeds=2",
        "--verbose=0",
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
    assert "against cold: " in report and "2 seeds" in report
    assert "The old model without training: " in report
    assert "learning rate of 0.02" in report
    assert "Of these 0 are old and " in report
    title, answer, *rest, digest = report.strip().split("\n\n")
    assert title == "# new.keras"
    # The page begins with what the terminal ends with.
    assert "ecommendation" in answer
    assert done.stdout.endswith(f"\n\n{answer}\n")
    for paragraph in rest:
        plainly = re.sub(r"^( *)- ", r"\1", paragraph, flags=re.M)
        assert plainly in done.stdout
    assert re.search(r"^- shrink_.*: .*\n  - against cold: ", report, re.M)
    assert digest.split()[-1] == files.sha256(folder / "new.keras")
    assert str(folder / "new.keras") in done.stdout


def test_nothing_else_is_left_behind(folder, done):
    assert sorted(path.name for path in folder.iterdir()) == [
        "damaged.keras",
        "labels.npz",
        "last.keras",
        "new.keras",
        "new.md",
        "new.split.npz",
        "notes.md",
        "one_hot.keras",
        "today.npz",
        "wide.npz",
    ]


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"model": "none.keras"}, "which is not a file"),
        ({"model": "damaged.keras"}, "must be a whole model saved by Keras"),
        ({"model": "one_hot.keras"}, "sparse_categorical_crossentropy"),
        ({"data": "npz:{}/wide.npz"}, "(7,)"),
        ({"data": "npz:{}/labels.npz"}, "Received: labels up to 3"),
        ({"out": "notes.keras"}, "notes.md exists"),
        ({"out": "last.keras"}, "which is never changed"),
        ({"out": "other.h5"}, "must end with .keras"),
        ({"shrink": "1.4"}, "Received: --shrink=1.4"),
        ({"compare": "tepid"}, "Received: arm='tepid'"),
        ({"compare": "dash-0.3-7"}, "alpha=7"),
        ({"held_out": "1.5"}, "held_out=1.5"),
        ({"held_out": "much"}, "held_out=much"),
        ({"held_out": "npz:none.npz"}, "no such file"),
        ({"held_out": "0.001", "split": "last"}, "0 of 150 samples held out"),
        ({"groups": "person"}, "must hold `person`"),
        (
            {"groups": "person", "held_out": "npz:{}/today.npz"},
            "--groups=person with --held_out=npz:",
        ),
        ({"old_samples": "151"}, "old_samples=151 of 150"),
        ({"learning_rate": "-1"}, "learning_rate=-1"),
        ({"seeds": "0"}, "seeds=0"),
        ({"margin": "-1"}, "margin=-1"),
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
    for name in values.keys() & {"data", "held_out"}:
        values[name] = values[name].format(folder)
    before = {path: path.read_bytes() for path in folder.iterdir()}
    arguments = [f"--{k}={v}" for k, v in values.items()]
    result = nursery.run(*arguments, command="launch.retrain")
    assert result.returncode == 1
    assert words in result.stderr and result.stderr.count("\n") == 1
    assert {p: p.read_bytes() for p in folder.iterdir()} == before


def run(nursery, folder, model, data, out, *flags):
    return nursery.run(
        f"--model={folder / model}",
        f"--data=npz:{folder / data}",
        f"--out={folder / out}",
        *flags,
        command="launch.retrain",
    )


def network(inputs, classes):
    model = keras.Sequential(
        [
            keras.Input((inputs,)),
            layers.Dense(48, "relu"),
            layers.Dense(classes),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.01), loss, metrics=["accuracy"])
    return model


@pytest.mark.slow
def test_report_says_how_to_save_the_recommended_start(nursery, tmp_path):
    """With a large margin all starts are as good, and warm is cheap."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 300)
    x = (rng.normal(size=(300, 4)) + 3 * y[:, None]).astype("float32")
    model = network(4, 2)
    model.fit(x, y, epochs=20, verbose=0)
    model.save(tmp_path / "zero.keras")
    np.savez(tmp_path / "one.npz", x=x, y=y)
    found = run(
        nursery,
        tmp_path,
        "zero.keras",
        "one.npz",
        "one.keras",
        "--old_samples=0",
        "--compare=warm",
        "--shrink=0.1",
        "--seeds=3",
        "--margin=90",
    )
    assert "begin with warm" in found.stdout, found.stderr
    assert "add --start=warm --overwrite" in found.stdout
    # The last line is the code that begins the next round so.
    assert found.stdout.splitlines()[-1].strip().startswith("model.fit(x, y)")


@pytest.mark.slow
@pytest.mark.parametrize(
    "split_seed",
    [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2))],
)
def test_noise_teaches_nothing_from_week_to_week(nursery, tmp_path, split_seed):
    """Labels by a coin: whoever finds more than chance has looked."""
    rng = np.random.default_rng(split_seed)
    x = rng.normal(size=(1600, 30)).astype("float32")
    y = rng.integers(0, 2, 1600)
    network(30, 2).save(tmp_path / "week0.keras")
    for week, count in ((1, 800), (2, 1600)):
        np.savez(tmp_path / f"week{week}.npz", x=x[:count], y=y[:count])
    flags = [
        "--old_samples=0",
        f"--split_seed={split_seed}",
        "--batch_size=160",
    ]
    one = run(
        nursery, tmp_path, "week0.keras", "week1.npz", "week1.keras", *flags
    )
    assert one.returncode == 0, one.stderr
    two = run(
        nursery,
        tmp_path,
        "week1.keras",
        "week2.npz",
        "week2.keras",
        "--compare=both",
        "--seeds=3",
        "--batch_size=160",
    )
    assert two.returncode == 0, two.stderr
    text = two.stdout
    levels = [
        float(value)
        for value in re.findall(r"^\S.*: ([\d.]+) % held out, ", text, re.M)
    ]
    assert len(levels) == 3
    assert all(abs(level - 50) < 8 for level in levels)
    assert "No recommendation" in text
    # What was held out is held out again, and was never trained on.
    first, second = (
        history.read(tmp_path / f"week{week}.keras") for week in (1, 2)
    )
    assert second.rule == first.rule and first.rule.seed == split_seed
    assert np.isin(first.held_out, second.held_out).all()
    assert not np.isin(second.held_out, second.trained).any()
    assert f"Of these {len(first.held_out)} are old" in text


@pytest.fixture(scope="module")
def weeks(tmp_path_factory):
    """A model without a record, and two weeks of data that can be learned."""
    folder = tmp_path_factory.mktemp("weeks")
    rng = np.random.default_rng(4)
    centers = rng.normal(0, 3, (3, 4))
    y = rng.integers(0, 3, 400)
    x = (centers[y] + rng.normal(0, 1, (400, 4))).astype("float32")
    person = np.arange(400) % 40
    fields = {"x": x, "y": y, "person": person, "number": np.arange(400)}
    half = {name: array[:200] for name, array in fields.items()}
    np.savez(folder / "one.npz", **half)
    np.savez(folder / "two.npz", **fields)
    scaled = {**fields, "x": (x - x.mean(0)) / x.std(0)}
    np.savez(folder / "scaled.npz", **scaled)
    np.savez(folder / "other.npz", x=x[300:], y=y[300:])
    test = {"x_test": x[300:], "y_test": y[300:]}
    np.savez(folder / "tested.npz", x=x[:300], y=y[:300], **test)
    model = network(4, 3)
    model.fit(x[:200], y[:200], epochs=3, verbose=0)
    model.save(folder / "zero.keras")
    return folder


SHORT = "--max_epochs=4"
QUICK = ("--compare=warm", "--seeds=2", SHORT)


@pytest.fixture(scope="module")
def begun(nursery, weeks):
    """Gives a name to copies of the first week's model and its record."""
    flags = "--old_samples=0", SHORT
    done = run(nursery, weeks, "zero.keras", "one.npz", "first.keras", *flags)
    assert done.returncode == 0, done.stderr

    def copied(name):
        for path in weeks.glob("first.*"):
            shutil.copy(path, weeks / path.name.replace("first", name))
        return f"{name}.keras"

    return copied


@pytest.mark.quick(1)
@pytest.mark.parametrize(
    "flags, words",
    [
        ((), "It is unknown which of these samples"),
        (("--held_out=0.3",), "It is unknown which of these samples"),
    ],
)
def test_model_of_unknown_past_gets_no_verdict(nursery, weeks, flags, words):
    found = run(
        nursery,
        weeks,
        "zero.keras",
        "two.npz",
        "a.keras",
        "--overwrite",
        *QUICK,
        *flags,
    )
    assert found.returncode == 0, found.stderr
    assert f"No recommendation. {words}" in found.stdout
    assert "against warm" not in found.stdout
    # It is said before the training, so that nobody waits for nothing.
    said = found.stderr.split("\n")[0]
    assert words in said and "--old_samples" in said
    # Nor is it known next week, but for the samples that are new then.
    flags = "--overwrite", SHORT
    first = run(nursery, weeks, "zero.keras", "one.npz", "a1.keras", *flags)
    assert first.returncode == 0, first.stderr
    later = run(
        nursery, weeks, "a1.keras", "two.npz", "a2.keras", "--overwrite", *QUICK
    )
    assert "Of these 0 are old and" in later.stdout
    assert "against warm" in later.stdout


@pytest.mark.quick(1)
@pytest.mark.parametrize(
    "data, flags, words",
    [
        ("two.npz", "--old_samples=200", "Of these 0 are old"),
        ("two.npz", "--split=last", "80 of 400 samples are held out: the new"),
        ("one.npz", "--held_out=npz:{}/other.npz", "100 samples are held out"),
        ("tested.npz", "--patience=9", "x_test and y_test of the data"),
    ],
)
def test_what_makes_a_verdict_possible(nursery, weeks, data, flags, words):
    found = run(
        nursery,
        weeks,
        "zero.keras",
        data,
        "b.keras",
        "--overwrite",
        *QUICK,
        flags.format(weeks),
    )
    assert found.returncode == 0, found.stderr
    assert words in found.stdout
    assert "against warm" in found.stdout


@pytest.mark.slow
def test_groups_and_ids_are_kept_from_week_to_week(nursery, weeks):
    flags = ("--old_samples=0", "--groups=person", "--id=number", SHORT)
    first = run(nursery, weeks, "zero.keras", "one.npz", "c1.keras", *flags)
    assert first.returncode == 0, first.stderr
    # Rescaled features: the numbers of the samples are the same.
    second = run(nursery, weeks, "c1.keras", "scaled.npz", "c2.keras", *QUICK)
    assert second.returncode == 0, second.stderr
    assert "each value of 'person'" in second.stdout
    assert "against warm" in second.stdout
    past = history.read(weeks / "c2.keras")
    held = np.isin(digests.keys(np.arange(400)), past.held_out)
    for person in range(40):
        assert len(set(held[np.arange(400) % 40 == person])) == 1
    assert not np.isin(past.held_out, past.trained).any()


@pytest.mark.slow
def test_rescaled_samples_without_an_id_are_noticed(nursery, weeks, begun):
    first = begun("d1")
    second = run(nursery, weeks, first, "scaled.npz", "d2.keras", *QUICK)
    assert "Name an array that identifies them with --id" in second.stdout
    assert "against warm" not in second.stdout


@pytest.mark.slow
def test_a_model_that_was_trained_since_has_no_known_past(
    nursery, weeks, begun
):
    model = keras.models.load_model(weeks / begun("e1"))
    # Saved as it is, it would be the same file, and its past the same.
    model.layers[0].bias.assign(model.layers[0].bias + 1)
    model.save(weeks / "e1.keras")
    second = run(nursery, weeks, "e1.keras", "two.npz", "e2.keras", *QUICK)
    assert "saved again after" in second.stdout
    assert "No recommendation" in second.stdout


@pytest.mark.slow
def test_another_split_seed_never_measures_on_what_was_seen(
    nursery, weeks, begun
):
    first = begun("f1")
    seen = history.read(weeks / first).trained
    second = run(
        nursery,
        weeks,
        first,
        "two.npz",
        "f2.keras",
        "--split_seed=9",
        *QUICK,
    )
    assert second.returncode == 0, second.stderr
    past = history.read(weeks / "f2.keras")
    assert past.rule.seed == 9
    assert len(np.setdiff1d(past.held_out, seen)) > 40
    now = history.of(past.rule, past.trained, past.held_out, np.ones(1))
    assert np.isin(seen, now.trained).all()


def test_diverged_model_is_not_saved(nursery, weeks):
    (weeks / "old.keras").write_bytes(b"precious")
    before = sorted(path.name for path in weeks.iterdir())
    found = run(
        nursery,
        weeks,
        "zero.keras",
        "two.npz",
        "old.keras",
        "--overwrite",
        "--learning_rate=1e30",
        "--old_samples=200",
        "--verbose=0",
    )
    assert found.returncode == 1
    assert "diverged" in found.stderr and found.stderr.count("\n") == 1
    assert (weeks / "old.keras").read_bytes() == b"precious"
    assert sorted(path.name for path in weeks.iterdir()) == before


@pytest.mark.slow
def test_saved_model_is_that_of_the_seed(nursery, weeks):
    """Alone and among others: the same weights."""
    for name, flags in (
        ("g1.keras", ("--seed=1",)),
        ("g2.keras", ("--seed=1", "--seeds=2", "--compare=cold")),
    ):
        found = run(
            nursery,
            weeks,
            "zero.keras",
            "two.npz",
            name,
            "--old_samples=200",
            "--max_epochs=3",
            *flags,
        )
        assert found.returncode == 0, found.stderr
    one, two = (
        keras.models.load_model(weeks / name).get_weights()
        for name in ("g1.keras", "g2.keras")
    )
    for left, right in zip(one, two, strict=True):
        np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize(
    "least", [1, pytest.param(100, marks=pytest.mark.slow)]
)
def test_killed_training_goes_on_to_the_same_model(nursery, weeks, least):
    flags = ("--old_samples=200", "--compare=cold", "--seeds=2", "--overwrite")
    flags += ("--max_epochs=6", "--checkpoint_minutes=1e-9")
    whole = run(nursery, weeks, "zero.keras", "two.npz", "h1.keras", *flags)
    assert whole.returncode == 0, whole.stderr
    rng, kills = random.Random(least), 0
    while kills < least:
        killed = True
        while killed:
            # Before one of the operations on files, of which there are some
            # hundreds; the last ones are those that give the names.
            kill_at = rng.randint(10, 120) if kills < least else None
            done = nursery.run(
                f"--model={weeks / 'zero.keras'}",
                f"--data=npz:{weeks / 'two.npz'}",
                f"--out={weeks / 'h2.keras'}",
                *flags,
                command="launch.retrain",
                kill_at=kill_at,
            )
            killed = done.returncode == -signal.SIGKILL
            kills += killed
        assert done.returncode == 0, done.stderr
        one, two = (
            keras.models.load_model(weeks / f"{name}.keras")
            for name in ("h1", "h2")
        )
        for left, right in zip(one.weights, two.weights, strict=True):
            np.testing.assert_array_equal(left.numpy(), right.numpy())
        # The same words but for the names and the times.
        assert accuracies(weeks / "h1.md") == accuracies(weeks / "h2.md")
        assert not [p for p in weeks.iterdir() if p.name.startswith(".h2")]


def accuracies(path):
    text = path.read_text(encoding="utf8")
    return re.findall(r"[\d.]+ % held out|against [^\n]*", text)
