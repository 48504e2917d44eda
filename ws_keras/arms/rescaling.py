"""Soft weight rescaling as an arm."""

import ws_keras
from ws_keras.arms.arm import Arm
from ws_keras.arms.fields import number
from ws_keras.arms.registry import register_arm


@register_arm("soft_rescaling")
class SoftRescaling(Arm):
    """Warm start that pulls kernels to the norms of fresh draws."""

    costs_like = "warm"
    usage = (
        "model.fit(x, y, callbacks=[ws_keras.SoftWeightRescaling({strength})])"
    )
    strength: float = number("[0, 1]")

    def callbacks(self, round):
        # The seed is the same in all rounds, and so are the norms.
        return [ws_keras.SoftWeightRescaling(self.strength, round.run_seed)]

    def check(self, model, protocol):
        from ws_keras.callbacks import rescaling

        rescaling.of(model, seed=0)
