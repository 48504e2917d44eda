"""Searches for the best arm for a user's data, within a budget."""

import dataclasses
import math
import time
from collections.abc import Callable
from collections.abc import Sequence

from ws_keras import arms as all_arms
from ws_keras import checks
from ws_keras import comparison as comparisons
from ws_keras.report import scale as scales
from ws_keras.report import statistics
from ws_keras.storage import metric as metrics
from ws_keras.storage import rows

SEARCH = "search"
CANDIDATES = (
    "cold",
    "warm",
    "shrink_perturb-0.8-0.01",
    "shrink_perturb-0.6-0.01",
    "shrink_perturb-0.4-0.1",
    "shrink_perturb-0.2-0.1",
    "fire",
)
# The verdict sets each other arm beside these two.
_REFERENCES = ("cold", "warm")
_FINALISTS = 2  # beside the references
_LEAST_SEEDS = 3  # fewer decide nothing, see `report.statistics`

# Runs arms with seeds on the first so many rounds.
Measure = Callable[[Sequence[str], Sequence[int], int], comparisons.Comparison]


@dataclasses.dataclass(frozen=True)
class Search:
    """A search among arms by successive halving over rounds and seeds.

    The search has three stages:

    1. All candidates run on the first half of the rounds with one seed.
    2. The better half of the candidates runs on all rounds with another seed.
    3. The best two of these arms, a cold start and a warm start run on all
       rounds with `seeds` further seeds.

    The recommendation uses the runs of the last stage only. Therefore an arm
    that was lucky with one seed has no advantage. If the metrics of several
    arms are within the margin of the best one, the arm with fewer sample passes
    ranks higher. A stage begins only if it is expected to end within the
    budget. Without the last stage, there is no recommendation.

    Example:

    ```python
    rounds, held_out = [(x_may, y_may), (x_june, y_june)], (x_test, y_test)
    search = ws_keras.Search(minutes=20)
    print(ws_keras.fit_rounds(build, rounds, held_out, arms=search))
    ```

    Args:
        candidates: Arms in their text form, such as `"fire"`. The search always
            includes a cold and a warm start. Defaults to these two,
            shrink-perturb with four strengths, and FIRE.
        minutes: Budget in minutes on this machine. `None` sets no limit.
            Defaults to 10.
        passes: Budget in sample passes (one sample trained on once). `None`
            sets no limit. Defaults to `None`.
        seeds: Number of seeds of the last stage, at least 3. The search uses
            fewer seeds, but at least 3, if the budget requires it. Defaults to
            5.

    Raises:
        ValueError: If an argument is out of its range. `fit_rounds` raises it
            if the budget does not allow one run of each candidate; the message
            names the budget that would.
    """

    candidates: Sequence[str] = CANDIDATES
    minutes: float | None = 10.0
    passes: int | None = None
    seeds: int = 5

    def __post_init__(self):
        if isinstance(self.candidates, str):
            raise ValueError(
                "`candidates` must be a list of arms. Received: "
                f"candidates={self.candidates!r}. Write "
                f"[{self.candidates!r}]."
            )
        for arm in self.candidates:
            all_arms.parse(arm)
        for name in ("minutes", "passes"):
            value = getattr(self, name)
            if value is None:
                continue
            if not checks.is_number(value) or not 0 < value < math.inf:
                raise ValueError(
                    f"`{name}` must be positive and finite, or None. "
                    f"Received: {name}={value!r}."
                )
        if not checks.is_whole(self.seeds) or self.seeds < _LEAST_SEEDS:
            raise ValueError(
                f"`seeds` must be a whole number of at least {_LEAST_SEEDS}, "
                "because fewer seeds do not allow a recommendation. "
                f"Received: seeds={self.seeds!r}."
            )


class TooSmall(ValueError):
    """The budget does not allow one run of each candidate."""


