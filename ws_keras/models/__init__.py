"""The paper's networks, by name."""

from ws_keras.models.mlp import mlp
from ws_keras.models.resnet import resnet18

NAMES = ("resnet18", "mlp", "logistic")


def build(name: str, **arguments):
    """Builds a model by name.

    Args:
        name: `"resnet18"`, `"mlp"` or `"logistic"` (the MLP without hidden
            layers).
        arguments: Arguments of `resnet18` or `mlp`.

    Returns:
        An uncompiled `keras.Model` that gives logits.

    Raises:
        ValueError: If `name` is unknown or an argument is out of its range.
    """
    if name == "resnet18":
        return resnet18(**arguments)
    if name == "mlp":
        return mlp(**arguments)
    if name == "logistic":
        return mlp(**{**arguments, "depth": 0})
    raise ValueError(
        f"Unknown model. Received: name={name!r}. Choose one of {list(NAMES)}."
    )
