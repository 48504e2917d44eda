r"""The way to a first training step, now and at an earlier revision.

    python -m benchmarks.revisions --against=943a97e^

Both run the same command in turn, from its start to the end of a round of one
step of the narrow ResNet-18: imports, loading, building, tracing, evaluation
and report. The row goes to `results/benchmarks`.
"""

import contextlib
import functools
import pathlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator

from absl import app
from absl import flags

from benchmarks import commands
from benchmarks import output
from benchmarks import pairs
from benchmarks import report
from benchmarks import work

flags.adopt_module_key_flags(output)

ROOT = pathlib.Path(__file__).parents[1]
SAMPLES = 576  # a step to train on and a small evaluation
_AGAINST = flags.DEFINE_string("against", None, "Revision to compare with.")
_PAIRS = flags.DEFINE_integer("pairs", 5, "Rounds of the comparison.")
flags.mark_flag_as_required("against")


def command(checkout: pathlib.Path, folder: str, data: str) -> list[str]:
    """Returns a run of one step from the code of a checkout."""
    return [
        *("env", "-C", str(checkout), sys.executable, "-m", "launch.run"),
        "--config=fig2_online",
        f"--config.data.name=npz:{data}",
        f"--config.rounds.step={work.BATCH_SIZE}",
        "--config.rounds.limit=1",
        "--config.train.epochs=1",
        "--config.arms=('cold',)",
        "--config.seeds=(0,)",
        f"--workdir={tempfile.mkdtemp(dir=folder)}",
    ]


@contextlib.contextmanager
def checkout(revision: str, folder: str) -> Iterator[pathlib.Path]:
    """Gives a folder with the code of a revision, for the time of a block."""
    path = pathlib.Path(folder) / "checkout"
    git = ["git", "-C", str(ROOT), "worktree"]
    subprocess.run([*git, "add", "-q", "--detach", path, revision], check=True)
    try:
        yield path
    finally:
        subprocess.run([*git, "remove", "--force", path], check=True)


def main(_) -> None:
    """Measures and writes."""
    results = output.folder("matplotlib")
    with tempfile.TemporaryDirectory() as folder:
        data = f"{folder}/data.npz"
        work.save_data(data, SAMPLES)
        with checkout(_AGAINST.value, folder) as earlier:
            start = functools.partial(command, folder=folder, data=data)
            row = commands.compare(
                "command to the end of a first round of one step, ResNet-18",
                work.BATCH_SIZE,
                {
                    "now": functools.partial(start, ROOT),
                    f"revision {_AGAINST.value}": functools.partial(
                        start, earlier
                    ),
                },
                _PAIRS.value,
                at_least=2.0,
            )
    pairs.write(results / "rows.jsonl", [row])
    print(report.table([row]))
    report.write(results)


if __name__ == "__main__":
    app.run(main)
