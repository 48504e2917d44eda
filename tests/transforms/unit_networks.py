"""Networks whose units can be reset, and what tests of units share."""

import keras
import numpy as np
from keras import layers
from keras import ops

from ws_keras.transforms import units

RNG = np.random.default_rng(0)


def value(variable):
    return np.array(ops.convert_to_numpy(variable))


def state(model):
    optimizer = getattr(model, "optimizer", None)
    slots = optimizer.variables if optimizer else []
    return [value(v) for v in [*model.variables, *slots]]


def same(first, second):
    return all(map(np.array_equal, first, second))


def spread(model, seed=5):
    """Gives each weight and statistic another value than its first one."""
    rng = np.random.default_rng(seed)
    for variable in model.variables:
        if keras.backend.is_float_dtype(variable.dtype):
            drawn = rng.uniform(0.1, 0.9, variable.shape)
            sign = rng.choice([-1, 1], variable.shape)
            is_variance = "variance" in variable.path
            variable.assign(drawn if is_variance else drawn * sign)
    return model


def dense(x, units, name, activation="relu"):
    return layers.Dense(units, activation=activation, name=name)(x)


def conv(x, filters, name, activation="relu", **keywords):
    return layers.Conv2D(
        filters, 3, activation=activation, name=name, **keywords
    )(x)


def model_of(shape, function):
    start = keras.Input(shape)
    return keras.Model(start, function(start))


def plain(x):
    return dense(dense(dense(x, 6, "first"), 5, "second"), 3, "last", None)


def text(x):
    x = layers.Embedding(9, 4)(x)
    x = layers.Conv1D(6, 3, activation="relu", name="first")(x)
    x = layers.GlobalMaxPooling1D()(x)
    return dense(x, 3, "last", None)


def flattened(x):
    x = conv(x, 4, "first")
    x = layers.Flatten()(layers.Dropout(0.5)(layers.MaxPooling2D()(x)))
    return dense(dense(x, 5, "second"), 3, "last", None)


def reshaped(x):
    x = layers.Reshape((-1, 4))(conv(x, 4, "first"))
    x = layers.Conv1D(5, 2, activation="relu", name="second")(x)
    return dense(layers.Reshape((-1,))(x), 3, "last", None)


def normalized(x):
    x = conv(x, 4, "first", None, use_bias=False)
    x = layers.ReLU()(layers.BatchNormalization(name="norm")(x))
    x = layers.GlobalAveragePooling2D()(layers.ZeroPadding2D()(x))
    x = dense(x, 5, "second", None)
    x = layers.Activation("relu")(layers.BatchNormalization(name="other")(x))
    return dense(x, 3, "last", None)


def normalized_after_flattening(x):
    x = layers.Flatten()(conv(x, 4, "first", None))
    x = layers.ReLU()(layers.BatchNormalization(name="norm")(x))
    return dense(x, 3, "last", None)


def joined(x):
    a, b = conv(x, 4, "first"), conv(x, 3, "second")
    c = layers.Concatenate()([a, x[:, 1:-1, 1:-1], b])
    return dense(layers.Flatten()(conv(c, 5, "third")), 3, "last", None)


def densely_joined(x):
    a = conv(x, 4, "first", padding="same")
    b = conv(layers.Concatenate()([x, a]), 3, "second", padding="same")
    c = layers.Concatenate(axis=3)([x, a, b])
    c = layers.BatchNormalization(name="norm")(c)
    c = layers.GlobalMaxPooling2D()(layers.ReLU()(c))
    return dense(c, 3, "last", None)


def nested(x):
    inner = keras.Sequential(
        [keras.Input((8, 8, 4)), layers.Conv2D(5, 3, name="inner")]
    )
    start = keras.Input((6, 6, 5))
    other = keras.Model(start, layers.ReLU()(layers.MaxPooling2D()(start)))
    x = inner(conv(x, 4, "first", padding="same"))
    return dense(layers.Flatten()(other(x)), 3, "last", None)


