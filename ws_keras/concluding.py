"""Draws the conclusion of a comparison: a verdict and notes."""

import dataclasses
import math
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence

import keras
import numpy as np

from ws_keras import arms
from ws_keras import baseline
from ws_keras import comparison as comparisons
from ws_keras import outcomes as held
from ws_keras.callbacks import stopping
from ws_keras.data import arrivals
from ws_keras.report import formatting
from ws_keras.report import verdict as verdicts
from ws_keras.storage import metric as metrics
from ws_keras.storage import rows as all_rows
from ws_keras.training import objective as objectives
from ws_keras.training import terms

_SEEDS_ALONE = (
    "Intervals include only the variation between seeds, because the metric "
    "has no value for a single sample. Other held-out samples could give "
    "other numbers."
)
_LEFT_OUT = (
    "The model accepts batches of one size only, so the last {count:,} "
    "held-out samples, which do not fill a batch, are not measured."
)
_ON_HELD_OUT = (
    "Rounds ended by {name}, measured on the held-out samples themselves, so "
    "the numbers of all arms are slightly too good."
)
_ONE_PART = (
    "A model may forget old samples that it does not train on. `held_out` as "
    "a list with a pair for each round shows old and new samples separately."
)
_ONE_NETWORK = (
    "The function `model` builds the same network for each seed, for example "
    "because it sets a random seed or loads weights. Seeds vary only the noise "
    "and the order of the samples, so the intervals are too narrow, and each "
    "round of a cold start begins with the same weights. Draw new weights at "
    "each call of the function."
)
_ONE_PAST = (
    "All seeds begin with the given model. They vary the noise and the order "
    "of the samples, not the model's past."
)


def known(
    rows: Sequence[all_rows.Row], outcomes: Mapping[str, np.ndarray]
) -> Mapping[str, np.ndarray] | None:
    """Returns the outcomes if every finished setting has some, else `None`.

    Settings that diverged, or whose metric is nan or infinite, need none.

    Args:
        rows: All rows.
        outcomes: Metric of each held-out sample, by setting.
    """
    ends = [row for row in rows if row.last]
    ids = {r.setting for r in ends if math.isfinite(metrics.of(r).value(r))}
    ids -= {row.setting for row in rows if row.stopped_by == "nan"}
    return outcomes if ids <= outcomes.keys() else None


def notes(
    rows: Sequence[all_rows.Row],
    data: arrivals.Data,
    *,
    are_outcomes_known: bool,
    measured: np.ndarray,
    until: terms.Until,
    replay: float,
    are_built: bool,
    are_equal: bool = False,
) -> Iterator[str]:
    """Yields sentences about the limits of a comparison.

    Args:
        rows: All rows.
        data: Data of the comparison.
        are_outcomes_known: Whether the metric of each sample is known.
        measured: Held-out samples that are measured.
        until: Rule that ended rounds.
        replay: Fraction of the old samples that rounds trained on again.
        are_built: Whether a function builds the network of each seed.
        are_equal: Whether this function builds the same network for each
            seed. Defaults to `False`.
    """
    if not are_outcomes_known:
        yield _SEEDS_ALONE
    left = len(data.held_out) - len(measured)
    if left:
        yield _LEFT_OUT.format(count=left)
    if until.is_validation:
        yield _ON_HELD_OUT.format(name=until.monitor)
    if replay < 1 and len(data.parts) < 2:
        yield _ONE_PART
    if len({row.seed for row in rows}) > 1:
        if not are_built:
            yield _ONE_PAST
        elif are_equal:
            yield _ONE_NETWORK


def training(
    until: terms.Until,
    rule: stopping.StopAtAccuracy,
    *,
    batch_size: int,
    transform: Mapping,
    replay: float,
) -> str:
    """Says how rounds were trained, in the arguments of the user's own `fit`.

    Otherwise `fit` would train for one epoch, and the next round would neither
    cost nor reach what the comparison says.

    Args:
        until: Rule that ended rounds.
        rule: The callback of this rule.
        batch_size: Samples per batch.
        transform: Further arguments of the transforms.
        replay: Fraction of the old samples that rounds trained on again.
    """
    words = [f"`batch_size={batch_size}`", f"`epochs={until.limit}`"]
    if until.epochs is None:
        is_public = rule.__class__ is stopping.StopAtAccuracy
        words.append(
            f"`ws_keras.{rule.code}`"
            if is_public
            else f"`{rule.code}` of `{stopping.__name__}`"
        )
    given = formatting.listed(words)
    said = f"Train the next round as these were trained, with {given}."
    if transform:
        had = [f"`{name}={value!r}`" for name, value in transform.items()]
        said += f" The transform had {formatting.listed(had)}."
    if replay < 1:
        said += (
            f" Of the old samples, rounds trained on {100 * replay:g} % again."
        )
    return said


def comparison(
    rows: list[all_rows.Row],
    outcomes: Mapping[str, np.ndarray] | None,
    model: keras.Model,
    data: arrivals.Data,
    *,
    measured: np.ndarray,
    objective: objectives.Objective,
    margin: float | None,
    withheld: str,
    notes: Iterable[str],
    training: str = "",
) -> comparisons.Comparison:
    """Returns rows with a verdict and notes.

    Args:
        rows: All rows.
        outcomes: Result of `known`.
        model: Compiled model.
        data: Data of the comparison.
        measured: Held-out samples that are measured.
        objective: Metric of the comparison.
        margin: As in `fit_rounds`.
        withheld: As in `fit_rounds`.
        notes: Sentences to append to the verdict.
        training: Sentence that says how rounds were trained. Defaults to none.
    """
    labels = held.classes_of(model, data.y, objective.log)
    if labels is not None:
        labels = labels[measured]
    said = verdicts.verdict(
        rows,
        outcomes,
        labels,
        margin=margin,
        withheld=withheld,
        baseline=baseline.find(model, data, objective, measured),
    )
    found = comparisons.Comparison(rows, "", said.recommended)
    code = []
    if found.start is not None:
        line = arms.parse(found.start).code
        lead = f"{training} To begin the next round so:".strip()
        code = ["", lead, "", f"    {line}"]
    # The answer comes last: it is what stays on the screen.
    parts = [*said.lines, *notes, "", said.recommendation, *code]
    text = "\n".join(parts)
    return dataclasses.replace(found, verdict=text)
