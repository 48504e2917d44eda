"""The flags of `ws-retrain`, except those about held-out samples."""

import pathlib
import re

from absl import flags

from ws_keras import arms
from ws_keras.data import tables

from . import lists

FUNCTION = re.compile(r"(.+\.py):(\w+)")
MODEL = flags.DEFINE_string(
    "model",
    None,
    "Compiled model that Keras has saved (.keras), or FILE.py:FUNCTION, a "
    "function without arguments that builds and compiles an untrained model.",
    required=True,
)
DATA = flags.DEFINE_string(
    "data",
    None,
    "All data so far: npz:PATH, csv:PATH, parquet:PATH, or the name of a data "
    "set such as cifar10. An .npz file holds arrays x and y, or x_train and "
    "y_train. Not needed if --rounds names files.",
)
OUT = flags.DEFINE_string(
    "out",
    None,
    "File of the new model (.keras). The report has the same name with the "
    "suffix .md.",
    required=True,
)
TARGET = lists.define(
    "target",
    [],
    "Column or array to predict. Give several for a model with several "
    "outputs. Defaults to y.",
)
FEATURES = lists.define(
    "features",
    [],
    "Columns or arrays that are the inputs of the model, in its order. "
    "Defaults to those that have the names of its inputs; if there are none, "
    "to all that have no other role.",
)
ORDER_BY = flags.DEFINE_string(
    "order_by",
    None,
    "Column or array with the time of each sample, as numbers or as dates "
    "such as 2026-02-01. The newest samples are then held out, unless --split "
    "is random. Defaults to that of the last run, or to the order of the file.",
)
SHRINK = flags.DEFINE_float("shrink", 0.4, "Factor of the old weights.")
PERTURB = flags.DEFINE_float("perturb", 0.1, "Scale of the noise.")
START = flags.DEFINE_string(
    "start",
    None,
    "Arm (method) that begins the training, such as fire or dash-0.3-0.3. "
    "Defaults to shrink_perturb with --shrink and --perturb.",
)
ROUNDS = lists.define(
    "rounds",
    [],
    "Past rounds, for --search. Either one file for each round, the oldest "
    "first, instead of --data (npz:week1.npz,npz:week2.npz). Or a column or "
    "array of --data that gives the round of each sample, such as its week; "
    "rounds are in ascending order. Or the number of equal parts into which "
    "to split --data. Defaults to 5 parts with --order_by.",
)
SEARCH = flags.DEFINE_bool(
    "search",
    False,
    "First replay the past rounds with several arms, from new initial "
    "weights. Then begin the training with the recommended arm. Without "
    "--compare, the arms are those of ws_keras.Search.",
)
SEARCH_MINUTES = flags.DEFINE_float(
    "search_minutes",
    None,
    "Budget of the search in minutes. Defaults to 10, or to no limit with "
    "--search_passes.",
)
SEARCH_PASSES = flags.DEFINE_integer(
    "search_passes",
    None,
    "Budget of the search in sample passes (one sample trained on once). "
    "Defaults to no limit.",
)
COMPARE = lists.define(
    "compare",
    [],
    "Further arms to train and report for comparison: cold, warm, both "
    "(cold and warm), or any arm with its numbers: "
    f"{', '.join(arms.forms())}.",
)
MONITOR = flags.DEFINE_string(
    "monitor",
    None,
    "Metric or loss of the model by which arms are compared, such as mae. "
    "Defaults to the accuracy, or to the first metric of a model without "
    "accuracy.",
)
MODE = flags.DEFINE_enum(
    "mode",
    None,
    ["max", "min"],
    "Whether a higher (max) or lower (min) value of --monitor is better. By "
    "default, this is derived from the metric or its name.",
)
GROW = flags.DEFINE_bool(
    "grow",
    False,
    "Add outputs for new classes to the model, and rows for new words or ids.",
)
REPLAY = flags.DEFINE_float(
    "replay",
    None,
    "Fraction of the old samples to train on again, in addition to all new "
    "samples, in [0, 1]. Defaults to all old samples.",
)
BATCH_SIZE = flags.DEFINE_integer("batch_size", 32, "Samples per batch.")
THRESHOLD = flags.DEFINE_float(
    "threshold",
    None,
    "Value of --monitor on the training data at which the training ends. "
    "Defaults to 0.99 for the accuracy, and to none for another metric.",
)
PATIENCE = flags.DEFINE_integer(
    "patience",
    10,
    "Number of epochs without an improvement after which the training ends.",
)
MAX_EPOCHS = flags.DEFINE_integer(
    "max_epochs", 500, "Maximum number of epochs."
)
LEARNING_RATE = flags.DEFINE_float(
    "learning_rate",
    None,
    "Learning rate at the beginning. Defaults to the rate of the saved model.",
)
SEED = flags.DEFINE_integer(
    "seed",
    0,
    "Seed of the saved model. It fixes the order of the samples and the noise.",
)
SEEDS = flags.DEFINE_integer(
    "seeds",
    None,
    "Number of seeds of the comparison, counted from --seed. There is no "
    "recommendation with fewer than 3. With --compare, defaults to 5 if they "
    "take at most three minutes, to 3 if they take at most an hour, and "
    "otherwise to 1.",
)
MARGIN = flags.DEFINE_float(
    "margin",
    None,
    "Largest difference at which two arms count as equally good, in points of "
    "accuracy or in the unit of --monitor. Defaults to 1 point, or to 1 % of "
    "the value of the cold arm.",
)
MINUTES = flags.DEFINE_float(
    "checkpoint_minutes",
    5.0,
    "Minutes of training between two checkpoints. After an interruption, the "
    "same command continues from the last checkpoint.",
)
VERBOSE = flags.DEFINE_integer(
    "verbose", 1, "1 shows the progress of the training, 0 shows nothing."
)
OVERWRITE = flags.DEFINE_bool(
    "overwrite", False, "Replace the files of an earlier --out."
)
DATA_DIR = flags.DEFINE_string(
    "data_dir",
    None,
    "Folder of TensorFlow Datasets. Defaults to the usual folder of "
    "TensorFlow Datasets.",
)
DOWNLOAD = flags.DEFINE_bool(
    "download", True, "Download a data set that the folder does not hold."
)
# What decides about the model that is saved, beside the files.
DECIDING = (
    START,
    ROUNDS,
    SEARCH,
    SEARCH_MINUTES,
    SEARCH_PASSES,
    SHRINK,
    PERTURB,
    COMPARE,
    MONITOR,
    MODE,
    GROW,
    REPLAY,
    BATCH_SIZE,
    THRESHOLD,
    PATIENCE,
    MAX_EPOCHS,
    LEARNING_RATE,
    SEED,
    SEEDS,
)


