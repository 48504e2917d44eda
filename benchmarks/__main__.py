r"""Times the package against peers and against the machine, in turn.

    pip install -e '.[bench]'
    python -m benchmarks
    python -m benchmarks --only=training,transform --pairs=9

Needs PyTorch (of the CPU) and JAX. Its parts took an hour and a half together
on two AVX-512 cores, half of it the sweep; nothing else should run meanwhile.
Rows, table and figure go to `results/benchmarks`; what is run again replaces
its old rows.
"""

import pathlib

from absl import app
from absl import flags

from benchmarks import output
from benchmarks import pairs
from benchmarks import report
from benchmarks import suite

flags.adopt_module_key_flags(output)

_ONLY = flags.DEFINE_list("only", list(suite.SUITE), "Which comparisons.")
_PAIRS = flags.DEFINE_integer("pairs", 5, "Rounds of each comparison.")


def main(_) -> None:
    """Runs what the flags name and writes it down."""
    folder = pathlib.Path(output.FOLDER.value)
    for name in _ONLY.value:
        if name not in suite.SUITE:
            raise app.UsageError(
                f"`--only` takes some of {list(suite.SUITE)}. "
                f"Received: {name!r}."
            )
    for name in _ONLY.value:
        rows = suite.SUITE[name](_PAIRS.value)
        pairs.write(folder / "rows.jsonl", rows)
        print(report.table(rows), flush=True)
    report.write(folder)


if __name__ == "__main__":
    app.run(main)
