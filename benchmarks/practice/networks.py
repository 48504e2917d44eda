"""The networks of the tasks, compiled: what a practitioner would take first."""

import keras
import numpy as np
from keras import layers
from keras import ops

WORDS = 4096  # ids that words are hashed to; 0 fills texts up
LENGTH = 24  # words of a text
_MEANS = (103.939, 116.779, 123.68)  # of blue, green and red in ImageNet


def mlp(features: int, classes: int, units: int = 64) -> keras.Model:
    """Returns a classifier of tables; two classes have a single output."""
    model = _perceptron(features, 1 if classes == 2 else classes, units)
    if classes > 2:
        return _classifier(model, 1e-2)
    model.compile(
        keras.optimizers.Adam(1e-2),
        keras.losses.BinaryCrossentropy(from_logits=True),
        metrics=[keras.metrics.AUC(name="auc", from_logits=True)],
    )
    return model


def regression(features: int) -> keras.Model:
    """Returns a network for one number, by its squared error."""
    model = _perceptron(features, 1, 64)
    model.compile(keras.optimizers.Adam(1e-2), "mse", metrics=["mae"])
    return model


def pooled(classes: int) -> keras.Model:
    """Returns a classifier of texts: mean of embedded words, two layers."""
    ids = keras.Input((LENGTH,), dtype="int32")
    x = layers.Embedding(WORDS, 32, mask_zero=True)(ids)
    x = layers.Dropout(0.2)(layers.GlobalAveragePooling1D()(x))
    x = layers.Dropout(0.2)(layers.Dense(128, "relu")(x))
    return _classifier(keras.Model(ids, layers.Dense(classes)(x)), 1e-2)


def transformer(classes: int, width: int = 32) -> keras.Model:
    """Returns a classifier of texts with one block of attention."""
    ids = keras.Input((LENGTH,), dtype="int32")
    places = ops.cumsum(ops.ones_like(ids), axis=1) - 1
    x = layers.Embedding(WORDS, width, mask_zero=True)(ids)
    x = x + layers.Embedding(LENGTH, width)(places)
    seen = layers.MultiHeadAttention(2, width // 2, dropout=0.1)(x, x)
    x = layers.LayerNormalization()(x + seen)
    inner = layers.Dense(2 * width, "relu")(x)
    inner = layers.Dropout(0.1)(layers.Dense(width)(inner))
    x = layers.LayerNormalization()(x + inner)
    x = layers.Dropout(0.2)(layers.GlobalAveragePooling1D()(x))
    return _classifier(keras.Model(ids, layers.Dense(classes)(x)), 2e-3)


def head(features: int, classes: int) -> keras.Model:
    """Returns a classifier of a frozen backbone's features."""
    x = inputs = keras.Input((features,))
    x = layers.Dropout(0.3)(layers.Dense(128, "relu")(x))
    return _classifier(keras.Model(inputs, layers.Dense(classes)(x)))


def squeezenet(path: str | None, side: int = 96) -> keras.Model:
    """Returns SqueezeNet v1.1 without its top, up to the pooled features.

    Args:
        path: File of its weights; `None` leaves them as they are drawn.
        side: Pixels of the images along each side. Defaults to 96.
    """
    inputs = x = keras.Input((side, side, 3))
    x = layers.Conv2D(64, 3, strides=2, activation="relu", name="conv1")(x)
    for number, (squeeze, expand) in enumerate(
        [(16, 64), (16, 64), (32, 128), (32, 128)]
        + [(48, 192), (48, 192), (64, 256), (64, 256)],
        2,
    ):
        if number in (2, 4, 6):
            x = layers.MaxPooling2D(3, 2)(x)
        x = _fire(x, number, squeeze, expand)
    model = keras.Model(inputs, layers.GlobalAveragePooling2D()(x))
    if path is not None:
        model.load_weights(path)
    return model


def prepared(images: np.ndarray, side: int = 96) -> np.ndarray:
    """Returns images 0..255 as SqueezeNet takes them, `(n, side, side, 3)`."""
    large = ops.image.resize(
        images.astype("float32"), (side, side), interpolation="bicubic"
    )
    means = np.array(_MEANS, "float32")
    return ops.convert_to_numpy(large)[..., ::-1] - means


def last_module(backbone: keras.Model) -> tuple[keras.Model, list]:
    """Returns what is frozen of a backbone, and the weights of the rest.

    Fire module 9, the last one, is what `tuned` trains further.
    """
    (cut,) = [
        layer.input
        for layer in backbone.layers
        if layer.name.startswith("fire9_squeeze")
    ]
    rest = [
        weights
        for layer in backbone.layers
        if layer.name.startswith("fire9_")
        for weights in layer.get_weights()
    ]
    return keras.Model(backbone.input, cut), rest


def tuned(shape: tuple, weights: list, classes: int) -> keras.Model:
    """Returns the last fire module, as it was trained, and a new head."""
    inputs = keras.Input(shape)
    x = _fire(inputs, 9, 64, 256)
    x = layers.Dropout(0.3)(layers.GlobalAveragePooling2D()(x))
    model = keras.Model(inputs, layers.Dense(classes)(x))
    values = iter(weights)
    for layer in model.layers:
        if layer.name.startswith("fire9_"):
            layer.set_weights([next(values) for _ in layer.weights])
    return _classifier(model, 3e-4)


def _fire(x, number: int, squeeze: int, expand: int):
    name = f"fire{number}_"
    x = layers.Conv2D(squeeze, 1, activation="relu", name=name + "squeeze1x1")(
        x
    )
    wide = [
        layers.Conv2D(
            expand,
            size,
            padding="same",
            activation="relu",
            name=f"{name}expand{size}x{size}",
        )(x)
        for size in (1, 3)
    ]
    return layers.Concatenate()(wide)


def _perceptron(features: int, outputs: int, units: int) -> keras.Model:
    x = inputs = keras.Input((features,))
    for _ in range(2):
        x = layers.BatchNormalization(momentum=0.9)(layers.Dense(units)(x))
        x = layers.Dropout(0.1)(layers.Activation("relu")(x))
    return keras.Model(inputs, layers.Dense(outputs)(x))


def _classifier(model: keras.Model, rate: float = 1e-3) -> keras.Model:
    model.compile(
        keras.optimizers.Adam(rate),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model
