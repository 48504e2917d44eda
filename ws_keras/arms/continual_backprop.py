"""Continual backprop as an arm."""

import ws_keras
from ws_keras.arms import resets
from ws_keras.arms.fields import number
from ws_keras.arms.registry import register_arm


@register_arm("continual_backprop")
class ContinualBackprop(resets.UnitResets):
    """Warm start that replaces the least useful units at a steady rate."""

    usage = (
        "model.fit(x, y, callbacks="
        "[ws_keras.ContinualBackprop(x, {rate}, {maturity})])"
    )
    rate: float = number("[0, 1]")
    maturity: int = number("[0, inf)", default=1000)

    def callback(self, data, **arguments):
        return ws_keras.ContinualBackprop(
            data, self.rate, self.maturity, **arguments
        )
