"""The paper's printed and drawn numbers, looked up by what was run."""

import dataclasses
import functools
import json
import math
from importlib import resources
from typing import Any

from ws_keras.storage import rows


@dataclasses.dataclass(frozen=True)
class Curve:
    """Points of one curve of the paper, and the figure they come from."""

    where: str
    x: tuple[float, ...]
    y: tuple[float, ...]

    def at(self, x: float) -> float | None:
        """Returns the value at exactly this point, or `None`."""
        return dict(zip(self.x, self.y, strict=True)).get(x)


def numbers() -> dict[str, Any]:
    """Returns the content of `paper.json`."""
    return json.loads(_text())


def online(row: rows.Row, field: str) -> Curve | None:
    """Returns the paper's curve over samples for the arm of a row.

    Warm and cold starts are those of Fig. 2; shrink-perturb with the noise
    scale of Fig. 7 has its curve of accuracy there.

    Args:
        row: Any row of the arm.
        field: `accuracy` (percent) or `train_seconds` (per round).

    Returns:
        A `Curve` over numbers of samples, or `None`.
    """
    name, key = "fig2", row.arm
    if row.arm == "shrink_perturb":
        name, key = "fig7", f"{row.shrink:g}"
    figure = numbers()[name]
    step = figure["samples_per_round"]
    if not _same_protocol(figure, row):
        return None
    # With other steps the same number of samples is another history.
    if math.ceil(row.num_samples / step) != row.round:
        return None
    if row.perturb != figure.get("perturb", row.perturb):
        return None
    values = figure.get(field, {}).get(key)
    return values and _curve(figure, figure["num_samples"], values)


def epochs(row: rows.Row, field: str) -> Curve | None:
    """Returns the paper's Fig. 1 curve over epochs for the arm of a row.

    Args:
        row: A row of the first round; only rounds of as many epochs as the
            paper's can be laid over its curve.
        field: `accuracy` (held out) or `train_accuracy`.

    Returns:
        A `Curve` over epochs, or `None`.
    """
    figure = numbers()["fig1"]
    found = figure["curves"].get(f"{row.arm}/{field}")
    fits = _same_protocol(figure, row) and row.stopped_by == "epochs"
    if not found or not fits or row.epochs != figure["epochs_per_round"]:
        return None
    return _curve(figure, found["epoch"], found["value"])


def precision(name: str) -> str:
    """Returns how exact the numbers of a table or figure are."""
    return numbers()[name]["precision"]


def _same_protocol(figure: dict, row: rows.Row) -> bool:
    fields = ("dataset", "model", "optimizer")
    return all(figure[field] == getattr(row, field) for field in fields)


def _curve(figure: dict, x: list, y: list) -> Curve:
    return Curve(figure["where"], tuple(x), tuple(y))


@functools.cache
def _text() -> str:
    here = resources.files("ws_keras.report")
    return here.joinpath("paper.json").read_text("utf8")
