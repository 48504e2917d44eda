"""What a saved model is measured on: flags, and the parts of the data."""

import dataclasses
import pathlib

from absl import flags

flags.disclaim_key_flags()

HELD_OUT = flags.DEFINE_string(
    "held_out",
    None,
    "Samples to measure on: npz:PATH with arrays x and y, or a fraction of "
    "the data in (0, 1). Defaults to x_test and y_test of the data file, or "
    "else to the fraction of last time, or else to 0.2.",
)
SPLIT = flags.DEFINE_enum(
    "split",
    None,
    ["random", "last"],
    "How the fraction is chosen: 'random', by a hash of each sample, or "
    "'last', the newest samples, for data in the order of time. Defaults to "
    "the choice of last time, or else to random.",
)
SPLIT_SEED = flags.DEFINE_integer(
    "split_seed",
    None,
    "Seed of the random split. Defaults to the seed of last time, or else "
    "to 0.",
)
ID = flags.DEFINE_string(
    "id",
    None,
    "Name of an array of the data file that identifies each sample. Use it "
    "where the numbers of a sample change from week to week, for example "
    "because they are rescaled.",
)
GROUPS = flags.DEFINE_string(
    "groups",
    None,
    "Name of an array of the data file with the group of each sample, such as "
    "a customer's number. All samples of a group are held out, or all are "
    "trained on.",
)
OLD_SAMPLES = flags.DEFINE_integer(
    "old_samples",
    None,
    "Number of samples at the beginning of the data that the model was "
    "trained on. Give it if the model has no record beside it. These samples "
    "are never held out.",
)


def parts(source: pathlib.Path, data):
    """Returns what is trained on and what is measured on, as the flags say.

    Args:
        source: The saved model, beside which its record lies.
        data: The `Dataset`.

    Returns:
        The `ws_keras.data.parts.Parts`.

    Raises:
        ValueError: If flags, data and record do not go together.
    """
    from ws_keras.data import datasets
    from ws_keras.data import history
    from ws_keras.data import parts as makers

    note, past = "", None
    try:
        past = history.read(source)
    except history.Stale as error:
        note = f"{error} It is not known what the model was trained on. "
    held_out = HELD_OUT.value or ""
    found = None
    if held_out.startswith("npz:"):
        _check_no_rule(f"--held_out={held_out}")
        other = datasets.load(held_out)
        found = makers.given(data, (other.x, other.y), held_out, past)
    elif data.x_test is not None and not (held_out or SPLIT.value):
        _check_no_rule("x_test and y_test in --data")
        test = data.x_test, data.y_test
        found = makers.given(data, test, "x_test and y_test of the data", past)
    if found is None:
        rule = _rule(past)
        found = makers.chosen(
            data, rule, _keys(data, rule), past, _old_samples(data)
        )
    return dataclasses.replace(found, words=note + found.words)


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


def _rule(past):
    """Returns the rule of last time with what the flags change."""
    from ws_keras.data import splits

    last = (past and past.rule) or splits.Rule()
    changed = {
        "kind": SPLIT.value,
        "fraction": _fraction(),
        "seed": SPLIT_SEED.value,
        "id": ID.value,
        "groups": GROUPS.value,
    }
    meant = {name: v for name, v in changed.items() if v is not None}
    return dataclasses.replace(last, **meant)


def _fraction() -> float | None:
    if HELD_OUT.value is None:
        return None
    try:
        return float(HELD_OUT.value)
    except ValueError:
        raise ValueError(
            "`--held_out` must be npz:PATH or a fraction in (0, 1). "
            f"Received: --held_out={HELD_OUT.value}."
        ) from None


def _keys(data, rule):
    from ws_keras.data import digests
    from ws_keras.data import npz
    from ws_keras.data import parts as makers

    def named(name: str):
        if not data.name.startswith(npz.PREFIX):
            raise ValueError(
                "`--id` and `--groups` need data from a file. Received: "
                f"{name!r} with --data={data.name}."
            )
        path = data.name.removeprefix(npz.PREFIX)
        return digests.keys(npz.column(path, name, len(data.y)))

    return makers.Keys(
        named(rule.id) if rule.id else digests.samples(data.x),
        named(rule.groups) if rule.groups else None,
    )


def _old_samples(data) -> int | None:
    count = OLD_SAMPLES.value
    if count is not None and not 0 <= count <= len(data.y):
        raise ValueError(
            "`--old_samples` must be a number of samples of the data. "
            f"Received: --old_samples={count} of {len(data.y)}."
        )
    return count
