"""Finds classes that only the rounds or only the held-out samples have."""

from collections.abc import Iterator
from typing import NamedTuple

import keras
import numpy as np

from ws_keras import callers
from ws_keras.data import doubts
from ws_keras.data import targets

_SHOWN = 10  # classes in a sentence
_EXPECTED = 10  # a class with fewer expected samples may lack by chance
_LEAST = 0.0005  # fraction of targets that changes an accuracy of 0.1 %
_BLOCK = 2**20  # number of targets that are converted at a time


class UnseenClasses(doubts.DoubtfulData):
    """The rounds or the held-out samples lack classes that the others have."""


class _Part:
    """Some samples of the targets of an output.

    Args:
        y: Targets.
        kind: `"sparse"`, `"categorical"`, `"binary"`, or `"labels"` if the
            last axis has several zeros and ones.
        ignored: Label that is no class, or `None`.
        places: Range of samples.
        used: Which of all samples are used. Defaults to `None`, all of them.
    """

    def __init__(self, y, kind, ignored, places: range, used=None):
        self._y, self._kind, self._ignored = y, kind, ignored
        self._places, self._used = places, used
        self.size = len(places)
        if used is not None:
            self.size = int(used[places.start : places.stop].sum())

    def counts(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns classes, and the number of samples that have each."""
        found: dict[int, int] = {}
        for classes in self._classes():
            # A sample counts once, however often it has the class.
            classes = np.sort(classes, 1)
            is_first = np.ones(classes.shape, bool)
            is_first[:, 1:] = classes[:, 1:] != classes[:, :-1]
            some, counts = np.unique(classes[is_first], return_counts=True)
            for one, count in zip(some.tolist(), counts.tolist(), strict=True):
                found[one] = found.get(one, 0) + count
        found.pop(-1, None)
        some = sorted(found)
        return np.array(some, int), np.array([found[one] for one in some], int)

    def having(self, some: np.ndarray) -> tuple[int, int, int]:
        """Counts samples that have one of some classes, targets, all targets.

        Ignored targets are not counted.
        """
        rows = hits = size = 0
        for classes in self._classes():
            is_one = np.isin(classes, some)
            rows += int(is_one.any(1).sum())
            hits += int(is_one.sum())
            size += int((classes >= 0).sum())
        return rows, hits, size

    def _classes(self) -> Iterator[np.ndarray]:
        """Yields the classes of blocks of samples, `(m, k)`; -1 is none."""
        for block in _blocks(self._y, self._places):
            y = self._y[block]
            if self._used is not None:
                y = y[self._used[block]]
            if not len(y):
                continue
            if self._kind == "categorical":
                yield y.argmax(-1).reshape(len(y), -1)
            elif self._kind == "labels":
                of_axis = np.where(y == 1, np.arange(y.shape[-1]), -1)
                yield of_axis.reshape(len(y), -1)
            else:
                # Unsigned integers have no -1.
                flat = y.reshape(len(y), -1).astype("int64")
                is_none = flat == self._ignored
                yield np.where(is_none | (flat < 0), -1, flat)


class _Words(NamedTuple):
    """How a sentence names classes, and the output that they belong to."""

    what: str
    where: str
    is_one: bool  # whether each sample has one class


def check(
    model: keras.Model,
    y,
    end: int,
    weights: np.ndarray | None = None,
    has_past: bool = False,
) -> str:
    """Warns of classes that only one of the two parts has.

    No model can learn a class that occurs only in held-out samples. Such
    classes are named if they are at least 0.05 % of the held-out targets. A
    metric of held-out samples says nothing about a class that they lack; such a
    class is named if a random choice would hold out ten or more of its samples.

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
    used = None if weights is None else weights > 0
    is_even = weights is None or len(np.unique(weights[end:])) == 1
    for part, kind, ignored, words in _outputs(model, y):
        given = part, kind, ignored
        train = _Part(*given, range(end), used)
        held_out = _Part(*given, range(end, len(part)))
        (ours, counts), (theirs, _) = train.counts(), held_out.counts()
        only = np.setdiff1d(theirs, ours)
        found += _never_trained(only, held_out, words, has_past, is_even)
        expected = counts / max(train.size, 1) * held_out.size
        lost = ~np.isin(ours, theirs) & (expected >= _EXPECTED)
        found += _never_measured(ours[lost], train, words)
    for text in found:
        callers.warn(text, UnseenClasses)
    return " ".join(found)


def _outputs(model, y) -> Iterator[tuple]:
    """Yields targets, their kind, the ignored label, and their `_Words`."""
    outputs = targets.outputs(model)
    if len(outputs) < 2:
        parts = [y]
    else:
        parts = [y[o.name] for o in outputs] if isinstance(y, dict) else y
    for output, part in zip(outputs, parts, strict=True):
        part = np.asarray(part)
        kind = output.kind
        if kind is None and len(outputs) == 1 and targets.has_accuracy(model):
            kind = _guess(part, output)
        kind = _checked(kind, part, output)
        if kind is not None:
            where = f" of the output {output.name!r}" * (len(outputs) > 1)
            what = "label" if kind == "labels" else "class"
            is_one = kind != "labels" and part.size == len(part)
            is_one |= kind == "categorical" and part.ndim == 2
            yield part, kind, output.ignored, _Words(what, where, is_one)


def _guess(y: np.ndarray, output: targets.Output) -> str | None:
    """Returns the kind of targets of a custom loss."""
    if output.units == 1:
        return "binary"
    if y.ndim == 1 or y.shape[-1] == 1:
        return "sparse"
    if output.shape is not None and y.ndim == len(output.shape) - 1:
        return "sparse"
    return "categorical"


def _checked(kind, y: np.ndarray, output: targets.Output) -> str | None:
    """Returns how `_Part` reads targets, or `None` if they are no classes."""
    if kind == "sparse":
        return kind if y.dtype.kind in "biu" else None
    if kind not in ("categorical", "binary") or not _are_binary(y):
        return None
    if kind == "categorical":
        return kind if _are_one_hot(y) else None
    if y.ndim < 2 or y.shape[-1] == 1:
        return kind
    # The zeros and ones of one unit are positions, as in a mask.
    has_several = y.ndim == 2 if output.units is None else output.units > 1
    return "labels" if has_several else kind


def _are_binary(y: np.ndarray) -> bool:
    if y.dtype.kind not in "biuf":
        return False
    blocks = (y[block] for block in _blocks(y, range(len(y))))
    return all(((block == 0) | (block == 1)).all() for block in blocks)


def _are_one_hot(y: np.ndarray) -> bool:
    blocks = (y[block] for block in _blocks(y, range(len(y))))
    return y.ndim > 1 and all((b.sum(-1) == 1).all() for b in blocks)


def _blocks(y: np.ndarray, places: range) -> Iterator[slice]:
    size = max(1, _BLOCK * len(y) // max(1, y.size))
    for start in places[::size]:
        yield slice(start, min(start + size, places.stop))


def _never_trained(
    some, held_out: _Part, words: _Words, has_past: bool, is_even: bool
) -> Iterator[str]:
    if not len(some):
        return
    count, hits, targets_of = held_out.having(some)
    size, what = held_out.size, "samples"
    if words.what == "class" and not words.is_one:
        count, size, what = hits, targets_of, "targets"
    if count < _LEAST * size:
        return
    who = "A model"
    if has_past:
        who = "A model that was not trained on them before"
    share, rest = 100 * count / size, ""
    if words.is_one and is_even:
        rest = (
            f"; it can only learn the classes of the other {100 - share:.1f} %"
        )
    yield (
        f"{count:,} of {size:,} held-out {what} ({share:.1f} %) have "
        f"{_named(some, words.what)}{words.where}, which no training sample "
        f"has. {who} cannot learn them{rest}. Add such samples to the "
        "training, or remove them from the held-out samples."
    )


def _never_measured(some, train: _Part, words: _Words) -> Iterator[str]:
    if len(some):
        total = 100 * train.having(some)[0] / train.size
        them = "it" if len(some) == 1 else "them"
        yield (
            f"The held-out samples lack {_named(some, words.what)}"
            f"{words.where}, which {total:.1f} % of the training samples have, "
            f"so the metric of the held-out samples says nothing about {them}. "
            "If such samples still occur, hold out samples at random, or add "
            "some of these."
        )


def _named(some, what: str) -> str:
    plural = {"class": "classes", "label": "labels"}[what]
    shown = ", ".join(str(int(one)) for one in some[:_SHOWN])
    if len(some) == 1:
        return f"the {what} {shown}"
    more = f" and {len(some) - _SHOWN:,} more" * (len(some) > _SHOWN)
    return f"{len(some):,} {plural} ({shown}{more})"
