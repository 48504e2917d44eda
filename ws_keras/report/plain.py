"""Plain text: names without what cannot be shown, numbers written and read."""

import math
import re
import textwrap
import unicodedata
from collections.abc import Iterable

NOTHING = "—"
MINUS = "−"
_UNKNOWN = "\N{REPLACEMENT CHARACTER}"
# Embeddings, overrides and isolates, which let a text look like another one.
_TURNING = frozenset(map(chr, (*range(0x202A, 0x202F), *range(0x2066, 0x206A))))
_CUT = " … "
_NAME = 120  # letters
_CELL = 600
_LINES = 5
_MISSING = ("", NOTHING, "nan")
# A hash or a version begins with a number, and is none.
_NUMBER = re.compile(
    r"[+-]?(\d[\d,]*\.?\d*|\.\d+)(e[+-]?\d+)?(?![^\s(±%])", re.IGNORECASE
)


def clean(text: str) -> str:
    """Returns a text that any page may hold.

    Control characters and halves of surrogate pairs, which neither XML nor
    UTF-8 can hold, become replacement characters, and so do those that turn
    the direction of a text; line ends become `\\n`.

    Args:
        text: For example, a name out of a user's rows.

    Returns:
        Text without markup being escaped.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(_UNKNOWN if _is_hidden(c) else c for c in text)


def one_line(text: str, longest: int | None = None) -> str:
    """Returns a text cleaned, its white space being single blanks.

    Args:
        text: Any text.
        longest: The most letters that it may have; a longer one loses those
            in its middle. Defaults to any number.
    """
    return _cut(" ".join(clean(text).split()), longest)


def name(text: str) -> str:
    """Returns a name as a chart or its legend shows it."""
    return one_line(text, _NAME)


def cell(text: str) -> str:
    """Returns a text as a cell of a table shows it."""
    return _cut(clean(text), _CELL)


def wrapped(text: str, width: float = 40) -> str:
    """Returns a text cleaned, in some lines of about so many letters."""
    text = one_line(text, int(_LINES * width))
    return textwrap.fill(text, int(width), break_long_words=False)


def number(text: str) -> float:
    """Returns the number that a shown text begins with.

    Args:
        text: Such as `"51.4 ± 0.6"`, `"241,333"` or `"−8.0 ± 0.9"`.

    Returns:
        A number to sort by; nan where the text begins with none.
    """
    found = _NUMBER.match(text.strip().replace(MINUS, "-"))
    return float(found[0].replace(",", "")) if found else math.nan


def is_numeric(column: Iterable[str]) -> bool:
    """Returns whether all texts of a column begin with a number or say none."""
    return all(
        text.strip() in _MISSING or not math.isnan(number(text))
        for text in column
    )


def shown(value: float, error: float = math.nan) -> str:
    """Returns a number as it is written beside a chart.

    Args:
        value: Any number.
        error: Half-width. Defaults to nan, which is not written.

    Returns:
        Such as `"51.42 ± 0.6"`, and a dash for what is not finite.
    """
    if not math.isfinite(value):
        return NOTHING
    text = _rounded(value)
    return f"{text} ± {_rounded(error)}" if math.isfinite(error) else text


def cells(values: Iterable[Iterable[float]]) -> list[list[str]]:
    """Returns the numbers of a heat map, all with the same decimals."""
    values = [list(line) for line in values]
    known = [abs(v) for line in values for v in line if math.isfinite(v)]
    largest = max(known, default=0.0)
    steps = ((1000, 0), (10, 1), (1, 2))
    decimals = next((d for least, d in steps if largest >= least), 3)
    return [
        [
            f"{value:,.{decimals}f}".replace("-", MINUS)
            if math.isfinite(value)
            else ""
            for value in line
        ]
        for line in values
    ]


def _cut(text: str, longest: int | None) -> str:
    if longest is None or len(text) <= longest:
        return text
    half = (longest - len(_CUT)) // 2
    return f"{text[: longest - len(_CUT) - half]}{_CUT}{text[-half:]}"


def _is_hidden(character: str) -> bool:
    kind = unicodedata.category(character)
    return (
        kind in ("Cc", "Cs") and character not in "\n\t"
    ) or character in _TURNING


def _rounded(value: float) -> str:
    size = abs(value)
    if size and (size < 0.01 or size >= 1e9):
        text = f"{value:.3g}"
    else:
        decimals = 1 if size >= 100 else 2 if size >= 1 else 4
        text = f"{value:,.{decimals}f}"
        text = text.rstrip("0").rstrip(".")
    return text.replace("-", MINUS)
