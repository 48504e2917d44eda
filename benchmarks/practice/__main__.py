r"""Which start is best in practice? Real data that grow, ten tasks.

    python -m benchmarks.practice --task=letters --data=FOLDER \
        --workdir=runs/practice
    python -m benchmarks.practice --task=cifar10_frozen --data_dir=FOLDER \
        --backbone=squeezenet.weights.h5 --workdir=runs/practice
    python -m benchmarks.practice --page --workdir=runs/practice

`--data` is a folder with `flights.npz`, `bank_marketing.npz`,
`bike_sharing.npz`, `letters.npz` (arrays `x`, `y` and a time, see
`practice/tasks.py`), `banking77.csv` and `clinc150.csv`; `--data_dir` one of
TensorFlow Datasets; `--backbone` SqueezeNet v1.1 without its top, as Keras
saves weights. Each task has its folder in the workdir, which `ws-report` shows.
What is finished is not done again. `--page` writes the table and the figure
of all tasks that are there.
"""

import pathlib
import sys

import tensorflow as tf
from absl import app
from absl import flags

from benchmarks.practice import page
from benchmarks.practice import running
from benchmarks.practice import tasks
from launch import lists

_TASK = lists.define("task", [], f"Any of: {', '.join(tasks.TASKS)}.")
_WORKDIR = flags.DEFINE_string("workdir", None, "Folder of the results.")
_DATA = flags.DEFINE_string("data", None, "Folder of tables and texts.")
_DATA_DIR = flags.DEFINE_string("data_dir", None, "Folder of TFDS.")
_BACKBONE = flags.DEFINE_string("backbone", None, "File of the weights.")
_ARMS = lists.define("arms", list(running.ARMS), "Ways to begin a round.")
_SEEDS = lists.define("seeds", ["0", "1", "2"], "Seeds.")
_PAGE = flags.DEFINE_bool("page", False, "Write the table and the figure.")
flags.mark_flag_as_required("workdir")


def main(_) -> None:
    """Runs what the flags say."""
    folder = pathlib.Path(_WORKDIR.value)
    if _PAGE.value:
        print(page.write(folder))
        return
    unknown = [name for name in _TASK.value if name not in tasks.TASKS]
    if unknown or not _TASK.value:
        sys.exit(
            f"`--task` must name some of {', '.join(tasks.TASKS)}. Received: "
            f"{', '.join(unknown) or 'none'}."
        )
    tf.config.experimental.enable_op_determinism()
    data = pathlib.Path(_DATA.value) if _DATA.value else None
    files = tasks.Files(data, _DATA_DIR.value, _BACKBONE.value)
    for name in _TASK.value:
        running.run(
            name,
            tasks.TASKS[name](files),
            _ARMS.value,
            [int(seed) for seed in _SEEDS.value],
            folder / name,
        )
        print(name, "done", flush=True)


if __name__ == "__main__":
    app.run(main)
