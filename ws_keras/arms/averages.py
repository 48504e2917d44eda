"""Arms with a slow copy of the weights."""

import ws_keras
from ws_keras.arms.arm import Arm
from ws_keras.arms.fields import number
from ws_keras.arms.registry import register_arm

_NEVER = 10**9  # epochs


@register_arm("hare_tortoise")
class HareTortoise(Arm):
    """Warm start that goes back to a slow copy of the weights regularly.

    The slow copy is evaluated. With the article's decay of 0.999, a round needs
    thousands of steps. For rounds of hundreds of steps, use less than 0.99, as
    in `hare_tortoise-10-0.9`. `ws_keras.HareAndTortoise` warns otherwise.
    """

    costs_like = "warm"
    usage = (
        "model.fit(x, y, "
        "callbacks=[ws_keras.HareAndTortoise({every}, {decay})])"
    )
    every: int = number("[1, inf)", default=10)
    decay: float = number("[0, 1)", default=0.999)

    def callbacks(self, round):
        return [ws_keras.HareAndTortoise(self.every, self.decay)]


@register_arm("weight_averaging")
class WeightAveraging(Arm):
    """Warm start that is evaluated with the moving average of the weights.

    The moving average follows the rule of `use_ema` in Keras' optimizers. It
    begins with the weights with which the round begins, not with those after
    the first step. It is a slow copy of the weights, so it supports any
    optimizer. A round ends with the average, and the next round begins with it.
    """

    costs_like = "warm"
    usage = (
        "model.fit(x, y, callbacks="
        f"[ws_keras.HareAndTortoise({_NEVER}, {{decay}})])"
    )
    decay: float = number("[0, 1)", default=0.99)

    def callbacks(self, round):
        return [ws_keras.HareAndTortoise(_NEVER, self.decay)]
