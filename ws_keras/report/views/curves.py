"""Fig. 1: equal training accuracy, unequal held-out accuracy."""

from ws_keras.report import paper
from ws_keras.report import printed
from ws_keras.report import signs
from ws_keras.report.views import claims
from ws_keras.report.views import finals
from ws_keras.report.views import run as runs

_FITTED = 99.0  # percent


def blocks(run: runs.Run) -> list:
    """Returns the levels at which the curves end, and the claims of Fig. 1."""
    found = []
    for arm in run.pick("cold", "warm"):
        training = arm.final("train_accuracy")
        found.append(
            signs.above(
                f"{arm.name} fits its training data to {_FITTED:g} %",
                training,
                dict.fromkeys(training, _FITTED),
                unit="points",
            )
        )
    found += [
        signs.unless(
            arm.unfitted,
            signs.beyond_spread(
                "cold ends above warm by more than two deviations",
                arm.cold_final(),
                arm.final(),
            ),
        )
        for arm in run.pick("warm")
    ]
    title = "Where the curves end"
    absent = finals.cells("fig1", paper.numbers()["fig1"]["final"])
    return [
        finals.table(run, title, "fig1", printed.curves, absent),
        claims.table(run, "fig1", found),
    ]
