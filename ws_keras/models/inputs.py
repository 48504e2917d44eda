"""The first layers of a model: from raw pixels to normalized floats."""

import keras
import numpy as np

from ws_keras import _keras
from ws_keras.models import augmentation as augmentations

_NAME = "normalize"  # of the layer
NORMALIZATIONS = ("half", "channel", "cifar10", "none")
# "half" is for pixels, "channel" for other numbers; and their synonym.
AUTO = ("auto", "half")
# Mean and standard deviation of each channel, on the scale of 255, which the
# replication uses for all data sets. (The deviations are means over those of
# single images, which are smaller than that of CIFAR-10 over all pixels.)
CIFAR10_MOMENTS = (
    (125.307, 122.961, 113.8575),
    (51.5865, 50.847, 51.255),
)


def resolved(normalization: str, x) -> tuple[str, str]:
    """Chooses the normalization of samples, and explains a deviation.

    `"half"` is for pixels: `uint8`, or images of floats within 0..255 with a
    value above 1. It would map other floats close to -1, so their features are
    normalized to mean 0 and standard deviation 1 instead.

    Example:

    >>> resolved("half", np.zeros((2, 8, 8, 1), "uint8"))
    ('half', '')
    >>> resolved("half", np.array([[0.1, 0.9], [0.3, 0.2]]))[0]
    'channel'

    Args:
        normalization: As in `normalized_input`, or `"auto"`, which is
            equivalent to `"half"`.
        x: Array of samples.

    Returns:
        A pair of a value for `normalized_input` and a sentence, `""` if
        `normalization` applies.
    """
    if normalization not in AUTO:
        return normalization, ""
    if x.dtype.kind != "f":
        return "half", ""
    low, high = float(x.min()), float(x.max())
    if x.ndim == 4 and low >= 0 and 1 < high <= 255:
        return "half", ""
    return "channel", (
        f"The samples are floats from {low:g} to {high:g}, not pixels. Each "
        f"{'channel' if x.ndim == 4 else 'feature'} is normalized to mean 0 "
        "and standard deviation 1 over the training samples. Use "
        "--config.data.normalization=none to keep the values."
    )


def normalized_input(
    input_shape,
    input_dtype,
    normalization,
    moments,
    dtype,
    augmentation="none",
):
    """Creates the input tensor of a model and its normalized form.

    Pixels are `uint8` until they are inside the model. They need a quarter of
    the memory of floats, and so does every copy before the model.

    Args:
        input_shape: Shape of one sample.
        input_dtype: Dtype of the stored data, `"uint8"` or `"float32"`.
        normalization: `"half"` maps 0..255 to [-1, 1] (mean and standard
            deviation 0.5 on the unit scale, the authors' choice). `"channel"`
            subtracts the mean and divides by the standard deviation of each
            channel, `"cifar10"` uses those of CIFAR-10. `"none"` only casts.
        moments: `(mean, std)` per channel in the unit of the data, for
            `"channel"`.
        dtype: Dtype policy of the layers.
        augmentation: `"none"`, `"shift"` or `"standard"`; see
            `augmentation.augmented`. Defaults to `"none"`.

    Returns:
        A pair `(inputs, normalized)` of symbolic tensors.

    Raises:
        ValueError: If `normalization` is unknown, is `"channel"` without
            moments, or is `"cifar10"` for samples that are not images of three
            channels.
    """
    inputs = x = keras.Input(input_shape, dtype=input_dtype)
    if augmentation != "none":
        if len(input_shape) != 3 or input_dtype != "uint8":
            raise ValueError(
                "`data.augmentation` needs uint8 images. Received: samples of "
                f"shape {tuple(input_shape)}, {input_dtype}. Use "
                "data.augmentation='none'."
            )
        x = keras.layers.Rescaling(1.0, dtype=dtype, name="augment_cast")(x)
        x = augmentations.augmented(x, augmentation, input_shape[:2])
    if normalization == "cifar10":
        if len(input_shape) != 3 or input_shape[-1] != 3:
            raise ValueError(
                "`normalization='cifar10'` needs images of three channels. "
                f"Received: samples of shape {tuple(input_shape)}. Use "
                "'channel'."
            )
        normalization, moments = "channel", CIFAR10_MOMENTS
    scale, offset = _scale_and_offset(normalization, moments)
    layer = keras.layers.Rescaling(scale, offset, dtype=dtype, name=_NAME)
    return inputs, layer(x)


def hold_moments(model: keras.Model) -> None:
    """Turns the moments by which a model normalizes samples into variables.

    A graph that is traced afterwards can be used with other moments; see
    `set_moments`. The variables are not among the weights of the model. Only
    TensorFlow reads such variables in its graphs.

    Args:
        model: Built model with the layer of `normalized_input`.
    """
    import tensorflow as tf

    for layer in _normalizing(model):
        for name in ("scale", "offset"):
            value = np.asarray(getattr(layer, name), "float32")
            setattr(layer, name, tf.Variable(value, trainable=False))


def set_moments(model: keras.Model, moments) -> None:
    """Sets the moments by which a model normalizes samples.

    Args:
        model: Model after `hold_moments`.
        moments: As in `normalized_input`.
    """
    scale, offset = _scale_and_offset("channel", moments)
    for layer in _normalizing(model):
        layer.scale.assign(np.asarray(scale, "float32"))
        layer.offset.assign(np.asarray(offset, "float32"))


def _normalizing(model: keras.Model) -> list:
    return [layer for layer in _keras.all_layers(model) if layer.name == _NAME]


def _scale_and_offset(normalization, moments):
    if normalization == "half":
        return 1 / 127.5, -1.0
    if normalization == "none":
        return 1.0, 0.0
    if normalization != "channel":
        raise ValueError(
            "Unknown normalization. Received: "
            f"normalization={normalization!r}. "
            f"Choose one of {list(NORMALIZATIONS)}."
        )
    if moments is None:
        raise ValueError(
            "`normalization='channel'` needs `moments`, the mean and "
            "standard deviation per channel. Received: moments=None."
        )
    mean, std = moments
    # A constant channel has a deviation of 0; 1 keeps its values finite.
    scale = [1 / s if s > 0 else 1.0 for s in std]
    return scale, [-m * s for m, s in zip(mean, scale, strict=True)]
