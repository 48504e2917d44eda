"""Numbers that pages state are those of the committed rows.

The formulas are this file's own, so that an error of the report does not hide.
"""

import csv
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


TEN_ROUNDS = [
    f"{figure}_10000{seed}"
    for figure in ("fig7_shrink_sweep", "fig2_online")
    for seed in ("", "_seed2")
]


def ten_rounds():
    """Arms of ten rounds of Figures 2 and 7; some have a third seed."""
    found = {}
    for folder in TEN_ROUNDS:
        for name, seeds in arms_of(folder).items():
            found.setdefault(name, {}).update(seeds)
    return found


def of_ten_rounds():
    arms = ten_rounds()
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


def after_the_first(rows):
    return np.mean([row["accuracy"] for row in rows[1:]])


@pytest.mark.parametrize("task", ["letters", "banking77", "clinc150"])
def test_differences_in_practice_are_those_of_the_rows(task):
    arms = arms_of(f"practice/{task}")
    lines = lines_of("results/practice/practice.md")
    start = [(line[0], line[1]) for line in lines].index((task, "cold"))
    others = [arms[n] for n in ("cold", "warm", "shrink_perturb-0.4-0.1")]
    for _, cell, score, *gaps in lines[start : start + len(arms)]:
        arm = arms[id_of(cell)]
        assert score == f"{np.mean([*map(after_the_first, arm.values())]):.1f}"
        assert gaps[:3] == [
            beside(arm, other, lambda a, b: gap(a, b, after_the_first), "")
            for other in others
        ]
        assert gaps[-1] == str(len(arm))


def test_weak_strengths_on_tables_are_those_of_the_page():
    lines = lines_of("results/practice/practice.md")
    names = [line[0] for line in lines]
    page = re.sub(r"\s+", " ", page_of("docs/frontier.md"))
    for strength, verb in (
        ("0.8/0.01", "significantly on one"),
        ("0.6/0.01", "significantly on two"),
    ):
        gains, costs, clear = [], [], 0
        for task in ("flights", "bank", "bike", "bike_count", "letters"):
            start = [
                (n, line[1]) for n, line in zip(names, lines, strict=True)
            ].index((task, "cold"))
            (cells,) = (c for c in lines[start : start + 8] if strength in c[1])
            gain, low, _ = map(float, re.findall(r"[-+][\d.]+", cells[4]))
            gains.append(gain)
            clear += low > 0
            costs.append(int(cells[7].split()[0]))
        said = f"by {min(gains):.1f} to {max(gains):.1f} points, {verb}"
        assert said in page
        assert f"for {min(costs)} to {max(costs)} %" in page
        assert clear == {"one": 1, "two": 2}[verb.split()[-1]]


def table(page, title):
    """Cells of the first table below a title, without its header."""
    below = page_of(page).partition(f"\n{title}\n")[2]
    lines = re.search(r"^\|.+\n\|[-:|]+\n((?:\|.+\n)+)", below, re.M)[1]
    rows = (line[1:-1].split("|") for line in lines.splitlines())
    return [tuple(map(str.strip, cells)) for cells in rows]


def id_of(cell):
    return re.sub("[ /]", "-", cell.strip("`"))


def beside(arm, other, text=gap, same="—"):
    return same if arm is other else text(arm, other)


def on_cifar10(seeds):
    """Arms of five rounds of CIFAR-10 that have so many seeds."""
    folders = ("fig2_online", "which_arm_5000", "which_arm_5000_more")
    arms = {n: arm for folder in folders for n, arm in arms_of(folder).items()}
    return {name: arm for name, arm in arms.items() if len(arm) == seeds}


