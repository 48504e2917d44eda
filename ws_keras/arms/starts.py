"""Cold start, warm start, and shrink-perturb between them."""

import ws_keras
from ws_keras.arms.arm import Arm
from ws_keras.arms.fields import number
from ws_keras.arms.registry import register_arm


@register_arm("cold")
class Cold(Arm):
    """Reinitializes the network in each round."""

    costs_like = "cold"
    usage = "model = build(); model.fit(x, y)  # all data, from the start"
    shrink, perturb = 0.0, 1.0

    def begin(self, model, round):
        round.cold_start(model)


@register_arm("warm")
class Warm(Arm):
    """Continues from the weights of the previous round."""

    costs_like = "warm"
    usage = "model.fit(x, y)  # all data, from the present weights"
    shrink, perturb = 1.0, 0.0


@register_arm("warm_reset")
class WarmReset(Arm):
    """Warm start that always resets the optimizer."""

    costs_like = "warm"
    usage = (
        "ws_keras.shrink_perturb(model, 1, 0, optimizer='reset'); "
        "model.fit(x, y)"
    )

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
