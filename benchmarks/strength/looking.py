"""Measures a network for the rules, and leaves it as it was."""

import keras
import numpy as np
import tensorflow as tf

import ws_keras
from benchmarks.strength import rules
from ws_keras import networks
from ws_keras.diagnostics import probe
from ws_keras.transforms import gradients

BATCH, SAMPLES = 128, 256
_DORMANT = 0.025  # DrM's threshold


def look(model: keras.Model, old, new, seed: int) -> rules.Looked:
    """Returns what the rules are told of a model when new data arrive.

    Up to 256 old and 256 new samples, in training mode, in batches of 128,
    after each shrink of the grid with the noise that the round is to have.

    Args:
        model: Compiled model.
        old: Samples and targets of earlier rounds.
        new: Those that have arrived.
        seed: The seed of the transform of the round.
    """
    old, new = (_some(part, seed) for part in (old, new))
    loss = gradients.mean_loss(model, None)
    weights = _norm(model)
    dormant = probe.Probe(
        model, data=old, measures=("dormant_units",), tau=_DORMANT
    )()["dormant_units"]
    start = networks.Snapshot(model)
    by_shrink = {}
    with start:
        _shrink(model, 0.0, 1.0, seed)
        fresh = _norm(model)
        for shrink in rules.GRID:
            start.restore()
            _shrink(model, shrink, rules.PERTURB, seed)
            by_shrink[shrink] = tuple(
                _side(model, loss, *part) for part in (old, new)
            )
    return rules.Looked(weights, fresh, dormant, by_shrink)


def _shrink(model, shrink: float, perturb: float, seed: int) -> None:
    ws_keras.shrink_perturb(model, shrink, perturb, seed=seed, optimizer="keep")


def _some(part, seed: int):
    x, y = part
    chosen = np.random.default_rng(seed).permutation(len(y))[:SAMPLES]
    return x[chosen], y[chosen]


def _norm(model: keras.Model) -> float:
    kernels = [v for v in model.trainable_variables if len(v.shape) > 1]
    values = (keras.ops.convert_to_numpy(kernel) for kernel in kernels)
    return float(np.sqrt(sum(np.square(value).sum() for value in values)))


def _side(model, loss, x, y) -> rules.Side:
    losses, norms = [], []
    values = [v.value for v in model.trainable_variables]
    for start in range(0, len(y), BATCH):
        part = slice(start, start + BATCH)
        with tf.GradientTape() as tape:
            found = loss(y[part], model(x[part], training=True))
        found_gradients = tape.gradient(found, values)
        losses.append(float(found))
        norms.append([_size(g) for g in found_gradients])
    return rules.Side(float(np.mean(losses)), np.mean(norms, 0).tolist())


def _size(gradient) -> float:
    if gradient is None:
        return 0.0
    return float(tf.norm(tf.convert_to_tensor(gradient)))
