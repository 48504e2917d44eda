"""Arms that raise the learning rate again in each round."""

import ws_keras
from ws_keras.arms.arm import Arm
from ws_keras.arms.fields import number
from ws_keras.arms.registry import register_arm


@register_arm("rewarm")
class Rewarm(Arm):
    """Warm start whose learning rate rises linearly over the first epochs."""

    costs_like = "warm"
    epochs: int = number("[1, inf)", default=1)

    def callbacks(self, round):
        if round.learning_rate is None:
            raise ValueError(
                f"The arm {self.text!r} needs an optimizer with one learning "
                "rate that is a number. Received: a schedule, or several "
                "optimizers. Compile the model with a number."
            )
        return [ws_keras.Rewarm(round.learning_rate, epochs=self.epochs)]


@register_arm("rewarm_reset")
class RewarmReset(Rewarm):
    """Rewarm with a reset of the optimizer in each round."""

    def begin(self, model, round):
        round.carry_over(model, optimizer="reset")
