"""What can be seen of the flags of `ws-retrain` before Keras is imported.

Importing Keras takes seconds, in which nobody should wait for a typing error.
"""

import math
import pathlib

from ws_keras import arms
from ws_keras.data import datasets
from ws_keras.data import tables

from . import held_out
from . import outputs
from . import retrain_flags as given
from . import saved_model

# Flags with their least value.
_LEAST = (
    (given.SEEDS, 1),
    (given.SEED, 0),
    (given.BATCH_SIZE, 1),
    (given.PATIENCE, 1),
    (given.MAX_EPOCHS, 1),
    (held_out.OLD_SAMPLES, 0),
)
_POSITIVE = (
    given.LEARNING_RATE,
    given.MARGIN,
    given.MINUTES,
    given.SEARCH_MINUTES,
    given.SEARCH_PASSES,
)


def check() -> None:
    """Raises a ValueError for flags and files that are invalid."""
    _check_numbers()
    _check_arms()
    _check_rounds()
    _check_search()
    if given.is_built() and given.GROW.value:
        raise ValueError(
            "`--grow` requires a saved model, which was trained on fewer "
            "classes or words. Received: --grow with --model="
            f"{given.MODEL.value}. Let this function build a model that is "
            "large enough."
        )
    _check_model()
    _check_out()
    _check_no_paths()
    held_out.check()
    _check_files()


def _check_numbers() -> None:
    for flag, least in _LEAST:
        if flag.value is not None and flag.value < least:
            raise ValueError(
                f"`--{flag.name}` must be at least {least}. "
                f"Received: --{flag.name}={flag.value}."
            )
    for flag in _POSITIVE:
        if flag.value is not None and not 0 < flag.value < math.inf:
            raise ValueError(
                f"`--{flag.name}` must be positive and finite. "
                f"Received: --{flag.name}={flag.value}."
            )
    share = given.REPLAY.value
    if share is not None and not 0 <= share <= 1:
        raise ValueError(
            "`--replay` must be a fraction of the old samples, from 0 to 1. "
            f"Received: --replay={share}."
        )


def inputs() -> dict[str, pathlib.Path]:
    """Returns the files that are read, by flag."""
    sources = {
        "--data": given.DATA.value or "",
        "--held_out": held_out.HELD_OUT.value or "",
        **{f"--rounds={name}": name for name in given.files()},
    }
    found = {
        name: tables.path_of(value)
        for name, value in sources.items()
        if tables.is_file(value)
    }
    return {"--model": given.model_path(), **found}


def _check_model() -> None:
    path = given.model_path()
    if not given.is_built():
        saved_model.check(path)
    elif not path.is_file():
        raise ValueError(
            f"`--model` must be a saved model, or FILE.py:FUNCTION. Received: "
            f"{given.MODEL.value}, but there is no file {path}."
        )


def _check_out() -> None:
    out = given.out()
    if out.suffix != ".keras":
        raise ValueError(
            f"`--out` must end with .keras. Received: --out={given.OUT.value}."
        )
    outputs.check(out, inputs(), given.OVERWRITE.value)


def _check_files() -> None:
    """Raises a ValueError for files that lack a named array."""
    names = [*given.TARGET.value, *given.FEATURES.value]
    alone = (given.ORDER_BY, held_out.ID, held_out.GROUPS)
    names += [flag.value for flag in alone if flag.value]
    data = given.DATA.value or ""
    if tables.is_file(data) and not given.files():
        names += [n for n in given.ROUNDS.value if not n.isdigit()]
    held = held_out.HELD_OUT.value or ""
    for source in (data, held, *given.files()):
        # The columns of other files are seen when they are read as a whole.
        if source.startswith("npz:"):
            table = tables.read(source)
            known = {name.removesuffix("_train") for name in table.names}
            lacking = [n for n in names if n not in {*known, *table.names}]
            if lacking and source == data:
                raise table.lacking(*lacking)
        elif tables.is_file(source):
            tables.check(source)
    if data and not tables.is_file(data):
        datasets.check_name(data)


