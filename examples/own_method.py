"""Compares your own method with cold, warm and shrink-perturb, in a report.

ws-run --config=examples/own_method.py --workdir=runs/own_method
"""

from ws_keras.configs import quickstart
from ws_keras.launch import run

import ws_keras


@ws_keras.register_arm("halved")
class Halved(ws_keras.Arm):
    """All weights become smaller by a factor, without noise."""

    factor: float = ws_keras.number("[0, 1]", default=0.5)

    def begin(self, model, round):
        round.apply(ws_keras.shrink_perturb, model, self.factor, 0.0)


def get_config():
    config = quickstart.get_config()
    config.arms = (*config.arms, "halved-0.3")
    config.model.name, config.seeds = "mlp", (0, 1)
    return config


if __name__ == "__main__":  # python examples/own_method.py also works
    run.cli.run(run.main, ["", f"--config={__file__}", "--workdir=runs/own"])
