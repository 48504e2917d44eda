"""A pre-trained backbone of keras.applications: shrink only some layers.

    python examples/backbone.py

The first blocks of a MobileNet get a new head and learn ten kinds of textures,
first from 500 images, then from 1,000. Nothing is downloaded: the backbone is
"pre-trained" on five of the kinds. ShrinkPerturb leaves the frozen blocks
unchanged, and here also the third block, which continues to train; it shrinks
the last two blocks and the head. A cold start of all layers that are not frozen
loses the pre-training.

Layers and strength were chosen on these held-out images, so the gain over warm
is too optimistic. Choose yours on images that you do not use for the final
evaluation. Batch norm that is not frozen is recalibrated after each fit.
"""

import collections

import keras
import numpy as np
import tensorflow as tf

import ws_keras
from ws_keras.data import textures

LATE = ["conv_.w_[45]", "head"]  # the layers to shrink
keras.utils.set_random_seed(0)
x, y = textures.generate(1000, "train")
held_out = textures.generate(1000, "test")
other_x, other_y = textures.generate(4000, "pre-training")
other_x, other_y = other_x[other_y < 5], other_y[other_y < 5]

whole = keras.applications.MobileNet(
    (32, 32, 3), alpha=0.5, include_top=False, weights=None
)
# Images this small have shrunk to one pixel further up.
backbone = keras.Model(whole.input, whole.get_layer("conv_pw_5_relu").output)
for layer in backbone.layers:
    if isinstance(layer, keras.layers.BatchNormalization):
        layer.momentum = 0.9  # the fit is too short for 0.99


def with_head(num_classes):
    model = keras.Sequential(
        [
            keras.Input((16, 16, 3)),
            keras.layers.Rescaling(1 / 127.5, -1),
            keras.layers.UpSampling2D(2),
            backbone,
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(num_classes, name="head"),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.003), loss, metrics=["accuracy"])
    return model


def batches(x, y):
    data = tf.data.Dataset.from_tensor_slices((x, y))
    return data.shuffle(len(x)).batch(64)


def train(model, count, *callbacks):
    """Trains until 99 % are right in a clean pass; returns the epochs."""
    data = batches(x[:count], y[:count])
    stop = ws_keras.StopAtAccuracy(0.99, data=data)
    history = model.fit(
        data, epochs=100, callbacks=[*callbacks, stop], verbose=0
    )
    ws_keras.recalibrate(model, data)
    return len(history.epoch)


with_head(5).fit(batches(other_x, other_y), epochs=8, verbose=0)
names = [layer.name for layer in backbone.layers]
for layer in backbone.layers[: names.index("conv_dw_3")]:
    layer.trainable = False
pre_trained = {v.path: v.numpy() for v in backbone.variables}
model = with_head(10)
start = model.get_weights()

arms: dict[str, dict] = {
    "warm": {"shrink": 1.0, "perturb": 0.0},
    "cold": {"shrink": 0.0, "perturb": 1.0},
    "shrink-perturb": {"shrink": 0.2, "perturb": 0.1, "include": LATE},
}
results = {name: [] for name in arms}
for seed in range(2):
    keras.utils.set_random_seed(seed)
    model.set_weights(start)
    new_head = ws_keras.ShrinkPerturb(0.0, 1.0, include="head", seed=seed)
    train(model, 500, new_head)
    last_week = model.get_weights()
    for name, arguments in arms.items():
        model.set_weights(last_week)
        again = ws_keras.ShrinkPerturb(**arguments, seed=10 + seed)
        epochs = train(model, 1000, again)
        _, accuracy = model.evaluate(*held_out, verbose=0)
        results[name].append((100 * accuracy, epochs))

# The report of the last fit, one line for each variable.
what = collections.Counter(line.reason or line.action for line in again.report)
print(", ".join(f"{count} {name}" for name, count in what.items()))
frozen = [line.path for line in again.report if line.reason == "frozen"]
now = {v.path: v.numpy() for v in backbone.variables}
same = [np.array_equal(now[path], pre_trained[path]) for path in frozen]
print(f"{sum(same)} of {len(same)} frozen variables as pre-trained, bit by bit")
means = {name: np.mean(pairs, 0) for name, pairs in results.items()}
for name, (accuracy, epochs) in means.items():
    print(
        f"{name:15} {accuracy:.1f} % held out after {epochs:.1f} epochs, "
        "mean of 2 seeds"
    )


def against(name):
    points, epochs = means["shrink-perturb"] - means[name]
    return f"{points:+.1f} points and {epochs:+.1f} epochs against {name}"


print(
    f"In the mean of two seeds, shrink-perturb has {against('warm')}, and "
    f"{against('cold')}."
)
