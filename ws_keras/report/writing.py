"""The report of a run: one page about a folder, from rows alone."""

import dataclasses
import os
import pathlib
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

from ws_keras.report import assembling
from ws_keras.report import plain
from ws_keras.report import reading
from ws_keras.report import sections
from ws_keras.report import terminal
from ws_keras.report import together
from ws_keras.report import view as views
from ws_keras.report.render import drawing
from ws_keras.report.render import html
from ws_keras.report.render import markdown
from ws_keras.report.render import palette
from ws_keras.storage import regular
from ws_keras.storage import workdir as workdirs

FOLDER = reading.FOLDER
_MARKDOWN = "report.md"
_HTML = "report.html"


class Unwritten(ValueError):
    """A report that could not be written; `said` is the terminal's output."""

    def __init__(self, sentence: str, said: str):
        super().__init__(sentence)
        self.said = said


@dataclasses.dataclass(frozen=True)
class Report:
    """Where a report lies; as a string, the part that fits a terminal."""

    markdown: pathlib.Path
    html: pathlib.Path | None
    figures: list[pathlib.Path]
    summary: str
    problems: list[str]

    def __str__(self) -> str:
        pages = [str(path) for path in (self.html, self.markdown) if path]
        return "\n".join([_said(self.summary, self.problems), "", *pages])


def _other(folder: str | os.PathLike, flag: str) -> reading.Folder:
    """Reads a folder beside the one of `--workdir`; errors name its flag."""
    try:
        return reading.read(folder)
    except ValueError as error:
        raise ValueError(str(error).replace("--workdir", flag)) from None


def write(
    workdir: str | os.PathLike,
    recipes: views.Recipes = views.none,
    *,
    also: str | os.PathLike | Sequence[str | os.PathLike] = (),
    against: str | os.PathLike | None = None,
) -> Report:
    """Writes `report.html`, `report.md` and its figures into `report/`.

    Everything is made from rows. Unfinished settings are counted as
    unfinished; what cannot be read is named, and the rest is still shown.

    Example:

    ```python
    print(writing.write("runs/fig2"))
    ```

    Args:
        workdir: Folder with `run.json` and the rows of its settings.
        recipes: Finds the view and the recipe of an experiment; see
            `view.Recipes`. Defaults to none: the shape of the rows decides,
            and no numbers of a paper are shown.
        also: Folder of a run with settings that this one lacks, or several
            such folders; see `together.joined`. Defaults to none.
        against: Folder of a run to compare this one with, seed by seed; see
            `together.beside`. Defaults to none.

    Returns:
        A `Report`.

    Raises:
        ValueError: A folder is no run, holds no readable row yet, or does
            not go with the other.
        Unwritten: The report cannot be written there.
    """
    found = reading.read(workdir)
    defaults = _defaults(found.run, recipes) if also else {}
    for other in [also] if isinstance(also, (str, os.PathLike)) else also:
        found = together.joined(found, _other(other, "--with"), defaults)
    problems = found.problems

    def careful(experiment, run):
        try:
            return recipes(experiment, run)
        except ValueError as error:
            problems.append(plain.one_line(str(error), 1000))
            return None

    some = assembling.experiments(found.run, found.rows, found.epochs, careful)
    title = assembling.title(found.run, some)
    parts = assembling.sections_of(found.run, some)
    summary = terminal.text(some)
    if against is not None:
        other = _other(against, "--against")
        problems += other.problems
        theirs = assembling.experiments(
            other.run, other.rows, other.epochs, careful
        )
        pair = together.beside(some, theirs, (found, other))
        parts = [pair, *parts]
        summary = f"{pair.blocks[0].text}\n{summary}"
    folder = found.path / FOLDER
    try:
        regular.check_below(found.path, folder)
        return _written(folder, title, parts, summary, problems)
    except regular.Irregular as error:
        raise Unwritten(str(error), _said(summary, problems)) from None
    except OSError as error:
        where = error.filename2 or error.filename or folder
        raise Unwritten(
            "`--workdir` must have room for the report and be writable. "
            f"Received: {where} ({error.strerror or error}). The rows are "
            "kept. Solve the problem and write the report again.",
            _said(summary, problems),
        ) from None


def _defaults(run, recipes: views.Recipes) -> Mapping[str, Any]:
    """Returns the values of fields that an older config lacks, if known."""
    try:
        recipe = recipes(run.get("config", {}).get("experiment", ""), run)
    except ValueError:  # the report names it, when it needs more of the recipe
        return {}
    return recipe.defaults if recipe else {}


def _written(folder, title, parts, summary, problems) -> Report:
    folder.mkdir(parents=True, exist_ok=True)
    figures, failed, reasons = _draw(folder, parts)
    page = None
    try:
        page = html.render(title, _with_problems(parts, problems))
    except ImportError as error:
        reasons.append(str(error))
    problems = [*problems, *reasons]
    # Markdown must not name a picture that is no file.
    shown = [
        dataclasses.replace(
            part, blocks=tuple(b for b in part.blocks if b not in failed)
        )
        for part in _with_problems(parts, problems)
    ]
    path = folder / _MARKDOWN
    workdirs.write_atomically(path, markdown.render(title, shown))
    if page:
        try:
            workdirs.write_atomically(folder / _HTML, page)
        except OSError as error:
            # The page is far larger than all the rest, as it holds a library.
            # An older page would pass for this one.
            (folder / _HTML).unlink(missing_ok=True)
            problems.append(f"{_HTML}: {error.strerror or error}.")
            page = None
    html_path = folder / _HTML if page else None
    return Report(path, html_path, figures, summary, problems)


def _draw(
    folder: pathlib.Path, parts: list
) -> tuple[list[pathlib.Path], list[sections.Chart], list[str]]:
    """Returns the figures, the charts that could not be drawn, and why."""
    styles = palette.styles(parts)
    figures, failed, reasons = [], [], {}
    for chart in sections.charts(parts):
        if not chart.is_main:
            continue
        try:
            figures.append(drawing.draw(chart, folder, styles))
        except Exception as error:  # names and numbers, in many ways
            failed.append(chart)
            reason = getattr(error, "strerror", None) or str(error)
            if not isinstance(error, ImportError):
                reason = (
                    f"The figure {plain.one_line(chart.title)!r} could not be "
                    f"drawn ({type(error).__name__}: {plain.one_line(reason)})."
                )
            reasons[reason] = None
    return figures, failed, list(reasons)


def _with_problems(parts: list, problems: list[str]) -> list:
    if not problems:
        return parts
    blocks = tuple(sections.Text(problem, "banner") for problem in problems)
    return [sections.Section("Not shown", blocks), *parts]


def _said(summary: str, problems: list[str]) -> str:
    lines = [f"Not shown: {problem}" for problem in problems]
    return "\n".join([summary.rstrip(), *lines])