def _check_no_paths() -> None:
    """Raises a ValueError for a path without the kind of its file."""
    _check_no_path("--data", given.DATA.value or "")
    _check_no_path("--held_out", held_out.HELD_OUT.value or "")
    for value in given.ROUNDS.value:
        _check_no_path("--rounds", value)


def _check_no_path(flag: str, value: str) -> None:
    kind = pathlib.Path(value).suffix.removeprefix(".")
    if f"{kind}:" in tables.PREFIXES and not tables.is_file(value):
        raise ValueError(
            f"`{flag}` must name the kind of a file before its path. Received: "
            f"{flag}={value}. Did you mean {flag}={kind}:{value}?"
        )


def _check_arms() -> None:
    named = {
        "--compare": given.others(),
        "--start": [given.START.value] * bool(given.START.value),
    }
    for flag, meant in named.items():
        for arm in meant:
            try:
                arms.parse(arm)
            except ValueError as error:
                text = str(error).partition(" Write several")[0]
                many = "cold, warm, both or other arms"
                what = many if flag == "--compare" else "one arm"
                raise ValueError(f"`{flag}` must hold {what}. {text}") from None
    arms.parse(given.start())  # its numbers may be those of --shrink
    if given.START.value and (given.SHRINK.present or given.PERTURB.present):
        raise ValueError(
            "`--shrink` and `--perturb` must not be given with `--start`, "
            f"which holds its numbers. Received: --start={given.START.value} "
            "with one of them. Give the numbers in --start, such as "
            "--start=shrink_perturb-0.4-0.1."
        )


def _check_rounds() -> None:
    if not given.DATA.value and not given.files():
        raise ValueError(
            "`--data` must name the data to train on. Received: no --data. "
            "Give --data=npz:FILE, or one file for each round, such as "
            "--rounds=npz:week1.npz,npz:week2.npz."
        )
    if given.files() and (
        given.DATA.value or len(given.files()) < len(given.ROUNDS.value)
    ):
        also = f"--data={given.DATA.value} and " if given.DATA.value else ""
        raise ValueError(
            "`--rounds` must hold files only, without --data; or a column or a "
            "number of parts, with --data. Received: "
            f"{also}--rounds={','.join(given.ROUNDS.value)}."
        )
    if len(given.ROUNDS.value) > 1 and not given.files():
        raise ValueError(
            "`--rounds` must hold one column or one number, or a file for "
            f"each round. Received: --rounds={','.join(given.ROUNDS.value)}."
        )


def _check_search() -> None:
    if not given.SEARCH.value:
        flags_of = (given.SEARCH_MINUTES, given.SEARCH_PASSES)
        alone = [f for f in flags_of if f.value is not None]
        if given.ROUNDS.value and not given.files():
            alone.append(given.ROUNDS)
        if alone:
            raise ValueError(
                f"`--{alone[0].name}` requires a search. Received: "
                f"--{alone[0].name} without --search. Add --search, or remove "
                f"--{alone[0].name}."
            )
        return
    if not (given.ROUNDS.value or given.ORDER_BY.value):
        raise ValueError(
            "`--search` replays past rounds, which must be known. Received: "
            "neither --rounds nor --order_by. Give the files of the rounds, "
            "the column with the round of each sample, or the number of "
            "rounds, such as --rounds=5."
        )
    for flag, reason in (
        (given.START, "chooses the start itself"),
        (given.REPLAY, "trains on all old samples"),
    ):
        if flag.value is not None:
            raise ValueError(
                f"`--search` {reason}. Received: --search with "
                f"--{flag.name}={flag.value}. Remove one of them."
            )
    if given.SEEDS.value is not None and given.SEEDS.value < 3:
        raise ValueError(
            "`--seeds` of a search must be at least 3, because fewer seeds do "
            "not allow a recommendation. Received: "
            f"--seeds={given.SEEDS.value}."
        )
