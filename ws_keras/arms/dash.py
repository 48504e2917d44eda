"""DASH as an arm."""

import ws_keras
from ws_keras.arms.arm import Arm
from ws_keras.arms.fields import number
from ws_keras.arms.registry import register_arm


@register_arm("dash")
class Dash(Arm):
    """Shrinks each weight vector that disagrees with the gradient.

    In the first round, it is a warm start.
    """

    usage = (
        "ws_keras.dash(model, rounds, {shrink}, {alpha}); model.fit(x, y)"
        "  # rounds: pairs (x, y), the new one last"
    )
    shrink: float = number("[0, 1]")
    alpha: float = number("(0, 1]")

    def begin(self, model, round):
        if not round.is_first:
            # The gradient of the network after the previous round.
            chunks = round.chunks()
            round.apply(ws_keras.dash, model, chunks, self.shrink, self.alpha)
        round.carry_over(model)

    def check(self, model, protocol):
        if protocol in ("active", "transfer"):
            raise ValueError(
                "DASH needs known chunks of one data set, not "
                "samples that the model chooses. Received: "
                f"arm={self.text!r} with rounds.protocol={protocol!r}."
            )
