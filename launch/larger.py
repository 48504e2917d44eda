"""Outputs for classes, and rows for words, that data have and a model lacks."""

import dataclasses

import numpy as np

from ws_keras.data import targets as checks
from ws_keras.growth import ids
from ws_keras.growth import outputs as growth
from ws_keras.growth import vocabulary

from . import retrain_flags as given


@dataclasses.dataclass(frozen=True)
class Grown:
    """A model that takes the data, and what it has more than before.

    `before` is the model with the classes of before, and `classes` their
    number, `None` where there are no new ones.
    """

    model: object
    before: object
    words: str = ""
    classes: int | None = None


def fitted(model, parts, seed: int) -> Grown:
    """Returns a model that is as large as the data need.

    New words are those of the samples that are trained on.

    Args:
        model: The model, which stays as it is.
        parts: The `Parts` of the data, as the model takes them.
        seed: Seed of the new weights.

    Raises:
        ValueError: If the data need a larger model and `--grow` is not
            given, or the model cannot be made larger.
    """
    notes = []
    model = _with_words(model, parts.train[0], seed, notes)
    for x, _ in (parts.train, parts.held_out):
        model = _with_ids(model, x, seed, notes)
    targets = [y for _, y in (parts.train, parts.held_out)]
    larger, classes = _with_classes(model, targets, seed, notes)
    return Grown(larger, model, " ".join(notes), classes)


def _with_classes(model, targets: list, seed: int, notes: list):
    outputs = checks.outputs(model)
    if len(outputs) > 1 or not isinstance(targets[0], np.ndarray):
        return model, None
    y = np.concatenate(targets)
    needed = _classes(outputs, y)
    before = outputs[0].units
    if needed is None or before is None or needed <= before:
        return model, None
    if not given.GROW.value:
        raise ValueError(
            f"`--data` must hold labels of the model's {before} classes. "
            f"Received: labels up to {needed - 1}. Use --grow to add outputs "
            "for new classes to the model."
        )
    _check_dense(y, before, needed)
    layer = growth.last(model)
    larger = growth.grow_outputs(model, layer, needed, seed=seed)
    notes.append(
        f"The model had {before} classes and now has {needed}: "
        f"{layer.name!r} has {needed - before} new outputs."
    )
    return larger, before


def _classes(outputs: list, y) -> int | None:
    """Returns the number of classes that labels need, if they are labels."""
    kind = outputs[0].kind
    if kind == "sparse" and y.dtype.kind in "iu":
        return int(y.max()) + 1
    if kind == "categorical" and y.ndim == 2:
        return y.shape[1]
    return None


def _check_dense(y, before: int, needed: int) -> None:
    """Raises a ValueError where many classes would have no sample."""
    if y.ndim != 1:
        return
    new = np.unique(y[y >= before])
    if len(new) < needed - before:
        raise ValueError(
            "The labels of new classes must continue those of the old classes, "
            f"so that each class has samples. Received: {len(new)} new "
            f"label{'s' * (len(new) > 1)} up to {needed - 1} for a model of "
            f"{before} classes. Number them from {before} on."
        )


def _with_words(model, x, seed: int, notes: list):
    """Gives a model the words of the samples that it does not know."""
    if not given.GROW.value:
        return model  # they have the id of unknown words
    for name, words in ids.words(model, x).items():
        model = vocabulary.grow_vocabulary(model, name, words=words, seed=seed)
        shown = ", ".join(map(repr, words[:3]))
        notes.append(
            f"{len(words):,} new words, such as {shown}, are added to {name!r}."
        )
    return model


def _with_ids(model, x, seed: int, notes: list):
    """Gives embeddings rows for all ids of the samples."""
    for name, needed in ids.needed(model, x).items():
        if not given.GROW.value:
            raise ValueError(
                "`--data` must hold ids for which the model has rows. "
                f"Received: ids up to {needed - 1:,} for {name!r}, which has "
                "fewer rows. Use --grow to add rows."
            )
        model = vocabulary.grow_vocabulary(model, name, needed, seed=seed)
        notes.append(f"{name!r} now has {needed:,} rows.")
    return model
