"""From rows to the blocks of a report: the answer first, all else folded."""

import collections
import dataclasses
from collections.abc import Sequence
from typing import Any

from ws_keras.report import answer
from ws_keras.report import charts
from ws_keras.report import comparison
from ws_keras.report import epochs
from ws_keras.report import moments
from ws_keras.report import origin
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
    "A claim about a difference holds if its paired 95 % interval lies on the "
    "claimed side, and does not hold if the interval lies on the other side. A "
    "claim that two arms end alike holds if two one-sided t tests (5 %) find "
    "the difference within the margin. Otherwise, and with fewer than three "
    "seeds, a claim is inconclusive."
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
    """Returns a section for each experiment.

    Args:
        run: Content of `run.json`.
        some: What `experiments` returns.
    """
    found = []
    for one in some:
        run = origin.completed(run, one.recipe) if len(some) == 1 else run
        name = one.view.title or one.experiment if len(some) > 1 else ""
        prose = origin.prose(run) if len(some) == 1 else []
        first, *rest = _shown(one)
        made_with = (*origin.command(run), origin.made_with(run, one.rows))
        blocks = (
            first,
            *together.said(run),
            *rest,
            *_fold("About this experiment", *prose),
            *_fold("Command, cost and versions", *made_with),
        )
        found.append(sections.Section(name, blocks))
    return found


def _shown(run: runs.Run) -> list:
    """Returns the blocks of an experiment, without its view if that fails."""
    try:
        return blocks(run)
    except Exception as error:  # of a user's file, in many ways
        if run.view == views.View():
            raise
        text = (
            f"The VIEW of {run.experiment} has failed "
            f"({type(error).__name__}: {plain.one_line(str(error), 300)}). The "
            "report shows the rows in the default form instead."
        )
        plainly = dataclasses.replace(run, recipe=views.Recipe())
        return [sections.Text(text, "banner"), *blocks(plainly)]


def blocks(run: runs.Run) -> list:
    """Returns the blocks of an experiment, as its view has them."""
    metric = metrics.of(run.rows[0])
    made = _usual(run) if metric.is_accuracy else _of_metric(run, metric)
    said = " ".join(answer.sentences(run))
    apart = tables.old_and_new(run.rows)
    return [
        *([sections.Text(said, "answer")] if said else []),
        *made,
        *([apart] if apart else []),
    ]


def _of_metric(run: runs.Run, metric: metrics.Metric) -> list:
    """Returns the blocks of rows about another metric than accuracy."""
    title = f"{metric.name} after each round"
    return [
        *_banners(answer.incomplete(run)),
        tables.arms(run),
        *(per_round.levels(run, arms, title) for arms in run.cells().values()),
        *_fold("Costs", tables.costs(run)),
    ]


def _usual(run: runs.Run) -> list:
    usual = charts.curve if run.is_online else charts.last
    main = (run.view.chart and run.view.chart(run)) or usual(run)
    cost = charts.cost(run) if len(run.arms) > 1 else None
    if main and cost and main.title == cost.title:
        cost = None  # the main chart shows the same points
    curves = epochs.curves(run)
    name = main and main.name
    missing = comparison.not_run(run)
    numbers = "1 number" if len(missing) == 1 else f"{len(missing)} numbers"
    return [
        *_banners(answer.banners(run)),
        *([main] if main else []),
        (run.view.table or tables.arms)(run),
        *_claims(run),
        *_fold("Accuracy against cost", cost, tables.costs(run)),
        *(fold for make in run.view.folds for fold in make(run)),
        *moments.fold(run),
        *(per_round.samples(run) if run.is_online else []),
        *_fold(
            "Differences from cold, ours and the paper's",
            *comparison.beside_paper(run),
        ),
        *_fold(
            f"Not run: {numbers} of the paper",
            missing and comparison.not_run_table(run, missing),
        ),
        *_fold(
            "Curves over epochs",
            *(c for c in curves if getattr(c, "name", "") != name),
        ),
        *_fold("Diagnostics over epochs", *epochs.measures(run)),
    ]


def _banners(texts: Sequence[str]) -> list[sections.Text]:
    return [sections.Text(text, "banner") for text in texts]


def _claims(run: runs.Run) -> list[sections.Fold]:
    results = [result for claim in run.view.claims for result in claim(run)]
    lines = tuple((r.claim, r.answer, r.because) for r in results)
    counts = collections.Counter(result.answer.value for result in results)
    words = ", ".join(f"{word}: {count}" for word, count in counts.items())
    header = ("claim", "answer", "because")
    made = sections.Table("", header, lines, _CLAIMS_NOTE)
    return _fold(f"Claims ({words})", made if results else None)


def _fold(name: str, *blocks) -> list[sections.Fold]:
    """Returns a fold of what is not empty; none of nothing."""
    some = tuple(filter(None, blocks))
    return [sections.Fold(name, some)] if some else []
