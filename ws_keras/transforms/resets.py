"""Reinitializes units of a network, in place."""

import dataclasses

import keras
import numpy as np

from ws_keras.transforms import fresh
from ws_keras.transforms import initial_state
from ws_keras.transforms import makers
from ws_keras.transforms import optimizers
from ws_keras.transforms import report as reports
from ws_keras.transforms import selecting
from ws_keras.transforms import slots as slots_of
from ws_keras.transforms import units as graph_units
from ws_keras.transforms import variables


@dataclasses.dataclass(frozen=True)
class Selection:
    """The layers whose units can be reset.

    `entries` holds all variables of the model. `reasons` says, by their index,
    why variables cannot be reset.
    """

    entries: list[variables.Entry]
    layers: list[graph_units.Units]
    reasons: dict[int, str]


def select(
    model: keras.Model, include=None, exclude=None, frozen: bool = False
) -> Selection:
    """Finds the selected layers whose units can be reset.

    Args:
        model: Built functional or `Sequential` model.
        include: Layers whose units may be reset, given by their kernels;
            patterns as in `shrink_perturb`. `None` means all. Defaults to
            `None`.
        exclude: Layers whose units are not reset. Defaults to `None`.
        frozen: Whether to change frozen weights too. Defaults to `False`.

    Returns:
        A `Selection`.

    Raises:
        ValueError: If the model is not a graph of layers, if the readers of the
            units of a selected layer cannot be found, if a pattern matches
            nothing, or if no layer is selected.
    """
    found = variables.entries(model)
    meant = selecting.selected(
        found, variables.WEIGHT, include, exclude, frozen
    )
    read = selecting.with_integers(found, include, exclude, frozen)
    variables.check_plain(
        entry for entry in read if isinstance(entry.owner, makers.MAKERS)
    )
    chosen = {entry.index for entry in meant}
    layers, reasons = [], {}
    for each in graph_units.of(model):
        index = each.kernel.index
        if index not in chosen:
            reasons[index] = variables.reason(each.kernel)
            continue
        if each.is_unknown:
            raise _unknown(each)
        reasons[index] = each.reason or ("" if frozen else _frozen(each))
        if not reasons[index]:
            layers.append(each)
    if not layers:
        raise _none(model, {i: r for i, r in reasons.items() if i in chosen})
    return Selection(found, layers, reasons)


def reset(
    model: keras.Model,
    selection: Selection,
    chosen: list[np.ndarray],
    seed: int,
    *,
    zero_bias: bool = False,
    build_fn=None,
) -> reports.Report:
    """Reinitializes units, in place.

    The incoming weights of each unit are drawn from their own initializers, as
    are gamma, beta and moments of a batch norm behind it. The outgoing weights
    become 0. Optimizer slots of all these weights are reset, and moving
    averages follow the weights. Therefore a unit whose activation is 0 is
    replaced without changing the function of the network. A batch norm behind
    the activation can turn this 0 into another constant. The bias of the next
    layer absorbs the constant if the layer has a bias and `"valid"` padding.
    All other weights keep their exact bits.

    Args:
        model: Model of the selection.
        selection: Result of `select`.
        chosen: Numbers of the units to reset, for each layer of `selection`.
        seed: Non-negative integer that fixes the draws.
        zero_bias: Whether biases become 0 instead of being drawn. Defaults to
            `False`.
        build_fn: See `shrink_perturb`. Defaults to `None`.

    Returns:
        A `Report` with one line per variable.

    Raises:
        ValueError: If a fresh draw is impossible, if a weight is not finite, or
            if the optimizer cannot be rebuilt or has no slots of single
            weights. Nothing is written in these cases.
    """
    pieces = _pieces(selection, chosen)
    shifts = _shifts(selection, chosen)
    written = {entry.index: entry for entry, *_ in [*pieces, *shifts]}
    variables.check_finite(written.values())
    draw = fresh.Fresh(seed, build_fn)
    after = {index: np.array(e.value()) for index, e in written.items()}
    for entry, shift in shifts:
        after[entry.index] += shift.astype(after[entry.index].dtype)
    drawn = {}
    for entry, role, place, _ in pieces:
        if role == graph_units.OUTGOING:
            after[entry.index][place] = 0
            continue
        if entry.index not in drawn:
            drawn[entry.index] = draw(entry)
        is_zero = zero_bias and entry.variable.name == "bias"
        after[entry.index][place] = 0 if is_zero else drawn[entry.index][place]
    weights = [entry.variable for entry in written.values()]
    state = optimizers.Change(model, "keep", weights)
    begun = _begun(state, pieces)

    lines = {}
    for index, entry in written.items():
        lines[index] = _write(entry, after[index], pieces, shifts, state)
    for slot, value in begun:
        slot.assign(value)
    state.finish()
    for entry in selection.entries:
        if entry.index not in lines:
            reason = _reason(entry, selection)
            lines[entry.index] = reports.kept(entry, reason)
    return reports.Report(tuple(lines[i] for i in sorted(lines)))


