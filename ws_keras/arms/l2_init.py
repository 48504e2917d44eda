"""A penalty towards the initial weights as an arm."""

from ws_keras.arms.arm import Arm
from ws_keras.arms.fields import number
from ws_keras.arms.registry import register_arm


@register_arm("l2_init")
class L2Init(Arm):
    """Warm start with a penalty towards the initial weights."""

    strength: float = number("[0, inf)")

    def losses(self, model):
        from ws_keras.losses import l2_init

        l2_init.movable(model, self.strength)

    def restart(self, model):
        from ws_keras.losses import l2_init

        l2_init.restart(model)
