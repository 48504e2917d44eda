"""Compares all starts on your model and data, with several seeds.

    python examples/compare_on_your_data.py

A dense network is trained on a table of numbers that grows for three rounds.
Replace the generated table by your own arrays, and the network by your model.
"""

import keras
import numpy as np

import ws_keras

rng = np.random.default_rng(0)
x = rng.normal(size=(1500, 20)).astype("float32")
# A rule that a dense network memorizes before it generalizes.
y = ((x[:, 0] * x[:, 1] + x[:, 2] * x[:, 3] + x[:, 4]) > 0).astype("int32")
x += rng.normal(0, 0.2, x.shape).astype("float32")


def build():
    model = keras.Sequential(
        [
            keras.Input((20,)),
            keras.layers.Dense(64, "relu"),
            keras.layers.Dense(64, "relu"),
            keras.layers.Dense(2),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.003), loss, metrics=["accuracy"])
    return model


rounds = [(x[i : i + 250], y[i : i + 250]) for i in (0, 250, 500)]
found = ws_keras.fit_rounds(build, rounds, (x[750:], y[750:]), seeds=range(5))
print(found)
