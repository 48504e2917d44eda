"""How much the units of a layer are worth to those that read them."""

import numpy as np

from ws_keras.transforms import activity
from ws_keras.transforms import units as graph_units
from ws_keras.transforms import variables


def utilities(each: graph_units.Units, sizes: np.ndarray) -> np.ndarray:
    """Returns the contribution of each unit to what reads it.

    The mean of its absolute outgoing weights, times its mean absolute
    activation, divided by the mean over the layer, so that it averages to 1.

    Args:
        each: Units of a layer.
        sizes: Mean absolute activation of each unit.

    Returns:
        An array `(units,)`, at least 0; zeros where no unit contributes.
    """
    return activity.scores(outgoing(each) * sizes)


def outgoing(each: graph_units.Units) -> np.ndarray:
    """Returns the mean absolute outgoing weight of each unit."""
    total, places = np.zeros(each.count), np.zeros(each.count)
    for part in each.of(graph_units.OUTGOING):
        kernel = abs(variables.host(part.entry.variable).astype(np.float64))
        rows = np.moveaxis(kernel, part.axis, 0).reshape(len(part.units), -1)
        is_own = part.units >= 0
        own = part.units[is_own]
        np.add.at(total, own, rows[is_own].sum(1))
        np.add.at(places, own, rows.shape[1])
    return total / np.maximum(places, 1)
