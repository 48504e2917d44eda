"""Arms with a slow copy of the weights."""

import ws_keras
from ws_keras.arms.arm import Arm
from ws_keras.arms.arm import number
from ws_keras.arms.registry import register_arm

_NEVER = 10**9  # epochs


@register_arm("hare_tortoise")
class HareTortoise(Arm):
    """A warm start; every so many epochs training goes back to a slow copy."""

    costs_like = "warm"
    every: int = number("[1, inf)", default=10)
    decay: float = number("[0, 1)", default=0.999)

    def callbacks(self, round):
        return [ws_keras.HareAndTortoise(self.every, self.decay)]


@register_arm("weight_averaging")
class WeightAveraging(Arm):
    """A warm start; each epoch is measured with the average of the weights.

    The moving average is that of `use_ema` in Keras' optimizers. As a slow
    copy it needs no optimizer of its own. A round ends with it, and the next
    one begins with it.
    """

    costs_like = "warm"
    decay: float = number("[0, 1)", default=0.99)

    def callbacks(self, round):
        return [ws_keras.HareAndTortoise(_NEVER, self.decay)]
