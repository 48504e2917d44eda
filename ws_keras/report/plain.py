"""Plain text: names without hidden characters, and not too long."""

import textwrap
import unicodedata

_UNKNOWN = "\N{REPLACEMENT CHARACTER}"
# Embeddings, overrides and isolates, which let a text look like another one.
_TURNING = frozenset(map(chr, (*range(0x202A, 0x202F), *range(0x2066, 0x206A))))
_CUT = " … "
_NAME = 160  # letters
_CELL = 600
_LINES = 5


def clean(text: str) -> str:
    """Returns a text that any page may hold.

    Control characters and halves of surrogate pairs, which neither XML nor
    UTF-8 can hold, become replacement characters, and so do those that turn
    the direction of a text; line ends become `\\n`. Markup is not escaped.
    """

    def is_hidden(c: str) -> bool:
        is_control = unicodedata.category(c) in ("Cc", "Cs") and c not in "\n\t"
        return is_control or c in _TURNING

    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(_UNKNOWN if is_hidden(c) else c for c in text)


def one_line(text: str, longest: int | None = None) -> str:
    """Returns a text cleaned and on one line.

    Args:
        text: Any text.
        longest: The greatest number of letters; a longer text loses some in
            its middle. Defaults to any number.
    """
    return _cut(" ".join(clean(text).split()), longest)


def name(text: str) -> str:
    """Returns a name for a chart or its legend."""
    return one_line(text, _NAME)


def cell(text: str) -> str:
    """Returns a text for a cell of a table."""
    return _cut(clean(text), _CELL)


def wrapped(text: str, width: float = 40) -> str:
    """Returns a text cleaned, in a few lines of about `width` letters."""
    text = one_line(text, int(_LINES * width))
    return textwrap.fill(text, int(width), break_long_words=False)


def _cut(text: str, longest: int | None) -> str:
    if longest is None or len(text) <= longest:
        return text
    half = (longest - len(_CUT)) // 2
    return f"{text[: longest - len(_CUT) - half]}{_CUT}{text[-half:]}"
