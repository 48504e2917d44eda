"""Augmentation acts in training only and stays within its bounds."""

import json
import os
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest

from ws_keras import models
from ws_keras.models import augmentation

ROOT = pathlib.Path(__file__).parents[2]
IMAGES = np.random.default_rng(0).integers(0, 256, (16, 32, 32, 3), "uint8")


@pytest.fixture(scope="module")
def layers():
    start = keras.Input((32, 32, 3))
    end = augmentation.augmented(start, "standard", (32, 32))
    return keras.Model(start, end)


def test_evaluation_sees_the_images_themselves(layers):
    images = IMAGES.astype("float32")
    np.testing.assert_allclose(layers(images, training=False), images)


def test_training_sees_others_each_time(layers):
    images = np.full((64, 32, 32, 3), 100, "float32")
    one, two = (np.array(layers(images, training=True)) for _ in range(2))
    assert one.shape == images.shape
    assert np.abs(one - two).mean() > 1
    # Of a grey image brightness alone moves the center, by up to a quarter of
    # the range.
    center = one[:, 16, 16].mean(-1)
    assert center.min() > 100 - 64 - 1 and center.max() < 100 + 64 + 1
    assert center.std() > 10
    # Crops of the padded image show black edges.
    assert (one[:, 0, :, :].max((1, 2)) == 0).any()


@pytest.mark.parametrize("side, most", [(16, 1), (32, 2)])
def test_a_shift_is_by_whole_pixels_up_to_a_sixteenth(side, most):
    start = keras.Input((side, side, 3))
    shift = keras.Model(
        start, augmentation.augmented(start, "shift", (side, side))
    )
    images = 1 + IMAGES[:, :side, :side].astype("float32")
    shifts = set()
    for image, seen in zip(
        images, np.array(shift(images, training=True)), strict=True
    ):
        padded = np.pad(image, [(most, most), (most, most), (0, 0)])
        fitting = [
            (top, left)
            for top in range(2 * most + 1)
            for left in range(2 * most + 1)
            if np.array_equal(
                padded[top : top + side, left : left + side], seen
            )
        ]
        shifts.update(fitting)
        assert len(fitting) == 1
    assert len(shifts) > 3
    np.testing.assert_array_equal(shift(images, training=False), images)


def test_the_largest_shifts_are_half_as_frequent():
    """The shift is uniform in [-4, 4] and rounded to whole pixels."""
    count = 8000
    images = np.zeros((count, 32, 32, 1), "float32")
    images[:, 16, 16] = 1
    shift = augmentation._shift(4 / 32, 4 / 32)
    seen = np.array(shift(images, training=True)).reshape(count, -1)
    for shifts in np.divmod(seen.argmax(1), 32):
        found = np.bincount(shifts - 12, minlength=9) / count
        want = np.array([1, 2, 2, 2, 2, 2, 2, 2, 1]) / 16
        assert len(found) == 9
        error = np.sqrt(want * (1 - want) / count)
        assert (abs(found - want) < 4 * error).all()


def test_flips_are_of_about_half_of_the_images():
    images = np.zeros((200, 32, 32, 3), "float32")
    images[:, 8:24, 20:28] = 200
    start = keras.Input((32, 32, 3))
    end = augmentation.augmented(start, "standard", (32, 32))
    found = np.array(keras.Model(start, end)(images, training=True))
    found -= found.min((1, 2, 3), keepdims=True)
    left = found[:, :, :16].sum((1, 2, 3)) > found[:, :, 16:].sum((1, 2, 3))
    assert 70 < left.sum() < 130


@pytest.mark.quick(1)
@pytest.mark.parametrize("name", ["resnet18", "mlp"])
def test_models_take_it_and_predict_without(name):
    small = {"width": 2} if name == "resnet18" else {"units": 5}
    plain = models.build(name, **small)
    changed = models.build(name, augmentation="standard", **small)
    known = {weight.path: weight for weight in plain.weights}
    for weight in changed.weights:
        if weight.path in known:
            weight.assign(known.pop(weight.path))
    assert not known
    np.testing.assert_allclose(
        plain.predict(IMAGES, verbose=0),
        changed.predict(IMAGES, verbose=0),
        rtol=1e-4,
        atol=1e-4,
    )


@pytest.mark.parametrize(
    "arguments, words",
    [
        ({"augmentation": "strong"}, "data.augmentation='strong'"),
        (
            {"augmentation": "standard", "input_dtype": "float32"},
            "needs uint8 images",
        ),
        (
            {"augmentation": "standard", "input_shape": (12,)},
            "needs uint8 images",
        ),
    ],
)
def test_bad_arguments(arguments, words):
    with pytest.raises(ValueError, match=words):
        models.mlp(**arguments)


def test_each_seed_has_its_own_augmentation():
    images = np.full((8, 32, 32, 3), 100, "float32")
    start = keras.Input((32, 32, 3))
    end = augmentation.augmented(start, "standard", (32, 32))
    model = keras.Model(start, end)

    def seen(seed):
        augmentation.seed(model, seed)
        return np.array(model(images, training=True))

    one, other = seen(1), seen(2)
    assert np.abs(one - other).mean() > 1
    np.testing.assert_array_equal(seen(1), one)
    # No two layers draw alike.
    states = {
        tuple(np.array(layer.generator.state))
        for layer in model.layers
        if hasattr(layer, "generator")
    }
    assert len(states) == 6


REPLICAS = """
import json
from ws_keras.training import strategy
two = strategy.Strategy("mirrored", 2)
import keras
import numpy as np
import tensorflow as tf
from ws_keras.models import augmentation

def build():
    start = keras.Input((32, 32, 3))
    end = augmentation.augmented(start, "standard", (32, 32))
    model = keras.Model(start, end)
    augmentation.seed(model, 5)
    return model

images = np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3))
images = images.astype("float32")
alone = np.array(build()(images, training=True))
with two.scope():
    model = build()
run = tf.function(lambda: model(images, training=True))
parts = two._distribute.run(run)
first, second = (np.array(part) for part in parts.values)
print(json.dumps([
    float(abs(first - alone).max()),
    [float(abs(a - b).mean()) for a, b in zip(first, second)],
]))
"""


@pytest.mark.slow
def test_replicas_draw_apart_and_the_first_as_one_device_does():
    done = subprocess.run(
        [sys.executable, "-c", REPLICAS],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    same, apart = json.loads(done.stdout.splitlines()[-1])
    assert same < 1e-3
    assert min(apart) > 1
