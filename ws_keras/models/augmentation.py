"""The replication's augmentation, as layers that act in training only."""

import keras
from keras import layers

from ws_keras import seeds

NAMES = ("none", "standard")
_PAD = 4  # pixels on each side
_JITTER = 0.25
_DEGREES = 2.0
_PREFIX = "augment_"


def seed(model: keras.Model, number: int) -> None:
    """Gives the augmentation of a model the random states of a seed.

    Args:
        model: A model; one without augmentation stays as it is.
        number: Non-negative integer.
    """
    for layer in model.layers:
        if layer.name.startswith(_PREFIX) and hasattr(layer, "generator"):
            state = seeds.derive(number, "augmentation", layer.name)
            layer.generator.state.assign([state % 2**31, 0])


def augmented(x, name: str, size: tuple[int, int]):
    """Returns images as training sees them.

    `"standard"` is that of the ReScience C replication: a crop of the image
    padded by 4 pixels, a horizontal flip, brightness, contrast and saturation
    changed by up to a quarter, and a rotation of up to 2 degrees. Keras' own
    layers do it; its brightness is added, the replication's is a factor. Each
    layer has a random state of its own, which is saved with the model.

    Args:
        x: Float images with values from 0 to 255,
            `(batch, height, width, 3)`.
        name: `"none"` or `"standard"`.
        size: `(height, width)`.

    Returns:
        Images of the same shape; the same images outside of training.

    Raises:
        ValueError: If the name is unknown.
    """
    if name not in NAMES:
        raise ValueError(
            f"`data.augmentation` must be one of {list(NAMES)}. "
            f"Received: data.augmentation={name!r}."
        )
    if name == "none":
        return x
    # A crop of a padded image is a shift by whole pixels.
    x = layers.RandomTranslation(
        *(_PAD / length for length in size),
        fill_mode="constant",
        interpolation="nearest",
        seed=1,
        name="augment_crop",
    )(x)
    x = layers.RandomFlip("horizontal", seed=2, name="augment_flip")(x)
    pixels = {"value_range": (0, 255)}
    x = layers.RandomBrightness(
        _JITTER, **pixels, seed=3, name="augment_brightness"
    )(x)
    x = layers.RandomContrast(
        _JITTER, **pixels, seed=4, name="augment_contrast"
    )(x)
    if x.shape[-1] == 3:
        x = layers.RandomSaturation(
            # Keras' factor f multiplies by f / (1 - f).
            ((1 - _JITTER) / (2 - _JITTER), (1 + _JITTER) / (2 + _JITTER)),
            **pixels,
            seed=5,
            name="augment_saturation",
        )(x)
    return layers.RandomRotation(
        _DEGREES / 360,
        fill_mode="constant",
        seed=6,
        name="augment_rotation",
    )(x)
