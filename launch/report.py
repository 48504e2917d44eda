"""Writes a page about a run, with our numbers beside the paper's.

    python -m launch.report --workdir=runs/fig2

Writes two pages into the folder: report/report.html, a single file, and
report/report.md with figures (PNG). Prints the answer, a table and the paths of
the pages. A run that is not finished is shown as far as it has come.
docs/report.md explains the report.
"""

from absl import flags

from ws_keras.report import writing

from . import check
from . import cli
from . import recipes

_WORKDIR = flags.DEFINE_string(
    "workdir", None, "Folder of a run.", required=True
)
_WITH = flags.DEFINE_string(
    "with",
    None,
    "Folder of another run of the same config but for its name, arms and "
    "seeds. Settings that --workdir lacks are shown from there.",
)
_AGAINST = flags.DEFINE_string(
    "against",
    None,
    "Folder of another run, such as one of another precision. The report says "
    "what --workdir changes against it, paired by seed, and whether arms end "
    "alike.",
)
_CHECK = flags.DEFINE_bool(
    "check",
    False,
    "Verify the checksums of all rows, epochs and checkpoints, and say what "
    "is wrong (exit status 1). Writes nothing.",
)


def main(_) -> int | None:
    """Writes the report of the folder and prints what fits a terminal."""
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
