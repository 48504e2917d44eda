"""The arguments that a model was compiled with."""

import keras

from ws_keras._keras.gone import needed


def compiled_with(model) -> dict:
    """Returns the arguments of `compile` as objects.

    Reason: `get_compile_config` serializes them, which fails for custom ones.
    If gone: `Gone`.
    """
    return dict(needed(needed(model, "_compile_config"), "config"))


def given_metrics(model) -> list:
    """Returns the metrics that `compile` received, including names.

    Reason: `metrics` holds what Keras created from them.
    If gone: empty, and no metric counts as an accuracy by its name.
    """
    compiled = getattr(model, "_compile_metrics", None)
    return keras.tree.flatten(getattr(compiled, "_user_metrics", None))


def metrics_by_log(model) -> dict[str, keras.metrics.Metric]:
    """Returns the metrics of a model by their names in the logs.

    Reason: a metric has no public link to its name in the logs.
    If gone: only the loss is found, and `monitor` rejects other names.
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
    """Returns the function of samples that a metric averages, or `None`.

    Reason: a metric has no public name for this function.
    If gone: `None`, and single samples are not measured.
    """
    return getattr(metric, "_fn", None)


def options(function) -> dict:
    """Returns the options of a loss or metric, such as `from_logits`.

    Reason: no public attribute holds them.
    If gone: they are read from the config of a Keras loss or metric.
    """
    found = getattr(function, "_fn_kwargs", None)
    if found is None and type(function).__module__.startswith("keras."):
        # A Keras function has no config.
        found = getattr(function, "get_config", dict)()
    return found or {}


def direction(metric) -> str | None:
    """Returns whether more of a metric is better: "up", "down" or `None`.

    Reason: no public attribute holds it.
    If gone: `None`, and the name of the metric or the user decides.
    """
    return getattr(metric, "_direction", None)
