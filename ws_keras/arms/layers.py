"""Arms that treat some layers differently."""

import ws_keras
from ws_keras.arms.arm import Arm
from ws_keras.arms.fields import number
from ws_keras.arms.registry import register_arm


@register_arm("head_reset")
class HeadReset(Arm):
    """Warm start that reinitializes the last layer from the second round on."""

    def begin(self, model, round):
        from ws_keras.transforms import stages

        round.carry_over(model)
        if not round.is_first:
            head = stages.head(model)
            round.apply(ws_keras.reset_layers, model, head)


@register_arm("last_layer")
class LastLayer(Arm):
    """Applies shrink-perturb to the last layer and keeps the others."""

    costs_like = "last_layer"
    shrink: float = number("[0, 1]")
    perturb: float = number("[0, inf)")

    def begin(self, model, round):
        from ws_keras.transforms import stages

        round.carry_over(model)
        round.apply(
            ws_keras.shrink_perturb,
            model,
            self.shrink,
            self.perturb,
            include=stages.head(model),
            statistics="keep",
        )


@register_arm("first_layers")
class FirstLayers(Arm):
    """Keeps the first layers (or residual stages) and reinitializes others."""

    layers: int = number("[0, inf)")

    def begin(self, model, round):
        from ws_keras.transforms import stages

        round.carry_over(model)
        if not round.is_first:
            rest = sum(stages.stages(model)[self.layers :], [])
            round.apply(ws_keras.reset_layers, model, rest)

    def check(self, model, protocol):
        from ws_keras.transforms import stages

        found = len(stages.stages(model))
        if self.layers >= found:
            raise ValueError(
                "The layers that an arm keeps must be fewer than the model's "
                f"{found}. Received: arm={self.text!r}."
            )