class _Budget:
    """The budget of a search, and how much of it has been used.

    Rows of an interrupted search are read from its folder at once. They count
    with the minutes that they took.
    """

    def __init__(self, search: Search):
        self._minutes, self._passes = search.minutes, search.passes
        self._begun = time.monotonic()
        self._earlier = 0.0  # minutes of the interrupted search
        self.passes = 0
        self._training = 0.0  # minutes that these passes took

    @property
    def minutes(self) -> float:
        """Minutes of the search so far."""
        return self._earlier + (time.monotonic() - self._begun) / 60

    def count(self, found: Sequence[rows.Row], minutes: float) -> None:
        """Adds the sample passes and minutes of some rows."""
        self.passes += sum(row.sample_passes for row in found)
        own = sum(map(_seconds, found)) / 60
        self._earlier += max(0.0, own - minutes)
        self._training += max(own, minutes)

    def cost(self, passes: float) -> str:
        """Describes what some sample passes are expected to take."""
        minutes = passes * self._minutes_of_pass
        return f"about {minutes:.1f} minutes or {passes:,.0f} sample passes"

    @property
    def _minutes_of_pass(self) -> float:
        return self._training / max(1, self.passes)

    def affords(self, passes: float) -> bool:
        """Returns whether the budget allows this many further passes."""
        if self._passes is not None and self.passes + passes > self._passes:
            return False
        if self._minutes is None:
            return True
        return self.minutes + passes * self._minutes_of_pass <= self._minutes


def search(
    measure: Measure,
    wanted: Search,
    num_rounds: int,
    *,
    first_seed: int = 0,
    margin: float | None = None,
) -> comparisons.Comparison:
    """Finds an arm; see `Search`.

    Args:
        measure: Function of arms, seeds and a number of rounds. It runs the
            arms on this many rounds, from the first one on.
        wanted: The `Search`.
        num_rounds: Number of all rounds.
        first_seed: The first seed. Defaults to 0.
        margin: As in `fit_rounds`. Defaults to `None`.

    Returns:
        The `Comparison` of the last stage. Its verdict begins with the results
        of the earlier stages.

    Raises:
        ValueError: If the budget does not allow one run of each candidate.
    """
    budget, told = _Budget(wanted), []
    candidates = list(dict.fromkeys([*_REFERENCES, *wanted.candidates]))

    def run(arms, seeds, count) -> comparisons.Comparison:
        begun = time.monotonic()
        found = measure(arms, seeds, count)
        budget.count(found.rows, (time.monotonic() - begun) / 60)
        return found

    half = min(num_rounds, max(2, math.ceil(num_rounds / 2)))
    seed = first_seed
    found = run(candidates[:1], [seed], half).rows
    _check_budget(budget, found, candidates, wanted)
    found = found + run(candidates[1:], [seed], half).rows
    order = _order(found, margin)
    told.append(_told(1, half, order, found))

    # What a run of each arm on all rounds is expected to cost.
    growth = _growth(found, num_rounds)
    costs = {arm: growth * _passes(found, arm) for arm in order}
    better = order[: max(_FINALISTS, math.ceil(len(order) / 2))]
    middle = sum(costs[arm] for arm in better)
    last = sum(costs[arm] for arm in _finalists(order))
    if budget.affords(middle + _LEAST_SEEDS * last):
        seed += 1
        found = run(better, [seed], num_rounds).rows
        order = _order(found, margin)
        told.append(_told(2, num_rounds, order, found))
    arms = _finalists(order)
    last = sum(costs[arm] for arm in arms)
    count = wanted.seeds
    while count >= _LEAST_SEEDS and not budget.affords(count * last):
        count -= 1
    if count < _LEAST_SEEDS:
        return _ended(found, told, budget.cost(_LEAST_SEEDS * last))
    seeds = range(seed + 1, seed + 1 + count)
    told += _fewer(count, wanted.seeds, budget.cost(last))
    return _said(run(arms, seeds, num_rounds), told)


def is_wanted(arms) -> bool:
    """Returns whether `arms` requests a search instead of naming arms.

    Raises:
        ValueError: If `arms` is a misspelled `"search"`.
    """
    near = checks.guess(arms, [SEARCH]) if isinstance(arms, str) else ""
    if near and arms != SEARCH:
        raise ValueError(
            f"`arms` must name arms or be {SEARCH!r}. Received: "
            f"arms={arms!r}.{near}"
        )
    return arms == SEARCH or isinstance(arms, Search)


def of(arms) -> Search:
    """Returns the search that `arms` requests."""
    return arms if isinstance(arms, Search) else Search()


def _expected(found: comparisons.Comparison, arm: str) -> list[str]:
    """Returns the expected cost of the next round, relative to cold."""
    last = max(row.round for row in found.rows)

    def passes(wanted: str) -> dict[int, int]:
        return {
            row.seed: row.sample_passes
            for row in found.rows
            if row.round == last and _text(row) == wanted
        }

    ours, cold = passes(arm), passes("cold")
    if arm == "cold" or not (ours and cold):
        return []
    share = statistics.ratio(ours, cold)
    mean = sum(ours.values()) / len(ours)
    percents = (100 * end for end in (share.mean, share.low, share.high))
    part, low, high = (f"{percent:.0f}" for percent in percents)
    return [
        f"In round {last} {arm} took {mean:,.0f} sample passes, {part} % of "
        f"those of a cold start (95 % interval {low} to {high}). The next "
        "round will take about as many if it adds about as many samples."
    ]


