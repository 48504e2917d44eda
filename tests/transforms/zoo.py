"""Models of all kinds, for the tests of the transforms."""

import keras
import numpy as np
from keras import layers


def set_random_seed(seed):
    """Seeds Python, NumPy and Keras, as if no draw had been made before.

    `keras.utils.set_random_seed` of Keras 3.8 leaves the state that
    `keras.random` draws from as it is.
    """
    keras.utils.clear_session(free_memory=False)
    keras.utils.set_random_seed(seed)


def dense():
    return keras.Sequential(
        [
            keras.Input((6,)),
            layers.Dense(8, activation="relu"),
            layers.Dense(3),
        ],
        name="dense",
    )


def convolutions():
    inputs = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, padding="same")(inputs)
    x = layers.BatchNormalization()(x)
    x = layers.DepthwiseConv2D(3, padding="same")(x)
    x = layers.SeparableConv2D(6, 3, padding="same")(x)
    x = layers.GroupNormalization(groups=2)(x)
    x = layers.Conv2DTranspose(4, 2, strides=2)(x)
    x = layers.PReLU()(x)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(2)(x), name="convolutions")


def sequences():
    inputs = keras.Input((5,), dtype="int32")
    x = layers.Embedding(11, 6)(inputs)
    x = layers.Conv1D(6, 2, padding="same")(x)
    x = layers.Bidirectional(layers.LSTM(4, return_sequences=True))(x)
    x = layers.LayerNormalization()(x)
    x = layers.MultiHeadAttention(2, 3)(x, x)
    x = layers.TimeDistributed(layers.Dense(5))(x)
    x = layers.EinsumDense("abc,cd->abd", (None, 4), bias_axes="d")(x)
    x = layers.RNN([layers.GRUCell(3), layers.SimpleRNNCell(3)])(x)
    x = layers.Dropout(0.3)(x)
    return keras.Model(inputs, layers.Dense(2)(x), name="sequences")


def nested():
    inner = keras.Sequential(
        [keras.Input((6,)), layers.Dense(4), layers.BatchNormalization()],
        name="inner",
    )
    inputs = keras.Input((6,))
    x = inner(inputs)
    x = layers.Concatenate()([x, inner(inputs)])  # used twice
    return keras.Model(inputs, layers.Dense(2)(x), name="nested")


@keras.saving.register_keras_serializable(package="zoo")
class Tied(keras.layers.Layer):
    """Gives logits with the transposed kernel of another layer."""

    def __init__(self, source, **kwargs):
        super().__init__(**kwargs)
        self.source = source

    def build(self, _):
        self.bias = self.add_weight(shape=(11,), initializer="zeros")

    def call(self, x):
        table = keras.ops.transpose(self.source.embeddings)
        return keras.ops.matmul(x, table) + self.bias

    def compute_output_shape(self, shape):
        return (*shape[:-1], 11)

    def get_config(self):
        source = keras.saving.serialize_keras_object(self.source)
        return {**super().get_config(), "source": source}

    @classmethod
    def from_config(cls, config):
        source = keras.saving.deserialize_keras_object(config.pop("source"))
        return cls(source, **config)


def tied():
    embedding = layers.Embedding(11, 4)
    inputs = keras.Input((5,), dtype="int32")
    x = layers.Dense(4)(embedding(inputs))
    return keras.Model(inputs, Tied(embedding)(x), name="tied")


@keras.saving.register_keras_serializable(package="zoo")
class Subclassed(keras.Model):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.hidden = layers.Dense(5, kernel_initializer="he_normal")
        self.norm = layers.BatchNormalization()
        self.blocks = [layers.Dense(5), layers.Dense(5)]
        self.scale = self.add_weight(shape=(), initializer="ones", name="scale")

    def call(self, x, training=False):
        x = self.norm(self.hidden(x), training=training)
        for block in self.blocks:
            x = block(x)
        return x * self.scale


def subclassed():
    model = Subclassed(name="subclassed")
    model(np.zeros((1, 6), "float32"))  # `build` alone builds no part
    return model


ALL = {
    f.__name__: f
    for f in (dense, convolutions, sequences, nested, tied, subclassed)
}
