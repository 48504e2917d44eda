"""Fills the measured rows of pages from the committed rows of a run.

    python docs/measured.py [FOLDER ...]

A page names arms between two comments, and has their table there, which this
program writes:

    <!-- measured: fire, norm_reset -->
    <!-- end of measured -->
"""

import pathlib
import re
import sys

from ws_keras.report import runs
from ws_keras.report import statistics
from ws_keras.storage import rows

HERE = pathlib.Path(__file__).parent
PAGES = [HERE / "methods.md", HERE / "decide.md"]
# Arms that were added later have folders of their own, with the same rounds,
# seeds and machine.
ROWS = sorted((HERE.parent / "results").glob("which_arm_textures*"))
_BLOCK = re.compile(
    r"(<!-- measured: ([^>]+) -->\n).*?(<!-- end of measured -->)", re.S
)
_HEAD = (
    "| arm, on textures | accuracy % | minus cold | passes, of cold's | "
    "CPU-seconds, of cold's |\n|---|--:|--:|--:|--:|\n"
)


def filled(page: str, arms: dict[str, runs.Arm]) -> str:
    """Returns a page with the tables of its arms.

    Args:
        page: Text of the page.
        arms: Arms by name, as reports write it.
    """

    def table(match: re.Match) -> str:
        names = [name.strip() for name in match[2].split(",")]
        lines = "".join(_line(arms[name]) for name in names)
        return f"{match[1]}\n{_HEAD}{lines}\n{match[3]}"

    return _BLOCK.sub(table, page)


def named(page: str) -> list[str]:
    """Returns the names of all arms that a page has a row of."""
    blocks = _BLOCK.finditer(page)
    return [name.strip() for block in blocks for name in block[2].split(",")]


def measured(folders: list[pathlib.Path] | None = None) -> dict[str, runs.Arm]:
    """Returns the arms of some runs by name, in one comparison."""
    found = [row for each in folders or ROWS for row in rows.read_workdir(each)]
    return {arm.name: arm for arm in runs.Run("", found).arms}


def _line(arm: runs.Arm) -> str:
    value = arm.summary()
    cells = [f"`{arm.name}`", f"{value.mean:.1f} ± {value.error:.1f}"]
    if arm.is_cold:
        cells += ["", "", ""]
    else:
        gap = arm.gap()
        cells.append(f"{gap.mean:+.1f} ({gap.low:+.1f} to {gap.high:+.1f})")
        cells += [
            _share(arm.total_ratio(field))
            for field in ("sample_passes", "cpu_seconds")
        ]
    return f"| {' | '.join(cells)} |\n"


def _share(found: statistics.Ratio) -> str:
    return f"{found.mean:.2f} ({found.low:.2f} to {found.high:.2f})"


if __name__ == "__main__":
    folders = [pathlib.Path(name) for name in sys.argv[1:]]
    arms = measured(folders)
    for path in PAGES:
        path.write_text(filled(path.read_text("utf8"), arms), "utf8")