def siamese(x):
    encoder = keras.Sequential(
        [
            keras.Input((8, 8, 2)),
            layers.Conv2D(4, 3, activation="relu", name="first"),
            layers.GlobalAveragePooling2D(),
        ]
    )
    pair = [encoder(x), encoder(layers.UpSampling2D()(x[:, :4, :4]))]
    return dense(layers.Concatenate()(pair), 3, "last", None)


def depthwise(x):
    x = layers.ReLU()(conv(x, 4, "first", None))
    x = layers.DepthwiseConv2D(3, depth_multiplier=2, use_bias=False)(x)
    x = layers.SeparableConv2D(5, 2, activation="relu", name="second")(x)
    return dense(layers.Flatten()(x), 3, "last", None)


def transposed(x):
    x = layers.Conv2DTranspose(4, 3, activation="relu", name="first")(x)
    x = layers.Conv2DTranspose(5, 3, activation="relu", name="second")(x)
    return layers.Conv2D(3, 3, name="last")(x)


def prelu(x):
    x = layers.PReLU(shared_axes=[1, 2])(conv(x, 4, "first", None))
    return dense(layers.Flatten()(x), 3, "last", None)


def operations(x):
    x = keras.ops.relu(layers.Conv2D(4, 3, name="first")(x))
    x = keras.activations.relu(layers.Conv2D(4, 3, name="second")(x[:, ::2]))
    return dense(layers.Flatten()(x), 3, "last", None)


def masked(x):
    x = layers.Masking()(ops.where(x[..., :1] > -1, x, 0))
    x = layers.GlobalAveragePooling1D()(dense(x, 6, "first"))
    return dense(x, 3, "last", None)


def residual(x):
    x = conv(x, 4, "stem", padding="same")
    y = conv(conv(x, 5, "first", padding="same"), 4, "b", None, padding="same")
    x = layers.ReLU()(layers.Add()([x, y]))
    return dense(layers.GlobalAveragePooling2D()(x), 3, "last", None)


IMAGE = (8, 8, 2)
# How a network is made, and the layers whose units can be reset.
NETWORKS = {
    "dense": ((7,), plain, ["first", "second"]),
    "over_time": ((5, 7), plain, ["first", "second"]),
    "text": ((8,), text, ["first"]),
    "flatten": (IMAGE, flattened, ["first", "second"]),
    "reshape": (IMAGE, reshaped, ["first", "second"]),
    "batch_norm": (IMAGE, normalized, ["first", "second"]),
    "flat_norm": (IMAGE, normalized_after_flattening, ["first"]),
    "concatenate": (IMAGE, joined, ["first", "second", "third"]),
    "dense_net": (IMAGE, densely_joined, ["first", "second"]),
    "nested": (IMAGE, nested, ["first", "inner"]),
    "siamese": (IMAGE, siamese, ["first"]),
    "depthwise": (IMAGE, depthwise, ["first", "second"]),
    "transposed": (IMAGE, transposed, ["first", "second"]),
    "prelu": (IMAGE, prelu, ["first"]),
    "operations": (IMAGE, operations, ["first", "second"]),
    "masked": ((5, 7), masked, ["first"]),
    "residual": (IMAGE, residual, ["first"]),
}


def built(name):
    shape, function, names = NETWORKS[name]
    model = spread(model_of(shape, function))
    if name == "text":
        return model, RNG.integers(0, 9, (20, *shape)), names
    return model, RNG.normal(size=(20, *shape)).astype("float32"), names


def compiled(name, optimizer=None):
    """A model whose optimizer has moments other than 0, with samples."""
    model, x, names = built(name)
    optimizer = optimizer or keras.optimizers.Adam(1e-5)
    model.compile(optimizer, "mse")
    optimizer.build(model.trainable_variables)
    for slot in optimizer.variables:
        if len(slot.shape):
            slot.assign(RNG.uniform(0.1, 0.9, slot.shape))
    return model, x, names


def silenced(model, selection, units_of):
    """Lets units give exactly 0, by all that is theirs up to a rectifier."""
    for each, chosen in zip(selection.layers, units_of, strict=True):
        for part in each.parts:
            if part.role == units.OUTGOING or "moving" in part.entry.path:
                continue
            after = value(part.entry.variable)
            after[part.places(chosen)] = 0
            part.entry.variable.assign(after)
