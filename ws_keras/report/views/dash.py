"""DASH's Table 1: fifty chunks, and what their last one gives and takes."""

from ws_keras.report import bands
from ws_keras.report import paper
from ws_keras.report import printed
from ws_keras.report import sections
from ws_keras.report import shown
from ws_keras.report import signs
from ws_keras.report import statistics
from ws_keras.report.views import claims
from ws_keras.report.views import finals
from ws_keras.report.views import online
from ws_keras.report.views import run as runs

_NO_HELP = ("warm_reset", "head_reset", "l2_init")
_SAME = 1e-9  # no higher is no difference, too


def blocks(run: runs.Run) -> list:
    """Returns DASH's Table 1: accuracy and steps of the last chunk."""
    block = "dash_table1"
    steps = [_steps_line(run, arm) for arm in run.arms]
    header = ("model", "arm", "steps", "seeds", "paper", "verdict")
    note = (
        "Steps of the last round, mean over finished seeds; a match lies "
        f"within {bands.RATIO_SHARE:.0%}."
    )
    found = []
    for arms in run.cells().values():
        found += _ranking(arms)
    means = tuple(_means_line(run, arm) for arm in run.arms)
    columns = ("accuracy %", "paper", "verdict", "steps", "paper", "verdict")
    return [
        finals.table(
            run,
            "Last chunk, ours and DASH's",
            block,
            printed.dash,
            _absent(),
        ),
        sections.Table("Steps of the last chunk", header, tuple(steps), note),
        sections.Table(
            "Means over the chunks",
            ("model", "arm", "seeds", *columns),
            means,
            "Mean over the rounds of a seed, then over finished seeds.",
        ),
        *online.blocks(run, block, finals.nothing, _absent())[1:],
        claims.table(run, block, found),
    ]


def _absent() -> list[tuple[finals.Columns, bands.Printed]]:
    block = paper.numbers()["dash_table1"]
    shrink, perturb = block["arms"]["shrink_perturb"]
    dash = "-".join(f"{number:g}" for number in block["arms"]["dash"])
    names = {
        "shrink_perturb": f"shrink_perturb {shrink:g}/{perturb:g}",
        "dash": f"dash-{dash}",
    }
    found = []
    for key, cell in block["cells"].items():
        dataset, kind = key.split("/")
        # Other data sets are not of this package.
        if dataset == "cifar10" and cell["accuracy"]:
            columns = finals.named(
                block, names.get(kind, kind), dataset=dataset
            )
            found.append((columns, bands.Printed(*cell["accuracy"])))
    return found


def _steps_line(run: runs.Run, arm: runs.ArmRuns) -> tuple[str, ...]:
    steps = arm.summary("steps")
    number = printed.dash(arm.last, "steps")
    is_other = run.is_other("dash_table1")(arm)
    return (
        finals.columns(arm)["model"],
        arm.name,
        shown.mean_error(steps, 0),
        shown.seeds(arm.runs),
        f"{number.value:,.0f}" if number else shown.NOTHING,
        bands.verdict(steps, number, is_other),
    )


def _means_line(run: runs.Run, arm: runs.ArmRuns) -> tuple[str, ...]:
    is_other = run.is_other("dash_table1")(arm)
    line = [finals.columns(arm)["model"], arm.name, shown.seeds(arm.runs)]
    for field, decimals in (("accuracy", 1), ("steps", 0)):
        values = [
            statistics.summarize(getattr(row, field) for row in found).mean
            for found in arm.runs.finished.values()
        ]
        ours = statistics.summarize(values)
        number = printed.dash(arm.last, f"mean_{field}")
        text = number.text if number else shown.NOTHING
        if number and field == "steps":
            text = f"{number.value:,.0f}"
        line += [
            shown.mean_error(ours, decimals),
            text,
            bands.verdict(ours, number, is_other),
        ]
    return tuple(line)


def _ranking(arms: list[runs.ArmRuns]) -> list[signs.Sign]:
    """Returns DASH > shrink-perturb > cold > warm, and warm the cheapest.

    What else was tried is no better than a cold start.
    """
    kinds = {printed.kind(arm.first): arm for arm in arms}
    where = f", {finals.columns(arms[0])['model']}"
    order = ("dash", "shrink_perturb", "cold", "warm")
    found = [
        _above(f"{better} ends above {worse}{where}", kinds, better, worse)
        for better, worse in zip(order, order[1:], strict=False)
    ]
    found += [
        _above(
            f"{kind} ends no higher than cold{where}",
            kinds,
            "cold",
            kind,
            least=-_SAME,
        )
        for kind in _NO_HELP
        if kind in kinds and "cold" in kinds
    ]
    if "warm" in kinds:
        dearer = [kind for kind in order[:3] if kind in kinds]
        cheapest = [
            _above(kind, kinds, kind, "warm", "steps") for kind in dearer
        ]
        found.append(signs.every(f"warm has the fewest steps{where}", cheapest))
    return found


def _above(
    claim: str,
    kinds: dict,
    better: str,
    worse: str,
    field: str = "accuracy",
    least: float = 0.0,
) -> signs.Sign:
    pair = [kinds.get(kind) for kind in (better, worse)]
    sign = signs.above(
        claim,
        *(arm.final(field) if arm else {} for arm in pair),
        least,
        unit="steps" if field == "steps" else "",
    )
    return signs.unless(claims.to_come("dash_table1", *pair), sign)
