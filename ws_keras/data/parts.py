"""Which data a saved model is trained on, and which it is measured on."""

import dataclasses

import numpy as np
from keras import tree

from ws_keras import checks
from ws_keras import seeds
from ws_keras.data import digests
from ws_keras.data import history
from ws_keras.data import splits

_GONE = 0.01  # share of last time's samples that may recur by chance


@dataclasses.dataclass(frozen=True)
class Keys:
    """Digests that tell samples, and groups of samples, apart.

    `samples` are those of the samples themselves or of their ids.
    """

    samples: np.ndarray
    groups: np.ndarray | None = None


@dataclasses.dataclass(frozen=True)
class Parts:
    """Two parts of data, and what is to be said of them.

    `past` is what the model's history will be once it is trained on the
    first part. `withheld` is why accuracies on the second part prove nothing
    about a start, if they do not. `keys` are the digests of the samples to
    train on; `was_seen` and `is_old` tell which of these the model has been
    trained on, and which held-out ones were there before, `None` where it is
    not known.
    """

    train: tuple
    held_out: tuple
    past: history.History
    words: str
    withheld: str = ""
    keys: np.ndarray | None = None
    was_seen: np.ndarray | None = None
    is_old: np.ndarray | None = None

    def replayed(self, share: float, seed: int) -> "Parts":
        """Returns parts that train on new samples and on a share of the old.

        A hash of each old sample decides, so that those that come again stay
        the same ones while data grow.

        Args:
            share: In [0, 1]; 0 leaves all old samples out.
            seed: Non-negative integer.

        Raises:
            ValueError: If the share is no such number, it is not known which
                samples are old, or no sample would be left.
        """
        if not checks.is_number(share) or not 0 <= share <= 1:
            raise ValueError(
                "The share of old samples that are trained on again must be a "
                f"number in [0, 1]. Received: replay={share!r}."
            )
        if self.was_seen is None:
            raise ValueError(
                "To replay a share of the old samples, it must be known which "
                f"are old. Received: replay={share:g} for a model whose past "
                "is not known. Give --old_samples."
            )
        # Another draw than the split's, which has taken the lowest chances.
        chances = digests.chances(self.keys, seeds.derive(seed, "replay"))
        kept = ~self.was_seen | (chances < share)
        if not kept.any():
            raise ValueError(
                "There must be samples to train on. Received: none that are "
                f"new, and replay={share:g} of the old ones."
            )
        again = int((kept & self.was_seen).sum())
        words = (
            f"{self.words} Training takes {int((~self.was_seen).sum()):,} new "
            f"samples and {again:,} of {int(self.was_seen.sum()):,} old ones."
        )
        return dataclasses.replace(
            self,
            train=take(self.train, kept),
            words=words,
            keys=self.keys[kept],
            was_seen=self.was_seen[kept],
        )


def take(arrays, chosen: np.ndarray):
    """Returns some samples of a structure of arrays.

    Example:

    >>> take({"a": np.arange(3), "b": np.eye(3)}, np.array([2]))["a"]
    array([2])
    """
    return tree.map_structure(lambda array: array[chosen], arrays)


def samples(x) -> np.ndarray:
    """Returns a digest of each sample of a structure of arrays."""
    return digests.several(tree.flatten(x))


def labels(y) -> np.ndarray:
    """Returns targets of a structure of arrays as one array, `(n, ...)`."""
    leaves = tree.flatten(y)
    if len(leaves) == 1:
        return leaves[0]
    return digests.several(leaves)


def given(
    data,
    held_out: tuple,
    where: str,
    past: history.History | None,
) -> Parts:
    """Returns all data to train on, and other data to measure on.

    Samples of the latter that the model has seen, or that are to be trained
    on, are left out, unless none would remain.

    Args:
        data: The data, with samples `x` and targets `y`: arrays, or
            structures of some.
        held_out: Samples and labels to measure on.
        where: What these are called.
        past: The model's `History`, `None` if it is not known.

    Returns:
        The `Parts`.
    """
    train, held = map(samples, (data.x, held_out[0]))
    rule = past and past.rule
    # Digests of ids say nothing of samples.
    is_known = past is not None and not (rule and rule.id)
    seen = np.isin(held, train)
    if is_known:
        seen |= past.has_trained_on(held)
    withheld = ""
    if seen.all():
        withheld = "The model is trained on all of the held-out samples."
    else:
        held, held_out = held[~seen], take(tuple(held_out), ~seen)
    words = f"{len(held):,} samples are held out: {where}."
    if is_known:
        words += _shares(past.knows(held))
    if seen.any() and not withheld:
        words += (
            f" {seen.sum():,} others are left out, because the model has been "
            "trained on equal ones, or is to be."
        )
    now = history.of(rule, train, held, labels(data.y))
    now = now if past is None else past + now
    known = (None, None)
    if is_known:
        known = past.has_trained_on(train), past.knows(held)
    return Parts(
        (data.x, data.y), held_out, now, words, withheld, train, *known
    )


