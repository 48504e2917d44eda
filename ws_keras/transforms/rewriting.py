"""Replaces weights by functions of their present values, in place."""

from collections.abc import Callable
from collections.abc import Mapping

from ws_keras.transforms import optimizers
from ws_keras.transforms import report as reports
from ws_keras.transforms import variables


def rewrite(
    model,
    found: list[variables.Entry],
    changes: Mapping[int, Callable],
    optimizer: str,
    reason: Callable[[variables.Entry], str],
) -> reports.Report:
    """Replaces each weight by a function of it, and updates the optimizer.

    All errors are raised before the first weight is written. Constraints are
    applied afterwards. What an optimizer stores of a weight, such as its moving
    average, changes in the same way as the weight.

    Args:
        model: Built `keras.Model`.
        found: All variables of the model.
        changes: By the index of each weight to change, a function of an array
            that returns an array of the same shape and dtype.
        optimizer: Policy; see `optimizers.reset`.
        reason: Function of the entry of a variable that is not changed. It
            returns the reason for the report.

    Returns:
        A `Report`.

    Raises:
        ValueError: If a weight is not finite or if an optimizer cannot be
            rebuilt.
    """
    chosen = [entry for entry in found if entry.index in changes]
    variables.check_finite(chosen)
    weights = [entry.variable for entry in chosen]
    state = optimizers.Change(model, optimizer, weights)
    lines = []
    for entry in found:
        if entry.index not in changes:
            lines.append(reports.kept(entry, reason(entry)))
            continue
        change, before = changes[entry.index], entry.value()
        after = variables.constrained(entry.variable, change(before))
        state.follow(entry.variable, after, change)
        lines.append(reports.line(entry, "changed", before, after))
        entry.variable.assign(after)
    state.finish()
    return reports.Report(tuple(lines))
