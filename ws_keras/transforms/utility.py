"""Measures how much units contribute to the layers that read them."""

import numpy as np

from ws_keras.transforms import activity
from ws_keras.transforms import units as graph_units
from ws_keras.transforms import variables


def utilities(each: graph_units.Units, sizes: np.ndarray) -> np.ndarray:
    """Computes the contribution of each unit to the next layers.

    The contribution is the mean of the absolute outgoing weights times the mean
    absolute activation, divided by its mean over the layer.

    Args:
        each: Units of a layer.
        sizes: Mean absolute activation of each unit.

    Returns:
        An array `(units,)` of at least 0; all zeros if no unit contributes.
    """
    return activity.scores(outgoing(each) * sizes)


def outgoing(each: graph_units.Units) -> np.ndarray:
    """Computes the mean absolute outgoing weight of each unit."""
    total, places = np.zeros(each.count), np.zeros(each.count)
    for part in each.of(graph_units.OUTGOING):
        kernel = abs(variables.host(part.entry.variable).astype(np.float64))
        rows = np.moveaxis(kernel, part.axis, 0).reshape(len(part.units), -1)
        is_own = part.units >= 0
        own = part.units[is_own]
        np.add.at(total, own, rows[is_own].sum(1))
        np.add.at(places, own, rows.shape[1])
    return total / np.maximum(places, 1)
