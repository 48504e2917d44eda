"""Adds classes that arrive late to a model, without forgetting old ones.

    python examples/late_class.py

A network has learned the digits 0 to 7 (from scikit-learn) when 8 and 9 arrive.
`grow_outputs` adds two outputs and keeps the old ones. Then the network is
trained on all digits: after a warm start, after a shrink-perturb, and from
scratch.
"""

import keras
import numpy as np
from sklearn import datasets

import ws_keras

x, y = datasets.load_digits(return_X_y=True)
x = (x / 16).astype("float32")
train, test = np.arange(1200), np.arange(1200, len(x))
first = train[y[train] < 8]

keras.utils.set_random_seed(0)
model = keras.Sequential(
    [
        keras.Input((64,)),
        keras.layers.Dense(64, "relu"),
        keras.layers.Dense(8, name="digits"),
    ]
)
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
model.compile(keras.optimizers.Adam(0.005), loss, metrics=["accuracy"])
model.fit(x[first], y[first], epochs=15, verbose=0)

larger = ws_keras.grow_outputs(model, "digits", 10, seed=0)
before, after = (m.predict(x[test], verbose=0) for m in (model, larger))
print(
    "The logits of the old digits differ by "
    f"{np.abs(before - after[:, :8]).max()} after growing."
)
shares = {}


def measure(setting, trained):
    right = trained.predict(x[test], verbose=0).argmax(1) == y[test]
    old = y[test] < 8
    pair = right[old].mean(), right[~old].mean()
    shares.setdefault(setting.arm, []).append(pair)


found = ws_keras.fit_rounds(
    larger,
    [(x[train], y[train])],
    (x[test], y[test]),
    first_round=True,
    seeds=range(3),
    margin=2.0,
    until=ws_keras.Until(patience=5, max_epochs=25),
    on_end=measure,
    verbose=0,
)
for arm, pairs in shares.items():
    old, new = 100 * np.mean(pairs, 0)
    print(f"{arm}: {old:.1f} % of the old digits, {new:.1f} % of the new.")
print(found)
print(f"Recommended: {found.recommended or 'none, give more seeds'}.")
