"""Which data a saved model is trained on, and which it is measured on."""

import dataclasses

import numpy as np

from ws_keras.data import datasets
from ws_keras.data import digests
from ws_keras.data import history
from ws_keras.data import splits

_SEEN = 0.1  # share of seen held-out samples that makes accuracies void


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
    about a start, if they do not.
    """

    train: tuple[np.ndarray, np.ndarray]
    held_out: tuple[np.ndarray, np.ndarray]
    past: history.History
    words: str
    withheld: str = ""


def given(
    data: datasets.Dataset,
    held_out: tuple[np.ndarray, np.ndarray],
    where: str,
    past: history.History | None,
) -> Parts:
    """Returns all data to train on, and other data to measure on.

    Args:
        data: The data.
        held_out: Samples and labels to measure on.
        where: What these are called.
        past: The model's `History`, `None` if it is not known.

    Returns:
        The `Parts`.
    """
    train, held = (digests.samples(x) for x in (data.x, held_out[0]))
    now = history.of(None, train, held, data.y)
    words = f"{len(held)} samples are held out: {where}."
    withheld = ""
    if past is not None:
        seen = past.has_trained_on(held).mean()
        words += _shares(past.knows(held))
        if seen > _SEEN:
            withheld = (
                f"The model has been trained on {seen:.0%} of the held-out "
                "samples before."
            )
        now = past + now
    return Parts((data.x, data.y), held_out, now, words, withheld)


def chosen(
    data: datasets.Dataset,
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
    held = rule.chosen(keys.samples, keys.groups) & ~seen
    if not held.any() or held.all():
        raise ValueError(
            "The split must leave samples to train on and samples to measure "
            f"on. Received: {held.sum()} of {len(held)} samples held out, "
            f"{seen.sum()} of which the model has seen ({rule})."
        )
    words = f"{held.sum()} of {len(held)} samples are held out: {rule}."
    if is_old is not None:
        words += _shares(is_old[held])
    doubt = _doubt(data, rule, keys, past, old_samples)
    # What the model may have seen is not held out next time either.
    trained = seen | ~held | bool(doubt)
    now = history.of(rule, keys.samples[trained], keys.samples[held], data.y)
    return Parts(
        (data.x[~held], data.y[~held]),
        (data.x[held], data.y[held]),
        now if past is None else past + now,
        words,
        doubt,
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
            "It is not known which of these samples the model has been "
            "trained on, so that starts that go on with it may do well on "
            "held-out samples because they have seen them. Give "
            "--old_samples, --held_out=npz:FILE or --split=last."
        )
    if past.is_rescaled(keys.samples, data.y):
        return (
            "These samples seem to be those of last time in other numbers, so "
            "that it is not known which of them the model has seen. Name an "
            "array that identifies them with --id."
        )
    return ""


def _shares(is_old: np.ndarray) -> str:
    old = int(is_old.sum())
    return f" Of these {old} are old and {len(is_old) - old} are new."