def test_the_frontier_on_cifar10_is_that_of_the_rows():
    arms = on_cifar10(3)
    others = [arms[n] for n in ("cold", "warm", "shrink_perturb-0.4-0.1")]
    lines = table("docs/frontier.md", "## Images: CIFAR-10 and CIFAR-100")
    costs = {
        name: np.mean([math.exp(passes(rows)) for rows in arm.values()])
        for name, arm in arms.items()
    }
    ends = {n: np.mean([*map(last, arm.values())]) for n, arm in arms.items()}
    assert len(lines) == len(arms) == 7
    for cell, accuracy, *gaps, cost, is_best, seeds in lines:
        own, arm = id_of(cell), arms[id_of(cell)]
        assert (accuracy, seeds) == (level(arm), str(len(arm)))
        assert gaps == [beside(arm, other) for other in others]
        *found, _ = interval(arm, arms["cold"], passes)
        mean, low, high = (f"{100 * math.exp(value):.0f}" for value in found)
        assert cost == ("100" if own == "cold" else f"{mean} ({low} to {high})")
        cheaper = [n for n in ends if costs[n] < costs[own]]
        is_beaten = any(ends[n] >= ends[own] for n in cheaper)
        assert is_best == ("" if is_beaten else "yes")


def on_cifar100():
    return {n: arm[0] for n, arm in arms_of("which_arm_cifar100").items()}


def others_on_cifar10():
    """Seed 0 of the arms with one seed, and of cold and warm."""
    found, more = on_cifar10(1), on_cifar10(3)
    found |= {name: more[name] for name in ("cold", "warm")}
    return {name: arm[0] for name, arm in found.items()}


@pytest.mark.parametrize(
    ("title", "found"),
    [
        ("CIFAR-100, one seed", on_cifar100),
        ("Other arms on CIFAR-10, one seed", others_on_cifar10),
    ],
)
def test_arms_of_one_seed_are_those_of_the_rows(title, found):
    arms = found()
    cold, warm = arms["cold"], arms["warm"]
    lines = table("docs/frontier.md", f"### {title}")
    assert len(lines) == len(arms) >= 6
    for cell, accuracy, *gaps, cost, seeds in lines:
        rows = arms[id_of(cell)]
        assert (accuracy, seeds) == (f"{last(rows):.1f}", "1")
        for found, other in zip(gaps, (cold, warm), strict=True):
            assert found == beside(
                rows, other, lambda a, b: f"{last(a) - last(b):+.1f}"
            )
        ratio = math.exp(passes(rows) - passes(cold))
        assert cost == beside(rows, cold, lambda a, b, r=ratio: f"{r:.2f}")


def test_what_is_said_of_one_seed_on_cifar10_is_that_of_the_rows():
    page = page_of("docs/frontier.md").replace("\n", " ")
    arms = on_cifar10(3)
    cold = arms.pop("cold")
    variances = [
        np.var([last(rows) - last(cold[s]) for s, rows in arm.items()], ddof=1)
        for arm in arms.values()
    ]
    spread = math.sqrt(np.mean(variances))
    assert f"a standard deviation of {spread:.1f} points" in page
    measured = ("accuracy", "train_accuracy", "sample_passes")
    redo, replaced = (
        [[row[name] for name in measured] for row in on_cifar10(1)[arm][0]]
        for arm in ("redo-0.1", "continual_backprop-0.0001")
    )
    assert redo == replaced
    assert max(count for *_, count in redo) < 1000 * 128  # of a batch


def fitted(arm, cold):
    return f"{np.mean([r[-1]['train_accuracy'] for r in arm.values()]):.1f}"


@pytest.mark.parametrize(
    ("title", "folder", "measure"),
    [
        ("FIRE's own protocol", "fire_protocol_small", fitted),
        ("Hare & Tortoise's protocol", "hare_tortoise_small", fitted),
        ("DASH's table", "dash_table1_small", share),
    ],
)
def test_protocols_of_others_are_those_of_the_rows(title, folder, measure):
    arms = arms_of(folder)
    lines = table("docs/frontier.md", f"### {title}, at a small size")
    assert len(lines) == len(arms)
    for *way, cell, accuracy, to_cold, to_warm, measured, seeds in lines:
        way = way or ["mlp"] * (measure is share)
        arm, cold, warm = (
            arms["/".join([*way, name])]
            for name in (id_of(cell), "cold", "warm")
        )
        assert (accuracy, seeds) == (level(arm), str(len(arm)))
        assert to_cold == beside(arm, cold)
        assert to_warm == beside(arm, warm)
        same = measure is share and arm is cold
        assert measured == ("—" if same else measure(arm, cold))


