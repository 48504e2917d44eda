"""The data of all rounds and the held-out data of a comparison."""

import dataclasses
import functools
from collections.abc import Mapping
from collections.abc import Sequence

import keras
import numpy as np

from ws_keras import callers
from ws_keras.data import aligned
from ws_keras.data import digests
from ws_keras.data import doubts
from ws_keras.data import inputs
from ws_keras.data import leaks
from ws_keras.data import named as names_of
from ws_keras.data import repeats
from ws_keras.data import rounded
from ws_keras.data import scales
from ws_keras.data import streams
from ws_keras.data import targets
from ws_keras.data import triples
from ws_keras.data import weights as sample_weights

_SHARED = 0.1  # fraction of shared held-out samples that voids accuracies


class SharedSamples(doubts.DoubtfulData):
    """Held-out samples also occur in the rounds."""


@dataclasses.dataclass(frozen=True)
class Data:
    """All samples and targets, with held-out ones last, and the round ends.

    `x` and `y` are arrays, or dictionaries or tuples of arrays. `weights` are
    sample weights, or `None`. `parts` holds the ends of the held-out parts of
    all rounds, or one end if there is a single part. `words` names their
    features in warnings.
    """

    x: np.ndarray | Mapping | tuple
    y: np.ndarray | Mapping | tuple
    ends: list[int]
    weights: np.ndarray | None = None
    parts: list[int] = ()
    words: names_of.Words = names_of.Words()

    @property
    def size(self) -> int:
        """The number of samples in all rounds and the held-out part."""
        return len(keras.tree.flatten(self.x)[0])

    @functools.cached_property
    def held_out(self) -> np.ndarray:
        """Indices of the held-out samples."""
        return np.arange(self.ends[-1], self.size)

    def repeated(self) -> str:
        """Warns if rounds, or their held-out parts, repeat older samples."""
        end = self.ends[-1]
        names = [f"held_out[{number}]" for number in range(len(self.parts))]
        bounds = [part - end for part in self.parts]
        texts = (
            repeats.check(self.digests, self.ends),
            repeats.check(self.digests[end:], bounds, names),
        )
        return " ".join(filter(None, texts))

    def copied(self) -> str:
        """Says how many samples of a part equal others, if they are many."""
        targets = digests.several(keras.tree.flatten(self.y))
        pairs = np.stack([self.digests, targets], 1)
        *rounds, held_out = np.split(pairs, self.ends)
        texts = repeats.trained_twice(rounds), repeats.copied(held_out)
        return " ".join(filter(None, texts))

    def suspicious(self) -> str:
        """Warns of different units, and of features that equal the target."""
        arrays = self.words.arrays(self.x, self.y)
        count = len(self.parts)
        names = [f"rounds[{number}]" for number in range(len(self.ends))]
        held = [f"held_out[{number}]" for number in range(count)]
        names += held if count > 1 else ["held_out"]
        texts = (
            scales.check(arrays, [*self.ends, *self.parts], names),
            leaks.check(arrays, self.ends[-1]),
        )
        return " ".join(filter(None, texts))

    @functools.cached_property
    def digests(self) -> np.ndarray:
        """A digest of each sample."""
        return digests.several(keras.tree.flatten(self.x))

    def old_and_new(self, number: int) -> tuple[np.ndarray, np.ndarray] | None:
        """Returns the held-out samples of earlier rounds and of this one.

        Args:
            number: Number of the round, counted from 1.

        Returns:
            Two arrays of indices, or `None` if there is a single held-out part
            or if this is the first round.
        """
        if len(self.parts) < 2 or number < 2:
            return None
        bounds = [self.ends[-1], *self.parts]
        return (
            np.arange(bounds[0], bounds[number - 1]),
            np.arange(bounds[number - 1], bounds[number]),
        )

    def seen(self, number: int) -> np.ndarray:
        """Returns the held-out samples of rounds up to this one.

        If there is a single held-out part, it is returned.
        """
        if len(self.parts) < 2:
            return self.held_out
        return np.arange(self.ends[-1], self.parts[number - 1])


def join(
    rounds: Sequence,
    held_out,
    model: keras.Model | None = None,
    *,
    steps: int | None = None,
    class_weight: Mapping[int, float] | None = None,
) -> Data:
    """Joins the data of all rounds and the held-out data.

    Args:
        rounds: New data of each round: `(x, y)`, `(x, y, sample_weight)`, or a
            pipeline of such batches.
        held_out: Held-out data, or a list with one part for each round.
        model: Compiled model to check the data against. `None` skips these
            checks. Defaults to `None`.
        steps: Number of batches to read from a pipeline. Defaults to `None`,
            all batches.
        class_weight: Weight of each class in training. Defaults to `None`.

    Returns:
        A `Data`.

    Raises:
        ValueError: If a part is invalid, or if its arrays do not match the
            others or the model.
    """
    rounds = _rounds(rounds)
    parts = _held_out_parts(held_out, len(rounds))
    named = [(f"rounds[{i}]", part) for i, part in enumerate(rounds)]
    if len(parts) == 1:
        named.append(("held_out", parts[0]))
    else:
        named += [(f"held_out[{i}]", part) for i, part in enumerate(parts)]
    names = [what for what, _ in named]
    reader = triples.Reader(model, steps)
    found = [reader.triple(*pair) for pair in named]
    parts = found[len(rounds) :]
    if all(triples.are_equal(part, parts[0]) for part in parts):
        # The same samples for each round would count several times.
        found, names = found[: len(rounds) + 1], names[: len(rounds) + 1]
    xs, ys, ws = zip(*found, strict=True)
    sizes = [len(keras.tree.flatten(y)[0]) for y in ys]
    ends = np.cumsum(sizes).tolist()
    # If the model fixes lengths, they have been checked already.
    x = _whole(names, xs, is_filled=reader.struct is not None)
    y = _whole(names, ys, is_filled=False)
    if model is not None:
        y = targets.fitted(model, y)
    end = ends[len(rounds) - 1]
    weights = sample_weights.joined(ws, sizes)
    if class_weight:
        weights = sample_weights.by_class(
            class_weight, y, weights, end, sum(sizes)
        )
    if weights is not None:
        sample_weights.check(names, np.split(weights, ends[:-1]))
    words = names_of.Words(model, reader.columns)
    return Data(x, y, ends[: len(rounds)], weights, ends[len(rounds) :], words)


