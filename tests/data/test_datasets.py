"""Data sets by name: TensorFlow Datasets' format, real and made here."""

import dataclasses
import hashlib
import os
import pathlib
import signal
import subprocess
import sys

import numpy as np
import pytest
import tensorflow_datasets as tfds

from ws_keras.data import datasets

ROOT = pathlib.Path(__file__).parents[2]
REAL = os.environ.get("WS_KERAS_DATA_DIR")
needs_real = pytest.mark.skipif(
    REAL is None, reason="WS_KERAS_DATA_DIR names no folder of real images"
)
SHAPES = {
    "cifar10": (32, 32, 3),
    "cifar100": (32, 32, 3),
    "svhn_cropped": (32, 32, 3),
    "mnist": (28, 28, 1),
    "fashion_mnist": (28, 28, 1),
}
SIZES = {"train": 30, "test": 10}


def prepare(name, data_dir):
    """Prepares a small set by TFDS' own code, from samples made here."""
    builder = tfds.builder(name, data_dir=data_dir)
    features = builder.info.features
    classes = features["label"].num_classes
    rng = np.random.default_rng(len(name))
    parts = {
        part: (
            rng.integers(0, 256, (size, *SHAPES[name]), dtype=np.uint8),
            rng.permutation(np.arange(size) % classes),
        )
        for part, size in SIZES.items()
    }

    def examples(part):
        for index, (image, label) in enumerate(zip(*parts[part], strict=True)):
            every = {
                "id": f"{part}_{index:05}",
                "image": image,
                "label": label,
                "coarse_label": 0,
            }
            yield f"{part}{index}", {key: every[key] for key in features}

    builder._split_generators = lambda _: {p: examples(p) for p in parts}
    builder.download_and_prepare()
    return parts


def in_order(x, y):
    """Samples sorted by their pixels: TFDS shuffles while it writes."""
    order = np.lexsort(x.reshape(len(x), -1).T)
    return x[order], y[order]


@pytest.mark.parametrize("name", SHAPES)
def test_small_sets_come_back_bit_for_bit(tmp_path, name):
    parts = prepare(name, tmp_path)
    found = datasets.load(name, tmp_path, download=False, with_test=True)
    for part, x, y in (
        ("train", found.x, found.y),
        ("test", found.x_test, found.y_test),
    ):
        for ours, theirs in zip(
            in_order(x, y), in_order(*parts[part]), strict=True
        ):
            np.testing.assert_array_equal(ours, theirs)
        assert x.dtype == np.uint8 and y.dtype == np.int32
    assert found.num_classes == (100 if name == "cifar100" else 10)


@pytest.mark.parametrize("with_test", [False, True])
def test_a_saved_set_needs_no_tensorflow_datasets(tmp_path, with_test):
    prepare("cifar10", tmp_path / "tfds")
    known = datasets.load(
        "cifar10", tmp_path / "tfds", download=False, with_test=with_test
    )
    path = datasets.save(known, tmp_path / "npz")
    found = datasets.load("cifar10", path.parent, with_test=with_test)
    assert (found.name, found.num_classes) == ("cifar10", 10)
    for name in ("x", "y", "x_test", "y_test"):
        ours, theirs = getattr(found, name), getattr(known, name)
        np.testing.assert_array_equal(ours, theirs)
        assert (theirs is None) == (name.endswith("test") and not with_test)


def test_a_saved_set_of_other_labels_is_refused(tmp_path):
    x = np.zeros((12, 32, 32, 3), "uint8")
    np.savez(tmp_path / "cifar10.npz", x=x, y=np.arange(12))
    with pytest.raises(ValueError, match="labels up to 11"):
        datasets.load("cifar10", tmp_path)


