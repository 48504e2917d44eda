"""The metric that rounds are measured by, found among those of a model."""

import dataclasses
import re

import keras

from ws_keras import _keras
from ws_keras.data import targets
from ws_keras.storage import metric as metrics

_VALIDATION = "val_"
_SHORT = {
    "acc": "accuracy",
    "f1": "f1_score",
    "fbeta": "fbeta_score",
    "mae": "mean_absolute_error",
    "mape": "mean_absolute_percentage_error",
    "mse": "mean_squared_error",
    "msle": "mean_squared_logarithmic_error",
    "r2": "r2_score",
    "rmse": "root_mean_squared_error",
}
_ACCURACIES = {
    "Accuracy",
    "BinaryAccuracy",
    "CategoricalAccuracy",
    "SparseCategoricalAccuracy",
}
_MODES = {"up": "max", "down": "min", "max": "max", "min": "min"}
# What names say where a metric does not: parts of them, the first that fits.
_UP = re.compile(
    r"(^|_)(acc|accuracy|auc|auroc|precision|recall|r2|f1|fbeta|iou|dice|"
    r"kappa|score|similarity|correlation|sensitivity|specificity)(_|$)"
)
_DOWN = re.compile(
    r"(^|_)(loss|error|mae|mse|rmse|mape|msle|smape|crossentropy|hinge|poisson|"
    r"divergence|deviation|perplexity|pinball|brier|crps|fid|nll|rmsle|wer|"
    r"cer)(_|$)"
)
# Such as scikit-learn's `neg_mean_squared_error`: nothing is derived.
_NEGATED = re.compile(r"(^|_)(neg|negative)(_|$)")


@dataclasses.dataclass(frozen=True)
class Objective:
    """A metric as rows know it, and `log`, what Keras' logs call it."""

    metric: metrics.Metric = metrics.ACCURACY
    log: str = "accuracy"

    @property
    def is_validation(self) -> bool:
        """Whether logs have it only where a `fit` evaluates."""
        return is_validation(self.log)


ACCURACY = Objective()


def is_validation(name) -> bool:
    """Returns whether a name in the logs is one of validation data."""
    return isinstance(name, str) and name.startswith(_VALIDATION)


def find(
    model: keras.Model, monitor: str | None = None, mode: str | None = None
) -> Objective:
    """Returns the metric that is meant.

    Example:

    ```python
    from ws_keras.training import objective

    found = objective.find(model, "loss")
    ```

    Args:
        model: Model whose metrics have been used once, which builds them.
        monitor: Name of a metric or loss, such as `"mae"`, also under its
            short or long name or without the number that Keras gives to a
            second one; with `val_` that of validation data. `None` takes the
            accuracy; where there is none, the loss of several outputs, or
            else the first metric, or the loss of a regression. Defaults to
            `None`.
        mode: `"max"` or `"min"`, whether more or less is better. `None` takes
            what the metric or its name says. Defaults to `None`.

    Returns:
        An `Objective`.

    Raises:
        ValueError: The model has no such metric, or nothing tells its mode.
    """
    if mode not in (None, "auto", "max", "min"):
        raise ValueError(
            f"`mode` must be 'max', 'min' or None. Received: mode={mode!r}."
        )
    known = known_metrics(model)
    prefix = _VALIDATION * is_validation(monitor)
    if monitor is None:
        log = _default(model, known)
    else:
        log = _named(str(monitor).removeprefix(_VALIDATION), known)
    check_logits(model, known[log], log)
    if _is_accuracy(known[log], log):
        return Objective(log=prefix + log)
    found = _MODES.get(mode) or _mode(known[log], log)
    return Objective(
        metrics.Metric(_plain(known[log], log), found), prefix + log
    )


def known_metrics(model: keras.Model) -> dict[str, keras.metrics.Metric]:
    """Returns the metrics of a model by their names in the logs."""
    return _keras.metrics_by_log(model)


def _default(model, known: dict) -> str:
    accuracies = [log for log in known if _is_accuracy(known[log], log)]
    if "accuracy" in known:
        return "accuracy"
    outputs = targets.outputs(model)
    if len(outputs) > 1:
        return "loss"
    own = [*accuracies, *(log for log in known if log != "loss")]
    if not own and outputs[0].kind not in ("regression", None):
        raise ValueError(
            "A classifier must be compiled with a metric named 'accuracy', "
            "or `monitor` must name another one. Received: a model with "
            f"{sorted(known)}. Compile with `metrics=['accuracy']`, or give "
            "`monitor='loss'`."
        )
    return own[0] if own else "loss"


def _named(monitor: str, known: dict) -> str:
    long = _SHORT.get(monitor, monitor)
    names = {monitor, long, *(s for s, n in _SHORT.items() if n == monitor)}
    for fits in (
        lambda log: log == monitor,
        lambda log: log in names,
        lambda log: _plain(known[log], log) in names,
        lambda log: any(log.endswith(f"_{name}") for name in names),
    ):
        found = [log for log in known if fits(log)]
        if len(found) == 1:
            return found[0]
    raise ValueError(
        f"The model must be compiled with a metric named {monitor!r}, or "
        "`monitor` must name another one. Received: a model with "
        f"{sorted(known)}."
    )


def _is_accuracy(metric, log: str) -> bool:
    return log in ("accuracy", "acc") or type(metric).__name__ in _ACCURACIES


def _plain(metric, log: str) -> str:
    """Returns a name without the number that Keras gives to a second one."""
    kind = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type(metric).__name__)
    if re.fullmatch(rf"{kind.lower()}_\d+", metric.name):
        return log.rpartition("_")[0]
    return log


def _mode(metric, log: str) -> str:
    said = _MODES.get(_keras.direction(metric))
    if said is not None:
        return said
    name = log.lower()
    if not _NEGATED.search(name):
        for pattern, mode in ((_DOWN, "min"), (_UP, "max")):
            if pattern.search(name):
                return mode
    raise ValueError(
        "`mode` must be given if neither the metric nor its name says whether "
        f"a higher value is better. Received: monitor={log!r}. Give "
        "`mode='max'` or `mode='min'`."
    )


def check_logits(model: keras.Model, metric, log: str) -> None:
    """Raises a ValueError where a metric takes logits for probabilities."""
    losses = keras.tree.flatten(getattr(model, "loss", None))
    given = [_keras.options(loss) for loss in losses]
    if not any(some.get("from_logits") for some in given):
        return
    kind = type(metric).__name__
    threshold = _keras.options(metric).get("threshold")
    way = ""
    if kind == "BinaryAccuracy" and threshold == 0.5:
        way = "keras.metrics.BinaryAccuracy(name='accuracy', threshold=0.0)"
    elif kind == "AUC" and not metric.get_config().get("from_logits", True):
        way = "keras.metrics.AUC(name='auc', from_logits=True)"
    elif kind in ("Precision", "Recall") and metric.thresholds == [0.5]:
        way = f"keras.metrics.{kind}(thresholds=0.0)"
    if way:
        raise ValueError(
            "A metric must accept logits if the model outputs logits. "
            f"Received: {log!r}, which expects probabilities, and a loss with "
            f"from_logits=True. Compile with `metrics=[{way}]`."
        )
