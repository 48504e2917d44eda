"""Optimizers that hold versions of the weights."""

import keras


def optimizers(rate):
    """Yields optimizers of each kind, and one that holds no weights."""
    yield keras.optimizers.SGD(rate)
    yield keras.optimizers.SGD(rate, use_ema=True, ema_momentum=0.9)
    yield keras.optimizers.Ftrl(rate)
    if hasattr(keras.optimizers, "ScheduleFreeAdamW"):
        yield keras.optimizers.ScheduleFreeAdamW(rate)
