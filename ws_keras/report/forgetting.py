"""Old and new held-out data side by side, so that forgetting is seen."""

from collections.abc import Iterable

from ws_keras.report import formatting
from ws_keras.report import grouping
from ws_keras.report import scale as scales
from ws_keras.report import sections
from ws_keras.report import statistics
from ws_keras.storage import metric as metrics
from ws_keras.storage import rows

_PARTS = {
    "old": "of earlier rounds",
    "new": "of the last round",
    "old_classes": "of old classes",
    "new_classes": "of new classes",
}
_NOTE = (
    "Means over finished seeds, after the last round. Held-out samples of "
    "earlier rounds are those that were held out of them; new classes are "
    "those that the data of the last round were the first to have."
)


def table(all_rows: Iterable[rows.Row]) -> sections.Table | None:
    """Returns the metric on old and on new held-out samples, by arm.

    Args:
        all_rows: Rows of one experiment.

    Returns:
        A `sections.Table`; `None` where no row tells them apart.
    """
    lines, name = [], ""
    for arms in grouping.cells(all_rows).values():
        for arm, arm_rows in arms.items():
            known = grouping.runs(arm_rows).finished.values()
            ends = [found[-1] for found in known]
            means = _means(ends)
            if means:
                lines.append((arm, means))
                name = metrics.of(ends[0]).name
    parts = [part for part in _PARTS if any(part in m for _, m in lines)]
    if not parts:
        return None
    return sections.Table(
        f"{name.capitalize() if name == 'accuracy' else name} on old and on "
        "new held-out samples",
        ("arm", *(_PARTS[part] for part in parts)),
        tuple((arm, *map(means.get, parts)) for arm, means in lines),
        _NOTE,
    )


def _means(ends: list[rows.Row]) -> dict[str, sections.Cell]:
    """Returns the cell of each part that rows tell apart."""
    found = {}
    for part in _PARTS:
        values = [
            row.measures.get(f"{metrics.of(row).name}_{part}") for row in ends
        ]
        known = [value for value in values if value is not None]
        if known:
            mean = statistics.summarize(known)
            is_accuracy = metrics.of(ends[0]).is_accuracy
            digits = 1 if is_accuracy else scales.decimals(mean.mean)
            found[part] = formatting.mean(mean, digits)
    return found
