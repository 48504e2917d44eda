"""A penalty towards the initial weights as an arm."""

import ws_keras
from ws_keras.arms.arm import Arm
from ws_keras.arms.arm import number
from ws_keras.arms.registry import register_arm


@register_arm("l2_init")
class L2Init(Arm):
    """Warm start with a penalty towards the initial weights."""

    strength: float = number("[0, inf)")

    def losses(self, model):
        ws_keras.l2_init(model, self.strength)
