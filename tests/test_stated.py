"""Numbers that pages state are those of the committed rows.

The formulas are this file's own, so that an error of the report does not hide.
"""

import json
import math
import pathlib
import re

import numpy as np
import pytest
from scipy import stats

ROOT = pathlib.Path(__file__).parents[1]
RESULTS = ROOT / "results"


def page_of(name):
    return (ROOT / name).read_text(encoding="utf8").replace("−", "-")


def arms_of(folder):
    """Arm to seed to its rows, in order."""
    found = {}
    for path in RESULTS.glob(f"{folder}/*/**/rows.jsonl"):
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        name = "/".join(path.parent.relative_to(RESULTS / folder).parts[1:-1])
        found.setdefault(name, {})[rows[0]["seed"]] = rows
    return found


def last(rows):
    return rows[-1]["accuracy"]


def anew(rows):
    return rows[-1]["measures"]["shrunk/1/accuracy"]


def later(rows):
    return rows[-1]["accuracy"] - rows[0]["accuracy"]


def first(rows):
    return rows[0]["accuracy"]


def passes(rows):
    return math.log(sum(row["sample_passes"] for row in rows))


def level(arm, of=last):
    values = [of(rows) for rows in arm.values()]
    few = "n = 2: " if len(values) == 2 else ""
    return f"{few}{np.mean(values):.1f} ± {error(values):.1f}"


def error(values):
    return np.std(values, ddof=1) / math.sqrt(len(values))


def interval(arm, cold, of=last):
    """Mean, low and high of the paired difference, and the count."""
    seeds = sorted(set(arm) & set(cold))
    values = [of(arm[seed]) - of(cold[seed]) for seed in seeds]
    reach = stats.t.ppf(0.975, len(seeds) - 1) * error(values)
    mean = np.mean(values)
    return mean, mean - reach, mean + reach, len(seeds)


def gap(arm, cold, of=last):
    mean, low, high, count = interval(arm, cold, of)
    few = "n = 2: " if count == 2 else ""
    return f"{mean:+.1f} ({few}{low:+.1f} to {high:+.1f})"


def share(arm, cold):
    *found, count = interval(arm, cold, passes)
    mean, low, high = (math.exp(value) for value in found)
    few = "n = 2: " if count == 2 else ""
    return f"{mean:.2f} ({few}{low:.2f} to {high:.2f})"


TABLE1 = "cifar10-{}/{}"
SMALL = ("mlp-adam", "mlp_tanh-adam", "mlp-sgd", "mlp_tanh-sgd")
SMALL += ("logistic-adam", "logistic-sgd")


def of_table1():
    arms = arms_of("table1_two_phase")
    for cell in SMALL:
        cold, warm = (arms[TABLE1.format(cell, a)] for a in ("cold", "warm"))
        yield gap(warm, cold)
    for cell in ("mlp-adam", "mlp_tanh-adam", "logistic-sgd"):
        yield level(arms[TABLE1.format(cell, "cold")])


def of_ten_rounds():
    arms = arms_of("fig7_shrink_sweep_10000")
    arms |= {"warm": arms_of("fig2_online_10000")["warm"]}
    cold = arms["cold"]
    for name in ("cold", "warm", "shrink_perturb-0.6-0.01"):
        yield level(arms[name])
    for name in ("warm", "shrink_perturb-0.6-0.01", "shrink_perturb-0.2-0.01"):
        yield gap(arms[name], cold)
        yield share(arms[name], cold)


def of_five_rounds():
    arms = arms_of("fig2_online")
    cold, weaker = arms["cold"], arms["shrink_perturb-0.4-0.1"]
    yield from (level(cold), level(arms["warm"]))
    yield from (gap(weaker, cold, of) for of in (last, first, later))
    yield gap(arms["shrink_perturb-0.6-0.01"], cold)


def of_quickstart():
    arms = arms_of("quickstart")
    cold, sp = arms["cold"], arms["shrink_perturb-0.5-0.1"]
    for arm in arms.values():
        yield level(arm)
        yield level(arm, anew)
    for arm in (arms["warm"], sp):
        yield from (gap(arm, cold), gap(arm, cold, anew))
    yield share(sp, cold)


@pytest.mark.parametrize(
    "stated", [of_table1, of_ten_rounds, of_five_rounds, of_quickstart]
)
def test_the_results_are_those_of_the_rows(stated):
    page = page_of("docs/results.md")
    assert [text for text in stated() if f"| {text} |" not in page] == []


def test_the_frontier_is_that_of_the_rows():
    page, arms = page_of("docs/frontier.md"), arms_of("which_arm_textures")
    lines = re.findall(r"^\| `(\S+?)( [\d./]+)?` \|(.*\| 5) \|$", page, re.M)
    assert len(lines) == len(arms) == 21
    for kind, numbers, cells in lines:
        name = kind + numbers.replace(" ", "-").replace("/", "-")
        accuracy, *gaps, cost, _, _, _ = map(str.strip, cells.split("|"))
        assert accuracy == level(arms[name])
        others = (arms[n] for n in ("cold", "warm", "shrink_perturb-0.4-0.1"))
        for found, other in zip(gaps, others, strict=True):
            mean, low, high, _ = interval(arms[name], other)
            if other is not arms[name]:
                assert found == f"{mean:+.1f} ({low:.1f} to {high:.1f})"
        ratio = math.exp(interval(arms[name], arms["cold"], passes)[0])
        assert cost == f"{100 * ratio:.0f}"


def lines_of(name):
    lines = (re.sub(r"\*\*", "", line) for line in page_of(name).splitlines())
    tables = (line.strip("|").split("|") for line in lines if line[:1] == "|")
    return [tuple(map(str.strip, cells)) for cells in tables]


@pytest.mark.parametrize(
    ("page", "made", "count"),
    [
        ("frontier", "practice/practice", 10),
        ("policies", "policies/tables", 34),
        ("strength", "strength/choice", 9),
    ],
)
def test_tables_of_pages_are_those_that_commands_wrote(page, made, count):
    known = lines_of(f"results/{made}.md")
    names = {(cells[0], len(cells)) for cells in known}
    names = {one for one in names if not re.match("task|policy|-", one[0])}
    stated = lines_of(f"docs/{page}.md")
    stated = [cells for cells in stated if (cells[0], len(cells)) in names]
    assert len(stated) == count
    assert [cells for cells in stated if cells not in known] == []
