"""The rules as arms, which any comparison can name."""

import dataclasses
import json
import os
from typing import ClassVar

import ws_keras
from benchmarks.strength import looking
from benchmarks.strength import rules


@dataclasses.dataclass(frozen=True)
class _ByRule(ws_keras.Arm):
    rule: ClassVar[str] = ""

    most: float = ws_keras.number("(0, inf)")

    def begin(self, model, round):
        if round.is_first:
            round.carry_over(model)
            return
        found = looking.look(model, round.old, round.new, round.seed)
        shrink = rules.RULES[self.rule][0](found, self.most)
        _note(self.text, round, shrink)
        round.apply(ws_keras.shrink_perturb, model, shrink, rules.PERTURB)


@ws_keras.register_arm("auto_gradient")
class Gradient(_ByRule):
    """Shrinks until new data have about the gradient of old data."""

    rule = "gradient"


@ws_keras.register_arm("auto_layers")
class Layers(_ByRule):
    """The same, with the mean over the weights of the ratio of each."""

    rule = "layers"


@ws_keras.register_arm("auto_loss")
class Loss(_ByRule):
    """Shrinks until new data have about the loss of old data."""

    rule = "loss"


@ws_keras.register_arm("auto_drm")
class Drm(_ByRule):
    """Shrinks by the share of dormant units."""

    rule = "drm"
    most: float = ws_keras.number("(0, 1]")


@ws_keras.register_arm("auto_norm")
class Norm(_ByRule):
    """Shrinks to a multiple of the norm of fresh kernels."""

    rule = "norm"


def _note(arm: str, round, shrink: float) -> None:
    """Appends the shrink that was chosen to a file that the user names."""
    path = os.environ.get("STRENGTH_NOTES")
    if path:
        line = {
            "arm": arm,
            "seed": round.run_seed,
            "round": round.number,
            "shrink": shrink,
        }
        with open(path, "a", encoding="utf8") as file:
            file.write(json.dumps(line) + "\n")
