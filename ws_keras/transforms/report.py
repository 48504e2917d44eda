"""Reports how a transform changed each variable."""

import dataclasses
import math
from collections.abc import Iterator

import numpy as np

from ws_keras.transforms import arrays


@dataclasses.dataclass(frozen=True)
class Line:
    """The change of one variable.

    `action` is `"mixed"` (shrunk or perturbed), `"changed"` (in another way),
    `"reset"`, `"measured"` (on given data) or `"kept"`. `reason` says why a
    variable was kept. Norms are L2 norms. `cosine` compares the values before
    and after; it is NaN if one of them is zero. `noise_norm` is the norm of
    the added term.
    """

    path: str
    kind: str
    action: str
    reason: str
    shrink: float
    perturb: float
    norm_before: float
    norm_after: float
    cosine: float
    noise_norm: float


@dataclasses.dataclass(frozen=True)
class Report:
    """One `Line` per variable. It prints as a table."""

    lines: tuple[Line, ...]

    def __iter__(self) -> Iterator[Line]:
        return iter(self.lines)

    def __len__(self) -> int:
        return len(self.lines)

    @property
    def touched(self) -> list[Line]:
        """The lines of the variables that were not kept."""
        return [line for line in self.lines if line.action != "kept"]

    def totals(self) -> dict[str, float]:
        """Returns norms and cosine over all mixed or changed variables."""
        mixed = [
            line for line in self.lines if line.action in ("mixed", "changed")
        ]
        before = _root(line.norm_before for line in mixed)
        after = _root(line.norm_after for line in mixed)
        dot = sum(
            line.cosine * line.norm_before * line.norm_after
            for line in mixed
            if not math.isnan(line.cosine)
        )
        product = before * after
        return {
            "norm_before": before,
            "norm_after": after,
            "cosine": dot / product if product else math.nan,
            "noise_norm": _root(line.noise_norm for line in mixed),
        }

    def __str__(self) -> str:
        head = "variable what norm after cosine noise".split()
        cells = [head, *(_cells(line) for line in self.lines)]
        widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
        return "\n".join(_row(row, widths) for row in cells)


def line(
    entry,
    action: str,
    before: np.ndarray,
    after: np.ndarray,
    noise: np.ndarray | None = None,
    *,
    shrink: float = math.nan,
    perturb: float = math.nan,
) -> Line:
    """Measures one variable before and after a transform.

    Args:
        entry: The `variables.Entry`.
        action: `"mixed"`, `"changed"`, `"reset"` or `"measured"`.
        before: Value before.
        after: Value after.
        noise: Noise before it is multiplied by `perturb`. Defaults to `None`.
        shrink: Factor of the old value, or NaN.
        perturb: Scale of the noise, or NaN.

    Returns:
        A `Line`.
    """
    norm_before, norm_after, product = _norms_and_product(before, after)
    norms = norm_before * norm_after
    return Line(
        path=entry.path,
        kind=entry.kind,
        action=action,
        reason="",
        shrink=shrink,
        perturb=perturb,
        norm_before=norm_before,
        norm_after=norm_after,
        cosine=product / norms if 0 < norms < math.inf else math.nan,
        noise_norm=0.0 if noise is None else perturb * _norm(noise),
    )


def kept(entry, reason: str) -> Line:
    """Returns the line of a variable that was kept.

    The norm is NaN if the variable does not hold floats.
    """
    norm = _norm(entry.value()) if entry.kind != "other" else math.nan
    cosine = 1.0 if 0 < norm < math.inf else math.nan
    return Line(
        path=entry.path,
        kind=entry.kind,
        action="kept",
        reason=reason,
        shrink=math.nan,
        perturb=math.nan,
        norm_before=norm,
        norm_after=norm,
        cosine=cosine,
        noise_norm=0.0,
    )


def _norms_and_product(before, after) -> tuple[float, float, float]:
    """Computes the norms of two arrays and their inner product."""
    return (
        _norm(before),
        _norm(after),
        _product(before.reshape(-1), after.reshape(-1)),
    )


def _norm(array: np.ndarray) -> float:
    flat = array.reshape(-1)
    return math.sqrt(_product(flat, flat))


def _product(a: np.ndarray, b: np.ndarray) -> float:
    """Computes an inner product, in single precision if it suffices."""
    if a.dtype == b.dtype == np.float32:
        total = _sum_of_blocks(a, b, np.float32)
        if _SMALL < abs(total) < _LARGE:
            return total
    return _sum_of_blocks(a, b, np.float64)


# Within these bounds, squares in single precision neither under- nor overflow.
_SMALL, _LARGE = 1e-20, 1e30


def _sum_of_blocks(a, b, dtype) -> float:
    total = 0.0
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        for part in arrays.blocks(a.size):
            left = a[part].astype(dtype, copy=False)
            total += float(np.dot(left, b[part].astype(dtype, copy=False)))
    return total


def _root(norms) -> float:
    return math.sqrt(sum(norm**2 for norm in norms))


def _cells(line: Line) -> list[str]:
    if line.action == "mixed":
        what = f"{line.shrink:g} w + {line.perturb:g} noise"
    else:
        what = f"{line.action}: {line.reason}" if line.reason else line.action
    numbers = [
        line.norm_before,
        line.norm_after,
        line.cosine,
        line.noise_norm,
    ]
    shown = ["-" if math.isnan(n) else f"{n:.4g}" for n in numbers]
    return [line.path, what, *shown]


def _row(cells: list[str], widths: list[int]) -> str:
    text = [c.ljust(w) for c, w in zip(cells[:2], widths[:2], strict=True)]
    numbers = zip(cells[2:], widths[2:], strict=True)
    return "  ".join([*text, *(c.rjust(w) for c, w in numbers)]).rstrip()
