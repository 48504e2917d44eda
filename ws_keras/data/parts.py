"""Splits data into the samples that a saved model trains and is measured on."""

import dataclasses

import numpy as np
from keras import tree

from ws_keras import checks
from ws_keras import seeds
from ws_keras.data import digests
from ws_keras.data import history
from ws_keras.data import splits

_GONE = 0.01  # fraction of earlier samples that may recur by chance
_OLDER = (
    "The record of the model was written by an earlier version, which read "
    "digits with leading zeros, such as 007, in another way. Therefore it is "
    "unknown which of these samples the model was trained on."
)


@dataclasses.dataclass(frozen=True)
class Keys:
    """What a rule decides by: digests of samples and of their groups.

    `samples` holds digests of the samples themselves or of their ids.
    `is_padded` tells which of these hold digits with leading zeros, such as
    007. It is needed for a history that `is_older`. `instants` holds the number
    of each sample's time, ascending, or is `None` if times are unknown.
    """

    samples: np.ndarray
    groups: np.ndarray | None = None
    is_padded: np.ndarray | None = None
    instants: np.ndarray | None = None


@dataclasses.dataclass(frozen=True)
class Parts:
    """Two parts of data, with sentences that describe them.

    `past` is the history that the model will have after it is trained on the
    first part. `withheld` says why accuracies on the second part are no
    evidence about an arm, if this is the case. `keys` holds the digests of the
    training samples, and `places` their positions in the data. `was_seen` tells
    which of these the model was trained on before, and `is_old` tells which
    held-out samples are old; both are `None` if this is unknown.
    """

    train: tuple
    held_out: tuple
    past: history.History
    words: str
    withheld: str = ""
    keys: np.ndarray | None = None
    places: np.ndarray | None = None
    was_seen: np.ndarray | None = None
    is_old: np.ndarray | None = None

    def replayed(self, share: float, seed: int) -> "Parts":
        """Returns parts that train on new samples and a fraction of the old.

        A hash of each old sample decides, so that the chosen samples stay the
        same while data grow.

        Args:
            share: Fraction of the old samples, in [0, 1].
            seed: Non-negative integer.

        Raises:
            ValueError: If `share` is out of range, if it is unknown which
                samples are old, or if no sample is left to train on.
        """
        if not checks.is_number(share) or not 0 <= share <= 1:
            raise ValueError(
                "`replay` must be a number in [0, 1]: the fraction of the old "
                f"samples to train on again. Received: replay={share!r}."
            )
        if self.was_seen is None:
            raise ValueError(
                "`replay` requires that the old samples of a model are known. "
                f"Received: replay={share:g} for a model with an "
                "unknown history. Give --old_samples."
            )
        # The draw must differ from the split's, which took the lowest values.
        chances = digests.chances(self.keys, seeds.derive(seed, "replay"))
        kept = ~self.was_seen | (chances < share)
        if not kept.any():
            raise ValueError(
                "There must be samples to train on. Received: no new "
                f"sample, and replay={share:g} of the old ones."
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
            places=self.places[kept],
            was_seen=self.was_seen[kept],
        )


def take(arrays, chosen: np.ndarray):
    """Selects samples of a structure of arrays.

    Example:

    >>> take({"a": np.arange(3), "b": np.eye(3)}, np.array([2]))["a"]
    array([2])
    """
    return tree.map_structure(lambda array: array[chosen], arrays)


def samples(x) -> np.ndarray:
    """Computes a digest of each sample of a structure of arrays."""
    return digests.several(tree.flatten(x))


def padded(x) -> np.ndarray:
    """Tells which samples of a structure hold digits with leading zeros."""
    return np.any([digests.padded(leaf) for leaf in tree.flatten(x)], axis=0)


