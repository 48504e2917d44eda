"""Computes the metric of a constant prediction, as a baseline."""

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


def find(
    model: keras.Model, data: arrivals.Data, objective: objectives.Objective
) -> chance.Baseline | None:
    """Computes the metric of always predicting the mean of the targets.

    For classes, the prediction is the share of each class. For an area under a
    ROC curve, the baseline is one half.

    Args:
        model: Compiled model whose metrics have been used once.
        data: Data of the comparison.
        objective: Metric of the comparison.

    Returns:
        A `chance.Baseline`. `None` for accuracies, which are compared with the
        most frequent class instead, for several outputs, and for custom losses.
    """
    outputs = targets.outputs(model)
    metric = objectives.known_metrics(model).get(objective.log)
    if objective.metric.is_accuracy or len(outputs) > 1:
        return None
    if type(metric).__name__ == "AUC" and metric.get_config()["curve"] == "ROC":
        return chance.Baseline(np.array([0.5]), "chance")
    constant = _constant(model, data, outputs[0])
    if constant is None:
        return None
    y = data.y[data.held_out]
    predicted = np.broadcast_to(constant, (len(y), *constant.shape))
    values = _values(model, objective, metric, y, predicted)
    if values is None or not np.isfinite(values).all():
        return None
    is_number = outputs[0].kind == "regression"
    what = (
        "the mean of the training targets"
        if is_number
        else ("the shares of the training classes")
    )
    return chance.Baseline(values, f"always giving {what}")


def _constant(model, data, output) -> np.ndarray | None:
    """Returns the constant prediction of a model, or `None`."""
    y = data.y[: data.ends[-1]]
    if output.kind == "sparse":
        units = output.units
        if units is None or y.ndim > 2 or (y.ndim == 2 and y.shape[1] > 1):
            return None
        y = np.bincount(y.ravel().clip(0), minlength=units) / len(y)
    elif output.kind in ("regression", "binary", "categorical"):
        y = np.atleast_1d(y.astype(float).mean(0))
    else:
        return None
    if output.kind == "regression" or not _has_logits(model):
        return y.astype("float32")
    y = y.clip(_LEAST, 1 - _LEAST)
    if output.kind == "binary":
        return np.log(y / (1 - y)).astype("float32")
    return np.log(y).astype("float32")


def _has_logits(model) -> bool:
    losses = keras.tree.flatten(model.loss)
    return any(_keras.options(loss).get("from_logits") for loss in losses)


def _values(model, objective, metric, y, predicted) -> np.ndarray | None:
    measure = outcomes.of_samples(model, objective)
    try:
        if measure is not None:
            return measure(y, predicted)
        own = type(metric).from_config(metric.get_config())
        own.update_state(y.reshape(predicted.shape), predicted)
        return np.array([float(ops.convert_to_numpy(own.result()))])
    except (TypeError, ValueError):  # raised by a custom metric
        return None
