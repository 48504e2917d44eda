"""How far batch norm's moments lag at the end of a fit, and what helps.

    python -m benchmarks.moments

Networks learn half of scikit-learn's digits until 99 % are right. Then, after a
shrink-perturb, they learn all of them: until 99 % are right again, at two
learning rates, or for 40 epochs. Each line of the table shows the held-out
accuracy right after `fit`, and after the moments were measured anew on 4, 10
and 100 batches; how far the moments lagged (see `ws_keras.callbacks.moments`);
whether a warning came; and the CPU-seconds of the fit and of a pass.
`results/benchmarks/moments.md` has the table.
"""

import dataclasses
import itertools
import time
import warnings

import keras
import numpy as np
from absl import app
from absl import flags
from keras import layers
from sklearn import datasets

import ws_keras
from ws_keras.callbacks import moments
from ws_keras.report.render import markdown

_SEEDS = flags.DEFINE_integer("seeds", 1, "Seeds to run.")
_MODELS = flags.DEFINE_list("models", ["dense", "conv", "depthwise"], "Which.")

NORMS = (0.9, 0.99, 0.999, "group")
# What the table calls a fit: the learning rate, and the epochs if not brief.
FITS = {
    "brief, rate 0.001": (0.001, None),
    "brief, rate 0.01": (0.01, None),
    "40 epochs, rate 0.003": (0.003, 40),
}
HEADER = (
    ("model", "normalization", "fit", "steps", "training %", "held out %")
    + ("4 batches", "10 batches", "100 batches", "lag: mean", "variance")
    + ("warned", "fit s", "pass s")
)


@dataclasses.dataclass(frozen=True)
class Data:
    """Training and held-out samples of one seed."""

    x: np.ndarray
    y: np.ndarray
    held_out: tuple


def load(seed: int) -> Data:
    """Returns 1,347 digits to train on and 450 to measure on."""
    x, y = datasets.load_digits(return_X_y=True)
    x = (x / 16).reshape(-1, 8, 8, 1).astype("float32")
    order = np.random.default_rng(seed).permutation(len(x))
    known, rest = order[:1347], order[1347:]
    return Data(x[known], y[known], (x[rest], y[rest]))


def build(name: str, norm) -> keras.Model:
    """Returns a network with group norm, or batch norm of some momentum."""

    def block(layer):
        if norm == "group":
            return [layer, layers.GroupNormalization(8), layers.ReLU()]
        batch_norm = layers.BatchNormalization(momentum=norm)
        return [layer, batch_norm, layers.ReLU()]

    stack = [keras.Input((8, 8, 1))]
    if name == "dense":
        stack += [layers.Flatten()]
        stack += block(layers.Dense(64)) + block(layers.Dense(64))
    elif name == "conv":
        for channels in (16, 32):
            stack += block(layers.Conv2D(channels, 3, padding="same"))
            stack += [layers.MaxPooling2D()]
        stack += [layers.Flatten()]
    else:
        stack += block(layers.Conv2D(16, 3, padding="same"))
        for _ in range(2):
            stack += block(layers.DepthwiseConv2D(3, padding="same"))
            stack += block(layers.Conv2D(32, 1))
        stack += [layers.GlobalAveragePooling2D()]
    return keras.Sequential([*stack, layers.Dense(10)])


def measure(name: str, norm, fit: str, data: Data, seed: int) -> list:
    """Returns a line of the table."""
    rate, epochs = FITS[fit]
    keras.utils.set_random_seed(seed)
    model = build(name, norm)
    model.compile(
        keras.optimizers.Adam(rate),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    half = len(data.x) // 2
    rule = ws_keras.StopAtAccuracy(None if epochs else 0.99)
    first = ws_keras.StopAtAccuracy(0.99)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", moments.LaggingMoments)
        train(model, data.x[:half], data.y[:half], 60, first)
        start = time.process_time()
        again = ws_keras.ShrinkPerturb(seed=seed)
        train(model, data.x, data.y, epochs or 60, again, rule)
        fit_seconds = time.process_time() - start
    found = [accuracy(model, data)]
    for most in (4, 10, 100):
        start = time.process_time()
        ws_keras.recalibrate(model, data.x, max_batches=most)
        pass_seconds = time.process_time() - start
        found.append(accuracy(model, data))
    lag = rule.watch.lag
    said = "yes" if lag is not None and lag.is_large else "no"
    history = model.history
    return [
        name,
        f"batch, {norm}" if norm != "group" else norm,
        fit,
        str(len(history.epoch) * -(-len(data.x) // 32)),
        f"{100 * history.history['accuracy'][-1]:.1f}",
        *(f"{percent:.1f}" for percent in found),
        *(f"{v:.2f}" for v in ((lag.mean, lag.variance) if lag else ())),
        *([] if lag else ["", ""]),
        said,
        f"{fit_seconds:.1f}",
        f"{pass_seconds:.2f}",
    ]


def train(model, x, y, epochs: int, *callbacks) -> None:
    """Trains on batches of 32."""
    model.fit(x, y, epochs=epochs, verbose=0, callbacks=list(callbacks))


def accuracy(model, data: Data) -> float:
    """Returns the held-out accuracy in percent."""
    return 100 * model.evaluate(*data.held_out, verbose=0)[1]


def main(_) -> None:
    """Prints a line for each fit, and the table."""
    lines = []
    for seed in range(_SEEDS.value):
        data = load(seed)
        for part in itertools.product(_MODELS.value, NORMS, FITS):
            lines.append(measure(*part, data, seed))
            print(*lines[-1], sep="  ", flush=True)
    print(markdown.table(HEADER, lines))


if __name__ == "__main__":
    app.run(main)
