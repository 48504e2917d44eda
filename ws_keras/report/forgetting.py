"""Old and new held-out data side by side, so that forgetting is seen."""

from collections.abc import Iterable

from ws_keras.report import columns
from ws_keras.report import formatting
from ws_keras.report import runs
from ws_keras.report import scale as scales
from ws_keras.report import sections
from ws_keras.storage import metric as metrics
from ws_keras.storage import rows

_PARTS = {
    "old": "of earlier rounds",
    "new": "of the last round",
    "old_classes": "of old classes",
    "new_classes": "of new classes",
}
_NOTE = (
    "Means over finished seeds, after the last round. Old and new held-out "
    "samples are those of earlier rounds and of the last round. New classes "
    "occur in the last round for the first time."
)


def table(all_rows: Iterable[rows.Row]) -> sections.Table | None:
    """Returns the metric on old and on new held-out samples, by arm.

    Args:
        all_rows: Rows of one experiment.

    Returns:
        A `sections.Table`; `None` where no row tells them apart.
    """

    def mean(arm: runs.Arm, part: str) -> sections.Cell:
        metric = metrics.of(arm.first)
        found = arm.summary(f"{metric.name}_{part}")
        digits = 1 if metric.is_accuracy else scales.decimals(found.mean)
        return formatting.mean(found, digits)

    cells = [
        (arm, {part: mean(arm, part) for part in _PARTS})
        for arm in runs.Run("", list(all_rows)).arms
    ]
    known = [(arm, found) for arm, found in cells if any(found.values())]
    if not known:
        return None
    name = metrics.of(known[0][0].first).name
    title = name.capitalize() if name == "accuracy" else name
    lines = tuple((arm.name, *found.values()) for arm, found in known)
    return columns.without_empty(
        sections.Table(
            f"{title} on old and on new held-out samples",
            ("arm", *_PARTS.values()),
            lines,
            _NOTE,
        )
    )
