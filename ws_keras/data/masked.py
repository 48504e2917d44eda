"""Arrays of NumPy that Keras does not know as such.

It does not import Keras, so that commands start fast.
"""

import numpy as np


def filled(values) -> np.ndarray:
    """Returns an array whose masked values are missing (NaN or `None`).

    NumPy would return the values below the mask, such as 9.97e36 in a file of
    the format netCDF. Long doubles, which no backend of Keras knows, become
    doubles.
    """
    if not np.ma.is_masked(values):
        found = np.asarray(values)
        is_long = found.dtype.kind == "f" and found.dtype.itemsize > 8
        return found.astype("float64") if is_long else found
    if values.dtype.kind in "biuf":
        is_short = values.dtype.kind == "f" and values.dtype.itemsize < 8
        kind = values.dtype if is_short else "float64"
        return values.astype(kind).filled(np.nan)
    return values.astype(object).filled(None)
