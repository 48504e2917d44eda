"""The work of all timed programs: the same data, order, weights and steps."""

import functools
import pathlib

import numpy as np

from ws_keras import seeds
from ws_keras.data import rounds

SHAPE = (32, 32, 3)
NUM_CLASSES = 10
BATCH_SIZE = 128
LEARNING_RATE = 0.001
EPSILON = 1e-8
SEED = 0
PARAMETERS = {"resnet18": 701_466, "mlp": 318_410, "logistic": 30_730}


@functools.cache
def images(num_samples: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns random `uint8` images and labels; speed needs no meaning.

    Labels follow from the images, so that the loss falls, but for every
    tenth, so that no round ends because all are right.
    """
    rng = np.random.default_rng(1)
    y = rng.integers(NUM_CLASSES, size=num_samples).astype(np.int32)
    x = rng.integers(256, size=(num_samples, *SHAPE), dtype=np.uint8)
    x[:, :, :16] //= 4
    x[np.arange(num_samples), y] |= 128
    y[::10] = rng.integers(NUM_CLASSES, size=len(y[::10]))
    return x, y


def split(num_samples: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns the samples to train on and the held-out third."""
    return rounds.split(num_samples, SEED)


def order(epoch: int, size: int, number: int = 1) -> np.ndarray:
    """Returns the order of an epoch (from 1), that of the package."""
    rng = seeds.generator(SEED, "order", number, epoch)
    return rng.permutation(size)


def save_weights(path: str | pathlib.Path, weights: dict) -> None:
    """Writes arrays by their paths in the Keras model."""
    np.savez(path, **{name.replace("/", "|"): w for name, w in weights.items()})


def load_weights(path: str | pathlib.Path) -> dict:
    """Reads what `save_weights` has written."""
    with np.load(path, allow_pickle=False) as file:
        return {name.replace("|", "/"): file[name] for name in file.files}


def save_data(path: str | pathlib.Path, num_samples: int) -> None:
    """Writes images and labels as a data set for `npz:PATH`."""
    x, y = images(num_samples)
    np.savez(path, x=x, y=y)
