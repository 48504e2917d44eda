"""The report of a run: one page about a folder, from rows alone."""

import collections
import contextlib
import dataclasses
import gc
import itertools
import math
import operator
import os
import pathlib
from collections.abc import Iterator

from ws_keras.report import plain
from ws_keras.report import recipe
from ws_keras.report import sections
from ws_keras.report import tables
from ws_keras.report.render import drawing
from ws_keras.report.render import html
from ws_keras.report.render import markdown
from ws_keras.report.render import palette
from ws_keras.report.views import registry
from ws_keras.report.views import run as runs
from ws_keras.storage import lines
from ws_keras.storage import regular
from ws_keras.storage import rows
from ws_keras.storage import workdir as workdirs

FOLDER = "report"
_MARKDOWN = "report.md"
_HTML = "report.html"
_SUMMARY = "Summary"
_LONGEST = 1000  # letters of a problem
_SHOWN = 3  # problems in one sentence
# What a record is called, and what no two of them share.
_KEYS = {
    rows.Row: ("row", operator.attrgetter("setting", "round")),
    rows.Epoch: ("epoch", operator.attrgetter("setting", "epoch")),
}


class Unwritten(ValueError):
    """A report that could not be written; `said` is what a terminal shows."""

    def __init__(self, sentence: str, said: str):
        super().__init__(sentence)
        self.said = said


@dataclasses.dataclass(frozen=True)
class Report:
    """Where a report lies; as a string, what of it fits on a terminal."""

    markdown: pathlib.Path
    html: pathlib.Path | None
    figures: list[pathlib.Path]
    summary: str
    problems: list[str]

    def __str__(self) -> str:
        pages = [str(path) for path in (self.html, self.markdown) if path]
        return "\n".join([_said(self.summary, self.problems), *pages])


def write(workdir: str | os.PathLike) -> Report:
    """Writes `report.html`, `report.md` and its figures into `report/`.

    Everything is made from rows. What is unfinished is counted as
    unfinished; what cannot be read is named, and the rest still shown.

    Example:

    ```python
    print(report.write("runs/fig2"))
    ```

    Args:
        workdir: Folder with `run.json` and the rows of its settings.

    Returns:
        A `Report`.

    Raises:
        ValueError: The folder is no run, or holds no readable row yet.
        Unwritten: The report cannot be written there.
    """
    folder = workdirs.Workdir(workdir)
    with _without_gc():
        there = lines.find(folder.path, (rows.ROWS, rows.EPOCHS))
        files = there.files
        run, problems = _load(folder, files)
        problems += _left_out(folder, there, run)
        found = _scan(files, rows.ROWS, rows.Row, problems)
        epochs = _scan(files, rows.EPOCHS, rows.Epoch, problems)
        found, gaps = _without_gaps(found, problems)
        epochs = [e for e in epochs if e.round < gaps.get(e.setting, math.inf)]
    if not found:
        raise ValueError(
            "`--workdir` must hold at least one row. Received: "
            f"{folder.path}{_because(problems)}. Wait for the first round, or "
            "choose another `--workdir`."
        )
    title = ", ".join(dict.fromkeys(row.experiment for row in found))
    problems = [plain.one_line(problem, _LONGEST) for problem in problems]
    parts = assemble(run, found, epochs)
    return _write(folder.path, title, parts, problems)


def assemble(
    run: dict, found: list[rows.Row], epochs: list[rows.Epoch]
) -> list[sections.Section]:
    """Returns what a report says.

    Args:
        run: Content of `run.json`, as much of it as is there.
        found: Rows of any experiments.
        epochs: Their epochs.

    Returns:
        List of `sections.Section`, the summary first.
    """
    lives = collections.defaultdict(list)
    for epoch in epochs:
        lives[epoch.setting].append(epoch)
    by_experiment = collections.defaultdict(list)
    for row in found:
        by_experiment[row.experiment].append(row)
    parts = [*_about(run), sections.Section(_SUMMARY, (tables.summary(found),))]
    planned = recipe.planned(run)
    for name, some in by_experiment.items():
        ours = tuple(id_ for id_ in planned if id_.partition("/")[0] == name)
        told = recipe.progress(ours, some)
        shown = runs.Run(name, some, lives, recipe.config(run, name), ours)
        blocks = [*([told] if told else []), *registry.blocks(shown)]
        if blocks:
            parts.append(sections.Section(name, tuple(blocks)))
    made_with = tuple(recipe.made_with(run, found))
    return [*parts, sections.Section("Made with", made_with)]


