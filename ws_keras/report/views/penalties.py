"""The appendix' Tables 3 and 4: penalties, and noise without shrinking."""

from ws_keras.report import bands
from ws_keras.report import paper
from ws_keras.report import printed
from ws_keras.report import signs
from ws_keras.report.views import charts
from ws_keras.report.views import claims
from ws_keras.report.views import costs
from ws_keras.report.views import finals
from ws_keras.report.views import remedies
from ws_keras.report.views import run as runs

_WEIGHT = "penalty.weight"
# More and less noise; the accuracies of the two least are not ordered.
_BETTER = ((1e-2, 1e-3), (1e-3, 1e-4), (1e-4, 1e-5), (1e-4, 0.0))
_DEARER = ((1e-2, 1e-3), (1e-3, 1e-4), (1e-4, 1e-5), (1e-5, 0.0))
_DEAR = (1e-2, 1e-3)  # more steps than cold


def penalties(run: runs.Run) -> list:
    """Returns the appendix' Table 3: penalties in both rounds."""
    block = "appendix_table3"
    lookup = printed.penalties
    found = [finals.table(run, finals.LAST, block, lookup, _absent_penalties())]
    for name in dict.fromkeys(a.labels.get("penalty.name") for a in run.arms):
        arms = [a for a in run.arms if a.labels.get("penalty.name") == name]
        found.append(
            remedies.over_label(
                run, arms, _WEIGHT, f"{name}", block, lookup, True
            )
        )
    return [*found, claims.table(run, block, claims.cold_above(run))]


def noise(run: runs.Run) -> list:
    """Returns the appendix' Table 4: noise without shrinking."""
    block = "appendix_table4"
    arms = [arm for arm in run.arms if printed.is_noise(arm.first)]
    arms.sort(key=lambda arm: arm.first.perturb)
    chart = charts.over(
        run,
        arms,
        lambda arm: f"{arm.first.perturb:g}",
        "Perturb",
        "Noise without shrinking",
        block,
        printed.noise,
        label=lambda arm: "shrink 1",
    )
    found = [*map(_below_cold, arms), *_more_noise(arms)]
    return [
        finals.table(run, finals.LAST, block, printed.noise, _absent_noise()),
        costs.table(run, block, printed.noise_cost),
        chart,
        claims.table(run, block, found),
    ]


def _below_cold(arm: runs.ArmRuns) -> signs.Sign:
    claim = f"cold ends above perturb {arm.first.perturb:g}"
    sign = signs.above(claim, arm.cold_final(), arm.final())
    return signs.unless(arm.unfitted, sign)


def _more_noise(arms: list[runs.ArmRuns]) -> list[signs.Sign]:
    by_noise = {arm.first.perturb: arm for arm in arms}
    found = [
        _above(field, by_noise, *pair)
        for field, pairs in (("accuracy", _BETTER), ("steps", _DEARER))
        for pair in pairs
    ]
    found += [
        signs.unless(
            arm.unfitted,
            signs.above(
                f"perturb {arm.first.perturb:g} takes more steps than cold",
                arm.final("steps"),
                arm.cold_final("steps"),
                unit="steps",
            ),
        )
        for arm in arms
        if arm.first.perturb in _DEAR
    ]
    return found


def _above(field: str, by_noise: dict, more: float, less: float) -> signs.Sign:
    pair = [by_noise.get(perturb) for perturb in (more, less)]
    words = "ends above" if field == "accuracy" else "takes more steps than"
    sign = signs.above(
        f"perturb {more:g} {words} {less:g}",
        *(arm.final(field) if arm else {} for arm in pair),
        unit="steps" if field == "steps" else "",
    )
    return signs.unless(claims.unfitted(*pair), sign)


def _absent_penalties() -> list[tuple[finals.Columns, bands.Printed]]:
    block = paper.numbers()["appendix_table3"]
    found = []
    for key, cells in block["cells"].items():
        name, arm = key.split("/")
        for weight, cell in zip(block["weights"], cells, strict=True):
            names = finals.named(block, arm)
            names |= {"penalty.name": name, _WEIGHT: finals.word(weight)}
            found.append((names, bands.Printed(*cell)))
    return found


def _absent_noise() -> list[tuple[finals.Columns, bands.Printed]]:
    block = paper.numbers()["appendix_table4"]
    cold = bands.Printed(block["cold"]["accuracy"])
    found = [(finals.named(block, "cold"), cold)]
    pairs = zip(block["perturb"], block["accuracy"], strict=True)
    for perturb, cell in pairs:
        arm = f"shrink_perturb 1/{perturb:g}" if perturb else "warm"
        found.append((finals.named(block, arm), bands.Printed(*cell)))
    return found
