"""The augmentation of the replication, as layers for training only."""

import keras
from keras import layers
from keras import ops

from ws_keras import names
from ws_keras import seeds

NAMES = names.AUGMENTATIONS
_PAD = 4  # pixels on each side
_JITTER = 0.25
_DEGREES = 2.0
_PREFIX = "augment_"


def seed(model: keras.Model, number: int) -> None:
    """Seeds the random states of a model's augmentation layers.

    Args:
        model: Model. Without augmentation, nothing is changed.
        number: Non-negative integer.
    """
    for layer in model.layers:
        if layer.name.startswith(_PREFIX) and hasattr(layer, "generator"):
            state = seeds.derive(number, "augmentation", layer.name)
            layer.generator.state.assign([state % 2**31, 0])


def augmented(x, name: str, size: tuple[int, int]):
    """Augments images in training mode.

    `"standard"` is the augmentation of the ReScience C replication: a crop of
    the image padded by 4 pixels, a horizontal flip, a change of brightness,
    contrast and saturation by up to a quarter, and a rotation by up to 2
    degrees. It uses Keras' layers, which add brightness; the replication
    multiplies by it. They draw the largest shifts half as often as the others;
    a crop draws all alike. `"shift"` only moves the image, by up to a sixteenth
    of its sides, for classes that a flip changes, such as those of textures.
    Each layer has its own random state, which is saved with the model.

    Each replica draws different numbers for its part of a batch. A run with
    several replicas is therefore equivalent to a run on one device, but its
    draws differ.

    Args:
        x: Float images with values from 0 to 255,
            `(batch, height, width, 3)`.
        name: `"none"`, `"shift"` or `"standard"`.
        size: `(height, width)`.

    Returns:
        Images of the same shape. Outside of training they are not changed.

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
    found = [_shift(1 / 16, 1 / 16)]
    if name == "standard":
        found = _standard(size, channels=x.shape[-1])
    for layer in found:
        _draw_apart(layer)
        x = layer(x)
    return x


def _shift(height: float, width: float) -> layers.Layer:
    # A crop of a padded image is a shift by whole pixels.
    return layers.RandomTranslation(
        height,
        width,
        fill_mode="constant",
        interpolation="nearest",
        seed=1,
        name="augment_crop",
    )


def _standard(size: tuple[int, int], channels: int) -> list[layers.Layer]:
    pixels = {"value_range": (0, 255)}
    found = [
        _shift(*(_PAD / length for length in size)),
        layers.RandomFlip("horizontal", seed=2, name="augment_flip"),
        layers.RandomBrightness(
            _JITTER, **pixels, seed=3, name="augment_brightness"
        ),
        layers.RandomContrast(
            _JITTER, **pixels, seed=4, name="augment_contrast"
        ),
    ]
    if channels == 3:
        saturation = layers.RandomSaturation(
            # Keras' factor f multiplies by f / (1 - f).
            ((1 - _JITTER) / (2 - _JITTER), (1 + _JITTER) / (2 + _JITTER)),
            **pixels,
            seed=5,
            name="augment_saturation",
        )
        found.append(saturation)
    rotation = layers.RandomRotation(
        _DEGREES / 360,
        fill_mode="constant",
        seed=6,
        name="augment_rotation",
    )
    return [*found, rotation]


def _draw_apart(layer: layers.Layer) -> None:
    """Makes the replicas of a layer draw different numbers.

    Their random states are equal, like all values of a model. Without this, the
    first samples of all parts of a batch would be augmented equally.
    """
    if keras.backend.backend() != "tensorflow":
        return  # on JAX, a draw covers the whole batch
    usual = layer.generator.next

    def of_replica(ordered: bool = True):
        state = usual(ordered)
        return state + ops.cast([_replica(), 0], state.dtype)

    layer.generator.next = of_replica


def _replica():
    import tensorflow as tf

    context = tf.distribute.get_replica_context()
    return 0 if context is None else context.replica_id_in_sync_group
