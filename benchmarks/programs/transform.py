"""Shrink-perturb of a model, or the least that any such transform does."""

import numpy as np

from benchmarks import turns

# Width of four square layers of so many weights.
WIDTHS = {"100 million": 5000, "300 million": 8660}


def main(turn, what, network, noise="fresh"):
    """Applies a transform again and again, each one turn.

    `what` is `"ours"`, or `"floor"`: each weight is read and written once and
    as many normals are drawn.
    """
    import ws_keras

    model = build(network)
    weights = model.trainable_variables
    largest = max(4 * int(np.prod(v.shape)) for v in weights) / 1e6
    count = sum(int(np.prod(v.shape)) for v in weights)
    turn(num_params=count)
    seed = 0
    while True:
        seed += 1
        before = turns.reset_peak_memory()
        if what == "ours":
            ws_keras.shrink_perturb(model, 0.4, 0.1, noise=noise, seed=seed)
        else:
            _floor(weights, seed)
        extra = turns.peak_memory() - before
        turn(extra_memory=extra, largest_variable=largest, weights=count)


def build(name: str):
    """Returns a model, of up to 300 million weights."""
    import keras

    from ws_keras import models

    if name in models.NAMES:
        return models.build(name)
    if name == "resnet50":
        return keras.applications.ResNet50(weights=None)
    width = WIDTHS[name]
    layers = [keras.layers.Dense(width, use_bias=False) for _ in range(4)]
    return keras.Sequential([keras.Input([width]), *layers])


def _floor(weights, seed: int) -> None:
    rng = np.random.default_rng(seed)
    for variable in weights:
        value = variable.numpy()
        rng.standard_normal(value.shape, dtype=np.float32)
        variable.assign(value)