def _about(run: dict) -> list[sections.Section]:
    title = recipe.title(run)
    return [sections.Section(title, tuple(recipe.blocks(run)))] if title else []


def _write(
    workdir: pathlib.Path,
    title: str,
    parts: list[sections.Section],
    problems: list[str],
) -> Report:
    folder = workdir / FOLDER
    try:
        regular.check_below(workdir, folder)
        return _written(folder, title, parts, problems)
    except regular.Irregular as error:
        raise Unwritten(str(error), _said(_summary(parts), problems)) from None
    except OSError as error:
        where = error.filename2 or error.filename or folder
        raise Unwritten(
            "`--workdir` must have room for the report and be writable. "
            f"Received: {where} ({error.strerror or error}). The rows are "
            "kept; mend this and write the report again.",
            _said(_summary(parts), problems),
        ) from None


def _written(folder, title, parts, problems) -> Report:
    folder.mkdir(parents=True, exist_ok=True)
    figures, failed, missing = _draw(folder, parts)
    page, unmade = _page(title, _with_problems(parts, problems))
    problems = [*problems, *missing, *unmade]
    shown = _with_problems(parts, problems)
    # A picture that is no file is none of Markdown's either.
    shown = [_without_charts(part, failed) for part in shown]
    path = folder / _MARKDOWN
    workdirs.write_atomically(path, markdown.render(title, shown))
    if page:
        try:
            workdirs.write_atomically(folder / _HTML, page)
        except OSError as error:
            # It has a library in it, and is far larger than all the rest. An
            # older page would pass for this one.
            (folder / _HTML).unlink(missing_ok=True)
            problems.append(f"{_HTML}: {error.strerror or error}.")
            page = None
    return Report(
        markdown=path,
        html=folder / _HTML if page else None,
        figures=figures,
        summary=_summary(parts),
        problems=problems,
    )


def _draw(
    folder: pathlib.Path, parts: list
) -> tuple[list[pathlib.Path], list[sections.Chart], list[str]]:
    """Returns the figures, the charts that could not be drawn, and why."""
    styles = palette.styles(parts)
    figures, failed, reasons = [], [], []
    for part in parts:
        for block in part.blocks:
            if not isinstance(block, sections.Chart):
                continue
            try:
                figures += drawing.draw(block, folder, styles)
            except ImportError as error:
                failed.append(block)
                reasons.append(str(error))
            except Exception as error:  # names and numbers, in many ways
                failed.append(block)
                reasons.append(_not_drawn(block, error))
    return figures, failed, list(dict.fromkeys(reasons))


def _not_drawn(chart: sections.Chart, error: Exception) -> str:
    reason = getattr(error, "strerror", None) or str(error)
    return (
        f"The figure {plain.one_line(chart.title)!r} could not be drawn "
        f"({type(error).__name__}: {plain.one_line(reason)})."
    )


def _page(title: str, parts: list) -> tuple[str | None, list[str]]:
    try:
        return html.render(title, parts), []
    except ImportError as error:
        return None, [str(error)]


def _with_problems(parts: list, problems: list[str]) -> list:
    if not problems:
        return parts
    blocks = tuple(map(sections.Text, problems))
    return [sections.Section("Not shown", blocks), *parts]


def _without_charts(
    part: sections.Section, failed: list[sections.Chart]
) -> sections.Section:
    blocks = tuple(block for block in part.blocks if block not in failed)
    return sections.Section(part.title, blocks)


def _summary(parts: list[sections.Section]) -> str:
    (block,) = next(p.blocks for p in parts if p.title == _SUMMARY)
    return markdown.table(block.header, block.lines)


