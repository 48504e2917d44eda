"""Distillation from the network of the previous round as an arm."""

from ws_keras.arms.arm import Arm
from ws_keras.arms.fields import number
from ws_keras.arms.registry import register_arm


@register_arm("distill")
class Distill(Arm):
    """Cold start that is taught by the network of the previous round."""

    costs_like = "cold"
    weight: float = number("[0, 1]", default=0.5)
    temperature: float = number("(0, inf)", default=2.0)

    def begin(self, model, round):
        if not round.is_first:
            model.teach(self.weight)
        round.cold_start(model)

    def losses(self, model):
        from ws_keras.losses import distillation

        return distillation.successive(model, self.temperature)

    def restart(self, model):
        """Does nothing, because `begin` sets the teacher."""

    def check(self, model, protocol):
        if protocol == "transfer":
            raise ValueError(
                f"The arm {self.text!r} needs the same classes in all rounds. "
                f"Received: rounds.protocol={protocol!r}. Choose another arm."
            )
        from ws_keras.losses import distillation

        distillation.check_loss(model)