@pytest.mark.parametrize(
    ("title", "folder"),
    [("textures", "factorial"), ("CIFAR-10", "factorial_cifar10")],
)
def test_effects_of_factors_are_those_of_the_report(title, folder):
    made = []
    for arm, *cells in lines_of(f"results/{folder}/report/report.md"):
        if len(cells) == 5 and re.search("→|mean of all", cells[0]):
            factor, *ends, effect, reach = cells
            factor = factor.replace(" →", ",").replace("all", "all cells")
            ends = [end.strip("—") for end in ends]
            effect = f"{effect.split()[0]} ({reach})"
            made.append((arm, factor, *ends, effect))
    page, title = "docs/when_it_hurts.md", f"## Which factors matter on {title}"
    stated = [
        tuple(cell.strip("*") for cell in line) for line in table(page, title)
    ]
    assert stated == made and len(made) == 14


def test_what_the_guide_has_measured_is_that_of_the_rows():
    ten = ten_rounds()
    small, quick = arms_of("table1_two_phase"), arms_of("quickstart")
    pairs = [(ten["cold"], ten["warm"]), (quick["cold"], quick["warm"])]
    small |= arms_of("table1") | arms_of("table1_cifar100")
    for name in (
        "cifar10-resnet18",
        "cifar10-mlp",
        "cifar100-mlp_tanh",
        "cifar10-logistic",
    ):
        cell = f"{name}-adam"
        pairs.append((small[f"{cell}/cold"], small[f"{cell}/warm"]))
    want = [
        (
            *(f"{np.mean([*map(last, a.values())]):.1f}" for a in (cold, warm)),
            gap(warm, cold),
            str(len(set(warm) & set(cold))),
        )
        for cold, warm in pairs
    ]
    known, task = {}, ""
    for name, arm, *cells in lines_of("results/practice/practice.md"):
        task = name or task
        known[task, arm] = cells
    tasks = ("flights", "bank", "letters", "banking77", "clinc150")
    for task in (*tasks, "cifar10_tuned"):
        (cold, *_), (warm, difference, *_, seeds) = (
            known[task, arm] for arm in ("cold", "warm")
        )
        want.append((cold, warm, difference, seeds))
    title = "These differences were measured in this repository:"
    lines = table("docs/decide.md", title)
    assert [line[1:] for line in lines] == want


def points_of_the_paper():
    """Arm to images to the accuracy that Figures 2 and 7 of the paper have."""
    found = {}
    for line in csv.DictReader((ROOT / "ws_keras/report/paper.csv").open()):
        arm = line["arm"].replace(" ", "-").replace("/", "-")
        name = {
            "fig2_online": arm,
            "fig7_shrink_sweep": arm if "-0.6-" in arm else None,
        }.get(line["experiment"])
        if name and line["measure"] == "accuracy":
            found.setdefault(name, {})[int(line["x"])] = float(line["mean"])
    return found


def test_points_of_figure_2_are_those_of_the_rows():
    said = re.search(r"\| Figure 2, points.*", page_of("docs/fidelity.md"))[0]
    for arms in (arms_of("fig2_online"), ten_rounds()):
        gaps = {
            (name, row["num_samples"]): abs(
                np.mean(
                    [rows[place]["accuracy"] for rows in arms[name].values()]
                )
                - points[row["num_samples"]]
            )
            for name, points in points_of_the_paper().items()
            for place, row in enumerate(arms[name][0])
            if row["num_samples"] in points
        }
        beyond = {key: gap - 2 for key, gap in gaps.items() if gap > 2}
        assert f"{len(gaps) - len(beyond)} of {len(gaps)}" in said
        for (_, images), gap in beyond.items():
            assert f"{images:,}" in said and f"{gap:.1f}" in said
    changes = []
    for folder in ("fig2_online", *TEN_ROUNDS):
        for path in (RESULTS / folder).glob("*/**/epochs.jsonl"):
            epochs = [json.loads(line) for line in path.open()]
            changes += [
                new["accuracy"] - old["accuracy"]
                for old, new, after in zip(
                    epochs, epochs[1:], [*epochs[2:], None], strict=False
                )
                if after is None or after["round"] > new["round"]
            ]
    mean = f"{np.mean(np.abs(changes)):.1f} points"
    square = f"root mean square {np.sqrt(np.mean(np.square(changes))):.1f}"
    assert f"the {len(changes)} rounds" in said
    assert mean in said and square in said
