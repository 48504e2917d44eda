"""A penalty towards orthogonal kernels as an arm."""

import ws_keras
from ws_keras.arms.arm import Arm
from ws_keras.arms.fields import number
from ws_keras.arms.registry import register_arm


@register_arm("parseval")
class Parseval(Arm):
    """Warm start with a penalty towards orthogonal kernels."""

    strength: float = number("[0, inf)", default=1e-3)
    scale: float = number("(0, inf)", default=1.0)

    def losses(self, model):
        ws_keras.parseval(model, self.strength, self.scale)

    def restart(self, model):
        """Does nothing: the penalty does not depend on initial weights."""
