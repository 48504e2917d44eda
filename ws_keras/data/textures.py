"""Procedural textures: a data set without a network or a file.

The ten classes are five orientations times two spatial frequencies. An image is
a sum of four terms: two gratings of its class under random Gaussian envelopes,
with random phase and colour; one weak grating of random orientation and
frequency, as clutter; a random linear colour gradient; and pixel noise.
Orientation and frequency vary within a class. A small network can learn the
training images perfectly and others imperfectly, so that the cost of a warm
start shows within minutes. The data set says nothing about any real task.
"""

import math

import numpy as np

from ws_keras import seeds

# The version of `generate`. Another CPU may round a few pixels in a million
# differently, so that a hash of the pixels would not identify them.
VERSION = 1
SIZE = 16  # pixels
NUM_CLASSES = 10
NUM_TRAIN = 6000
NUM_TEST = 3000
_ORIENTATIONS = 5
_HALF_WAVES = (2.2, 4.0)  # across the image
_ORIENTATION_JITTER = 0.2  # standard deviation, in steps between classes
_FREQUENCY_JITTER = 0.2  # standard deviation, relative
_CLUTTER = 0.6  # amplitude; the gratings of the class have about 1
_NOISE = 1.0  # standard deviation of a pixel, in the same unit
_SEED = 0
_CHUNK = 1000


def generate(num_samples: int, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Generates images and labels.

    Example:

    >>> x, y = generate(20, "train")
    >>> x.shape, x.dtype, np.bincount(y).tolist()
    ((20, 16, 16, 3), dtype('uint8'), [2, 2, 2, 2, 2, 2, 2, 2, 2, 2])

    Args:
        num_samples: Number of images. The classes are balanced, in random
            order.
        name: Name of the part, such as `"train"`. Another name yields other
            images.

    Returns:
        A pair of `uint8` images `(num_samples, 16, 16, 3)` and `int32` labels
        `(num_samples,)`.
    """
    rng = seeds.generator(_SEED, "textures", name)
    labels = rng.permutation(np.arange(num_samples) % NUM_CLASSES)
    images = np.empty((num_samples, SIZE, SIZE, 3), np.uint8)
    # In parts, so that the floats fit into the cache.
    for start in range(0, num_samples, _CHUNK):
        part = slice(start, start + _CHUNK)
        images[part] = _images(labels[part], rng)
    return images, labels.astype(np.int32)


def _images(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    count = len(labels)
    step = math.pi / _ORIENTATIONS
    half_waves = np.take(_HALF_WAVES, labels // _ORIENTATIONS)
    image = _gradient(count, rng)
    for _ in range(2):
        jitter = rng.normal(0, _ORIENTATION_JITTER, count)
        angle = (labels % _ORIENTATIONS + jitter) * step
        stretch = 1 + rng.normal(0, _FREQUENCY_JITTER, count)
        image += _grating(angle, half_waves * stretch, rng)
    angle = rng.uniform(0, math.pi, count)
    image += _CLUTTER * _grating(angle, rng.uniform(2, 5, count), rng)
    image += rng.normal(0, _NOISE, image.shape).astype(np.float32)
    return np.clip(127.5 + 50 * image, 0, 255).astype(np.uint8)


def _grating(angle, half_waves, rng: np.random.Generator) -> np.ndarray:
    """Computes gratings under Gaussian envelopes, `(count, 16, 16, 3)`."""
    count = len(angle)
    x, y = _grid()
    along = x * _each(np.cos(angle)) + y * _each(np.sin(angle))
    phase = _each(rng.uniform(0, 2 * math.pi, count))
    # The grid runs from -1 to 1, so that one half-wave is pi / 2.
    wave = np.cos(along * _each(half_waves * math.pi / 2) + phase)
    center_x, center_y = rng.uniform(-0.6, 0.6, (2, count))
    width = _each(rng.uniform(0.4, 0.9, count))
    distance = (x - _each(center_x)) ** 2 + (y - _each(center_y)) ** 2
    envelope = np.exp(-distance / (2 * width**2))
    color = rng.normal(0, 1, (count, 1, 1, 3)).astype(np.float32)
    color /= np.linalg.norm(color, axis=-1, keepdims=True) / math.sqrt(3)
    return (wave * envelope)[..., None] * color


def _gradient(count: int, rng: np.random.Generator) -> np.ndarray:
    x, y = _grid()
    slope = rng.normal(0, 0.3, (2, count, 1, 1, 3)).astype(np.float32)
    return x[..., None] * slope[0] + y[..., None] * slope[1]


def _grid() -> tuple[np.ndarray, np.ndarray]:
    line = np.linspace(-1, 1, SIZE, dtype=np.float32)
    return line[None, None, :], line[None, :, None]


def _each(values: np.ndarray) -> np.ndarray:
    return values[:, None, None].astype(np.float32)