def _said(summary: str, problems: list[str]) -> str:
    lines = [f"Not shown: {problem}" for problem in problems]
    return "\n".join([summary.rstrip(), *lines])


def _load(folder: workdirs.Workdir, files: list[str]) -> tuple[dict, list[str]]:
    try:
        return folder.load(), []
    except ValueError as error:
        # A run whose config is damaged still has rows worth showing.
        path = folder.path / workdirs.RUN
        if path.exists():
            return {}, [str(error)]
        if files:
            return {}, [f"{path}: missing; config and versions are not known."]
        raise


@contextlib.contextmanager
def _without_gc() -> Iterator[None]:
    # Records hold no cycles; looking for some takes as long as reading them.
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _left_out(
    folder: workdirs.Workdir, there: lines.Found, run: dict
) -> list[str]:
    """Returns sentences about what is not looked into.

    Raises:
        Irregular: A link stands in the place of a setting, or of its file.
    """
    planned = recipe.planned(run)
    places = {part for id_ in planned for part in _parts(id_)}
    found = [f"{path}: lies too deep; left out." for path in there.deep]
    for path in there.links:
        place = os.path.relpath(path, folder.path)
        if place.split(os.sep)[0] == FOLDER:
            continue  # it is written to, and never read
        is_file = os.path.basename(path) in (rows.ROWS, rows.EPOCHS)
        if is_file or not planned or place in places:
            raise regular.linked(folder.path, path)
        found.append(f"{path}: a link, which is not followed; left out.")
    return found


def _parts(setting: str) -> Iterator[str]:
    """Yields the folders on the way to a setting, and its own."""
    return itertools.accumulate(setting.split("/"), os.path.join)


def _scan(files: list[str], name: str, kind: type, problems: list[str]) -> list:
    found, owners = {}, {}
    word, key = _KEYS[kind]
    for path in files:
        if not path.endswith(os.sep + name):
            continue
        try:
            scanned = rows.scan(path, kind)
        except OSError as error:
            problems.append(f"{path}: {error.strerror}; left out.")
            continue
        except regular.Irregular as error:
            problems.append(str(error))
            continue
        count = len(found)
        for record in scanned.records:
            # A copy may be another training, whose rounds are no part of this.
            if owners.setdefault(record.setting, path) == path:
                found.setdefault(key(record), record)
        again = len(scanned.records) - (len(found) - count)
        problems += _grouped(path, scanned.errors)
        if again:
            problems.append(
                f"{path}: {_counted(again, word)} of a setting that is there "
                "already; left out."
            )
        if scanned.torn:
            problems.append(f"{path}: the last line has no end; left out.")
    return list(found.values())


def _grouped(path: str, errors: list[str]) -> list[str]:
    if len(errors) < 2:
        return errors
    first = errors[0].removeprefix(f"{path}, ")
    return [f"{path}: {len(errors)} lines cannot be read; the first: {first}"]


def _counted(count: int, word: str) -> str:
    return f"1 {word} is" if count == 1 else f"{count} {word}s are"


def _without_gaps(
    found: list[rows.Row], problems: list[str]
) -> tuple[list[rows.Row], dict[str, int]]:
    """Returns the rows round by round, without those after a missing one.

    The costs of a setting are sums over its rounds. With one of them missing
    it is as good as unfinished. The second value is settings to missing rounds.
    """
    settings = collections.defaultdict(dict)
    for row in found:
        settings[row.setting][row.round] = row
    kept, gaps = [], {}
    for setting, rounds in settings.items():
        missing = next(n for n in itertools.count(1) if n not in rounds)
        kept += [
            rounds[number] for number in sorted(rounds) if number < missing
        ]
        if max(rounds) > missing:
            gaps[setting] = missing
            problems.append(
                f"{setting}: round {missing} is missing; what it has cost is "
                "not known, so the later rounds and their accuracies are left "
                "out."
            )
    return kept, gaps


def _because(problems: list[str]) -> str:
    some = " ".join(plain.one_line(p, _LONGEST) for p in problems[:_SHOWN])
    return f" ({some})" if problems else ""