def labels(y) -> np.ndarray:
    """Joins targets of a structure of arrays to one array, `(n, ...)`."""
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

    Held-out samples are removed if the model has seen them or will train on
    them, unless none would remain.

    Args:
        data: Training data, with samples `x` and targets `y`: arrays or
            structures of arrays.
        held_out: Samples and labels to measure on.
        where: Description of the held-out data.
        past: `History` of the model, or `None` if unknown.

    Returns:
        The `Parts`.
    """
    train, held = map(samples, (data.x, held_out[0]))
    rule = past and past.rule
    # Digests of ids do not identify samples.
    has_samples = past is not None and not (rule and rule.id)
    is_mistaken = (
        has_samples and past.is_older and past.mistakes(train, padded(data.x))
    )
    is_known = has_samples and not is_mistaken
    seen = np.isin(held, train)
    if has_samples:  # those that it knows were seen in any case
        seen |= past.has_trained_on(held)
    withheld = ""
    if seen.all():
        withheld = "The model is trained on all of the held-out samples."
    else:
        held, held_out = held[~seen], take(tuple(held_out), ~seen)
    words = f"{len(held):,} samples are held out: {where}."
    if is_known:
        words += _shares(past.knows(held))
    if is_mistaken:
        words += f" {_OLDER}"
    if seen.any() and not withheld:
        words += (
            f" {seen.sum():,} others are removed, because the model has been "
            "or will be trained on equal samples."
        )
    now = history.of(rule, train, held, labels(data.y))
    now = now if past is None else past + now
    known = (None, None)
    if is_known:
        known = past.has_trained_on(train), past.knows(held)
    places = np.arange(len(train))
    return Parts(
        (data.x, data.y), held_out, now, words, withheld, train, places, *known
    )


def chosen(
    data,
    rule: splits.Rule,
    keys: Keys,
    past: history.History | None,
    old_samples: int | None = None,
) -> Parts:
    """Splits data according to a rule.

    Samples that the model has seen are never held out, nor are groups that
    contain such a sample.

    Args:
        data: The data.
        rule: The `splits.Rule`.
        keys: `Keys` of the samples.
        past: `History` of the model, or `None` if unknown.
        old_samples: Number of samples at the beginning that the model has seen,
            or `None` if unknown. Defaults to `None`.

    Returns:
        The `Parts`.

    Raises:
        ValueError: If one part would be empty.
    """
    is_old, seen = _known(keys, past, old_samples)
    chosen = rule.chosen(keys.samples, keys.groups, keys.instants)
    held = chosen & ~seen
    if not held.any() or held.all():
        raise ValueError(
            "The split must leave samples to train on and samples to measure "
            f"on. Received: {held.sum()} of {len(held)} samples held out "
            f"({rule}), of which the model has been trained on {seen.sum()}. "
            "Give data with new samples, or another held-out fraction."
        )
    words = f"{held.sum():,} of {len(held):,} samples are held out: {rule}"
    if (chosen & seen).any():
        words += ", without those that the model has been trained on"
    words += "."
    if rule.id:
        words += _shared(keys.samples, rule.id)
    if rule.kind == "last":
        words += _undivided(keys.instants, rule)
    doubt = _doubt(data, rule, keys, past, old_samples)
    if is_old is not None and not doubt:
        words += _shares(is_old[held])
    # Samples that the model may have seen will not be held out later either.
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
        np.flatnonzero(~held),
        seen[~held] if is_known else None,
        is_old[held] if is_known else None,
    )


def _known(keys: Keys, past, old_samples) -> tuple:
    """Returns which samples are old, if known, and which were seen."""
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
    """Returns why accuracies would be too high for a model with a past."""
    if old_samples is not None:
        return ""
    if past is None:
        if rule.kind == "last":
            return ""
        return (
            "It is unknown which of these samples the model was trained on. "
            "Arms that continue from it may do well on held-out samples "
            "because they have seen them. Give --old_samples, "
            "--held_out=npz:FILE or --split=last."
        )
    last = past.rule.id if past.rule else None
    if (rule.id or None) != (last or None):
        return (
            f"Samples were identified by {_names(last)} last time and are "
            f"identified by {_names(rule.id)} now. Therefore it is unknown "
            "which of them the model was trained on. Give --old_samples too."
        )
    if keys.is_padded is not None and past.mistakes(
        keys.samples, keys.is_padded
    ):
        return f"{_OLDER} Give --old_samples too."
    if past.is_rescaled(keys.samples, labels(data.y)):
        return (
            "These samples seem to be those of last time in another scale. "
            "Therefore it is unknown which of them the model has seen. Name an "
            "array that identifies them with --id."
        )
    if past.recurring(keys.samples) < _GONE:
        return (
            "These data contain hardly any sample of last time. They may be "
            "new, or the same samples in another scale. Give --old_samples=0 "
            "if all are new; otherwise name an array that "
            "identifies them with --id."
        )
    return ""


def _shared(found: np.ndarray, id: str) -> str:
    _, places, counts = np.unique(
        found, return_inverse=True, return_counts=True
    )
    count = int((counts[places] > 1).sum())
    if not count:
        return ""
    return (
        f" {count:,} of {len(found):,} samples share their value of {id!r} "
        "with others, so it does not identify a sample. A model that was "
        "trained on one of them counts as trained on all."
    )


def _undivided(instants: np.ndarray | None, rule: splits.Rule) -> str:
    """Says why another fraction is held out than the rule says."""
    if instants is None:
        return ""
    exact = len(instants) - int(rule.fraction * len(instants))
    if not 0 < exact < len(instants) or np.diff(instants)[exact - 1]:
        return ""
    return " Samples of equal time are not divided."


def _shares(is_old: np.ndarray) -> str:
    old = int(is_old.sum())
    new = len(is_old) - old
    return f" Of these {old:,} are old and {new:,} are new."


def _names(id: str | None) -> str:
    return f"the array {id!r}" if id else "their values"
