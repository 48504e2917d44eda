"""Guides as notebooks, for readers who want to run them elsewhere.

python docs/guide_notebooks.py FOLDER
"""

import pathlib
import re
import sys

import jupytext
import nbformat

HERE = pathlib.Path(__file__).parent
KERNEL = {
    "display_name": "Python 3",
    "language": "python",
    "name": "python3",
}

# Jupyter may run in another environment than the kernel.
COMMANDS = """\
import os
import pathlib
import sys

# The commands of ws_keras lie beside Python.
os.environ["PATH"] = os.pathsep.join(
    [str(pathlib.Path(sys.executable).parent), os.environ["PATH"]]
)"""


def pages() -> list[pathlib.Path]:
    """Returns the pages whose code the build executes."""
    found = [*HERE.glob("*.md"), *HERE.glob("guides/*.md")]
    return [
        path
        for path in sorted(found)
        if "file_format: mystnb" in path.read_text(encoding="utf8")
    ]


def write(folder: pathlib.Path) -> list[pathlib.Path]:
    """Writes each guide to a folder as a notebook, and returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for path in pages():
        text = path.read_text(encoding="utf8")
        # The notebook needs no offer to download it.
        text = re.sub(r"\n:::\{.*?\n:::\n", "\n", text, flags=re.DOTALL)
        # Links to other pages lead nowhere from another folder.
        text = re.sub(r"\[([^\]]+)\]\(\S+\.md(#\S+)?\)", r"\1", text)
        notebook = jupytext.reads(text, fmt="md:myst")
        notebook.metadata["kernelspec"] = KERNEL
        _find_commands(notebook)
        written.append(folder / f"{path.stem}.ipynb")
        jupytext.write(notebook, written[-1])
    return written


def _find_commands(notebook) -> None:
    """Puts `COMMANDS` before the first code where there are commands."""
    codes = [n for n, c in enumerate(notebook.cells) if c.cell_type == "code"]
    if any("ws-" in notebook.cells[number].source for number in codes):
        notebook.cells.insert(codes[0], nbformat.v4.new_code_cell(COMMANDS))


if __name__ == "__main__":
    write(pathlib.Path(sys.argv[1]))
