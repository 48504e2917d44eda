"""Finds classes that only the rounds or only the held-out samples have."""

import warnings
from collections.abc import Iterator

import keras
import numpy as np

from ws_keras.data import targets

_SHOWN = 10  # classes in a sentence
_EXPECTED = 10  # a class with fewer expected samples may lack by chance


class UnseenClasses(UserWarning):
    """The rounds or the held-out samples lack classes that the others have."""


def check(
    model: keras.Model,
    y,
    end: int,
    weights: np.ndarray | None = None,
    has_past: bool = False,
) -> str:
    """Warns of classes that only one of the two parts has.

    No model can learn a class that occurs only in held-out samples. A metric
    of held-out samples says nothing about a class that they lack; such a class
    is named if a random choice would hold out ten or more of its samples.

    Args:
        model: Compiled model, whose losses tell which targets are classes.
        y: All targets, those of held-out samples last.
        end: Number of training samples.
        weights: Sample weights `(n,)`. Samples whose weight is 0 are not
            trained on. Defaults to `None`.
        has_past: Whether the model may have been trained on other samples
            before. Defaults to `False`.

    Returns:
        The sentences, or `""`.
    """
    found = []
    for where, classes, what in _classes(model, y):
        train, held_out = classes[:end], classes[end:]
        if weights is not None:
            train = train[weights[:end] > 0]
        ours, theirs = (_of(part) for part in (train, held_out))
        found += _never_trained(
            np.setdiff1d(theirs, ours), held_out, what, where, has_past
        )
        found += _never_measured(
            np.setdiff1d(ours, theirs), train, len(held_out), what, where
        )
    for text in found:
        warnings.warn(text, UnseenClasses, stacklevel=3)
    return " ".join(found)


def _classes(model, y) -> Iterator[tuple[str, np.ndarray, str]]:
    """Yields a place in words, the classes of each sample, and their name.

    Classes are an array `(n, m)`, in which -1 is none.
    """
    outputs = targets.outputs(model)
    if len(outputs) < 2:
        parts = [y]
    else:
        parts = [y[o.name] for o in outputs] if isinstance(y, dict) else y
    for output, part in zip(outputs, parts, strict=True):
        kind = output.kind
        if kind is None and len(outputs) == 1 and targets.has_accuracy(model):
            kind = "sparse"  # of a custom loss
        found = _of_kind(kind, np.asarray(part), output.ignored)
        if found is not None:
            where = f" of the output {output.name!r}" * (len(outputs) > 1)
            several = kind == "binary" and found.shape[1] > 1
            yield where, found, "label" if several else "class"


def _of_kind(kind, y: np.ndarray, ignored: int | None) -> np.ndarray | None:
    if y.dtype.kind not in "biuf":
        return None
    if kind == "categorical" and y.ndim > 1:
        is_one_hot = ((y == 0) | (y == 1)).all()
        return y.argmax(-1).reshape(len(y), -1) if is_one_hot else None
    flat = y.reshape(len(y), -1)
    if kind == "sparse":
        if flat.dtype.kind == "f":
            return None
        return flat if ignored is None else np.where(flat == ignored, -1, flat)
    if kind != "binary" or not ((flat == 0) | (flat == 1)).all():
        return None
    if flat.shape[1] == 1:
        return flat.astype("int8")
    return np.where(flat == 1, np.arange(flat.shape[1]), -1)


def _of(classes: np.ndarray) -> np.ndarray:
    found = np.unique(classes)
    return found[found >= 0]


def _never_trained(some, held_out, what, where, has_past) -> Iterator[str]:
    if not len(some):
        return
    rows = np.isin(held_out, some).any(1)
    count, size = int(rows.sum()), len(rows)
    who = "A model"
    if has_past:
        who = "A model that was not trained on them before"
    share, most = 100 * count / size, ""
    if held_out.shape[1] == 1:
        most = f": its accuracy is at most {100 - share:.1f} %"
    yield (
        f"{count:,} of {size:,} held-out samples ({share:.1f} %) have "
        f"{_named(some, what)}{where}, which no training sample has. {who} "
        f"cannot predict them{most}. Add such samples to the training, or "
        "remove them from the held-out samples."
    )


def _never_measured(some, train, size: int, what, where) -> Iterator[str]:
    shares = {one: (train == one).any(1).mean() for one in some[:1000]}
    some = [one for one in shares if shares[one] * size >= _EXPECTED]
    if some:
        total = 100 * np.isin(train, some).any(1).mean()
        yield (
            f"The held-out samples lack {_named(some, what)}{where}, which "
            f"{total:.1f} % of the training samples have, so their metric says "
            "nothing about them. Hold out samples at random, or add such "
            "samples."
        )


def _named(some, what: str) -> str:
    plural = {"class": "classes", "label": "labels"}[what]
    shown = ", ".join(str(int(one)) for one in some[:_SHOWN])
    if len(some) == 1:
        return f"the {what} {shown}"
    more = f" and {len(some) - _SHOWN:,} more" * (len(some) > _SHOWN)
    return f"{len(some):,} {plural} ({shown}{more})"