def test_mnist_in_the_shape_of_cifar(tmp_path):
    prepare("mnist", tmp_path)
    plain, found = (
        datasets.load(name, tmp_path, download=False, with_test=True)
        for name in ("mnist", "mnist_rgb")
    )
    for ours, theirs in ((found.x, plain.x), (found.x_test, plain.x_test)):
        assert ours.shape[1:] == (32, 32, 3) and ours.dtype == np.uint8
        for channel in range(3):
            inside = ours[:, 2:30, 2:30, channel]
            np.testing.assert_array_equal(inside, theirs[..., 0])
        assert ours.sum() == 3 * theirs.sum()
    np.testing.assert_array_equal(found.y, plain.y)
    assert datasets.num_train("mnist_rgb") == 60_000


def test_test_part_is_read_only_when_asked_for(tmp_path):
    prepare("mnist", tmp_path)
    found = datasets.load("mnist", tmp_path, download=False)
    assert found.x.shape == (30, 28, 28, 1)
    assert found.x_test is None and found.y_test is None


def damage(data_dir, change):
    (path,) = data_dir.rglob("*-train.tfrecord*")
    path.write_bytes(change(path.read_bytes()))


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content[:-40],
        lambda content: content[: len(content) // 2],
        lambda content: b"",
        lambda content: content[:500] + b"\xff" + content[501:],
    ],
    ids=["end cut", "half", "empty", "a byte"],
)
def test_damaged_records_are_named(tmp_path, change):
    prepare("mnist", tmp_path)
    damage(tmp_path, change)
    with pytest.raises(ValueError) as error:
        datasets.load("mnist", tmp_path, download=False)
    assert "The files of the data set 'mnist'" in str(error.value)
    assert "Received: " in str(error.value)
    assert str(tmp_path) in str(error.value)


def test_damaged_description_is_named(tmp_path):
    prepare("mnist", tmp_path)
    (path,) = tmp_path.rglob("dataset_info.json")
    path.write_text("{")
    with pytest.raises(ValueError, match="must be complete. Received: "):
        datasets.load("mnist", tmp_path, download=False)


@pytest.mark.parametrize("size", ["25", "45"])
def test_description_and_records_must_agree(tmp_path, size):
    prepare("mnist", tmp_path)
    (path,) = tmp_path.rglob("dataset_info.json")
    text = path.read_text()
    assert text.count('"30"') == 1
    path.write_text(text.replace('"30"', f'"{size}"'))
    with pytest.raises(ValueError, match="must be complete. Received: "):
        datasets.load("mnist", tmp_path, download=False)


def test_records_of_another_set_and_none(tmp_path):
    for name in ("mnist", "cifar10"):
        prepare(name, tmp_path / name)
    (path,) = (tmp_path / "mnist").rglob("*-train.tfrecord*")
    (other,) = (tmp_path / "cifar10").rglob("*-train.tfrecord*")
    other.replace(path)
    with pytest.raises(ValueError, match="'mnist' .* Received: "):
        datasets.load("mnist", tmp_path / "mnist", download=False)
    with pytest.raises(ValueError, match="'cifar10' .* Received: "):
        datasets.load("cifar10", tmp_path / "cifar10", download=False)


