"""Lists on a command line: commas, and flags that are given again."""

import ast
import re

from absl import flags
from ml_collections import config_flags
from ml_collections.config_flags import tuple_parser

# absl counts the flags as those of the module that calls `define`.
flags.disclaim_key_flags()

# A quoted part may hold commas, as `'npz:a,b.npz'`.
_PARTS = re.compile(r"""\s*('[^']*'|"[^"]*"|[^,]+)\s*""")
_BRACKETS = {"(": ")", "[": "]"}


def define(name: str, default: list[str] | None, help: str):
    """Defines a flag that takes a list with commas, once or several times.

    `--only=a,b` and `--only=a --only=b` are the same. What comes twice is
    kept once.

    Example:

    ```python
    _ONLY = lists.define("only", ["fit", "draw"], "What to measure.")
    ```

    Args:
        name: Name of the flag.
        default: Value if the flag is not given.
        help: What `--help` says.

    Returns:
        The holder of the flag, as those of absl.
    """
    serializer = flags.ListSerializer(",")
    return flags.DEFINE_flag(
        _ListFlag(flags.ListParser(), serializer, name, default, help)
    )


class _ListFlag(flags.Flag):
    def parse(self, argument) -> None:
        before = self.value if self.present else []
        super().parse(argument)
        self.value = list(dict.fromkeys([*before, *self.value]))


def accept_in_configs() -> None:
    """Lets fields of configs that are tuples or lists take comma lists.

    `--config.arms=cold,warm` sets `("cold", "warm")`; ml_collections alone
    takes it for one arm of that name, and no list at all.
    """
    for kind in (tuple, list):
        config_flags.register_flag_parser_for_type(kind, _SequenceParser())


class _SequenceParser(tuple_parser.TupleParser):
    """Reads Python's tuples and lists, and words with commas."""

    def parse(self, argument) -> tuple:
        if isinstance(argument, list):  # the default of a field
            return tuple(argument)
        if not isinstance(argument, str):
            return super().parse(argument)
        try:
            value = ast.literal_eval(argument)
        except (ValueError, SyntaxError):
            return _words(argument)
        is_several = isinstance(value, (tuple, list, set))
        return tuple(value) if is_several else (value,)


def _words(text: str) -> tuple:
    text = text.strip()
    if text and _BRACKETS.get(text[0]) == text[-1]:
        text = text[1:-1]
    return tuple(map(_value, _PARTS.findall(text)))


def _value(word: str):
    try:
        return ast.literal_eval(word.strip())
    except (ValueError, SyntaxError):
        return word.strip()