def out() -> pathlib.Path:
    """Returns the path of the new model."""
    return pathlib.Path(OUT.value).expanduser()


def others() -> list[str]:
    """Returns the other starts, each once."""
    meant = {"both": ["cold", "warm"]}
    found = [meant.get(name, [name]) for name in COMPARE.value]
    return list(dict.fromkeys(name for names in found for name in names))


def seeds() -> list[int] | None:
    """Returns the seeds, `None` for as many as a few minutes allow."""
    if not others():
        return [SEED.value]
    if SEEDS.value is None:
        return None
    return list(range(SEED.value, SEED.value + SEEDS.value))


def model_path() -> pathlib.Path:
    """Returns the file of `--model`."""
    built = FUNCTION.fullmatch(MODEL.value)
    return pathlib.Path(built[1] if built else MODEL.value).expanduser()


def files() -> list[str]:
    """Returns the files of `--rounds`, the oldest first; none if no files."""
    return [name for name in ROUNDS.value if tables.is_file(name)]


def is_built() -> bool:
    """Whether the model is built by a function, and has no past."""
    return FUNCTION.fullmatch(MODEL.value) is not None


def start() -> str:
    """Returns the text form of the arm whose model is saved."""
    if START.value:
        return START.value
    # What was never trained has no past that could be shrunk.
    if is_built() and not (others() or SEARCH.value):
        return "warm"
    return f"shrink_perturb-{SHRINK.value}-{PERTURB.value}"
