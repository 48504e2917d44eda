"""L2 regularization towards the initial weights."""

import contextlib

import keras
import numpy as np
from keras import ops

from ws_keras.losses import penalties


class L2Init(penalties.Penalty):
    """Penalty `strength * sum((weight - start) ** 2)` of one variable.

    Args:
        strength: Factor of the penalty, at least 0.
        start: Array of the variable's shape, or a variable.
        other: Regularizer that the variable already had, which is added.
            Defaults to `None`.
    """

    def __init__(self, strength: float, start: np.ndarray, other=None):
        super().__init__(strength, other)
        self.start = start

    def of(self, x):
        """Computes the penalty for a value of the variable."""
        start = ops.cast(self.start, x.dtype)
        return self.strength * ops.sum(ops.square(ops.subtract(x, start)))


def l2_init(
    model: keras.Model,
    strength: float = 1e-2,
    *,
    include=None,
    exclude=None,
) -> list[str]:
    """Adds a penalty that pulls weights towards their present values.

    Adds `strength * sum((weight - start) ** 2)` of each trainable weight to the
    loss, where `start` is the present value. Call it on a freshly built model,
    as in Kumar et al., "Maintaining Plasticity in Continual Learning via
    Regenerative Regularization" (2023), or after a transform.

    Other regularizers of the weights remain in effect. Calling the function
    again replaces the earlier penalty. The start values are a copy of the
    weights in memory; they are not saved with the model. Call the function
    before `compile`, or compile again, because a training step that is already
    traced ignores the penalty.

    Example:

    ```python
    model = build()
    l2_init(model, 1e-2, exclude=keras.layers.BatchNormalization)
    model.compile("sgd", loss)
    ```

    Args:
        model: Built `keras.Model`.
        strength: Factor of the penalty, finite and at least 0. Defaults to
            1e-2.
        include: Weights with a penalty; patterns as in `shrink_perturb`. `None`
            means all. Defaults to `None`.
        exclude: Weights without a penalty. Defaults to `None`.

    Returns:
        The paths of the weights with a penalty.

    Raises:
        ValueError: If `strength` is out of its range, if a pattern or the whole
            selection matches nothing, or if the model is not built.
    """
    penalties.check_strength(strength)

    def make(entry, other):
        return L2Init(strength, entry.value(), other)

    return penalties.add(model, make, L2Init, include, exclude)


def movable(model: keras.Model, strength: float) -> None:
    """Adds the penalty of `l2_init`, whose start values `restart` can change.

    `restart` requires TensorFlow: other backends turn values outside of the
    model's variables into constants.

    Args:
        model: As in `l2_init`.
        strength: As in `l2_init`.
    """
    l2_init(model, strength)
    if keras.backend.backend() != "tensorflow":
        return
    strategy = getattr(model, "distribute_strategy", None)
    with strategy.scope() if strategy else contextlib.nullcontext():
        for _, penalty in _penalties(model):
            penalty.start = keras.Variable(penalty.start, trainable=False)


def restart(model: keras.Model) -> None:
    """Sets the start values of the penalty to the present weights.

    Args:
        model: Model after `movable`.
    """
    for variable, penalty in _penalties(model):
        penalty.start.assign(ops.convert_to_numpy(variable))


def _penalties(model: keras.Model):
    for variable in model.trainable_variables:
        found = variable.regularizer
        while isinstance(found, penalties.Penalty):
            if isinstance(found, L2Init):
                yield variable, found
            found = found.other
