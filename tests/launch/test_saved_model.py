"""A model's file that is none: whose fault it is, and which."""

import os
import random
import zipfile

import keras
import numpy as np
import pytest

from launch import saved_model


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "model.keras"
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.save(path)
    return path


def test_a_whole_one_comes_back(saved):
    model = saved_model.load(saved)
    x = np.ones((1, 3), "float32")
    expected = keras.models.load_model(saved)(x)
    np.testing.assert_array_equal(model(x), expected)


def test_what_is_wrong_with_its_bytes(saved, tmp_path):
    whole = saved.read_bytes()
    noise = random.Random(0).randbytes(5000)
    flipped = bytearray(whole)
    flipped[whole.index(b"model.weights.h5") + 500] ^= 1
    for content, words in (
        (b"", "which is empty"),
        (noise, "damaged or not a model"),
        (whole[:-100], "damaged or not a model"),
        (whole[: len(whole) // 2], "damaged or not a model"),
        (b"PK\x03\x04" + noise, "damaged or not a model"),
        (bytes(flipped), "model.weights.h5 is damaged"),
    ):
        path = tmp_path / "other.keras"
        path.write_bytes(content)
        with pytest.raises(ValueError, match="`--model` must be") as error:
            saved_model.load(path)
        assert f"Received: {path}" in str(error.value)
        assert words in str(error.value)
        assert "not found" not in str(error.value)


def test_code_must_name_a_function(tmp_path):
    path = tmp_path / "model.py"
    path.write_text("import keras")
    with pytest.raises(ValueError, match=f"such as {path}:build"):
        saved_model.check(path)


def test_what_is_no_file(tmp_path):
    os.mkfifo(tmp_path / "pipe.keras")
    for name in ("none.keras", "", "pipe.keras"):
        with pytest.raises(ValueError, match="which is not a file"):
            saved_model.load(tmp_path / name)


def test_an_archive_that_is_no_model(tmp_path):
    path = tmp_path / "other.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", "{}")
    words = "without metadata.json and model.weights.h5"
    with pytest.raises(ValueError, match=words):
        saved_model.load(path)
    with zipfile.ZipFile(path, "a") as archive:
        for name in ("metadata.json", "model.weights.h5"):
            archive.writestr(name, "{}")
    with pytest.raises(ValueError, match="saved by Keras, without code"):
        saved_model.load(path)


def test_one_that_would_not_fit_into_memory(saved):
    with zipfile.ZipFile(saved) as archive:
        size = sum(info.file_size for info in archive.infolist())
    with pytest.raises(ValueError, match="needs 0.00 GiB of memory"):
        saved_model.load(saved, available=lambda: size - 1)
    assert saved_model.load(saved, available=lambda: size)
