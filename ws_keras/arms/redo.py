"""ReDo as an arm."""

import ws_keras
from ws_keras.arms import resets
from ws_keras.arms.fields import number
from ws_keras.arms.registry import register_arm


@register_arm("redo")
class ReDo(resets.UnitResets):
    """Warm start that resets dormant units at regular intervals."""

    usage = (
        "model.fit(x, y, callbacks=[ws_keras.ReDo(x, {threshold}, {every})])"
    )
    threshold: float = number("[0, inf)")
    every: int = number("[1, inf)", default=1000)

    def callback(self, data, **arguments):
        return ws_keras.ReDo(data, self.threshold, self.every, **arguments)
