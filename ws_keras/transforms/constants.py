"""What batch norm behind an activation makes of a unit that gives 0."""

import dataclasses
from typing import Any

import keras
import numpy as np

from ws_keras.transforms import passing
from ws_keras.transforms import variables

_BITS = 32
_UNKNOWN = -2  # another number than 0 that is not followed


@dataclasses.dataclass(frozen=True)
class Constants:
    """The constants that a layer reads from silent units, and its bias.

    `channels` maps each position along the input axis of the layer to a channel
    of one of `norms`. A negative number means that there is none.
    """

    bias: variables.Entry
    norms: tuple[Any, ...]
    channels: np.ndarray

    def shift(self, kernel: np.ndarray, axis: int, places) -> np.ndarray:
        """Computes the bias change that replaces zeroed outgoing weights.

        Args:
            kernel: Outgoing weights; their last axis matches the bias.
            axis: Input axis of the kernel, counted from the end.
            places: Positions along this axis.
        """
        rows = np.moveaxis(kernel.astype(np.float64), axis, 0)[places]
        found = self._values(self.channels[places])
        rows = rows.reshape(len(places), -1, kernel.shape[-1])
        return np.einsum("i,ijk->k", found, rows)

    def _values(self, channels: np.ndarray) -> np.ndarray:
        values = np.zeros(len(channels))
        for number, layer in enumerate(self.norms):
            own = (channels >= 0) & (channels >> _BITS == number)
            values[own] = of_zero(layer)[channels[own] & (2**_BITS - 1)]
        return values


def of_zero(norm: keras.layers.BatchNormalization) -> np.ndarray:
    """Computes the output of a batch norm for 0 in inference mode."""
    mean, variance = (
        variables.host(v).astype(np.float64)
        for v in (norm.moving_mean, norm.moving_variance)
    )
    found = -mean / np.sqrt(variance + norm.epsilon)
    if norm.scale:
        found = found * variables.host(norm.gamma)
    return found + variables.host(norm.beta) if norm.center else found


def behind(number: int, before: np.ndarray | None, count: int) -> np.ndarray:
    """Returns the channels behind the batch norm with this number."""
    channels = (number << _BITS) + np.arange(count)
    if before is None:
        return channels
    return np.where(before == passing.NONE, channels, _UNKNOWN)


def passed(call, given: list) -> np.ndarray | None:
    """Returns the channels behind the call of a layer without weights."""
    if all(each is None for each in given) or passing.is_activation(
        call.operation
    ):
        return None
    found = passing.labels(call, given)
    if found is None:
        return np.full(call.shape[-1], _UNKNOWN)
    if type(call.operation).__name__.startswith("ZeroPadding"):
        return lost(found)
    return found


def lost(channels: np.ndarray | None) -> np.ndarray | None:
    """Marks the constants of channels as unknown."""
    if channels is None:
        return None
    return np.where(channels >= 0, _UNKNOWN, channels)


def has_room(layer) -> bool:
    """Whether the bias of a layer can absorb a constant input."""
    if not layer.use_bias:
        return False
    is_whole = getattr(layer, "padding", "valid") == "valid"
    kinds = (keras.layers.Dense, keras.layers.Conv1D)
    kinds += (keras.layers.Conv2D, keras.layers.Conv3D)
    return is_whole and isinstance(layer, kinds)
