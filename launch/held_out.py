"""Held-out samples of a saved model: their flags, and the parts of the data."""

import dataclasses
import pathlib

from absl import flags

from ws_keras.data import tables

from . import retrain_flags as given

HELD_OUT = flags.DEFINE_string(
    "held_out",
    None,
    "Samples to measure on and never train on: npz:PATH, csv:PATH or "
    "parquet:PATH in the form of --data, or a fraction of --data in (0, 1). "
    "Defaults to x_test and y_test of the data file. Without these, defaults "
    "to the fraction of the last run, or to 0.2.",
)
SPLIT = flags.DEFINE_enum(
    "split",
    None,
    ["random", "last"],
    "How to choose the held-out fraction. random: by a hash of each sample. "
    "last: the newest samples, for data in the order of time. Defaults to the "
    "choice of the last run, or to random.",
)
SPLIT_SEED = flags.DEFINE_integer(
    "split_seed",
    None,
    "Seed of the random split. Defaults to the seed of the last run, or to 0.",
)
ID = flags.DEFINE_string(
    "id",
    None,
    "Name of an array or column of the data file that identifies each sample. "
    "Use it if the values of a sample change from week to week, for example "
    "because they are rescaled.",
)
GROUPS = flags.DEFINE_string(
    "groups",
    None,
    "Name of an array or column of the data file with the group of each "
    "sample, such as a customer number. Either all samples of a group are "
    "held out, or none.",
)
OLD_SAMPLES = flags.DEFINE_integer(
    "old_samples",
    None,
    "Number of samples at the beginning of the data that the model was "
    "trained on. Use it if there is no record of ws-retrain next to the model. "
    "These samples are never held out.",
)


def check() -> None:
    """Raises a ValueError for flags that do not go together."""
    meant = HELD_OUT.value or ""
    if tables.is_file(meant):
        _check_no_rule(f"--held_out={meant}")
    rule(None)


def parts(data, past, start, note: str = ""):
    """Returns what is trained on and what is measured on, as the flags say.

    Args:
        data: The `roles.Given`.
        past: The `History` of the model, `None` if it is not known.
        start: The `Start`, whose model says what is read of `--held_out`.
        note: A sentence about the past. Defaults to none.

    Returns:
        The `ws_keras.data.parts.Parts`.

    Raises:
        ValueError: If flags, data and record do not go together.
    """
    from ws_keras.data import parts as makers

    from . import reading

    meant = HELD_OUT.value or ""
    found = None
    # Arrays have no columns; those of last time stay known.
    columns = data.features or (past.features if past else ())
    if tables.is_file(meant):
        _check_no_rule(f"--held_out={meant}")
        other = reading.other(meant, start.model, columns)
        found = makers.given(data, other, meant, past)
    elif data.x_test is not None and not (meant or SPLIT.value):
        _check_no_rule("x_test and y_test in --data")
        test = data.x_test, data.y_test
        found = makers.given(data, test, "x_test and y_test of the data", past)
    if found is None:
        now = rule(past)
        found = makers.chosen(
            data,
            now,
            _keys(data, now, past),
            past,
            _old_samples(data, start, now.order_by),
        )
    words = " ".join(filter(None, (note, data.words, found.words)))
    now = dataclasses.replace(found.past, features=columns)
    return dataclasses.replace(found, words=words, past=now)


def past(source: pathlib.Path):
    """Returns the past of a saved model by the record beside it.

    Args:
        source: The saved model.

    Returns:
        The `History` or `None`, and a sentence where it is of another model.
    """
    from ws_keras.data import history

    try:
        return history.read(source), ""
    except history.Stale as error:
        return None, f"{error} It is not known what the model was trained on."


def _check_no_rule(given: str) -> None:
    """Raises a ValueError if a flag is about a split that is not made."""
    flags_of = (SPLIT, SPLIT_SEED, ID, GROUPS)
    meant = [f"--{f.name}={f.value}" for f in flags_of if f.value is not None]
    if meant:
        raise ValueError(
            f"`{meant[0].split('=')[0]}` needs held-out samples that are a "
            "fraction of the data, such as --held_out=0.2. Received: "
            f"{', '.join(meant)} with {given}, which is held out instead."
        )


def rule(past):
    """Returns the rule of last time with what the flags change."""
    from ws_keras.data import splits

    last = past and past.rule
    if last is None:
        # Who gives the time asks about the newest samples.
        is_timed = given.ORDER_BY.value and not GROUPS.value
        last = splits.Rule(kind="last" if is_timed else "random")
    changed = {
        "kind": SPLIT.value,
        "fraction": _fraction(),
        "seed": SPLIT_SEED.value,
        "id": ID.value,
        "groups": GROUPS.value,
        "order_by": given.ORDER_BY.value,
    }
    meant = {name: v for name, v in changed.items() if v is not None}
    return dataclasses.replace(last, **meant)


def _fraction() -> float | None:
    if HELD_OUT.value is None or tables.is_file(HELD_OUT.value):
        return None
    try:
        return float(HELD_OUT.value)
    except ValueError:
        raise ValueError(
            "`--held_out` must be npz:PATH, csv:PATH, parquet:PATH or a "
            "fraction in (0, 1). "
            f"Received: --held_out={HELD_OUT.value}."
        ) from None


def _keys(data, now, past):
    from ws_keras.data import digests
    from ws_keras.data import parts as makers

    ids = data.column(now.id) if now.id else None
    is_padded = None
    if past is not None and past.is_older:
        is_padded = (
            makers.padded(data.x) if ids is None else digests.padded(ids)
        )
    return makers.Keys(
        makers.samples(data.x) if ids is None else digests.keys(ids),
        digests.keys(data.column(now.groups)) if now.groups else None,
        is_padded,
        data.instants,
    )


def _old_samples(data, start, order_by: str | None) -> int | None:
    count = OLD_SAMPLES.value
    if count is None and start.build is not None:
        return 0  # what is built has seen none
    if count is not None and not 0 <= count <= len(data):
        raise ValueError(
            "`--old_samples` must be a number of samples of the data. "
            f"Received: --old_samples={count} of {len(data)}."
        )
    if count and data.order is not None and data.order[:count].max() >= count:
        raise ValueError(
            "`--old_samples` counts samples from the beginning of the file, "
            f"which must then be the oldest. Received: --old_samples={count} "
            f"with --order_by={order_by}, by which later samples of the file "
            "are older. Sort the file by time."
        )
    return count
