"""Finds the optimizer slots of each weight."""

import keras

from ws_keras import _keras
from ws_keras.transforms import initial_state


def of(optimizer, weights: list) -> dict[int, list]:
    """Returns the slots that have the same shape as their weight.

    Slots that hold a version of the weight, such as its moving average, are not
    included.

    Args:
        optimizer: Built Keras optimizer.
        weights: Variables of a model.

    Returns:
        For the `id` of each weight that the optimizer trains, a list of pairs
        of a slot and its start; see `initial_state.of`.

    Raises:
        ValueError: If slots differ in shape from the weights, as in
            `Adafactor`, or if the optimizer cannot be rebuilt.
    """
    wanted = {id(weight) for weight in weights}
    begun = {
        id(slot): (slot, start)
        for slot, start in initial_state.of(optimizer)
        if len(slot.shape) and not isinstance(start, keras.Variable)
    }
    found, known = {}, set()
    for slot, weight in _aligned(optimizer):
        known.add(id(slot))
        if id(weight) not in wanted or id(slot) not in begun:
            continue
        if tuple(slot.shape) != tuple(weight.shape):
            raise _unsuited(optimizer, slot)
        found.setdefault(id(weight), []).append(begun[id(slot)])
    for key, (slot, _) in begun.items():
        if key not in known:
            raise _unsuited(optimizer, slot)
    return found


def _aligned(optimizer) -> list[tuple]:
    """Returns pairs of a slot and its weight."""
    trained, found = _keras.trained_by(optimizer), []
    for held in vars(optimizer).values():
        if isinstance(held, (list, tuple)) and len(held) == len(trained):
            pairs = zip(held, trained, strict=True)
            found += [p for p in pairs if isinstance(p[0], keras.Variable)]
    return found


def _unsuited(optimizer, slot) -> ValueError:
    return ValueError(
        "The optimizer must have slots for each single weight, so that "
        "those of a unit can be reset. Received: "
        f"{type(optimizer).__name__}, whose slot {slot.path!r} has the shape "
        f"{tuple(slot.shape)}, which is not that of a weight. Compile with "
        "another optimizer, such as Adam."
    )
