"""Masked arrays of NumPy, without Keras, so that commands start fast."""

import numpy as np


def filled(values) -> np.ndarray:
    """Returns an array whose masked values are missing (NaN or `None`).

    NumPy would return the values below the mask, such as 9.97e36 in a file of
    the format netCDF.
    """
    if not np.ma.is_masked(values):
        return np.asarray(values)
    if values.dtype.kind in "biuf":
        kind = values.dtype if values.dtype.kind == "f" else "float64"
        return values.astype(kind).filled(np.nan)
    return values.astype(object).filled(None)
