"""The appendix' Tables 3 and 4: penalties, and noise without shrinking."""

from ws_keras.results import bands
from ws_keras.results import paper
from ws_keras.results import printed
from ws_keras.results import signs
from ws_keras.results.views import charts
from ws_keras.results.views import costs
from ws_keras.results.views import finals
from ws_keras.results.views import remedies
from ws_keras.results.views import run as runs

_LAST = "Last round, ours and the paper's"
_WEIGHT = "penalty.weight"
# More and less noise; the two least differ by nothing that the paper claims.
_MORE = ((1e-2, 1e-3), (1e-3, 1e-4), (1e-4, 1e-5), (1e-4, 0.0))
_DEAR = (1e-2, 1e-3)  # more steps than cold


def penalties(run: runs.Run) -> list:
    """Returns the appendix' Table 3: penalties in both rounds."""
    block = "appendix_table3"
    lookup = printed.penalties
    found = [finals.table(run, _LAST, block, lookup, _absent_penalties())]
    for name in dict.fromkeys(a.labels.get("penalty.name") for a in run.arms):
        arms = [a for a in run.arms if a.labels.get("penalty.name") == name]
        found.append(
            remedies.over_label(
                run, arms, _WEIGHT, f"{name}", block, lookup, True
            )
        )
    return [*found, signs.table(remedies.gaps_stay(run))]


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
    claims = [
        *(
            signs.above(
                f"cold ends above perturb {arm.first.perturb:g}",
                arm.cold_final(),
                arm.final(),
            )
            for arm in arms
        ),
        *_more_noise(arms),
    ]
    return [
        finals.table(run, _LAST, block, printed.noise, _absent_noise()),
        costs.table(run, block, printed.noise_cost),
        chart,
        signs.table(claims),
    ]


def _more_noise(arms: list[runs.ArmRuns]) -> list[signs.Sign]:
    by_noise = {arm.first.perturb: arm for arm in arms}
    found = []
    for more, less in _MORE:
        pair = [by_noise.get(perturb) for perturb in (more, less)]
        accuracy = [arm.final() if arm else {} for arm in pair]
        steps = [arm.final("steps") if arm else {} for arm in pair]
        words = f"perturb {more:g} {{}} {less:g}"
        found += [
            signs.above(words.format("ends above"), *accuracy),
            signs.above(
                words.format("takes more steps than"), *steps, unit="steps"
            ),
        ]
    found += [
        signs.above(
            f"perturb {arm.first.perturb:g} takes more steps than cold",
            arm.final("steps"),
            arm.cold_final("steps"),
            unit="steps",
        )
        for arm in arms
        if arm.first.perturb in _DEAR
    ]
    return found


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
