"""Finds the units of a network: their incoming and outgoing weights."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from ws_keras.transforms import constants
from ws_keras.transforms import graphs
from ws_keras.transforms import makers
from ws_keras.transforms import passing
from ws_keras.transforms import variables

INCOMING, PASSED, OUTGOING = "incoming", "passed", "outgoing"
_BITS = 32


@dataclasses.dataclass(frozen=True)
class Part:
    """The positions of a layer's units in a variable.

    `units` holds the unit at each position along `axis`, or -1. A unit has
    several positions behind a `Flatten`. `taken` holds the constants that are
    read from silent units, if these are not 0.
    """

    entry: variables.Entry
    role: str
    axis: int
    units: np.ndarray
    taken: constants.Constants | None = None

    def places(self, chosen: np.ndarray) -> tuple:
        """Returns the index of the elements that belong to given units."""
        rank = len(self.entry.variable.shape)
        found = np.flatnonzero(np.isin(self.units, chosen))
        return (*(slice(None),) * (rank + self.axis), found)


@dataclasses.dataclass(frozen=True)
class Point:
    """A call whose output shows the activation of units.

    `rank` decides which of several calls on one path is used: the last
    activation, or the last normalization if there is no activation.
    """

    operation: Any
    number: int
    units: np.ndarray
    rank: int = 0


@dataclasses.dataclass(frozen=True)
class Units:
    """The units of a dense or convolution layer: its output channels.

    A unit has incoming weights, outgoing weights, with which other layers read
    it, and weights in between, such as its gamma in a batch norm. If the unit
    cannot be reset, `reason` says why; some of its parts may then be missing.
    """

    layer: Any
    count: int
    parts: tuple[Part, ...]
    points: tuple[Point, ...]
    reason: str = ""
    is_unknown: bool = False

    @property
    def kernel(self) -> variables.Entry:
        """The incoming weights, by which patterns select the layer."""
        return self.parts[0].entry

    def of(self, role: str) -> Iterator[Part]:
        """Yields the parts with a role."""
        return (part for part in self.parts if part.role == role)


def of(model: keras.Model) -> list[Units]:
    """Returns the units of each dense and convolution layer of a graph.

    Activations, pooling, flattening, dropout, padding, batch norm, depthwise
    convolutions, concatenation and nested models may lie between a layer and
    the layers that read it. Some units cannot be reset on their own; `reason`
    then says why. These are units in a sum of a residual network, units under a
    layer norm, outputs of the model, and units whose weights another layer or
    another input shares.

    Args:
        model: Built functional or `Sequential` model.

    Returns:
        List of `Units` in the order of the calls.

    Raises:
        ValueError: If the model is not built or not a graph of layers.
    """
    entries = variables.entries(model)
    return _Walk(graphs.of(model), entries).units()


@dataclasses.dataclass(frozen=True)
class _Channels:
    """What is known about the last axis of a tensor.

    `lost` holds the layers whose units are no longer known here, with the name
    of the operation behind which they were lost. `norms` holds the batch norm
    between an activation and this tensor; see `constants`.
    """

    labels: np.ndarray | None = None
    points: tuple[Point, ...] = ()
    lost: frozenset = frozenset()
    norms: np.ndarray | None = None


class _Walk:
    """Labels each unit and tracks the labels through the graph."""

    def __init__(self, graph: graphs.Graph, entries: list):
        self._entries = {id(e.variable): e for e in entries}
        self._channels = {}
        self._makers, self._counts, self._numbers = [], [], {}
        self._claims, self._points, self._reasons = {}, [], {}
        self._norms, self._constants = [], {}
        for call in graph.calls:
            masks = self._of(call.masks)
            found = self._follow(call, self._of(call.inputs), masks)
            self._channels.update((number, found) for number in call.outputs)
        for channels in self._of(graph.outputs):
            self._end(channels)

    def units(self) -> list[Units]:
        found = []
        for maker, layer in enumerate(self._makers):
            parts = [
                Part(
                    entry,
                    role,
                    key[1],
                    _units(labels, maker),
                    self._constants.get(key),
                )
                for key, (entry, role, labels) in self._claims.items()
                if (labels >> _BITS == maker).any()
            ]
            order = [INCOMING, PASSED, OUTGOING]
            parts.sort(key=lambda part: order.index(part.role))
            for part in parts:
                if len(set(map(id, part.entry.owners))) > 1:
                    self._refuse(maker, f"shares {part.entry.path!r}")
            reason, is_unknown = self._reasons.get(maker, ("", False))
            what = tuple(parts), tuple(self._points[maker].values())
            count = self._counts[maker]
            found.append(Units(layer, count, *what, reason, is_unknown))
        return found

    def _of(self, tensors: tuple) -> list[_Channels]:
        return [self._channels.get(number, _Channels()) for number in tensors]

    def _follow(self, call: graphs.Call, given: list, masks) -> _Channels:
        layer = call.operation
        lost = frozenset().union(*(each.lost for each in [*given, *masks]))
        lost |= self._lose(call, masks)
        if getattr(layer, "weights", None):  # without the seeds of dropout
            for maker, name in lost:
                self._refuse(maker, _LOST.format(name), is_unknown=True)
        is_readable = passing.is_readable(layer) and makers.is_plain(layer)
        if is_readable and isinstance(layer, makers.MAKERS):
            return self._make(call, given[0], lost)
        is_passed = is_readable and self._is_passed(call)
        if all(each.labels is None for each in given):
            if is_passed:
                self._claim_passed(layer, _none(call))
            return _Channels(lost=lost)
        if is_passed:
            return self._pass(call, given[0], lost)
        found = passing.labels(call, [each.labels for each in given])
        if found is None:
            return _Channels(lost=lost | self._lose(call, given))
        points = tuple(p for each in given for p in each.points)
        if passing.is_activation(layer):
            points = _later(points, Point(layer, call.number, found, 2))
        norms = constants.passed(call, [each.norms for each in given])
        return _Channels(found, points, lost, norms)

    def _make(self, call, given: _Channels, lost) -> _Channels:
        """Makes a layer read the given units and create its own."""
        layer = call.operation
        self._read(call, given)
        maker = self._maker(layer, call)
        labels = (maker << _BITS) + np.arange(self._counts[maker])
        for variable, axis in makers.incoming(layer):
            self._claim(variable, axis, INCOMING, labels)
        point = Point(layer, call.number, labels)
        if not passing.is_elementwise(layer.activation):
            return _Channels(lost=lost | {(maker, "its activation")})
        if layer.activation is not keras.activations.linear:
            point = dataclasses.replace(point, rank=2)
        return _Channels(labels, (point,), lost)

    def _maker(self, layer, call) -> int:
        number = self._numbers.setdefault(id(layer), len(self._makers))
        if number == len(self._makers):
            self._makers.append(layer)
            self._counts.append(call.shape[-1])
            self._points.append({})
        return number

    def _read(self, call, given: _Channels) -> None:
        layer, labels = call.operation, given.labels
        if labels is None:  # another call of the layer may read units
            labels = _none(call)
        for maker in _makers(labels):
            if getattr(layer, "groups", 1) > 1:
                self._refuse(maker, f"is read in groups by {layer.name!r}")
            for point in given.points:
                if (point.units >> _BITS == maker).any():
                    units = _units(point.units, maker)
                    here = dataclasses.replace(point, units=units)
                    key = id(point.operation), point.number
                    self._points[maker][key] = here
        if hasattr(layer, "depthwise_kernel"):
            self._claim(layer.depthwise_kernel, -2, PASSED, labels)
            labels = np.repeat(labels, layer.depth_multiplier)
            self._claim(layer.pointwise_kernel, -2, OUTGOING, labels)
        elif getattr(layer, "groups", 1) == 1:
            axis = -1 if isinstance(layer, makers.TRANSPOSED) else -2
            self._claim(layer.kernel, axis, OUTGOING, labels)
            self._take(layer, axis, given.norms)

    def _take(self, layer, axis: int, norms) -> None:
        """Records the constants that a layer reads, unless they vary."""
        found, key = None, (id(layer.kernel), axis)
        if norms is not None and constants.has_room(layer):
            bias = self._entries[id(layer.bias)]
            found = constants.Constants(bias, tuple(self._norms), norms)
        known = self._constants.setdefault(key, found)
        if known is not found and not (
            known and found and np.array_equal(known.channels, norms)
        ):
            self._constants[key] = None

    def _is_passed(self, call) -> bool:
        """Whether a layer has weights per channel and keeps the channels."""
        layer = call.operation
        if isinstance(layer, keras.layers.BatchNormalization):
            return layer.axis in (-1, len(call.shape) - 1)
        return isinstance(layer, (keras.layers.PReLU, *makers.DEPTHWISE))

    def _pass(self, call, given: _Channels, lost) -> _Channels:
        layer, rank, norms = call.operation, 2, None
        labels = self._claim_passed(layer, given.labels)
        if isinstance(layer, keras.layers.BatchNormalization):
            rank = 1
        elif isinstance(layer, makers.DEPTHWISE):
            is_linear = layer.activation is keras.activations.linear
            rank = 1 if is_linear else 2
            if not passing.is_elementwise(layer.activation):
                lost = lost | self._lose(call, [given])
                return _Channels(lost=lost)
        points = _later(given.points, Point(layer, call.number, labels, rank))
        if rank == 1 and points is given.points:
            norms = self._behind(layer, given, len(labels))
        return _Channels(labels, points, lost, norms)

    def _claim_passed(self, layer, labels: np.ndarray) -> np.ndarray:
        """Records the units in a layer; returns the labels behind it."""
        kernel = getattr(layer, "kernel", None)
        if isinstance(layer, makers.DEPTHWISE):
            self._claim(kernel, -2, PASSED, labels)
            labels = np.repeat(labels, layer.depth_multiplier)
        for variable in layer.variables:
            if variable is not kernel and variable.shape[-1] == len(labels):
                self._claim(variable, -1, PASSED, labels)
        return labels

    def _behind(self, layer, given: _Channels, count: int) -> np.ndarray:
        """Returns the channels behind a layer that maps 0 to a constant."""
        if isinstance(layer, makers.DEPTHWISE):
            return constants.lost(np.zeros(count, int))
        if layer not in self._norms:
            self._norms.append(layer)
        number = self._norms.index(layer)
        return constants.behind(number, given.norms, count)

    def _lose(self, call, given: list) -> frozenset:
        """Returns the layers whose units are unknown behind a call."""
        layer, lost = call.operation, set()
        tie = passing.tie(layer) if graphs.is_of_keras(layer) else ""
        for each in given:
            for maker in _makers(each.labels):
                if tie:
                    self._refuse(maker, f"{tie} {layer.name!r}")
                elif getattr(layer, "weights", None):
                    reason = _LOST.format(_named(layer))
                    self._refuse(maker, reason, is_unknown=True)
                else:
                    lost.add((maker, _named(layer)))
        return frozenset(lost)

    def _end(self, given: _Channels) -> None:
        for maker in _makers(given.labels):
            self._refuse(maker, "gives an output of the model")
        for maker, name in given.lost:
            self._refuse(
                maker, f"gives an output of the model by way of {name}"
            )

    def _claim(self, variable, axis: int, role: str, labels) -> None:
        """Records the units in a variable; two uses must agree."""
        entry = self._entries[id(variable)]
        key = id(variable), axis
        known = self._claims.setdefault(key, (entry, role, labels))[2]
        if not np.array_equal(known, labels):
            for maker in {*_makers(known), *_makers(labels)}:
                reason = f"meets other units in {entry.path!r}"
                self._refuse(maker, f"{reason}, which is used twice")

    def _refuse(self, maker: int, reason: str, is_unknown=False) -> None:
        known = self._reasons.get(maker)
        if known is None or (is_unknown and not known[1]):
            self._reasons[maker] = reason, is_unknown


_LOST = "goes through {}, behind which it is not found"


def _none(call) -> np.ndarray:
    """Returns labels for the input of a call that holds no units."""
    return np.full(call.shapes[0][-1], passing.NONE)


def _later(points: tuple, new: Point) -> tuple:
    """Returns the calls that show the activation behind a new call."""
    if all(point.rank <= new.rank for point in points):
        return (new,)
    return points


def _makers(labels: np.ndarray | None) -> list[int]:
    if labels is None:
        return []
    return [int(m) for m in np.unique(labels >> _BITS) if m >= 0]


def _units(labels: np.ndarray, maker: int) -> np.ndarray:
    is_own = labels >> _BITS == maker
    return np.where(is_own, labels & (2**_BITS - 1), passing.NONE)


def _named(operation) -> str:
    return f"{operation.name!r} ({type(operation).__name__})"
