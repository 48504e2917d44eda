"""The cost of a week of retraining on a table: `fit_rounds`, Keras, sklearn.

A network of two hidden layers continues for some epochs on the rows of a table:
in `fit_rounds` (arm `warm`), in a `fit` written by hand, and in scikit-learn's
`MLPClassifier(warm_start=True)`. The programs take turns, and ratios are taken
within each turn:

    python -m benchmarks.tables
    python -m benchmarks.tables --path=letters.npz --rows=20000

Without `--path` the table is random: 16 features, 26 classes. A file has arrays
`x` and `y`. The tracing of graphs is left out, because both Keras programs do
it; `whole` is the call of `fit_rounds` with its trace, checks and evaluation.
"""

import argparse
import statistics
import time
import warnings
from collections.abc import Callable

import keras
import numpy as np
from sklearn import exceptions
from sklearn import neural_network

import ws_keras

_UNITS, _BATCH = 128, 128


def table(path: str | None, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns features of mean 0 and deviation 1, and classes from 0 on."""
    if path is None:
        rng = np.random.default_rng(0)
        y = rng.integers(0, 26, rows)
        x = rng.normal(size=(26, 16))[y] + rng.normal(size=(rows, 16))
    else:
        with np.load(path, allow_pickle=False) as file:
            x, y = file["x"][:rows], file["y"][:rows]
    scale = np.where(x.std(0) > 0, x.std(0), 1)
    y = np.unique(y, return_inverse=True)[1]
    return ((x - x.mean(0)) / scale).astype("float32"), y.astype("int32")


def build(features: int, classes: int) -> keras.Model:
    """Returns a compiled network of two hidden layers."""
    model = keras.Sequential(
        [
            keras.Input((features,)),
            keras.layers.Dense(_UNITS, "relu"),
            keras.layers.Dense(_UNITS, "relu"),
            keras.layers.Dense(classes),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.001), loss, metrics=["accuracy"])
    return model


def timed(work: Callable) -> tuple[float, float]:
    """Returns seconds by the wall clock and of the processor."""
    start = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - start[0], time.process_time() - start[1]


def measured(x, y, epochs: int, turns: int) -> dict[str, list]:
    """Returns the seconds of each program, a pair for each turn."""
    shape, classes = x.shape[1], int(y.max()) + 1
    by_hand, ours = build(shape, classes), build(shape, classes)
    by_hand.fit(x[:_BATCH], y[:_BATCH], batch_size=_BATCH, verbose=0)
    peer = neural_network.MLPClassifier(
        (_UNITS, _UNITS),
        batch_size=_BATCH,
        max_iter=epochs,
        warm_start=True,
        tol=0.0,
        n_iter_no_change=10**9,
    )
    found = {"rounds": [], "whole": [], "keras": [], "sklearn": []}

    def rounds() -> None:
        (row,) = ws_keras.fit_rounds(
            ours,
            [(x, y)],
            (x[:500] + 0.5, y[:500]),
            ("warm",),
            first_round=True,
            seeds=(0,),
            batch_size=_BATCH,
            until=ws_keras.Until(epochs=epochs),
            verbose=0,
        ).rows
        found["rounds"].append((row.train_seconds, row.cpu_seconds))

    for _ in range(turns + 1):
        found["whole"].append(timed(rounds))
        found["keras"].append(
            timed(
                lambda: by_hand.fit(
                    x, y, batch_size=_BATCH, epochs=epochs, verbose=0
                )
            )
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", exceptions.ConvergenceWarning)
            found["sklearn"].append(timed(lambda: peer.fit(x, y)))
    # The first turn warms caches up.
    return {name: seconds[1:] for name, seconds in found.items()}


def main() -> None:
    """Prints the ratios."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--path", help="An .npz with arrays x and y.")
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--turns", type=int, default=7)
    given = parser.parse_args()
    x, y = table(given.path, given.rows)
    found = measured(x, y, given.epochs, given.turns)
    print(f"{x.shape} rows and features, {y.max() + 1} classes")
    print("| program | wall s | CPU s | wall, of keras | CPU, of keras |")
    print("| --- | --: | --: | --: | --: |")
    for name, seconds in found.items():
        cells = [
            f"{statistics.median(s):.2f}" for s in zip(*seconds, strict=True)
        ]
        for clock in (0, 1):
            ratios = [
                own[clock] / base[clock]
                for own, base in zip(seconds, found["keras"], strict=True)
            ]
            low, mid, high = np.quantile(ratios, (0.25, 0.5, 0.75))
            cells.append(f"{mid:.2f} ({low:.2f} to {high:.2f})")
        print(f"| {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
