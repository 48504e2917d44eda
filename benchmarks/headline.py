"""The figure of the README: accuracy against cost, from committed rows.

    python -m benchmarks.headline

Each line is an arm, each point a round: held-out accuracy over all sample
passes so far, means over seeds. Bars are standard errors of the accuracy.
"""

import pathlib

import numpy as np

from ws_keras.report.render import palette
from ws_keras.storage import rows

RESULTS = pathlib.Path(__file__).parents[1] / "results"
# Title; then for each arm its folder, its name, and where its name stands.
PANELS = {
    "Textures, 1,500 images, 5 seeds": {
        "cold": ("quickstart/quickstart/cold", "cold", (6, -14)),
        "warm": ("quickstart/quickstart/warm", "warm", (8, -3)),
        "0.5": (
            "quickstart/quickstart/shrink_perturb-0.5-0.1",
            "shrink 0.5, perturb 0.1",
            (-8, 6),
        ),
    },
    "CIFAR-10, 10,000 images, 2 seeds": {
        "cold": (
            "fig7_shrink_sweep_10000/fig7_shrink_sweep/cold",
            "cold",
            (8, -2),
        ),
        "warm": ("fig2_online_10000/fig2_online/warm", "warm", (8, -3)),
        "0.6": (
            "fig7_shrink_sweep_10000/fig7_shrink_sweep/shrink_perturb-0.6-0.01",
            "shrink 0.6, perturb 0.01",
            (-4, -22),
        ),
        "0.2": (
            "fig7_shrink_sweep_10000/fig7_shrink_sweep/shrink_perturb-0.2-0.01",
            "shrink 0.2, perturb 0.01",
            (-8, 6),
        ),
    },
}
COLORS = {
    **palette.COLORS,
    "0.5": palette.OTHER_COLORS[0],
    "0.6": palette.OTHER_COLORS[0],
    "0.2": palette.OTHER_COLORS[1],
}


def curve(folder: pathlib.Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns passes so far, accuracies and their errors, `(rounds,)` each."""
    seeds = [
        rows.read(path) for path in sorted(folder.glob(f"seed*/{rows.ROWS}"))
    ]
    passes = np.cumsum([[r.sample_passes for r in seed] for seed in seeds], 1)
    accuracy = np.array([[row.accuracy for row in seed] for seed in seeds])
    error = accuracy.std(0, ddof=1) / len(seeds) ** 0.5
    return passes.mean(0), accuracy.mean(0), error


def draw(path: pathlib.Path) -> None:
    """Draws both panels to a PNG."""
    from matplotlib import figure

    drawn = figure.Figure((9, 3.6), layout="constrained")
    all_axes = drawn.subplots(1, len(PANELS))
    for axes, (title, arms) in zip(all_axes, PANELS.items(), strict=True):
        for arm, (folder, name, offset) in arms.items():
            passes, accuracy, error = curve(RESULTS / folder)
            color = COLORS[arm]
            axes.errorbar(
                passes / 1000, accuracy, error, fmt="o-", color=color, ms=4
            )
            axes.annotate(
                name,
                (passes[-1] / 1000, accuracy[-1]),
                offset,
                textcoords="offset points",
                ha="right" if offset[0] == -8 else "left",
                color=color,
                fontweight="bold",
            )
        axes.set_title(title)
        axes.set_xlabel("Cost: thousand sample passes so far")
        axes.set_ylabel("Held-out accuracy (%)")
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.3)
        axes.margins(0.12, 0.12)
    drawn.savefig(path, dpi=150)


if __name__ == "__main__":
    draw(RESULTS / "headline.png")
