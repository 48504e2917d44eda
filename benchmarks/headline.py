"""Draws the figure of the README: accuracy against cost, from committed rows.

    python -m benchmarks.headline

Each line is an arm and each point a round: held-out accuracy over all sample
passes so far, as means over seeds. Bars are standard errors of the accuracy.
"""

import pathlib

import numpy as np

from ws_keras.report.render import palette
from ws_keras.storage import rows

RESULTS = pathlib.Path(__file__).parents[1] / "results"
FIG7 = "fig7_shrink_sweep_10000*/fig7_shrink_sweep"
FIG2 = "fig2_online_10000*/fig2_online"
# Title; then for each arm its folders and its name, the most accurate first.
PANELS = {
    "Textures, 1,500 images, 5 seeds": {
        "0.5": (
            ["quickstart/quickstart/shrink_perturb-0.5-0.1"],
            "shrink 0.5, perturb 0.1",
        ),
        "cold": (["quickstart/quickstart/cold"], "cold"),
        "warm": (["quickstart/quickstart/warm"], "warm"),
    },
    "CIFAR-10, 10,000 images, 3 seeds": {
        "0.2": (
            [f"{FIG7}/shrink_perturb-0.2-0.01"],
            "shrink 0.2, perturb 0.01",
        ),
        "0.6": (
            [
                f"{FIG7}/shrink_perturb-0.6-0.01",
                f"{FIG2}/shrink_perturb-0.6-0.01",
            ],
            "shrink 0.6, perturb 0.01",
        ),
        "cold": ([f"{FIG7}/cold"], "cold"),
        "warm": ([f"{FIG2}/warm"], "warm"),
    },
}
COLORS = {
    **palette.COLORS,
    "0.5": palette.OTHER_COLORS[0],
    "0.6": palette.OTHER_COLORS[0],
    "0.2": palette.OTHER_COLORS[1],
}


def curve(folders: list[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns passes so far, accuracies and their errors, `(rounds,)` each."""
    seeds = [
        rows.read(path)
        for folder in folders
        for path in sorted(RESULTS.glob(f"{folder}/seed*/{rows.ROWS}"))
    ]
    passes = np.cumsum([[r.sample_passes for r in seed] for seed in seeds], 1)
    accuracy = np.array([[row.accuracy for row in seed] for seed in seeds])
    error = accuracy.std(0, ddof=1) / len(seeds) ** 0.5
    return passes.mean(0), accuracy.mean(0), error


def draw(path: pathlib.Path) -> None:
    """Draws both panels to a PNG."""
    from matplotlib import figure

    # Small, so that its letters are large where a phone scales it down.
    drawn = figure.Figure((6.6, 3.1), layout="constrained")
    all_axes = drawn.subplots(1, len(PANELS))
    for axes, (title, arms) in zip(all_axes, PANELS.items(), strict=True):
        for arm, (folders, name) in arms.items():
            passes, accuracy, error = curve(folders)
            axes.errorbar(
                passes / 1000,
                accuracy,
                error,
                fmt="o-",
                color=COLORS[arm],
                ms=4,
                label=name,
            )
        axes.legend(loc="lower right", frameon=False, fontsize="small")
        axes.set_title(title, fontsize="medium")
        axes.set_xlabel("Thousand sample passes so far")
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.3)
        axes.set_xlim(left=0)
    all_axes[0].set_ylabel("Held-out accuracy (%)")
    drawn.savefig(path, dpi=200)


if __name__ == "__main__":
    draw(RESULTS / "headline.png")
