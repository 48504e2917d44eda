"""What TensorBoard shows beside the curves, as messages of an event file.

These are descriptions of scalars, the table of hyperparameters (the HParams
tab), and charts that hold all arms (the Custom Scalars tab).
"""

import math
from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Mapping

from google.protobuf import struct_pb2
from tensorboard.compat.proto import summary_pb2
from tensorboard.compat.proto import tensor_pb2
from tensorboard.compat.proto import types_pb2
from tensorboard.plugins.custom_scalar import layout_pb2
from tensorboard.plugins.custom_scalar import metadata as layouts
from tensorboard.plugins.hparams import api_pb2
from tensorboard.plugins.hparams import metadata as tables
from tensorboard.plugins.hparams import plugin_data_pb2
from tensorboard.plugins.hparams import summary_v2
from tensorboard.plugins.scalar import metadata as scalars

GAP = "round/gap_to_cold"
DESCRIPTIONS = {
    "epoch/loss": "Mean training loss of the epoch, without penalties.",
    "epoch/train_accuracy": "Training accuracy during the epoch, in percent. "
    "The stopping rule of a round uses it.",
    "epoch/accuracy": "Accuracy on the first `train.monitor_samples` held-out "
    "samples after the epoch, in percent.",
    "epoch/learning_rate": "Learning rate at the end of the epoch.",
    "epoch/samples_per_second": "Training samples per second, without "
    "evaluation.",
    "round/accuracy": "Accuracy on all held-out samples after the round, in "
    "percent. The step is the number of training samples.",
    "round/train_accuracy": "Training accuracy at the end of the round, in "
    "percent.",
    "round/train_seconds": "Seconds of training in the round. On a shared "
    "machine, compare sample passes instead.",
    "round/epochs": "Epochs of the round.",
    "round/sample_passes": "Cost of the round: samples times epochs.",
    GAP: "Held-out accuracy minus that of the cold arm of the same seed, in "
    "points.",
}
_GROUPS = {
    "diagnostics": "Measured before the first step of the epoch, without "
    "changing the model.",
    "measures": "Measured after the round. The step is the number of training "
    "samples.",
}
COMPARED = {
    "round/accuracy": "held-out accuracy (%)",
    GAP: "minus cold (points)",
    "round/sample_passes": "sample passes",
    "round/epochs": "epochs",
    "round/train_seconds": "training seconds",
}
# What differs between the settings of most experiments comes first.
_FIRST = ("shrink", "perturb", "seed", "arm")
_HPARAMS = {
    "shrink": "Factor of the old weights. 0 is a cold start, 1 a warm start.",
    "perturb": "Scale of the added noise.",
    "seed": "Fixes the split, the initial weights, the noise and the order of "
    "the samples.",
    "arm": "Method that begins each round.",
    "width": "Channels of the first stage of the residual network.",
}
CHARTS = {
    "Accuracy of all arms": {
        "Held-out accuracy (%) after each round": "round/accuracy",
        "Minus the cold arm of the same seed (points)": GAP,
        "Held-out accuracy (%) during training": "epoch/accuracy",
    },
    "Cost of all arms": {
        "Sample passes of each round": "round/sample_passes",
        "Epochs of each round": "round/epochs",
    },
}


def description(tag: str) -> str:
    """Returns the meaning of a scalar, or `""` if it is unknown."""
    return DESCRIPTIONS.get(tag) or _GROUPS.get(tag.split("/")[0], "")


def scalar(tag: str, value: float):
    """Returns a summary of one scalar with its description."""
    about = scalars.create_summary_metadata("", description(tag))
    # Without it TensorBoard's fast reader ignores the description.
    about.data_class = summary_pb2.DATA_CLASS_SCALAR
    return _summary(tag, about, simple_value=value)


