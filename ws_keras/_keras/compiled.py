"""What a model is compiled with."""

import keras

from ws_keras._keras.gone import needed


def compiled_with(model) -> dict:
    """Returns the arguments that `compile` was given, as objects.

    Reason: `get_compile_config` serializes them, which fails for a user's.
    If gone: `Gone`.
    """
    return dict(needed(needed(model, "_compile_config"), "config"))


def given_metrics(model) -> list:
    """Returns the metrics that `compile` was given, names among them.

    Reason: `metrics` has what Keras made of them.
    If gone: empty, and no metric counts as accuracy by its name.
    """
    compiled = getattr(model, "_compile_metrics", None)
    return keras.tree.flatten(getattr(compiled, "_user_metrics", None))


def metrics_by_log(model) -> dict[str, keras.metrics.Metric]:
    """Returns the metrics of a model by their names in the logs.

    Reason: there is no public way from a metric to its name in the logs.
    If gone: the loss alone is found, and `monitor` refuses all other names.
    """
    found = {}
    compiled = getattr(model, "_compile_metrics", None)
    for metric in model.metrics:
        if metric is not compiled:
            found[metric.name] = metric
    for part in ("_flat_metrics", "_flat_weighted_metrics"):
        for some in getattr(compiled, part, None) or ():
            for metric in some.metrics if some else ():
                prefix = f"{some.output_name}_" if some.output_name else ""
                found[prefix + metric.name] = metric
    return found


def function(metric):
    """Returns the function of samples that a metric is the mean of, or `None`.

    Reason: a metric has no public name for it.
    If gone: `None`, and single samples are not measured by it.
    """
    return getattr(metric, "_fn", None)


def options(function) -> dict:
    """Returns what a loss or a metric gives its function, as `from_logits`.

    Reason: no public attribute has it.
    If gone: it is read from the config of a loss or metric of Keras'.
    """
    found = getattr(function, "_fn_kwargs", None)
    if found is None and type(function).__module__.startswith("keras."):
        # A function of Keras' has no config.
        found = getattr(function, "get_config", dict)()
    return found or {}


def direction(metric) -> str | None:
    """Returns whether more of a metric is better: "up", "down" or `None`.

    Reason: no public attribute has it.
    If gone: `None`, and its name decides, or the user.
    """
    return getattr(metric, "_direction", None)
