"""Whether a run was done as the numbers beside it were."""

from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

from ws_keras.report import paper
from ws_keras.storage import rows

_ANY = "any"  # what an experiment varies
_NONE = (None, "none", 0, "", ())
# Fields that say nothing of other models and optimizers.
_ONLY = {
    "model.width": ("resnet18",),
    "model.blocks": ("resnet18",),
    "model.norm": ("resnet18",),
    "model.max_pool": ("resnet18",),
    "model.initializer": ("resnet18",),
    "model.depth": ("mlp",),
    "model.units": ("mlp",),
    "model.activation": ("mlp",),
    "model.use_bias": ("mlp", "logistic"),
    "optimizer.epsilon": ("adam",),
    "optimizer.momentum": ("sgd",),
}
_ROW_FIELDS = ("dataset", "model", "optimizer")
# What every paper does unless its block says otherwise. Configs that are older
# than a field lack it, and did the same.
_USUAL = {
    "model.blocks": (2, 2, 2, 2),
    "model.max_pool": False,
    "model.initializer": "torch",
    "model.norm": "batch",
    "model.depth": 2,
    "model.units": 100,
    "model.activation": "relu",
    "model.use_bias": True,
    "optimizer.epsilon": 1e-8,
    "optimizer.weight_decay": None,
    "precision": "float32",
    "second.learning_rate": None,
    "second.batch_size": None,
    "second.epochs": None,
    "train.epochs": None,
    "train.first_epochs": None,
    "transform.norms": "mix",
    "transform.step_shrink": 1.0,
    "transform.step_perturb": 0.0,
}


def differences(
    name: str,
    config: Mapping[str, Any],
    found: Sequence[rows.Row],
    ended: bool = True,
) -> list[str]:
    """Returns in which fields a setting was run in another way than a paper.

    Args:
        name: Block of `paper.json`.
        config: Config of the run, of dictionaries; may lack fields.
        found: Rows of one setting, in the order of the rounds.
        ended: Whether these are all of its rounds, whose number and samples
            then count. Defaults to `True`.

    Returns:
        Differences such as `model.width 64, not 16`; none where ours may be
        set beside the paper's. A field that is not known is a difference
        unless it is one that the paper leaves at none.
    """
    block = paper.numbers()[name]
    others = list(_of_rows(block, found))
    if ended:
        others += _of_rounds(block, found)
    for field, expected in {**_USUAL, **block["protocol"]}.items():
        if expected == _ANY or not _is_used(field, found[0]):
            continue
        value = found[0].labels.get(field, field_of(config, field))
        if value is None:
            value = _USUAL.get(field)
        if not _same(value, expected):
            known = "not known" if value is None else _shown(value)
            others.append(f"{field} {known}, not {_shown(expected)}")
    return others


def _is_used(field: str, row: rows.Row) -> bool:
    only = _ONLY.get(field)
    return not only or row.model in only or row.optimizer in only


def _of_rows(block: dict, found: Sequence[rows.Row]):
    for field in _ROW_FIELDS:
        if block.get(field, getattr(found[0], field)) != getattr(
            found[0], field
        ):
            yield f"{field} {getattr(found[0], field)}, not {block[field]}"


def _of_rounds(block: dict, found: Sequence[rows.Row]):
    sizes = block.get("num_samples")
    if isinstance(sizes, dict) and found[0].dataset in sizes:
        ours = [row.num_samples for row in found]
        theirs = sizes[found[0].dataset]
        # A cold setting of the whole may be its last round alone.
        if ours not in (theirs, theirs[-1:]):
            words = (" and ".join(f"{n:,}" for n in s) for s in (ours, theirs))
            yield "{} samples, not {}".format(*words)
    if len(found) != block.get("num_rounds", len(found)):
        yield f"{len(found)} rounds, not {block['num_rounds']}"
    if any(row.stopped_by == "cap" for row in found):
        yield "rounds that ended at the cap of epochs"


def field_of(config: Mapping[str, Any], field: str) -> Any:
    """Returns a field such as `train.epochs`; `None` where there is none."""
    value = config
    for part in field.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return None
        value = value[part]
    return value


def _same(value: Any, expected: Any) -> bool:
    if expected in _NONE and not isinstance(value, Mapping):
        return value in _NONE
    if isinstance(expected, tuple) and isinstance(value, list):
        value = tuple(value)  # as JSON has it
    return value == expected


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
