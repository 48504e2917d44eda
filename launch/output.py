"""The standard output and error, without control characters in their text."""

import contextlib
import io
import os
import re
import sys
from collections.abc import Iterator
from typing import TextIO

# Characters that control a terminal or reverse the direction of text. The line
# end, the tab and the carriage return are not among them.
_OBEYED = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]"
)
_UNKNOWN = "\N{REPLACEMENT CHARACTER}"


class Unwritable(ValueError):
    """The output cannot be written; the message is a sentence."""


def clean(text: str) -> str:
    """Returns a text without characters that control a terminal.

    Names of folders and files may contain any of them.
    """
    # Our own display goes back to the start of a line, at a text's beginning.
    head = "\r" if text.startswith("\r") else ""
    rest = text[len(head) :].replace("\r", _UNKNOWN)
    return head + _OBEYED.sub(_UNKNOWN, rest)


class Output(io.TextIOWrapper):
    """A text stream that removes control characters; see `clean`.

    Args:
        stream: The stream that it replaces.
        name: Its name in errors.
    """

    def __init__(self, stream: TextIO, name: str):
        self._called = name
        self._kept = stream  # it closes its file when it is forgotten
        super().__init__(
            stream.buffer,
            encoding=stream.encoding,
            # A terminal that cannot show a sign must not lose a whole table.
            errors="replace",
            line_buffering=stream.line_buffering,
            write_through=stream.write_through,
        )

    def write(self, text: str) -> int:
        with self._blamed():
            return super().write(clean(text))

    def flush(self) -> None:
        with self._blamed():
            super().flush()

    @contextlib.contextmanager
    def _blamed(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:
            raise
        except OSError as error:
            raise Unwritable(
                f"Cannot write to the standard {self._called}: "
                f"{error.strerror or error}. Finished work is kept. Send the "
                "output to a terminal or to a file on a disk with room, and "
                "give the same command again."
            ) from error


def install() -> None:
    """Replaces Python's two streams, once."""
    for name, called in (("stdout", "output"), ("stderr", "error")):
        if not isinstance(getattr(sys, name), Output):
            setattr(sys, name, Output(getattr(sys, name), called))


def drop(stream: TextIO) -> None:
    """Discards the rest of a stream, so that the process can end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
