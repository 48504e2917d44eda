"""Selects variables of a model by patterns."""

import re
from collections.abc import Callable
from collections.abc import Iterable

import keras

from ws_keras.transforms import variables


def predicate(pattern) -> Callable[[variables.Entry], bool]:
    """Returns a function that tells whether a pattern matches a variable.

    Args:
        pattern: A regular expression that is searched in the variable's path, a
            layer or model (matches everything in it), a layer class, or a
            function of `(layer, variable)`. For a tied variable the function is
            called with each of its owners.

    Returns:
        A function of an `Entry`.
    """
    if isinstance(pattern, str):
        return lambda entry: re.search(pattern, entry.path) is not None
    if isinstance(pattern, keras.layers.Layer):
        # Compares variables, because several models may share a layer.
        ids = {id(variable) for variable in pattern.variables}
        return lambda entry: id(entry.variable) in ids
    if isinstance(pattern, type):
        return lambda entry: any(isinstance(la, pattern) for la in entry.around)
    return lambda entry: any(
        pattern(owner, entry.variable) for owner in entry.owners
    )


def selector(
    name: str, patterns, candidates: Iterable[variables.Entry]
) -> Callable[[variables.Entry], bool]:
    """Returns a function that tells whether any of the patterns matches.

    Args:
        name: Argument that holds the patterns, for the error message.
        patterns: One pattern or a list of patterns; see `predicate`.
        candidates: Variables. Each pattern must match at least one of them.

    Returns:
        A function of an `Entry`.

    Raises:
        ValueError: If a pattern matches nothing or is invalid.
    """
    patterns = listed(patterns)
    candidates, predicates = list(candidates), []
    for pattern in patterns:
        check_pattern(name, pattern)
        predicates.append(predicate(pattern))
        if not any(map(predicates[-1], candidates)):
            raise ValueError(
                f"Each pattern of `{name}` must match a variable. Received: "
                f"{pattern!r}, which matches none of "
                f"{variables.some_paths(candidates)}."
            )
    return lambda entry: any(matches(entry) for matches in predicates)


def selected(
    found: list[variables.Entry], kind: str, include, exclude, frozen: bool
) -> list[variables.Entry]:
    """Returns the selected variables of a kind.

    Args:
        found: All variables of the model.
        kind: Kind of variable, such as `variables.WEIGHT`.
        include: Pattern or patterns of the variables to select, `None` for all.
        exclude: Pattern or patterns of the variables to leave out, or `None`.
        frozen: Whether to select variables of frozen layers too.

    Returns:
        List of `Entry`.

    Raises:
        ValueError: If a pattern matches nothing or is invalid.
    """
    candidates = [
        e for e in found if e.kind == kind and (frozen or not e.frozen)
    ]
    if include is not None:
        among = selector("include", include, found)
        candidates = [entry for entry in candidates if among(entry)]
    if exclude is not None:
        among = selector("exclude", exclude, found)
        candidates = [entry for entry in candidates if not among(entry)]
    return candidates


def with_integers(
    found: list[variables.Entry], include, exclude, frozen: bool
) -> list[variables.Entry]:
    """Returns the selected weights, and the selected variables of integers.

    These include the kernels of quantized layers. Arguments as in `selected`.
    """
    among = include, exclude, frozen
    return [
        *selected(found, variables.WEIGHT, *among),
        *selected(found, variables.OTHER, *among),
    ]


def check_any(chosen: list, unsuited: Iterable[variables.Entry] = ()) -> None:
    """Raises a ValueError if the selection is empty.

    Args:
        chosen: What was selected.
        unsuited: Selected variables that the method cannot change. The error
            names their layers. Defaults to none.
    """
    if chosen:
        return
    layers = sorted({entry.owner.name for entry in unsuited})
    received = "a selection without weights"
    if layers:
        received = (
            f"only weights of the layers {layers[:5]} that this method does "
            "not change, such as biases"
        )
    raise ValueError(
        "The selection must hold at least one weight that the method changes. "
        f"Received: {received}. Unfreeze a layer, pass `frozen=True`, or widen "
        "`include` and `exclude`."
    )


def check_pattern(name: str, pattern) -> None:
    """Raises a ValueError for an invalid pattern; see `predicate`."""
    if isinstance(pattern, str):
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(
                f"`{name}` must hold regular expressions. Received: "
                f"{pattern!r} ({error})."
            ) from None
    elif not callable(pattern):  # layers and classes are callable
        raise ValueError(
            "A pattern must be a regular expression for variable paths, a "
            "layer, a layer class or a function of (layer, variable). "
            f"Received: {name}={pattern!r}."
        )


def listed(patterns) -> list:
    """Returns a pattern, several patterns or `None` as a list."""
    if patterns is None:
        return []
    if isinstance(patterns, (list, tuple, set)):
        return list(patterns)
    return [patterns]
