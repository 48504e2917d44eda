"""Uses the callback on several devices, with `tf.distribute.MirroredStrategy`.

    python examples/mirrored.py

Two logical CPUs replace two GPUs. The noise is drawn once on the host, so all
replicas continue with the same weights.
"""

import keras
import numpy as np
import tensorflow as tf

import ws_keras

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(
    cpu, [tf.config.LogicalDeviceConfiguration()] * 2
)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])

rng = np.random.default_rng(0)
y = rng.integers(0, 3, 640)
x = (y[:, None] + rng.normal(0, 1, (640, 8))).astype("float32")

with strategy.scope():
    model = keras.Sequential(
        [
            keras.Input((8,)),
            keras.layers.Dense(32, "relu"),
            keras.layers.Dense(3),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=["accuracy"])

model.fit(x[:320], y[:320], batch_size=64, epochs=5, verbose=0)
again = ws_keras.ShrinkPerturb(shrink=0.4, perturb=0.1)
model.fit(x, y, batch_size=64, epochs=5, callbacks=[again], verbose=0)
print(again.report)
difference = max(
    float(abs(np.subtract(*(v.numpy() for v in w.value.values))).max())
    for w in model.trainable_variables
)
same = "the same" if difference == 0 else "NOT the same"
print(
    f"The two replicas end with {same} weights: the largest difference is "
    f"{difference}."
)
