"""The report of a run: tables and figures of a folder, from rows alone."""

import collections
import contextlib
import dataclasses
import gc
import os
import pathlib
import re
from collections.abc import Callable
from collections.abc import Iterator

from ws_keras.results import figures
from ws_keras.results import paper
from ws_keras.results import rows
from ws_keras.results import statistics
from ws_keras.results import tables
from ws_keras.results import workdir as workdirs

FOLDER = "report"
_ACCURACY_NOTE = (
    "Mean ± standard error over seeds; (n) where fewer seeds than elsewhere "
    "in the column have come so far. The paper's numbers are {precision}."
)
_SECONDS_NOTE = (
    "Mean over seeds. The paper's numbers are {precision}; it names no "
    "hardware for them."
)
_ONLINE = {
    "accuracy": ("Held-out accuracy (%) over samples", _ACCURACY_NOTE),
    "train_seconds": ("Training seconds of each round", _SECONDS_NOTE),
    "sample_passes": ("Sample passes of each round", "Mean over seeds."),
}
_CELLS_NOTE = (
    "Mean (standard deviation) over finished seeds. The paper's numbers are "
    "{precision}; a match lies within two combined standard deviations, at "
    "least half a point."
)
_SUMMARY_NOTE = (
    "Last round of finished seeds, mean ± standard error; `minus cold` is the "
    "paired difference in points over common seeds. Epochs, sample passes and "
    "training seconds are sums over the rounds."
)


@dataclasses.dataclass(frozen=True)
class Report:
    """Where a report lies; as a string, what of it fits on a terminal."""

    markdown: pathlib.Path
    figures: list[pathlib.Path]
    summary: str
    problems: list[str]

    def __str__(self) -> str:
        problems = [f"Not shown: {problem}" for problem in self.problems]
        paths = [str(path) for path in (self.markdown, *self.figures)]
        return "\n".join([self.summary, *problems, *paths])


def write(workdir: str | os.PathLike) -> Report:
    """Writes `report/report.md` and its figures into the folder of a run.

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
    """
    folder = workdirs.Workdir(workdir)
    run, problems = _load(folder)
    with _without_gc():
        files = rows.find(folder.path, (rows.ROWS, rows.EPOCHS))
        found = _scan(files, rows.ROWS, rows.Row, problems)
        epochs = _scan(files, rows.EPOCHS, rows.Epoch, problems)
    if not found:
        raise ValueError(
            "`--workdir` must hold at least one row. Received: "
            f"{folder.path}{_because(problems)}. Wait for the first round, or "
            "choose another `--workdir`."
        )
    page = _Page(folder.path / FOLDER, problems)
    page.text(f"# {_title(found)}")
    page.table("Summary", tables.summary(found), _SUMMARY_NOTE)
    _protocols(page, found, epochs)
    page.text(_origin(run))
    return page.write()


class _Page:
    """Collects the sections of a report and writes them at the end."""

    def __init__(self, folder: pathlib.Path, problems: list[str]):
        self._folder = folder
        self._sections = []
        self._figures = []
        self._summary = ""
        self._problems = problems

    def text(self, text: str) -> None:
        self._sections.append(text)

    def table(self, title: str, table: str, note: str) -> None:
        self._summary = self._summary or table
        self._sections += [f"## {title}", table.rstrip(), note]

    def figure(self, draw: Callable, found, name: str, title: str, **more):
        try:
            paths = draw(found, self._folder / name, title, **more)
        except ImportError as error:
            if str(error) not in self._problems:
                self._problems.append(str(error))
            return
        self._figures += paths
        self._sections.append(f"![{title}]({paths[0].name})")

    def write(self) -> Report:
        if self._problems:
            lines = [f"- {problem}" for problem in self._problems]
            self._sections[1:1] = ["## Not shown", "\n".join(lines)]
        path = self._folder / "report.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        workdirs.write_atomically(path, "\n\n".join(self._sections) + "\n")
        return Report(path, self._figures, self._summary, self._problems)


def _protocols(page: _Page, found: list, epochs: list) -> None:
    two_phase = {}
    for cell, arms in statistics.cells(found).items():
        cell_rows = [row for arm_rows in arms.values() for row in arm_rows]
        if statistics.is_online(cell_rows):
            _online(page, cell, arms)
        elif statistics.is_two_phase(cell_rows):
            two_phase[cell] = arms
        _curves(page, cell, arms, epochs)
    if two_phase:
        note = _CELLS_NOTE.format(precision=paper.precision("table1"))
        page.table("Two phases", tables.two_phase(two_phase), note)
        page.figure(figures.cells, two_phase, "two-phase", "Two phases")


def _online(page: _Page, cell: statistics.Cell, arms: dict) -> None:
    name = " ".join(filter(None, cell))
    for field, (title, note) in _ONLINE.items():
        note = note.format(precision=paper.precision("fig2"))
        page.table(f"{title}, {name}", tables.online(arms, field), note)
        if field == "accuracy":
            page.figure(figures.online, arms, _file_name("online", cell), name)


def _curves(page: _Page, cell, arms: dict, epochs: list) -> None:
    lives = collections.defaultdict(list)
    for epoch in epochs:
        lives[epoch.setting].append(epoch)
    found, firsts = {}, {}
    for arm, arm_rows in arms.items():
        settings = dict.fromkeys(row.setting for row in arm_rows)
        known = {name: lives[name] for name in settings if name in lives}
        if known:
            found[arm] = known
            firsts[arm] = arm_rows[0]
    if found:
        name = _file_name("epochs", cell)
        title = f"{' '.join(filter(None, cell))}: all rounds, epoch by epoch"
        page.figure(figures.curves, found, name, title, firsts=firsts)


def _load(folder: workdirs.Workdir) -> tuple[dict, list[str]]:
    try:
        return folder.load(), []
    except ValueError as error:
        # A run whose config is damaged still has rows worth showing.
        if (folder.path / workdirs.RUN).exists():
            return {}, [str(error)]
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


def _scan(files: list[str], name: str, kind: type, problems: list[str]) -> list:
    found = []
    for path in files:
        if not path.endswith(os.sep + name):
            continue
        scanned = rows.scan(path, kind)
        found += scanned.records
        problems += scanned.errors
        if scanned.torn:
            problems.append(f"{path}: the last line has no end; left out.")
    return found


def _because(problems: list[str]) -> str:
    return f" ({problems[0]})" if problems else ""


def _title(found: list) -> str:
    return ", ".join(dict.fromkeys(row.experiment for row in found))


def _file_name(prefix: str, cell: statistics.Cell) -> str:
    # The paths of npz data sets have slashes and colons.
    return re.sub(r"[^\w.-]+", "-", "-".join(filter(None, [prefix, *cell])))


def _origin(run: dict) -> str:
    versions = run.get("versions", {})
    lines = [f"- {name} {version}" for name, version in versions.items()]
    if run.get("git_revision"):
        lines.append(f"- revision {run['git_revision']}")
    for later in run.get("continued", []):
        revision = later.get("git_revision") or "other versions"
        lines.append(f"- continued with {revision}: {later.get('versions')}")
    text = "\n".join(lines) or "- unknown"
    return f"## Made with\n\n{text}\n\nThe whole config is in `run.json`."
