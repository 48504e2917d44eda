"""Self-normalized resets as an arm."""

import ws_keras
from ws_keras.arms import resets
from ws_keras.arms.fields import number
from ws_keras.arms.registry import register_arm


@register_arm("snr")
class SelfNormalizedResets(resets.UnitResets):
    """Warm start that resets units that are silent for unusually long."""

    usage = (
        "model.fit(x, y, callbacks="
        "[ws_keras.SelfNormalizedResets(x, {percentile})])"
    )
    percentile: float = number("(0, 1)")

    def callback(self, data, **arguments):
        return ws_keras.SelfNormalizedResets(data, self.percentile, **arguments)