def _finalists(order: Sequence[str]) -> list[str]:
    """Returns the references and the best of the other arms."""
    others = [arm for arm in order if arm not in _REFERENCES]
    return [*_REFERENCES, *others[:_FINALISTS]]


def _said(
    found: comparisons.Comparison, told: Sequence[str]
) -> comparisons.Comparison:
    """Adds the results of earlier stages and the expected cost to a verdict."""
    verdict = [*told, found.verdict]
    if found.start is not None:
        verdict += ["", *_expected(found, found.start)]
    return dataclasses.replace(found, verdict="\n".join(verdict))


def _ended(
    found: Sequence[rows.Row], told: Sequence[str], cost: str
) -> comparisons.Comparison:
    """Returns the results of a search that ended before its last stage."""
    words = (
        "No recommendation. The budget does not allow the last stage, which "
        f"takes {cost} more with {_LEAST_SEEDS} seeds. Fewer seeds do not "
        "allow a recommendation. Increase the budget."
    )
    return comparisons.Comparison(list(found), "\n".join([*told, "", words]))


def _fewer(count: int, wanted: int, cost: str) -> list[str]:
    """Returns a sentence if the last stage has fewer seeds than requested."""
    if count == wanted:
        return []
    return [
        f"The budget allowed {count} of {wanted} seeds of the last stage. "
        f"Each further seed takes {cost}."
    ]


def _check_budget(budget, found, candidates, wanted) -> None:
    """Raises `TooSmall` unless the budget allows a run of each candidate."""
    each = sum(row.sample_passes for row in found)
    rest = each * (len(candidates) - 1)
    if budget.affords(rest):
        return
    whole = each + rest
    given = f"minutes={wanted.minutes}, passes={wanted.passes}"
    raise TooSmall(
        f"The budget of a search must allow one run of each of the "
        f"{len(candidates)} candidates, which takes {budget.cost(whole)} here. "
        f"Received: {given}. Increase the budget, or give fewer `candidates`."
    )


def _order(found: Sequence[rows.Row], margin: float | None) -> list[str]:
    """Returns the arms, the best one first."""
    metric = metrics.of(found[0])
    values = {_text(row): metric.value(row) for row in found if row.last}
    known = {a: metric.sign * v for a, v in values.items() if math.isfinite(v)}
    if not known:
        return list(values)
    best = max(known.values())
    scale = scales.of(metric, margin, known.values())
    close = [arm for arm in known if best - known[arm] <= scale.margin]
    close.sort(key=lambda arm: _passes(found, arm))
    rest = sorted(known.keys() - set(close), key=known.get, reverse=True)
    lost = [arm for arm in values if arm not in known]
    return [*close, *rest, *lost]


def _text(row: rows.Row) -> str:
    """Returns the text form of a row's arm, as it was given."""
    return row.setting.split("/")[-2]


def _seconds(row: rows.Row) -> float:
    return row.train_seconds + row.trace_seconds + row.eval_seconds


def _passes(found: Sequence[rows.Row], arm: str) -> int:
    return sum(row.sample_passes for row in found if _text(row) == arm)


def _growth(found: Sequence[rows.Row], num_rounds: int) -> float:
    """Returns the cost of all rounds, divided by that of the finished rounds.

    Each remaining round is assumed to add as many samples as the mean of the
    finished rounds.
    """
    sizes = sorted({row.num_samples for row in found})
    step = sizes[-1] / len(sizes)
    more = [
        sizes[-1] + step * number
        for number in range(1, num_rounds - len(sizes) + 1)
    ]
    return (sum(sizes) + sum(more)) / sum(sizes)


def _told(stage: int, count: int, order, found) -> str:
    metric = metrics.of(found[0])
    scale = scales.of(metric, 1.0, [])
    values = {_text(row): metric.value(row) for row in found if row.last}
    parts = (f"{arm} ({scale.level(values[arm])})" for arm in order)
    rounds = f"{count} round{'s' * (count > 1)}"
    return f"Stage {stage}, one seed, {rounds}: {', '.join(parts)}."
