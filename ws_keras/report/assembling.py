"""From rows to what a report says: the answer first, all else folded."""

import collections
import dataclasses
from collections.abc import Sequence
from typing import Any

from ws_keras.report import answer
from ws_keras.report import charts
from ws_keras.report import claims
from ws_keras.report import epochs
from ws_keras.report import forgetting
from ws_keras.report import moments
from ws_keras.report import origin
from ws_keras.report import paper_tables
from ws_keras.report import per_round
from ws_keras.report import plain
from ws_keras.report import runs
from ws_keras.report import sections
from ws_keras.report import tables
from ws_keras.report import together
from ws_keras.report import view as views
from ws_keras.storage import metric as metrics
from ws_keras.storage import rows

_CLAIMS_NOTE = (
    "A claim about a difference holds where its paired 95 % interval lies on "
    "the claimed side, and does not where it lies on the other. That two ends "
    "are alike holds where two one-sided t tests (5 %) find the difference "
    "within the margin. All else, and one seed, is inconclusive."
)


def experiments(
    run: dict[str, Any],
    found: Sequence[rows.Row],
    life: Sequence[rows.Epoch],
    recipes: views.Recipes = views.none,
) -> list[runs.Run]:
    """Returns the experiments of a folder.

    Args:
        run: Content of `run.json`, as much of it as is there.
        found: Rows of any experiments.
        life: Their epochs.
        recipes: See `view.Recipes`. Defaults to none.
    """
    lives = collections.defaultdict(list)
    for epoch in life:
        lives[epoch.setting].append(epoch)
    by_experiment = collections.defaultdict(list)
    for row in found:
        by_experiment[row.experiment].append(row)
    planned = origin.planned(run)
    made = []
    for name, some in by_experiment.items():
        recipe = recipes(name, run) or views.Recipe()
        own = tuple(i for i in planned if i.partition("/")[0] == name)
        some = recipe.view.rows(some) if recipe.view.rows else some
        config = origin.config(run, name)
        made.append(runs.Run(name, some, lives, config, own, recipe, recipes))
    return made


def title(run: dict[str, Any], some: Sequence[runs.Run]) -> str:
    """Returns the heading of a page, in words where they are known."""
    if len(some) == 1:
        known = origin.completed(run, some[0].recipe)
        named = some[0].view.title or origin.title(known)
        return named or some[0].experiment
    return ", ".join(one.experiment for one in some)


def sections_of(
    run: dict[str, Any], some: Sequence[runs.Run]
) -> list[sections.Section]:
    """Returns what a report says.

    Args:
        run: Content of `run.json`.
        some: What `experiments` returns.

    Returns:
        List of `sections.Section`, one for each experiment.
    """
    found = []
    for one in some:
        run = origin.completed(run, one.recipe) if len(some) == 1 else run
        name = one.view.title or one.experiment if len(some) > 1 else ""
        blocks = [*origin.command(run), *together.said(run), *_shown(one)]
        if len(some) == 1 and (prose := origin.prose(run)):
            blocks.append(sections.Fold("About this experiment", tuple(prose)))
        made = origin.made_with(run, one.rows)
        blocks.append(sections.Fold("Made with", (made,)))
        found.append(sections.Section(name, tuple(blocks)))
    return found


def table(run: runs.Run) -> sections.Table:
    """Returns the one table of an experiment."""
    return (run.view.table or tables.arms)(run)


def _shown(run: runs.Run) -> list:
    """Returns the blocks of an experiment, plain ones if its view fails."""
    try:
        return _blocks(run)
    except Exception as error:  # of a user's file, in many ways
        if run.view == views.View():
            raise
        text = (
            f"The view of {run.experiment} has failed "
            f"({type(error).__name__}: {plain.one_line(str(error), 300)}), so "
            "that its rows are shown by their shape."
        )
        plainly = dataclasses.replace(run, recipe=views.Recipe())
        return [sections.Text(text, "banner"), *_blocks(plainly)]


def _blocks(run: runs.Run) -> list:
    apart = forgetting.table(run.rows)
    metric = metrics.of(run.rows[0])
    made = _usual(run) if metric.is_accuracy else _of_metric(run, metric)
    return [*made, *([apart] if apart else [])]


def _of_metric(run: runs.Run, metric: metrics.Metric) -> list:
    """Returns the blocks of rows about another metric than accuracy."""
    title = f"{metric.name} after each round"
    return [
        sections.Text(" ".join(answer.sentences(run)), "answer"),
        tables.arms(run),
        *(per_round.levels_table(run, a, title) for a in run.cells().values()),
        sections.Fold("Costs", (tables.costs(run),)),
    ]


def _usual(run: runs.Run) -> list:
    results = [result for claim in run.view.claims for result in claim(run)]
    said = " ".join(answer.sentences(run))
    main = _main_chart(run)
    folds = [
        _claims(results),
        _cost(run),
        *([fold] for make in run.view.folds for fold in make(run)),
        moments.fold(run),
        per_round.samples(run) if run.is_online else [],
        _fold("Beside the paper's differences", paper_tables.beside_paper(run)),
        _not_run(run),
        _fold("Curves over epochs", _other(epochs.curves(run), main)),
        _fold("Diagnostics over epochs", epochs.measures(run)),
    ]
    return [
        *([sections.Text(said, "answer")] if said else []),
        *(sections.Text(text, "banner") for text in answer.banners(run)),
        *([main] if main else []),
        table(run),
        *(one for some in folds for one in some),
    ]


def _main_chart(run: runs.Run) -> sections.Chart | None:
    usual = charts.curve if run.is_online else charts.last
    return (run.view.chart and run.view.chart(run)) or usual(run)


def _other(found: list, main: sections.Chart | None) -> list:
    name = main and main.name
    return [block for block in found if getattr(block, "name", "") != name]


def _claims(results: Sequence[claims.Result]) -> list[sections.Fold]:
    if not results:
        return []
    lines = tuple((r.claim, r.answer, r.because) for r in results)
    counts = collections.Counter(result.answer.value for result in results)
    words = ", ".join(f"{word}: {count}" for word, count in counts.items())
    made = sections.Table(
        "", ("claim", "answer", "because"), lines, _CLAIMS_NOTE
    )
    return [sections.Fold(f"Claims ({words})", (made,))]


def _cost(run: runs.Run) -> list[sections.Fold]:
    drawn = [charts.cost(run)] if len(run.arms) > 1 else []
    return _fold("Accuracy against cost", [*drawn, tables.costs(run)])


def _not_run(run: runs.Run) -> list[sections.Fold]:
    missing = paper_tables.not_run(run)
    if not missing:
        return []
    count = len(missing)
    words = "1 number" if count == 1 else f"{count} numbers"
    made = paper_tables.not_run_table(missing)
    return [sections.Fold(f"Not run: {words} of the paper", (made,))]


def _fold(name: str, blocks: Sequence) -> list[sections.Fold]:
    some = tuple(block for block in blocks if block is not None)
    return [sections.Fold(name, some)] if some else []
