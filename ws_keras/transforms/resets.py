"""Units of a network begun anew, in place: the mechanism of all methods."""

import dataclasses

import keras
import numpy as np

from ws_keras.transforms import fresh
from ws_keras.transforms import makers
from ws_keras.transforms import optimizers
from ws_keras.transforms import report as reports
from ws_keras.transforms import slots as slots_of
from ws_keras.transforms import starts
from ws_keras.transforms import units as graph_units
from ws_keras.transforms import variables


@dataclasses.dataclass(frozen=True)
class Selection:
    """The layers whose units can be reset, and why others' cannot.

    `entries` are all variables of the model, `reasons` is by their index.
    """

    entries: list[variables.Entry]
    layers: list[graph_units.Units]
    reasons: dict[int, str]


def select(
    model: keras.Model, include=None, exclude=None, frozen: bool = False
) -> Selection:
    """Finds the layers whose units are meant and can be reset.

    Args:
        model: Built functional or `Sequential` model.
        include: Layers whose units may be reset, by their kernels; patterns
            as in `shrink_perturb`. `None` means all. Defaults to `None`.
        exclude: Likewise, layers whose units stay. Defaults to `None`.
        frozen: Whether frozen weights may be written. Defaults to `False`.

    Returns:
        A `Selection`.

    Raises:
        ValueError: If the model has no graph, it is not found what reads the
            units of a layer that is meant, a pattern matches nothing, or no
            layer is left.
    """
    found = variables.entries(model)
    meant = variables.selected(
        found, variables.WEIGHT, include, exclude, frozen
    )
    variables.check_plain(
        entry for entry in meant if isinstance(entry.owner, makers.MAKERS)
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
    """Begins some units anew, in place.

    Their incoming weights are drawn from their own initializers, as are those
    on the way to what reads them (gamma, beta and moments of batch norm); the
    outgoing weights become 0. Where a batch norm stands between an activation
    and what reads it, and makes another number of 0, the bias of the reader
    takes that up, if it has one and its padding is `"valid"`. In the optimizers
    the slots of all weights that begin anew go back to their start; averages of
    weights follow them. So a unit that gives 0 is replaced without a change
    of the network's function.
    All other weights stay to the last bit.

    Args:
        model: The model of the selection.
        selection: From `select`.
        chosen: For each layer of it, the numbers of the units.
        seed: Non-negative integer that fixes the draws.
        zero_bias: Whether biases become 0 instead of a fresh draw. Defaults to
            `False`.
        build_fn: See `shrink_perturb`. Defaults to `None`.

    Returns:
        A `Report` with one line per variable.

    Raises:
        ValueError: If a fresh draw is impossible, a weight is not finite, or
            the optimizer cannot be rebuilt or has no slots for single
            weights. Nothing is written then.
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
    """Raises a ValueError if slots of single units cannot begin anew.

    An optimizer that is not built yet has none.
    """
    parts = [part for each in selection.layers for part in each.parts]
    weights = [part.entry.variable for part in parts]
    for optimizer in optimizers.Change(model, "keep", weights).found:
        slots_of.of(optimizer, weights)


def _pieces(selection: Selection, chosen: list) -> list[tuple]:
    """Returns what is written: entry, role, place and what the report says.

    What becomes 0 comes last: the weight between two units that both begin
    anew is an outgoing one.
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
    """Returns biases that take up constants, each with what is added."""
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
    """Returns the slots that change, each with its new value."""
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
                whole = starts.filled(start, slot)
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
    what = what or "takes up constants of units"
    return dataclasses.replace(line, reason=what)


def _reason(entry: variables.Entry, selection: Selection) -> str:
    reason = selection.reasons.get(entry.index)
    if reason is not None:
        return reason or "no unit to reset"
    usual = variables.reason(entry)
    return "of no unit that is reset" if usual == "not selected" else usual


def _frozen(each: graph_units.Units) -> str:
    """Returns which frozen layer has a part in the units, `""` if none."""
    for part in each.parts:
        if part.entry.frozen:
            return f"has weights in the frozen layer {part.entry.owner.name!r}"
    return ""


def _unknown(each: graph_units.Units) -> ValueError:
    return ValueError(
        "It must be known which weights read a unit, to set them to 0. "
        f"Received: the layer {each.layer.name!r}, whose output {each.reason}. "
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
