"""Checks labels of classes, and suggests code that converts other labels."""

import numpy as np

from ws_keras import callers
from ws_keras import seeds
from ws_keras.data import doubts

_ENCODE = (
    "`names, y = np.unique(labels, return_inverse=True)`, once, over the "
    "labels of all rounds and of the held-out part together. Save `names`: in "
    "later data, each label must keep its number, and new labels come last"
)


def numbers(y: np.ndarray, what: str) -> np.ndarray:
    """Checks that numbers are finite, and returns them."""
    if y.dtype.kind == "O":
        y = _of_objects(y, what)
    if y.dtype.kind in "USO":
        some = ", ".join(map(repr, np.unique(y).tolist()[:3]))
        raise wrong(
            "numbers", f"strings in {what}, such as {some}", f"Map: {_ENCODE}."
        )
    if y.dtype.kind not in "biuf":
        raise wrong("numbers", f"{what} of dtype {y.dtype}", "Convert them.")
    bad = ~np.isfinite(y) if y.dtype.kind == "f" else np.zeros(1, bool)
    if bad.any():
        count = int(bad.reshape(len(y), -1).any(1).sum())
        raise wrong(
            "finite numbers",
            f"NaN or infinite targets of {count:,} of {len(y):,} samples in "
            f"{what}",
            "Remove these samples: `keep = np.isfinite(y).reshape(len(y), "
            "-1).all(1); x, y = x[keep], y[keep]`.",
        )
    return y


def _of_objects(y: np.ndarray, what: str) -> np.ndarray:
    flat = y.ravel().tolist()
    if any(isinstance(value, str | bytes) for value in flat):
        return np.array([str(value) for value in flat])
    try:
        return np.array(
            [np.nan if value is None else value for value in flat], float
        ).reshape(y.shape)
    except (TypeError, ValueError):
        raise wrong(
            "numbers",
            f"{what} of dtype object, such as {flat[0]!r}",
            "Give each sample targets of equal shape.",
        ) from None


def whole(y: np.ndarray, what: str) -> np.ndarray:
    """Converts classes to integers, or raises a ValueError."""
    if y.dtype.kind == "b":
        return y.astype("int32")
    if y.dtype.kind != "f":
        return y
    parts = y[y % 1 != 0]
    if parts.size:
        raise wrong(
            "whole numbers, which name classes",
            f"numbers such as {parts.flat[0]:g} in {what}",
            "To predict a number, give the model one linear output and the "
            "loss 'mse' or 'mae'. For classes, give their bounds: "
            "`y = np.digitize(y, bounds)`.",
        )
    return y.astype("int64")


def check_range(y: np.ndarray, units: int | None, what: str) -> None:
    """Raises a ValueError unless labels are classes from 0 on.

    Args:
        y: Integers.
        units: Number of classes, or `None` if the labels determine it.
        what: Name of the labels in error messages.
    """
    if not y.size:
        return
    low, high = int(y.min()), int(y.max())
    if units is not None and 0 <= low and high < units:
        # Up to half of the classes may arrive later.
        some = np.unique(y)
        if low > 0 and 2 * len(some) < units:
            callers.warn(
                f"Labels in {what} name {len(some):,} of {units:,} classes, "
                f"{low:,} to {high:,}. The outputs below {low:,} are never "
                f"trained. {_way(some, units)}",
                doubts.DoubtfulData,
            )
        return
    some = np.unique(y)
    is_dense = high + 1 - len(some) <= len(some)
    if units is None and low == 0 and is_dense:
        return
    first = f"{len(some):,} different labels from {low:,} to {high:,} in {what}"
    number = "the number of classes" if units is None else f"{units:,}"
    raise wrong(
        f"integer labels from 0 on, below {number}", first, _way(some, units)
    )


def _way(some: np.ndarray, units: int | None) -> str:
    """Suggests code that converts labels to classes from 0 on."""
    low, high, count = int(some[0]), int(some[-1]), len(some)
    if [low, high] == [-1, 1] and count == 2:
        return "Map them: `y = (y > 0).astype('int32')`."
    is_run = high - low + 1 == count
    if is_run and low != 0 and (units is None or count <= units):
        sign = "-" if low > 0 else "+"
        return f"Map them: `y = y {sign} {abs(low)}`."
    if low == 0 and units is not None and high + 1 <= 2 * count:
        return (
            f"Give the last layer {high + 1:,} units (it has {units:,}), or "
            "remove the other classes."
        )
    more = ""
    if units is not None and count > units:
        more = f" The last layer then needs {count:,} units."
    return f"Map them: {_ENCODE}.{more}"


def one_hot_way(y: np.ndarray) -> str:
    """Suggests a conversion of rows to one label for each sample."""
    if _is_one_hot(y):
        return (
            "They are one-hot. Map them: `y = y.argmax(-1)`, or compile with "
            "the loss 'categorical_crossentropy'."
        )
    return (
        "For several labels per sample, give the model sigmoid outputs and "
        "the loss 'binary_crossentropy'; for numbers, the loss 'mse'."
    )


def _is_one_hot(y: np.ndarray) -> bool:
    if y.ndim < 2 or y.shape[-1] < 2:
        return False
    return bool(np.isin(y, (0, 1)).all() and (y.sum(-1) == 1).all())


def span(y: np.ndarray, what: str) -> str:
    """Describes the range of numbers in words."""
    return f"numbers from {y.min():g} to {y.max():g} in {what}"


def wrong(required: str, received: str, way: str) -> ValueError:
    """Returns the error for targets of another kind than required."""
    return ValueError(
        f"Targets must be {required}. Received: {received}. {way}"
    )


def with_wrong(
    y: np.ndarray, some: np.ndarray, share: float, num_classes: int, seed: int
) -> np.ndarray:
    """Replaces the labels of a fraction of some samples by wrong ones.

    All other classes are equally likely.

    Args:
        y: Labels from 0 on.
        some: Indices of the samples.
        share: Fraction of these samples with a wrong label, in [0, 1].
        num_classes: Number of classes, at least 2.
        seed: Non-negative integer.

    Returns:
        A changed copy of `y`.
    """
    rng = seeds.generator(seed, "label_noise")
    count = round(share * len(some))
    chosen = rng.permutation(some)[:count]
    steps = rng.integers(1, num_classes, count)
    y = y.copy()
    y[chosen] = (y[chosen] + steps) % num_classes
    return y
