"""Computes the metric of a constant prediction, as a baseline."""

import functools
from collections.abc import Callable

import keras
import numpy as np
from keras import ops

from ws_keras import _keras
from ws_keras import outcomes
from ws_keras.data import arrivals
from ws_keras.data import targets
from ws_keras.report import chance
from ws_keras.training import objective as objectives

_LEAST = 1e-7  # smallest probability, so that its logarithm is finite
_BLOCK = 2**20  # number of predicted values that are measured at a time


def find(
    model: keras.Model,
    data: arrivals.Data,
    objective: objectives.Objective,
    measured: np.ndarray,
) -> chance.Baseline | None:
    """Computes the metric of always predicting the same.

    For numbers, the prediction is the mean or the median of the training
    targets, whichever is better. For classes, it is the share of each class.
    For an area under a ROC curve, the baseline is one half.

    Args:
        model: Compiled model whose metrics have been used once.
        data: Data of the comparison.
        objective: Metric of the comparison.
        measured: Held-out samples that are measured.

    Returns:
        A `chance.Baseline`. `None` for accuracies of one class per sample,
        which are compared with the most frequent class instead, for several
        outputs, and for custom losses.
    """
    (output, *others) = targets.outputs(model)
    metric = objectives.known_metrics(model).get(objective.log)
    is_accuracy = objective.metric.is_accuracy
    labels = outcomes.classes_of(model, data.y, objective.log)
    if others or (is_accuracy and labels is not None):
        return None
    if type(metric).__name__ == "AUC" and metric.get_config()["curve"] == "ROC":
        return chance.Baseline(np.array([0.5]), "chance")
    found = []
    for what, constant in _constants(model, data, output).items():
        predict = functools.partial(_repeated, constant, output)
        values = _values(model, objective, data.y[measured], predict)
        if values is None or not np.isfinite(values).all():
            continue
        if is_accuracy:
            what, values = "the same answer", 100 * values
        found.append(chance.Baseline(values, f"always giving {what}"))
    sign = objective.metric.sign
    return max(found, key=lambda one: sign * one.values.mean(), default=None)


def _constants(model, data, output) -> dict[str, np.ndarray]:
    """Returns words for constant predictions, and these predictions."""
    y = data.y[: data.ends[-1]]
    if output.kind == "regression":
        # The mean has the least squared error, the median the least absolute.
        return {
            f"the {name} of the training targets": np.atleast_1d(
                measure(y.astype(float), axis=0)
            ).astype("float32")
            for name, measure in (("mean", np.mean), ("median", np.median))
        }
    shares = _shares(y, output)
    if shares is None:
        return {}
    if _has_logits(model):
        shares = shares.clip(_LEAST, 1 - _LEAST)
        odds = shares / (1 - shares) if output.kind == "binary" else shares
        shares = np.log(odds)
    return {"the shares of the training classes": shares.astype("float32")}


def _shares(y: np.ndarray, output) -> np.ndarray | None:
    """Returns the share of each class, or `None` if there are no classes."""
    if output.kind in ("binary", "categorical"):
        return np.atleast_1d(y.astype(float).mean(0))
    if output.kind != "sparse" or output.units is None:
        return None
    y = y[y != output.ignored]
    if not y.size:
        return None
    return np.bincount(y.astype("int64"), minlength=output.units) / y.size


def _has_logits(model) -> bool:
    losses = keras.tree.flatten(model.loss)
    return any(_keras.options(loss).get("from_logits") for loss in losses)


def _values(model, objective, y, predict: Callable) -> np.ndarray | None:
    """Returns the metric of each sample, or one value for all samples."""
    measure = outcomes.of_samples(model, objective)
    try:
        if measure is not None:
            # Predictions for the positions of all samples may be large.
            size = max(1, _BLOCK * len(y) // predict(y).size)
            blocks = [y[i : i + size] for i in range(0, len(y), size)]
            return np.concatenate([measure(b, predict(b)) for b in blocks])
        metric = objectives.known_metrics(model)[objective.log]
        own = type(metric).from_config(metric.get_config())
        predicted = predict(y)
        own.update_state(y.reshape(predicted.shape), predicted)
        return np.array([float(ops.convert_to_numpy(own.result()))])
    except (TypeError, ValueError):  # raised by a custom metric
        return None


def _repeated(constant: np.ndarray, output, y: np.ndarray) -> np.ndarray:
    """Returns the constant prediction for all targets, without a copy."""
    positions = (len(y),)
    if output.kind == "sparse":
        is_one = y.ndim > 1 and y.shape[-1] == 1
        positions = y.shape[:-1] if is_one else y.shape
    return np.broadcast_to(constant, (*positions, *constant.shape))
