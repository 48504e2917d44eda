"""L2 regularization as a penalty on weights."""

import keras
from keras import ops

from ws_keras.losses import penalties


class L2(penalties.Penalty):
    """Penalty `strength / 2 * sum(weight ** 2)` of one variable.

    Args:
        strength: Factor of the weight in the gradient, at least 0.
        other: Regularizer that the variable already had, which is added.
            Defaults to `None`.
    """

    def of(self, x):
        """Computes the penalty for a value of the variable."""
        return 0.5 * self.strength * ops.sum(ops.square(x))


def l2(
    model: keras.Model,
    strength: float = 1e-4,
    *,
    include=None,
    exclude=None,
) -> list[str]:
    """Adds an L2 penalty on the trainable weights of a model.

    Adds `strength / 2 * sum(weight ** 2)` of each weight to the loss, so that
    its gradient contains `strength * weight`. This is the meaning of
    `weight_decay` in the optimizers of the authors' framework. As in that
    framework, gamma and beta of batch norm are included; leave them out with
    `exclude`.

    Keras' own decoupled decay is different (Loshchilov & Hutter, "Decoupled
    Weight Decay Regularization", 2019): the `weight_decay` of an optimizer
    subtracts `learning_rate * weight_decay * weight` from each weight outside
    of the gradient. Both are the same with plain SGD. They differ with momentum
    and under Adam, which normalizes the penalty's gradient.

    Other regularizers of the weights (those of the layers, `l2_init`) remain in
    effect. Calling the function again replaces the earlier penalty, and
    `strength=0` removes it. The penalty is not saved with the model. Call the
    function before `compile`, or compile again, because a training step that is
    already traced ignores the penalty. Each step reads the weights once more,
    without additional memory.

    Example:

    ```python
    model = build()
    l2(model, 1e-4, exclude=keras.layers.BatchNormalization)
    model.compile("sgd", loss)
    ```

    Args:
        model: Built `keras.Model`.
        strength: Factor of the penalty's gradient, finite and at least 0.
            Defaults to 1e-4.
        include: Weights with a penalty; patterns as in `shrink_perturb`. `None`
            means all. Defaults to `None`.
        exclude: Weights without a penalty. Defaults to `None`.

    Returns:
        The paths of the weights with a penalty.

    Raises:
        ValueError: If `strength` is out of its range or makes the penalty
            infinite, if a pattern or the whole selection matches nothing, or if
            the model is not built.
    """
    penalties.check_strength(strength)

    def make(entry, other):
        return L2(strength, other)

    return penalties.add(model, make, L2, include, exclude)
