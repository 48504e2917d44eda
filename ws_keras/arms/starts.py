"""Cold, warm, and shrink-perturb between the two."""

import ws_keras
from ws_keras.arms.arm import Arm
from ws_keras.arms.arm import number
from ws_keras.arms.registry import register_arm


@register_arm("cold")
class Cold(Arm):
    """A fresh network for each round, whatever the policies."""

    costs_like = "cold"
    usage = "model = build(); model.fit(x, y)  # all data, from the start"
    shrink, perturb = 0.0, 1.0

    def begin(self, model, round):
        round.cold_start(model)


@register_arm("warm")
class Warm(Arm):
    """Goes on with the weights of the round before."""

    costs_like = "warm"
    usage = "model.fit(x, y)  # all data, from the present weights"
    shrink, perturb = 1.0, 0.0


@register_arm("warm_reset")
class WarmReset(Arm):
    """A warm start with the optimizer's state at its start in any case."""

    costs_like = "warm"

    def begin(self, model, round):
        round.carry_over(model, optimizer="reset")


@register_arm("shrink_perturb")
class ShrinkPerturb(Arm):
    """Shrinks all weights and adds noise (Ash & Adams, 2020)."""

    costs_like, in_row = "shrink_perturb", True
    usage = (
        "model.fit(x, y, callbacks="
        "[ws_keras.ShrinkPerturb({shrink}, {perturb}, data=x)])"
    )
    shrink: float = number("[0, 1]")
    perturb: float = number("[0, inf)")

    def begin(self, model, round):
        round.apply(ws_keras.shrink_perturb, model, self.shrink, self.perturb)