@pytest.mark.parametrize("folder", ["", "none"])
def test_folder_without_the_data_set(tmp_path, folder):
    with pytest.raises(ValueError, match="`--data_dir` must .* Received: "):
        datasets.load("cifar10", tmp_path / folder, download=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.quick(1)
@pytest.mark.parametrize("folder", [".", "new"])
def test_offline_with_download_on_is_a_sentence(tmp_path, folder):
    (tmp_path / "kept").write_text("older")
    script = (
        "import sys\n"
        "from ws_keras.data import datasets\n"
        "try:\n"
        "    datasets.load('cifar10', sys.argv[1])\n"
        "except ValueError as error:\n"
        "    print(error)\n"
    )
    # A proxy that nobody listens at is a machine without a network.
    proxies = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY")
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / folder)],
        env={
            **os.environ,
            **dict.fromkeys(proxies, "http://127.0.0.1:9"),
            "PYTHONPATH": str(ROOT),
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0
    assert "The data set 'cifar10' could not be downloaded" in done.stdout
    assert "--data_dir" in done.stdout
    assert list(tmp_path.rglob("*")) == [tmp_path / "kept"]


def test_unknown_name():
    with pytest.raises(
        ValueError, match="Received: 'cifar11'. Did you mean 'cifar10'"
    ):
        datasets.load("cifar11")


def test_sizes_of_the_official_training_sets():
    assert {name: datasets.num_train(name) for name in SHAPES} == {
        "cifar10": 50_000,
        "cifar100": 50_000,
        "svhn_cropped": 73_257,
        "mnist": 60_000,
        "fashion_mnist": 60_000,
    }
    with pytest.raises(ValueError, match="Received: 'cifar'. .*Choose one"):
        datasets.num_train("cifar")


def test_textures_and_arrays_by_name(tmp_path):
    found = datasets.load("textures", with_test=True)
    assert len(found.x) == datasets.num_train("textures") == 6000
    assert len(found.x_test) == 3000 and found.num_classes == 10
    path = tmp_path / "own.npz"
    np.savez(path, x=np.ones((4, 2), "float32"), y=np.array([0, 1, 4, 1]))
    found = datasets.load(f"npz:{path}")
    assert found.num_classes == 5 and found.name == f"npz:{path}"
    assert datasets.num_train(f"npz:{path}") == 4


@pytest.mark.slow
@needs_real
def test_real_cifar10():
    found = datasets.load("cifar10", REAL, download=False, with_test=True)
    assert found.x.shape == (50_000, 32, 32, 3)
    assert found.x_test.shape == (10_000, 32, 32, 3)
    assert found.x.dtype == found.x_test.dtype == np.uint8
    assert np.bincount(found.y).tolist() == [5000] * 10
    assert np.bincount(found.y_test).tolist() == [1000] * 10
    assert len(found.x) == datasets.num_train("cifar10")
    # Of the original; a re-encoded copy is off by a little over a level.
    mean = found.x.mean((0, 1, 2))
    np.testing.assert_allclose(mean, [125.3, 123.0, 113.9], atol=1.5)


@pytest.mark.slow
@needs_real
def test_real_mnist():
    found = datasets.load("mnist", REAL, download=False)
    assert found.x.shape == (60_000, 28, 28, 1)
    assert found.x.dtype == np.uint8
    counts = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(found.y).tolist() == counts


def test_set_without_a_test_part(tmp_path):
    builder = tfds.builder("mnist", data_dir=tmp_path)
    image = np.zeros((28, 28, 1), np.uint8)
    builder._split_generators = lambda _: {
        "train": iter([("0", {"image": image, "label": 0})])
    }
    builder.download_and_prepare()
    with pytest.raises(ValueError, match="'mnist' .* Received: "):
        datasets.load("mnist", tmp_path, download=False, with_test=True)


@pytest.mark.slow
def test_offline_a_used_folder_is_left_as_it_was(tmp_path):
    (tmp_path / "downloads" / "extracted").mkdir(parents=True)
    script = (
        "import sys\n"
        "from ws_keras.data import datasets\n"
        "try:\n"
        "    datasets.load('mnist', sys.argv[1])\n"
        "except ValueError as error:\n"
        "    print(error)\n"
    )
    proxies = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY")
    before = sorted(tmp_path.rglob("*"))
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        env={
            **os.environ,
            **dict.fromkeys(proxies, "http://127.0.0.1:9"),
            "PYTHONPATH": str(ROOT),
        },
        capture_output=True,
        text=True,
    )
    assert "could not be downloaded" in done.stdout
    assert sorted(tmp_path.rglob("*")) == before


