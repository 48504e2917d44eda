r"""Can the strength of shrink-perturb be chosen before training?

First the rules and their constants are compared on textures and letters:

    python -m benchmarks.strength --choose=textures,letters --data=FOLDER \
        --workdir=runs/strength
    python -m benchmarks.strength --choice --workdir=runs/strength

Then the one that was chosen (`CHOSEN`) is tested on other data:

    python -m benchmarks.strength --test=cifar10,cifar100,flights,banking77 \
        --data=FOLDER --data_dir=FOLDER --workdir=runs/strength
    python -m benchmarks.strength --tested --workdir=runs/strength

`--data` is the folder of `benchmarks.practice`, `--data_dir` one of TensorFlow
Datasets.
"""

import pathlib

import tensorflow as tf
from absl import app
from absl import flags

from benchmarks.practice import tasks
from benchmarks.strength import arms as _arms  # noqa: F401 (registers them)
from benchmarks.strength import choosing
from benchmarks.strength import testing
from launch import lists

_WORKDIR = flags.DEFINE_string("workdir", None, "Folder of the results.")
_CHOOSE = lists.define("choose", [], "Sets to compare the rules on.")
_CHOICE = flags.DEFINE_bool("choice", False, "Print how the rules compare.")
_TEST = lists.define("test", [], "Sets to test the chosen rule on.")
_TESTED = flags.DEFINE_bool("tested", False, "Print how the test ended.")
_DATA = flags.DEFINE_string("data", None, "Folder of tables and texts.")
_DATA_DIR = flags.DEFINE_string("data_dir", None, "Folder of TFDS.")
_SEEDS = lists.define("seeds", ["0", "1", "2", "3", "4"], "Seeds of the test.")
flags.mark_flag_as_required("workdir")


def main(_) -> None:
    """Runs what the flags say."""
    folder = pathlib.Path(_WORKDIR.value)
    tf.config.experimental.enable_op_determinism()
    data = pathlib.Path(_DATA.value) if _DATA.value else None
    files = tasks.Files(data, _DATA_DIR.value)
    for name in _CHOOSE.value:
        choosing.run(name, files, folder / f"choice_{name}.jsonl")
    if _CHOICE.value:
        print(choosing.table(folder))
    for name in _TEST.value:
        testing.run(name, files, list(map(int, _SEEDS.value)), folder / name)
    if _TESTED.value:
        print(testing.table(folder))


if __name__ == "__main__":
    app.run(main)