def _rounds(rounds) -> list:
    if streams.is_stream(rounds) and not hasattr(rounds, "__len__"):
        rounds = list(rounds)  # it may be a generator of pairs
    if isinstance(rounds, tuple) and rounds and hasattr(rounds[0], "shape"):
        raise ValueError(
            "`rounds` must be a list with a pair (x, y) for each round. "
            "Received: arrays. Give `[(x, y)]` for one round."
        )
    if not isinstance(rounds, list | tuple) or not len(rounds):
        raise ValueError(
            "`rounds` must hold at least one pair (x, y). Received: "
            f"{'none' if isinstance(rounds, list | tuple) else type(rounds)}."
        )
    return list(rounds)


def _held_out_parts(held_out, count: int) -> list:
    """Returns one held-out part for each round, or a single one."""
    if not isinstance(held_out, list) or not held_out:
        return [held_out]
    are_parts = [isinstance(p, tuple) or streams.is_stream(p) for p in held_out]
    if not all(are_parts):
        return [held_out]
    if len(held_out) not in (1, count):
        raise ValueError(
            "`held_out` must be a pair (x, y), or a list with a pair for each "
            f"round. Received: {len(held_out)} pairs for {count} rounds."
        )
    return held_out


def _whole(names: list[str], parts: Sequence, is_filled: bool):
    """Concatenates the parts, in dtypes that can hold all of them."""
    for what, part in zip(names, parts, strict=True):
        try:
            keras.tree.assert_same_structure(parts[0], part)
        except (TypeError, ValueError):
            raise ValueError(
                "All rounds and the held-out part must have the same structure "
                f"of samples and labels. Received: {what}, whose structure "
                f"differs from that of {names[0]}."
            ) from None
    leaves = zip(*map(keras.tree.flatten, parts), strict=True)
    joined = [
        aligned.concatenate(inputs.evened(names, leaf, is_filled))
        for leaf in leaves
    ]
    return keras.tree.pack_sequence_as(parts[0], joined)


def shared(data: Data) -> tuple[str, bool]:
    """Warns if held-out samples also occur in the rounds.

    Returns:
        A sentence about these samples, or `""`, and whether they are so many
        that accuracies are meaningless.
    """
    found, end = data.digests, data.ends[-1]
    size = len(found) - end
    count = int(np.isin(found[end:], found[:end]).sum())
    if not count:
        return _rounded(data), False
    text = (
        f"{count:,} of {size:,} held-out samples ({100 * count / size:.1f} %) "
        "also occur in the rounds, so accuracies are too high"
    )
    message = f"{text}. Remove them from either part."
    callers.warn(message, SharedSamples)
    return f"{text}.", count / size > _SHARED


def _rounded(data: Data) -> str:
    """Warns if held-out samples are copies of others except for rounding."""
    leaves = [
        leaf.reshape(len(leaf), -1)
        for leaf in keras.tree.flatten(data.x)
        if leaf.dtype.kind == "f"
    ]
    if not leaves:
        return ""
    end = data.ends[-1]
    x = np.concatenate(leaves, 1) if len(leaves) > 1 else leaves[0]
    share = rounded.share(x[end:], x[:end])
    if share < _SHARED:
        return ""
    text = (
        f"About {100 * share:.0f} % of the held-out samples seem to occur in "
        "the rounds too, with numbers that were rounded differently, so "
        "accuracies may be too high"
    )
    message = f"{text}. Remove them from either part."
    callers.warn(message, SharedSamples)
    return f"{text}."


def read_once(rounds, held_out, model: keras.Model, steps: int | None) -> tuple:
    """Reads pipelines into arrays, for several comparisons on equal data.

    Args:
        rounds: As in `join`, like all other arguments.
        held_out: Held-out data.
        model: Model.
        steps: Number of batches to read from a pipeline.

    Returns:
        The list of rounds, and the held-out data.
    """
    read = triples.Reader(model, steps).arrays
    rounds = [read(f"rounds[{i}]", part) for i, part in enumerate(rounds)]
    parts = _held_out_parts(held_out, len(rounds))
    if len(parts) == 1:
        return rounds, read("held_out", parts[0])
    named = enumerate(parts)
    return rounds, [read(f"held_out[{i}]", part) for i, part in named]
