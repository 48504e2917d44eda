"""Sorts samples and rounds by time."""

import re
import warnings

import numpy as np

from ws_keras.data import tables

# A date and a time, and its offset from UTC. The whole text must have this
# form: 2026-02-01 - 2026-02-07 names a week, and 2026-02-01 10-12 two hours.
_TIME = re.compile(
    r"\d{4}-\d\d-\d\d"
    r"(?:[T ]\d\d:?\d\d(?::?\d\d(?:[.,]\d+)?)?|T\d\d| \d\d(?=Z?$))"
    r" ?(?P<offset>Z|[+-]\d\d(?::?\d\d)?)?"
)


def order(
    table: tables.Table, name: str, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the order of samples by time, and which are of one time.

    Samples of equal time keep the order of the file. Times with an offset from
    UTC, such as 2026-02-01T13:45+02:00, are converted to UTC. Times without one
    are compared as they are written, and a date is its midnight in UTC.

    Args:
        table: Table of the file.
        name: Name of an array of numbers or of dates in ISO 8601 (2026-02-01).
        count: Number of samples.

    Returns:
        Two arrays `(count,)`: the positions of the samples in the file, the
        oldest first, and the number of the time of each of these samples, from
        0 for the oldest.

    Raises:
        ValueError: If there is no such array, or if it has no order, for
            example because only some of the times have an offset.
    """
    found = table[name]
    if found.dtype.kind in "OUS":
        found = _dates(table, name, found)
    is_time = found.dtype.kind in "iufmM" and found.shape == (count,)
    if not is_time:
        raise _wrong(table, name, f"dtype {found.dtype}, shape {found.shape}")
    _check_known(table, name, found)
    positions = np.argsort(found, kind="stable")
    return positions, np.unique(found[positions], return_inverse=True)[1]


def rounds(table: tables.Table, name: str, values: np.ndarray) -> np.ndarray:
    """Returns the number of the round of each sample, from 0 for the oldest.

    Texts are sorted by the numbers in them, because `"week10"` is later than
    `"week9"`. Times with an offset from UTC are sorted by their time in UTC.

    Args:
        table: Table of the file.
        name: Name of the array.
        values: Its value for each sample, integers or texts.

    Raises:
        ValueError: If the texts have no order of time.
    """
    found, places = np.unique(values, return_inverse=True)
    if found.dtype.kind not in "US" or len(found) < 2:
        return places
    if any(_is_offset(text) for text in found.tolist()):
        in_utc = _dates(table, name, found)
        _check_known(table, name, in_utc[places])
        return np.unique(in_utc, return_inverse=True)[1][places]
    parts = [re.split(r"(\d+)", text) for text in found.tolist()]
    numbers = [tuple(map(int, part[1::2])) for part in parts]
    is_alike = len({tuple(part[::2]) for part in parts}) == 1
    # In 01.02.2026 the year comes last.
    is_date = all(re.match(r"\d{4}(\D|$)", text) for text in found.tolist())
    if not is_alike or not numbers[0] or (len(numbers[0]) > 1 and not is_date):
        raise ValueError(
            f"{table.path} must hold `{name}` as a number, a date such as "
            "2026-02-01, or a text with one number such as week10, because "
            "its order is that of the rounds. Received: "
            f"{', '.join(map(repr, found.tolist()[:5]))}."
        )
    ranks = {own: rank for rank, own in enumerate(sorted(set(numbers)))}
    return np.array([ranks[own] for own in numbers])[places]


def _dates(table, name: str, texts: np.ndarray) -> np.ndarray:
    plain = [_plain(text) for text in texts.tolist()]
    if all(text.isdecimal() for text in plain):
        return np.array([int(text) for text in plain])
    _check_offsets(table, name, texts)
    try:
        with warnings.catch_warnings():
            # NumPy converts times with a time zone to UTC, with a warning.
            warnings.simplefilter("ignore", UserWarning)
            # NumPy reads only ISO 8601, so it never mistakes a month for a
            # day. Nanoseconds would overflow after the year 2262.
            return np.array(list(map(_checked, plain)), "datetime64[us]")
    except (OverflowError, TypeError, ValueError) as error:
        reason = str(error).strip().split("\n")[0][:100]
        raise _wrong(table, name, reason) from None


def _plain(text) -> str:
    # Python's dates have the same form.
    return _word(text).removesuffix("Z") or "NaT"


def _word(text) -> str:
    text = text.decode() if isinstance(text, bytes) else text
    return "" if text is None else str(text).strip()


def _is_offset(text) -> bool:
    """Whether a text is a time with an offset from UTC."""
    time = _TIME.fullmatch(_word(text))
    return bool(time and time["offset"])


def _check_offsets(table, name: str, texts: np.ndarray) -> None:
    """Raises a ValueError if only some times have an offset from UTC."""
    words = map(_word, texts.tolist())
    known = [word for word in words if _TIME.fullmatch(word)]
    have = [_is_offset(word) for word in known]
    if any(have) and not all(have):
        pair = known[have.index(True)], known[have.index(False)]
        shown = " and ".join(map(repr, pair))
        raise ValueError(
            f"{table.path} must hold `{name}` with an offset from UTC in all "
            f"rows or in none. Received: {shown}. Times without an offset may "
            "be local ones, so their order among the others is unknown. Write "
            "all times in UTC."
        )


def _check_known(table, name: str, found: np.ndarray) -> None:
    missing = np.isnat(found) if found.dtype.kind in "mM" else np.isnan(found)
    if missing.any():
        raise _wrong(table, name, f"nothing in {int(missing.sum()):,} rows")


def _checked(text: str) -> str:
    # NumPy would read 20260201 as a year, and wrap around.
    if text != "NaT" and not re.match(r"\d{4}(-|$)", text):
        raise ValueError(f"{text!r}")
    return text


def _wrong(table, name: str, received: str) -> ValueError:
    return ValueError(
        f"{table.path} must hold `{name}` as a number or a date for each "
        f"sample, dates as 2026-02-01 or 2026-02-01T13:45. Received: "
        f"{received}."
    )