def hparams(
    values: Mapping,
    choices: Mapping[str, Iterable],
    name: str,
    start: float,
    absent: Collection[str] = (),
) -> list:
    """Returns the summaries that begin a setting in the HParams tab.

    Args:
        values: Hyperparameter to its value in this setting; nan is left out.
        choices: Hyperparameter to all its values in the experiment, which
            the tab offers as boxes to tick.
        name: Name of the setting in the table.
        start: Seconds since the epoch at which the setting began.
        absent: Tags that the experiment does not write. Defaults to none.
    """
    known = {key: v for key, v in values.items() if not _is_nan(v)}
    # What is not in the list could not be shown any more.
    if any(known[key] not in choices[key] for key in known.keys() & choices):
        choices = {}
    order = [key for key in _FIRST if key in values]
    order += [key for key in values if key not in order]
    experiment = api_pb2.Experiment(
        hparam_infos=[_info(key, values[key], choices) for key in order],
        # TensorBoard's plots leave out what has no value of some metric.
        metric_infos=[
            summary_v2.Metric(
                tag, display_name=shown, description=description(tag)
            ).as_proto()
            for tag, shown in COMPARED.items()
            if tag not in absent
        ],
    )
    return [
        _table(tables.EXPERIMENT_TAG, experiment=experiment),
        summary_v2.hparams_pb(known, name, start),
    ]


def session_end(succeeded: bool, when: float):
    """Returns the summary that ends a setting in the HParams tab."""
    end = plugin_data_pb2.SessionEndInfo(
        status=api_pb2.STATUS_SUCCESS if succeeded else api_pb2.STATUS_FAILURE,
        end_time_secs=when,
    )
    return _table(tables.SESSION_END_INFO_TAG, session_end_info=end)


def layout(absent: Collection[str] = ()):
    """Returns the summary of the charts of the Custom Scalars tab.

    Args:
        absent: Tags that the experiment does not write. Defaults to none.
    """
    categories = [
        layout_pb2.Category(
            title=title,
            chart=[
                layout_pb2.Chart(
                    title=name,
                    multiline=layout_pb2.MultilineChartContent(tag=[tag]),
                )
                for name, tag in charts.items()
                if tag not in absent
            ],
        )
        for title, charts in CHARTS.items()
    ]
    content = layout_pb2.Layout(category=categories).SerializeToString()
    tensor = tensor_pb2.TensorProto(
        dtype=types_pb2.DT_STRING, string_val=[content]
    )
    tensor.tensor_shape.SetInParent()
    about = layouts.create_summary_metadata()
    return _summary(layouts.CONFIG_SUMMARY_TAG, about, tensor=tensor)


def _info(name: str, value, choices: Mapping[str, Iterable]):
    kind = {bool: "BOOL", str: "STRING"}.get(type(value), "FLOAT64")
    info = api_pb2.HParamInfo(
        name=name,
        type=api_pb2.DataType.Value(f"DATA_TYPE_{kind}"),
        description=_HPARAMS.get(name, ""),
        # TensorBoard shows these first.
        differs=name in _FIRST and len(set(choices.get(name, (0, 1)))) > 1,
    )
    usual = {bool: (False, True)}.get(type(value), ())
    given = [v for v in choices.get(name, usual) if not _is_nan(v)]
    if given:
        info.domain_discrete.CopyFrom(struct_pb2.ListValue())
        info.domain_discrete.extend(sorted(set(given)))
    elif name in ("shrink", "perturb"):
        info.domain_interval.min_value = 0.0
        info.domain_interval.max_value = 1.0
    return info


def _table(tag: str, **data):
    """Returns a summary of the HParams tab."""
    about = tables.create_summary_metadata(
        plugin_data_pb2.HParamsPluginData(**data)
    )
    return _summary(tag, about, tensor=tables.NULL_TENSOR)


def _summary(tag: str, about, **value):
    value = summary_pb2.Summary.Value(tag=tag, metadata=about, **value)
    return summary_pb2.Summary(value=[value])


def _is_nan(value) -> bool:
    return isinstance(value, float) and math.isnan(value)