def test_fingerprints_tell_samples_labels_and_parts_apart():
    x, y = np.zeros((4, 3), "uint8"), np.zeros(4, "int32")
    one = datasets.Dataset("own", x, y, 2)
    known = hashlib.sha256(b"uint8 (4, 3);" + bytes(12))
    known.update(b"int32 (4,);" + bytes(16))
    assert datasets.fingerprints(one) == {"own": known.hexdigest()}
    others = [
        dataclasses.replace(one, x=x.reshape(3, 4)),
        dataclasses.replace(one, x=x.view("int8")),
        dataclasses.replace(one, y=y + 1),
        dataclasses.replace(one, x=np.eye(4, 3, dtype="uint8")),
    ]
    signs = {datasets.fingerprints(d)["own"] for d in [one, *others]}
    assert len(signs) == 5
    both = datasets.fingerprints(dataclasses.replace(one, x_test=x, y_test=y))
    assert both["own"] == both["own test"] == known.hexdigest()


def test_fingerprint_of_textures_is_the_same_on_all_cpus():
    """It stands for these images: other ones need another version."""
    found = datasets.load("textures", with_test=True)
    assert datasets.fingerprints(found) == {"textures": "version 1"}
    means = [found.x.mean(), found.x.std(), found.x_test.mean()]
    np.testing.assert_allclose(means, [127.0665, 56.8235, 127.0346], atol=1e-3)
    assert found.y[:8].tolist() == [5, 2, 5, 3, 6, 2, 5, 2]


# Prepares MNIST by TFDS from samples made here, one after each line of input.
PREPARING = """
import functools
import os
import signal
import sys
import numpy as np
import tensorflow_datasets as tfds
from ws_keras.data import datasets

# A shell ignores it for what it runs in the background.
signal.signal(signal.SIGINT, signal.default_int_handler)
# TFDS prints, too.
out = os.fdopen(os.dup(1), "w")
say = functools.partial(print, file=out, flush=True)
sys.stdout = sys.stderr
datasets.print = say  # whom it waits for

def samples():
    say("begun")
    for number, line in enumerate(sys.stdin):
        if line == "fail\\n":
            raise OSError("no more of it")
        yield str(number), {"image": np.zeros((28, 28, 1), "uint8"), "label": 1}

tfds.builder_cls("mnist")._split_generators = lambda *_: {"train": samples()}
say("ready")
try:
    say(len(datasets.load("mnist", sys.argv[1]).x), "samples")
except ValueError as error:
    say(error)
"""


def preparing(folder):
    process = subprocess.Popen(
        [sys.executable, "-c", PREPARING, str(folder)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout.readline() == "ready\n"
    return process


def assert_waits(process, other):
    said = process.stdout.readline()
    assert said.startswith(f"mnist is being prepared by process {other.pid} on")


@pytest.mark.slow
def test_one_that_is_broken_off_leaves_the_download_of_another(tmp_path):
    folder = tmp_path / "new"
    with preparing(folder) as first:
        assert first.stdout.readline() == "begun\n"
        with preparing(folder) as second:
            assert_waits(second, first)
            second.send_signal(signal.SIGINT)
            assert second.stdout.read() == "" and second.wait() != 0
        with preparing(folder) as third:
            assert_waits(third, first)
            first.communicate("one\ntwo\n")
            # It has waited, and finds what the first has prepared.
            assert third.stdout.readline() == "2 samples\n"
    assert len(datasets.load("mnist", folder, download=False).x) == 2
    assert sorted(p.name for p in folder.iterdir()) == ["downloads", "mnist"]


@pytest.mark.slow
def test_what_fails_leaves_nothing_to_one_that_waits(tmp_path):
    folder = tmp_path / "new"
    with preparing(folder) as first:
        assert first.stdout.readline() == "begun\n"
        with preparing(folder) as second:
            assert_waits(second, first)
            said, _ = first.communicate("one\nfail\n")
            assert "could not be downloaded" in said and "no more" in said
            assert second.communicate("one\n")[0] == "begun\n1 samples\n"
    with preparing(tmp_path / "other") as alone:
        assert "no more" in alone.communicate("fail\n")[0]
    assert [p.name for p in tmp_path.iterdir()] == ["new"]
