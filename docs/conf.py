"""Configuration of the documentation. Build it without a network by

python -m sphinx -W --keep-going -j 2 docs build/docs
"""

import importlib.metadata
import os
import pathlib
import re
import shutil
import sys

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE))

import config_fields  # noqa: E402
import guide_notebooks  # noqa: E402
from docutils import nodes  # noqa: E402

NOTEBOOKS, REPORTS = HERE / "_notebooks", HERE / "_reports"
# Guides run in this environment; two at a time share the processor.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")
os.environ["PATH"] = os.pathsep.join(
    [str(pathlib.Path(sys.executable).parent), os.environ["PATH"]]
)

project = "ws_keras"
author = "ws_keras contributors"
copyright = author
version = release = importlib.metadata.version("ws_keras")

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "sphinx_design",
]
exclude_patterns = ["_notebooks"]
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
# Reports begin with the answer, below their title. A notebook that is not
# executed does not say that its language is Python.
suppress_warnings = ["myst.header", "myst-nb.lexer"]

nb_execution_mode = os.environ.get("WS_KERAS_DOCS", "force")
nb_execution_excludepatterns = os.environ.get("WS_KERAS_DOCS_SKIP", "").split()
nb_execution_in_temp = True
nb_execution_raise_on_error = True
nb_execution_timeout = 900
nb_merge_streams = True
nb_output_stderr = "remove"

autodoc_typehints = "none"
autodoc_member_order = "bysource"
napoleon_google_docstring = True
napoleon_custom_sections = [("Input", "Args")]

# Blocks without a language are no Python.
highlight_language = "none"

html_theme = "furo"
html_title = "ws_keras"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False


def reports():
    """Copies the reports of the committed rows, which become pages."""
    for report in sorted((HERE.parent / "results").glob("*/report/report.md")):
        folder = REPORTS / report.parts[-3]
        folder.mkdir(parents=True, exist_ok=True)
        for figure in report.parent.glob("*.png"):
            shutil.copy(figure, folder)
        text = report.read_text(encoding="utf8")
        page = folder / "report.md"
        page.write_text(f"---\norphan: true\n---\n\n{text}", encoding="utf8")


def repository():
    """Returns where the files of the repository can be read, or ''."""
    server = os.environ.get("GITHUB_SERVER_URL", "")
    name = os.environ.get("GITHUB_REPOSITORY", "")
    return f"{server}/{name}/blob/main" if server and name else ""


PIXELS = 1.5  # of a figure, for each pixel of a page
# Files outside this folder that are pages of the site.
PAGES = {"CHANGELOG.md": "changelog", ".github/CONTRIBUTING.md": "contributing"}


def point_outside(app, path, parent, source):
    """Turns links to files of the repository into what a page can show."""

    def replaced(match):
        label, target = match.groups()
        full = (HERE / path).parent.joinpath(target.split("#")[0])
        if full.resolve().is_relative_to(HERE):
            return match[0]
        inside = full.resolve().relative_to(HERE.parent)
        if str(inside).endswith("/report/report.md"):
            return f"[{label}](/_reports/{inside.parts[1]}/report.md)"
        if str(inside) in PAGES:
            return f"[{label}](/{PAGES[str(inside)]}.md)"
        if repository():
            return f"[{label}]({repository()}/{inside})"
        plain = label.replace("`", "")
        return (
            f"`{inside}`" if plain in str(inside) else f"{label} (`{inside}`)"
        )

    pattern = r"(?<!!)\[([^\]]+)\]\((\.\./[^)]+)\)"
    source[0] = re.sub(pattern, replaced, source[0])


def size_figures(app, doctree):
    """Gives figures the width that their letters were drawn for.

    A figure with a width is a link to its file. On a phone, it scrolls.
    """
    for node in doctree.findall(nodes.image):
        path = pathlib.Path(app.srcdir, node["uri"])
        if path.suffix == ".png" and path.is_file() and "width" not in node:
            # The header of a PNG file has its width at this place.
            pixels = int.from_bytes(path.read_bytes()[16:20])
            node["width"] = f"{round(pixels / PIXELS)}px"


def from_markdown(app, what, name, obj, options, lines):
    """Docstrings are written in Markdown, as those of Keras are."""
    text = "\n".join(lines)
    text = re.sub(
        r"^( *)```(\w+)\n(.*?)^ *```$",
        lambda m: (
            f"{m[1]}.. code-block:: {m[2]}\n\n"
            + re.sub("^(?=.)", "    ", m[3], flags=re.M)
        ),
        text,
        flags=re.M | re.S,
    )
    # A letter may follow, as in `Layer`s.
    text = re.sub(
        r"(?<![`:\w])`([^`\n]+(?:\n[^`\n]+)?)`(?!`)(\w?)",
        lambda m: f"``{m[1]}``" + (f"\\ {m[2]}" if m[2] else ""),
        text,
    )
    text = re.sub(r"\[([^\]]+)\]\((https?://[^)]+)\)", r"`\1 <\2>`__", text)
    lines[:] = text.splitlines()


if config_fields.PAGE.read_text(encoding="utf8") != config_fields.written():
    raise ValueError(
        "docs/fields.md does not match configs/base.py. Run "
        "`python docs/config_fields.py`."
    )
guide_notebooks.write(NOTEBOOKS)
reports()


def setup(app):
    app.connect(
        "source-read",
        lambda app, name, source: point_outside(
            app, HERE / f"{name}.md", None, source
        ),
    )
    app.connect("include-read", point_outside)
    app.connect("doctree-read", size_figures)
    # Before napoleon, which splits a docstring into its sections.
    app.connect("autodoc-process-docstring", from_markdown, priority=400)
