"""Builds the paper's networks by name, and custom networks."""

from ws_keras import names
from ws_keras import references
from ws_keras.models import outside
from ws_keras.models.perceptron import mlp
from ws_keras.models.resnet import resnet18

NAMES = names.MODELS


def build(name: str, **arguments):
    """Builds a model by name.

    Args:
        name: `"resnet18"`, `"mlp"`, `"logistic"` (an MLP without hidden
            layers), or `"my_module:build"` for a custom function; see
            `outside.network`.
        arguments: Arguments of `resnet18`, `mlp` or `outside.network`.

    Returns:
        An uncompiled `keras.Model` that outputs logits.

    Raises:
        ValueError: If `name` is unknown or an argument is out of its range.
    """
    if name == "resnet18":
        return resnet18(**arguments)
    if name == "mlp":
        return mlp(**arguments)
    if name == "logistic":
        return mlp(**{**arguments, "depth": 0})
    if references.is_reference(name):
        return outside.network(name, **arguments)
    raise ValueError(
        f"Unknown model. Received: name={name!r}. Choose one of "
        f"{list(NAMES)}, or 'my_module:build' for your own function."
    )
