"""L2 regularization as a penalty."""

import keras
from keras import ops

from ws_keras.losses import penalties


class L2(penalties.Penalty):
    """Penalty `strength / 2 * sum(weight ** 2)` of one variable.

    Args:
        strength: Factor of the weight in the gradient, at least 0.
        other: Regularizer that the variable had before, which goes on to
            count. Defaults to `None`.
    """

    def of(self, x):
        """Returns the penalty of a value of the variable."""
        return 0.5 * self.strength * ops.sum(ops.square(x))


def l2(
    model: keras.Model,
    strength: float = 1e-4,
    *,
    include=None,
    exclude=None,
) -> list[str]:
    """Pulls the trainable weights of a model towards zero, by a penalty.

    Adds `strength / 2 * sum(weight ** 2)` of each weight to the loss, so that
    `strength * weight` is added to its gradient: what `weight_decay` means in
    the optimizers of the authors' framework. Batch norm's gamma and beta are
    weights like others, as there; leave them out with `exclude`.

    Decoupled decay (Loshchilov & Hutter, "Decoupled Weight Decay
    Regularization", 2019) is Keras' own: `weight_decay` of an optimizer takes
    `learning_rate * weight_decay * weight` off each weight, past the gradient.
    With plain SGD both are the same; with momentum, or under Adam, which
    divides the penalty's gradient by its own size, they are not.

    Regularizers that the weights have already go on to count (those of the
    layers, `l2_init`); calling it again replaces an earlier call, and
    `strength=0` takes it back. It is not saved with the model. Call it before
    `compile`, or compile again, because a training step that was traced
    before does not know of the penalty. The cost is one pass over the
    weights in each step, and no memory.

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
        include: Weights to pull; patterns as in `shrink_perturb`. `None`
            means all. Defaults to `None`.
        exclude: Weights to leave. Defaults to `None`.

    Returns:
        The paths of the weights that are pulled.

    Raises:
        ValueError: If `strength` is out of its range or makes the penalty
            infinite, a pattern or the whole selection matches nothing, or the
            model is not built.
    """
    penalties.check_strength(strength)

    def make(entry, other):
        return L2(strength, other)

    return penalties.add(model, make, L2, include, exclude)
