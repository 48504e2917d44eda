"""Arms that compute kernels anew when data have arrived."""

import ws_keras
from ws_keras.arms.arm import Arm
from ws_keras.arms.registry import register_arm


@register_arm("fire")
class Fire(Arm):
    """Makes all singular values of each kernel equal; the rest is warm.

    Before the first round it is a warm start.
    """

    usage = "ws_keras.fire(model); model.fit(x, y)"

    def begin(self, model, round):
        round.carry_over(model)
        if not round.is_first:
            round.apply(ws_keras.fire, model)


@register_arm("norm_reset")
class NormReset(Arm):
    """Puts the norm of each kernel back to that of a fresh one.

    The rest is warm. Before the first round it is a warm start.
    """

    usage = "ws_keras.norm_reset(model); model.fit(x, y)"

    def begin(self, model, round):
        round.carry_over(model)
        if not round.is_first:
            round.apply(ws_keras.norm_reset, model)