def chosen(
    data,
    rule: splits.Rule,
    keys: Keys,
    past: history.History | None,
    old_samples: int | None = None,
) -> Parts:
    """Returns data in two parts as a rule says.

    What the model has seen is never held out, whatever the rule says, nor
    is a group of which it has seen a sample.

    Args:
        data: The data.
        rule: The `splits.Rule`.
        keys: The `Keys` of the samples.
        past: The model's `History`, `None` if it is not known.
        old_samples: The model has seen the first so many samples. Defaults
            to `None`, which says nothing.

    Returns:
        The `Parts`.

    Raises:
        ValueError: If one part would be empty.
    """
    is_old, seen = _known(keys, past, old_samples)
    chosen = rule.chosen(keys.samples, keys.groups)
    held = chosen & ~seen
    if not held.any() or held.all():
        raise ValueError(
            "The split must leave samples to train on and samples to measure "
            f"on. Received: {held.sum()} of {len(held)} samples held out "
            f"({rule}), where the model has been trained on {seen.sum()} of "
            "all. Give data with new samples, or another held-out fraction."
        )
    words = f"{held.sum():,} of {len(held):,} samples are held out: {rule}"
    if (chosen & seen).any():
        words += ", without those that the model has been trained on"
    words += "."
    if is_old is not None:
        words += _shares(is_old[held])
    doubt = _doubt(data, rule, keys, past, old_samples)
    # What the model may have seen is not held out next time either.
    trained = seen | ~held | bool(doubt)
    now = history.of(
        rule, keys.samples[trained], keys.samples[held], labels(data.y)
    )
    both = data.x, data.y
    is_known = is_old is not None and not doubt
    return Parts(
        take(both, ~held),
        take(both, held),
        now if past is None else past + now,
        words,
        doubt,
        keys.samples[~held],
        seen[~held] if is_known else None,
        is_old[held] if is_known else None,
    )


def _known(keys: Keys, past, old_samples) -> tuple:
    """Returns which samples are old, if known, and which the model has seen."""
    is_old, seen = None, np.zeros(len(keys.samples), bool)
    if past is not None:
        is_old = past.knows(keys.samples)
        seen = past.has_trained_on(keys.samples)
    if old_samples is not None:
        first = np.isin(keys.samples, keys.samples[:old_samples])
        is_old = first if is_old is None else is_old | first
        seen = seen | first
    if keys.groups is not None:
        seen = np.isin(keys.groups, keys.groups[seen])
    return is_old, seen


def _doubt(data, rule, keys: Keys, past, old_samples) -> str:
    """Returns why accuracies would flatter a model with a past."""
    if old_samples is not None:
        return ""
    if past is None:
        if rule.kind == "last":
            return ""
        return (
            "It is not known which of these samples the model was trained on. "
            "Arms that continue from it may do well on held-out samples "
            "because they have seen them. Give --old_samples, "
            "--held_out=npz:FILE or --split=last."
        )
    last = past.rule.id if past.rule else None
    if (rule.id or None) != (last or None):
        return (
            f"Samples were identified by {_names(last)} last time, and are by "
            f"{_names(rule.id)} now, so that it is not known which of them "
            "the model has been trained on. Give --old_samples as well."
        )
    if past.is_rescaled(keys.samples, labels(data.y)):
        return (
            "These samples seem to be those of last time in other numbers, so "
            "that it is not known which of them the model has seen. Name an "
            "array that identifies them with --id."
        )
    if past.recurring(keys.samples) < _GONE:
        return (
            "Hardly any sample of last time is among these, so that it is not "
            "known whether they are new or the same in other numbers. Give "
            "--old_samples=0 if all are new; else name an array that "
            "identifies them with --id."
        )
    return ""


def _shares(is_old: np.ndarray) -> str:
    old = int(is_old.sum())
    new = len(is_old) - old
    return f" Of these {old:,} are old and {new:,} are new."


def _names(id: str | None) -> str:
    return f"the array {id!r}" if id else "their values"
