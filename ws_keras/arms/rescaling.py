"""Soft weight rescaling as an arm."""

import ws_keras
from ws_keras.arms.arm import Arm
from ws_keras.arms.arm import number
from ws_keras.arms.registry import register_arm


@register_arm("soft_rescaling")
class SoftRescaling(Arm):
    """A warm start; each batch pulls kernels to the norms of fresh ones."""

    costs_like = "warm"
    strength: float = number("[0, 1]")

    def callbacks(self, round):
        # One seed in all rounds, and so the same norms.
        return [ws_keras.SoftWeightRescaling(self.strength, round.run_seed)]

    def check(self, model, protocol):
        from ws_keras.callbacks import rescaling

        rescaling.of(model, seed=0)
