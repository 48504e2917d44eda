"""The multilayer perceptron, and logistic regression."""

import math

import keras
from keras import layers

from ws_keras.models import class_mask
from ws_keras.models import initializers
from ws_keras.models import inputs as model_inputs

ACTIVATIONS = ("relu", "tanh")


def mlp(
    input_shape=(32, 32, 3),
    num_classes=10,
    depth=2,
    units=100,
    activation="relu",
    use_bias=True,
    initializer="torch",
    normalization="half",
    moments=None,
    input_dtype="uint8",
    dtype="float32",
    augmentation="none",
    masked=False,
) -> keras.Model:
    """Builds a multilayer perceptron on flattened samples.

    The authors' code has two hidden layers of 100 units with ReLU. The
    replication describes three layers of 100 units with tanh.

    Each build starts with the same weights; use `cold_start(model)` to draw
    others.

    Example:

    >>> mlp().count_params()
    318410
    >>> mlp(depth=0).count_params()  # logistic regression
    30730

    Args:
        input_shape: Shape of one sample. Defaults to `(32, 32, 3)`.
        num_classes: Number of logits. Defaults to 10.
        depth: Number of hidden layers. 0 is logistic regression. Defaults to 2.
        units: Width of a hidden layer. Defaults to 100.
        activation: `"relu"` or `"tanh"`. Defaults to `"relu"`.
        use_bias: Whether layers have a bias. Defaults to `True`.
        initializer: `"torch"` or `"keras"`; `"kaiming"` is equivalent to
            `"torch"` here. Defaults to `"torch"`.
        normalization: `"half"`, `"channel"`, `"cifar10"` or `"none"`. Defaults
            to `"half"`.
        moments: Pair `(mean, std)` per channel, in the unit of the data, for
            `normalization="channel"`. Defaults to `None`.
        input_dtype: Dtype of the stored samples. Defaults to `"uint8"`.
        dtype: Dtype policy; logits are always float32. Defaults to `"float32"`.
        augmentation: `"none"`, `"shift"` or `"standard"`; see
            `augmentation.augmented`. Defaults to `"none"`.
        masked: Whether to append a `class_mask.ClassMask`, for data sets with
            different numbers of classes. Defaults to `False`.

    Returns:
        An uncompiled `keras.Model` from samples `(batch, *input_shape)` to
        logits `(batch, num_classes)`.

    Raises:
        ValueError: If an argument is out of its range.
    """
    if activation not in ACTIVATIONS:
        raise ValueError(
            f"Unknown activation. Received: activation={activation!r}. "
            f"Choose one of {list(ACTIVATIONS)}."
        )
    if depth < 0 or units < 1:
        raise ValueError(
            "`depth` must be at least 0 and `units` at least 1. "
            f"Received: depth={depth}, units={units}."
        )
    start, x = model_inputs.normalized_input(
        input_shape, input_dtype, normalization, moments, dtype, augmentation
    )
    x = layers.Flatten(dtype=dtype, name="flatten")(x)
    fan_in = math.prod(input_shape)
    for i in range(depth):
        x = layers.Dense(
            units,
            activation=activation,
            use_bias=use_bias,
            dtype=dtype,
            name=f"hidden{i + 1}",
            **initializers.kernel_and_bias(
                initializer, fan_in, f"hidden{i + 1}"
            ),
        )(x)
        fan_in = units
    logits = layers.Dense(
        num_classes,
        use_bias=use_bias,
        dtype="float32",
        name="logits",
        **initializers.kernel_and_bias(initializer, fan_in, "logits"),
    )(x)
    if masked:
        logits = class_mask.ClassMask(name="class_mask")(logits)
    return keras.Model(start, logits, name="mlp" if depth else "logistic")
