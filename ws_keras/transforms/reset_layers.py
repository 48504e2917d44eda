"""Reinitializes some layers of a model."""

from collections.abc import Callable

import keras

from ws_keras.transforms import report as reports
from ws_keras.transforms import shrink_perturb as transforms
from ws_keras.transforms import variables


def reset_layers(
    model: keras.Model,
    include=None,
    *,
    first: int | None = None,
    last: int | None = None,
    seed: int | None = None,
    frozen: bool = False,
    optimizer: str = "reset",
    build_fn: Callable | None = None,
) -> reports.Report:
    """Reinitializes some layers, in place.

    The weights of these layers are drawn anew from their own initializers, and
    their statistics (such as batch-norm moments) are reset. All other layers
    are not changed. To warm-start only the first layers (appendix of Ash &
    Adams, 2020), reset the last ones. To train an old body with a new head,
    reset the last layer.

    Example:

    ```python
    reset_layers(model, last=1, seed=7)
    ```

    Args:
        model: Built `keras.Model`.
        include: Pattern or patterns of the weights to draw anew; see
            `shrink_perturb`. Defaults to `None`.
        first: Number of layers, counted from the input, in place of `include`.
            Layers without weights do not count. A layer that wraps others, such
            as `Bidirectional`, counts once. A nested model counts as its
            layers. Defaults to `None`.
        last: Number of layers, counted from the output, in place of `include`.
            Defaults to `None`.
        seed: See `shrink_perturb`. Defaults to `None`.
        frozen: Whether to reinitialize frozen layers too. Defaults to `False`.
        optimizer: `"reset"`, `"reset_slots"` or `"keep"`; see `shrink_perturb`.
            It applies to the state of the whole model. Defaults to `"reset"`.
        build_fn: See `shrink_perturb`. Defaults to `None`.

    Returns:
        A `Report`.

    Raises:
        ValueError: Unless exactly one of `include`, `first` and `last` is
            given, if a number is out of its range, or if a pattern matches
            nothing.
    """
    given = {"include": include, "first": first, "last": last}
    if sum(value is not None for value in given.values()) != 1:
        raise ValueError(
            "Exactly one of `include`, `first` and `last` must be given. "
            f"Received: include={include!r}, first={first}, last={last}."
        )
    if include is None:
        include = _at_end(model, first, last)
    return transforms.shrink_perturb(
        model,
        0.0,
        1.0,
        seed=seed,
        include=include,
        frozen=frozen,
        optimizer=optimizer,
        build_fn=build_fn,
    )


def _at_end(model, first, last) -> list:
    variables.check_built(model)
    found = [layer for layer in _units(model) if layer.weights]
    name, count = ("first", first) if last is None else ("last", last)
    if type(count) is not int or not 1 <= count <= len(found):
        raise ValueError(
            f"`{name}` must be an integer from 1 to {len(found)}, the number "
            f"of layers with weights. Received: {name}={count!r}."
        )
    return found[:count] if last is None else found[-count:]


def _units(model: keras.Model):
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _units(layer)
        else:
            yield layer
