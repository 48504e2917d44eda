"""Times the package against its peers and against the machine, in turn.

    pip install -e '.[bench]'
    python -m benchmarks
    python -m benchmarks --only=training,transform --pairs=9

Needs PyTorch (for the CPU) and JAX, and a machine without other work. All parts
together take an hour and a half on two AVX-512 cores, half of it for the sweep.
Rows, table and figure go to `results/benchmarks`; new rows replace old ones of
the same comparison.
"""

import pathlib
import sys
from typing import NoReturn

from absl import app
from absl import flags

from benchmarks import output
from benchmarks import pairs
from benchmarks import report
from benchmarks import suite
from launch import lists

flags.adopt_module_key_flags(output)

_ONLY = lists.define("only", list(suite.SUITE), "Which comparisons.")
_PAIRS = flags.DEFINE_integer("pairs", 5, "Rounds of each comparison.")


def main(_) -> None:
    """Runs what the flags name and writes it down."""
    for name in _ONLY.value:
        if name not in suite.SUITE:
            raise app.UsageError(
                f"`--only` takes some of {list(suite.SUITE)}. "
                f"Received: {name!r}."
            )
    needed = [p for name in _ONLY.value for p in suite.NEEDS.get(name, ())]
    folder = output.folder("matplotlib", *dict.fromkeys(needed))
    failed = {}
    try:
        for name in _ONLY.value:
            _measure(name, folder, failed)
    finally:  # also when it is stopped
        if (folder / "rows.jsonl").exists():
            report.write(folder)
    if failed:
        _say_failed(failed, folder)


def _measure(name: str, folder: pathlib.Path, failed: dict) -> None:
    """Writes each row at once: the next one may fail, or be stopped."""
    rows = []
    try:
        for row in suite.SUITE[name](_PAIRS.value):
            rows.append(row)
            pairs.write(folder / "rows.jsonl", rows)
    except Exception as error:
        failed[name] = error
    if rows:
        print(report.table(rows), flush=True)


def _say_failed(failed: dict[str, Exception], folder: pathlib.Path) -> NoReturn:
    lines = [
        f"{name}: {type(error).__name__}: {error}"
        for name, error in failed.items()
    ]
    head = f"{len(lines)} of {len(_ONLY.value)} comparisons have failed; the "
    head += f"rows of all others are in {folder}. Measure these again with "
    head += f"--only={','.join(failed)}."
    sys.exit("\n".join([head, *lines]))


if __name__ == "__main__":
    app.run(main)
