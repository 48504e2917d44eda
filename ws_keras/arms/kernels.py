"""Arms that change kernels when data have arrived."""

import ws_keras
from ws_keras.arms.arm import Arm
from ws_keras.arms.registry import register_arm


@register_arm("fire")
class Fire(Arm):
    """Makes all singular values of each kernel equal.

    Other weights are kept. In the first round, it is a warm start.
    """

    usage = "ws_keras.fire(model); model.fit(x, y)"

    def begin(self, model, round):
        round.carry_over(model)
        if not round.is_first:
            round.apply(ws_keras.fire, model)


@register_arm("norm_reset")
class NormReset(Arm):
    """Scales each kernel to the norm of a fresh draw.

    Other weights are kept. In the first round, it is a warm start.
    """

    usage = "ws_keras.norm_reset(model); model.fit(x, y)"

    def begin(self, model, round):
        round.carry_over(model)
        if not round.is_first:
            round.apply(ws_keras.norm_reset, model)
