"""Writes a report about a run, with our numbers next to those of the paper.

    python -m launch.report --workdir=runs/fig2

The command writes two pages into the folder: report/report.html, a single file,
and report/report.md with figures (PNG). It prints the answer, a table and the
paths of the pages. The report of an unfinished run shows the rounds so far. See
docs/report.md for an explanation of the report.
"""

from absl import flags

from ws_keras.report import writing

from . import check
from . import cli
from . import recipes

_WORKDIR = flags.DEFINE_string(
    "workdir", None, "Folder of a run.", required=True
)
_WITH = flags.DEFINE_multi_string(
    "with",
    [],
    "Folder of another run of the same config, which may differ in its name, "
    "arms, seeds and diagnostics. The report adds the settings that --workdir "
    "lacks. May be given several times.",
)
_AGAINST = flags.DEFINE_string(
    "against",
    None,
    "Folder of another run, for example with another precision. The report "
    "shows the differences between the two runs, paired by seed, and whether "
    "their arms reach the same accuracy.",
)
_CHECK = flags.DEFINE_bool(
    "check",
    False,
    "Verify the checksums of all rows, epochs and checkpoints, and print all "
    "problems (exit status 1). No report is written.",
)


def main(_) -> int | None:
    """Writes the report of the folder and prints a summary."""
    if _CHECK.value:
        found = check.check(_WORKDIR.value)
        print(found)
        return 1 if found.problems else 0
    try:
        print(
            writing.write(
                _WORKDIR.value,
                recipes.find,
                also=_WITH.value,
                against=_AGAINST.value,
            )
        )
    except writing.Unwritten as error:
        print(error.said)
        raise


def run() -> None:
    """Entry point of `ws-report`."""
    cli.run(main)


if __name__ == "__main__":
    run()
