"""A script of a test as a command of the nursery, which has the imports."""

import pathlib
import sys


def run() -> None:
    """Runs the file that is the first argument, with the other ones."""
    path = pathlib.Path(sys.argv.pop(1))
    code = compile(path.read_text(encoding="utf8"), str(path), "exec")
    exec(code, {"__name__": "__main__"})
