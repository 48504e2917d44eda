"""The replication's augmentation, as layers that act in training only."""

import keras
from keras import layers
from keras import ops

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

    Under several replicas each draws numbers of its own for its part of a
    batch, so that a run is like that of one device, but with other draws.

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
    for layer in _standard(size, channels=x.shape[-1]):
        _draw_apart(layer)
        x = layer(x)
    return x


def _standard(size: tuple[int, int], channels: int) -> list[layers.Layer]:
    pixels = {"value_range": (0, 255)}
    found = [
        # A crop of a padded image is a shift by whole pixels.
        layers.RandomTranslation(
            *(_PAD / length for length in size),
            fill_mode="constant",
            interpolation="nearest",
            seed=1,
            name="augment_crop",
        ),
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
    """Makes the replicas of a layer draw apart.

    Their random states are equal, as all of a model is; the first samples of
    all parts of a batch would be cropped and flipped alike.
    """
    if keras.backend.backend() != "tensorflow":
        return  # on JAX a draw is for the whole batch
    usual = layer.generator.next

    def of_replica(ordered: bool = True):
        state = usual(ordered)
        return state + ops.cast([_replica(), 0], state.dtype)

    layer.generator.next = of_replica


def _replica():
    import tensorflow as tf

    context = tf.distribute.get_replica_context()
    return 0 if context is None else context.replica_id_in_sync_group