def check_optimizer(model: keras.Model, selection: Selection) -> None:
    """Raises a ValueError if the slots of single units cannot be reset.

    An optimizer that is not built has no slots.
    """
    parts = [part for each in selection.layers for part in each.parts]
    weights = [part.entry.variable for part in parts]
    for optimizer in optimizers.Change(model, "keep", weights).found:
        slots_of.of(optimizer, weights)


def _pieces(selection: Selection, chosen: list) -> list[tuple]:
    """Returns what is written: entry, role, place and the report's text.

    Zeros are written last: if both units of a weight are reset, the weight
    counts as an outgoing one.
    """
    found = []
    for each, numbers in zip(selection.layers, chosen, strict=True):
        if not len(numbers):
            continue
        what = f"{len(numbers)} of {each.count} units of {each.layer.name!r}"
        for part in each.parts:
            place = part.places(np.asarray(numbers))
            found.append((part.entry, part.role, place, what))
    return sorted(found, key=lambda piece: piece[1] == graph_units.OUTGOING)


def _shifts(selection: Selection, chosen: list) -> list[tuple]:
    """Returns the biases that absorb constants, each with its change."""
    found = []
    for each, numbers in zip(selection.layers, chosen, strict=True):
        for part in each.of(graph_units.OUTGOING):
            taken = part.taken
            if taken is None or not len(numbers) or taken.bias.frozen:
                continue
            kernel, place = part.entry.value(), part.places(numbers)[-1]
            shift = taken.shift(kernel, part.axis, place)
            if shift.any():
                found.append((taken.bias, shift))
    return found


def _begun(state: optimizers.Change, pieces: list) -> list[tuple]:
    """Returns the slots that are reset, each with its new value."""
    places, weights = {}, {}
    for entry, _, place, _ in pieces:
        places.setdefault(id(entry.variable), []).append(place)
        weights[id(entry.variable)] = entry.variable
    found = []
    for optimizer in state.found:
        slots = slots_of.of(optimizer, list(weights.values()))
        for key, pairs in slots.items():
            for slot, start in pairs:
                value = np.array(variables.host(slot))
                whole = initial_state.filled(start, slot)
                for place in places[key]:
                    value[place] = whole[place]
                found.append((slot, value))
    return found


def _write(entry, after, pieces: list, shifts: list, state) -> reports.Line:
    before = np.array(entry.value())
    own = [piece for piece in pieces if piece[0] is entry]
    added = sum(shift for other, shift in shifts if other is entry)

    def changed(array):
        found = (array + added).astype(array.dtype)
        for _, _, place, _ in own:
            found[place] = after[place]
        return found

    after = variables.constrained(entry.variable, after)
    state.follow(entry.variable, after, changed)
    entry.variable.assign(after)
    line = reports.line(entry, "changed", before, after)
    what = "; ".join(dict.fromkeys(piece[3] for piece in own))
    what = what or "absorbs constants of units"
    return dataclasses.replace(line, reason=what)


def _reason(entry: variables.Entry, selection: Selection) -> str:
    reason = selection.reasons.get(entry.index)
    if reason is not None:
        return reason or "no unit to reset"
    usual = variables.reason(entry)
    return "of no unit that is reset" if usual == "not selected" else usual


def _frozen(each: graph_units.Units) -> str:
    """Names a frozen layer that holds weights of the units, `""` if none."""
    for part in each.parts:
        if part.entry.frozen:
            return f"has weights in the frozen layer {part.entry.owner.name!r}"
    return ""


def _unknown(each: graph_units.Units) -> ValueError:
    return ValueError(
        "The layers that read a unit must be known, to zero their weights. "
        f"Received: layer {each.layer.name!r}, whose output {each.reason}. "
        f"Leave it out with `exclude={each.layer.name!r}`."
    )


def _none(model, reasons: dict[int, str]) -> ValueError:
    some = "; ".join(sorted(set(reasons.values()))[:3])
    return ValueError(
        "There must be a dense or convolution layer whose units can be reset. "
        f"Received: {model.name!r} with a selection that has none"
        + (f" (a layer {some})." if some else ".")
        + " Unfreeze a layer, pass `frozen=True`, or widen `include` and "
        "`exclude`."
    )
