"""Retrains on data that drift over time, with `ws-retrain --split=last`.

    python examples/time_ordered.py

For next week, the accuracy on the newest data matters, not the accuracy on a
random part of all data. Therefore the command holds out the last fifth. A model
that was trained on the first half is retrained on all data before the last
fifth, with each of the three starts.
"""

import pathlib
import re
import subprocess
import sys
import tempfile

import keras
import numpy as np

rng = np.random.default_rng(0)
count = 1500
day = np.arange(count) / count
x = rng.normal(size=(count, 6)).astype("float32")
# The first feature loses its meaning, the second gains it.
score = (1 - day) * x[:, 0] + day * x[:, 1] + 0.3 * rng.normal(size=count)
y = (score > 0).astype("int32")
half = count // 2

keras.utils.set_random_seed(0)
model = keras.Sequential(
    [keras.Input((6,)), keras.layers.Dense(16, "relu"), keras.layers.Dense(2)]
)
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
model.compile(keras.optimizers.Adam(0.01), loss, metrics=["accuracy"])
model.fit(x[:half], y[:half], epochs=10, verbose=0)

with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    model.save(folder / "last_week.keras")
    np.savez(folder / "today.npz", x=x, y=y)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "ws_keras.launch.retrain"),
            f"--model={folder / 'last_week.keras'}",
            f"--data=npz:{folder / 'today.npz'}",
            f"--out={folder / 'this_week.keras'}",
            "--split=last",
            f"--old_samples={half}",
            "--compare=both",
            "--seeds=3",
            "--margin=4",
            "--max_epochs=15",
            "--patience=4",
            "--verbose=0",
        ],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
print(done.stdout)
(said,) = re.findall(r"^(?:Recommendation|No rec).*", done.stdout, re.M)
print(said)
