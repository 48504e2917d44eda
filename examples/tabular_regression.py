"""Regression on a table that grows: which start gives the smallest error?

    python examples/tabular_regression.py

The target is the progression of diabetes in 442 patients (from scikit-learn),
of whom 120 arrive in each round. There are no classes, so the arms are compared
by the mean absolute error.
"""

import keras
from sklearn import datasets

import ws_keras

x, y = datasets.load_diabetes(return_X_y=True)
x = (20 * x).astype("float32")  # columns of deviation 1
rounds = [(x[i : i + 120], y[i : i + 120]) for i in (0, 120, 240)]
held_out = x[360:], y[360:]


def build():
    model = keras.Sequential(
        [
            keras.Input((10,)),
            keras.layers.Dense(32, "relu"),
            keras.layers.Dense(1),
        ]
    )
    model.compile(keras.optimizers.Adam(0.02), "mse", metrics=["mae"])
    return model


# On a scale from 25 to 346, three points are negligible.
found = ws_keras.fit_rounds(
    build,
    rounds,
    held_out,
    seeds=range(5),
    margin=3.0,
    until=ws_keras.Until(patience=5, max_epochs=30, min_share=0.02),
    verbose=0,
)
print(found)
print(f"Recommended: {found.recommended or 'none, give more seeds'}.")
