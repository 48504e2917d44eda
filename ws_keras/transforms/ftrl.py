"""Updates the state of `Ftrl`, which recomputes weights from that state."""

import keras
import numpy as np
from keras import ops

from ws_keras import _keras
from ws_keras.transforms import variables


def follow(optimizer, changed: list) -> None:
    """Makes the next step of an `Ftrl` optimizer start from new weights.

    `Ftrl` computes each weight from the sums `linear` and `accumulator` and
    ignores the current weight (McMahan et al., 2013): `w = (clip(linear, -l1,
    l1) - linear) / quadratic`. If only the weights were changed, the next step
    would restore the old weights, or set them to 0 if the sums are 0. This
    function sets `linear` to the value that yields the new weights.

    Args:
        optimizer: Built `keras.optimizers.Ftrl`.
        changed: Weights that were changed.
    """
    ids = {id(variable) for variable in changed}
    weights = _keras.trained_by(optimizer)
    slots = zip(weights, *_keras.ftrl_sums(optimizer), strict=True)
    for weight, accumulator, linear in slots:
        if id(weight) in ids:
            linear.assign(_linear(optimizer, weight, accumulator))


def _linear(optimizer, weight, accumulator) -> np.ndarray:
    value, total = (
        variables.host(v).astype(np.float64) for v in (weight, accumulator)
    )
    rate = float(ops.convert_to_numpy(optimizer.learning_rate))
    decay = optimizer.l2_regularization_strength + optimizer.beta / (2 * rate)
    quadratic = total**-optimizer.learning_rate_power / rate + 2 * decay
    bound = np.sign(value) * optimizer.l1_regularization_strength
    found = -(value * quadratic + bound)
    return found.astype(variables.host(weight).dtype)


def is_ftrl(optimizer) -> bool:
    """Returns whether an optimizer is Keras' Ftrl."""
    return isinstance(optimizer, keras.optimizers.Ftrl)
