"""The flags of `ws-retrain`, but for those of what is held out."""

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
    "Saved Keras model (.keras), compiled; or FILE.py:FUNCTION, a function "
    "that builds and compiles one, which starts without a past.",
    required=True,
)
DATA = flags.DEFINE_string(
    "data",
    None,
    "npz:PATH, csv:PATH or parquet:PATH with what the model takes, or a name "
    "such as cifar10. An .npz has arrays x and y, or x_train and y_train. "
    "Not needed if --rounds names files.",
)
OUT = flags.DEFINE_string(
    "out",
    None,
    "New model (.keras); its report gets the suffix .md.",
    required=True,
)
TARGET = lists.define(
    "target",
    [],
    "Column or array to predict, or several for several outputs. Defaults to "
    "y.",
)
FEATURES = lists.define(
    "features",
    [],
    "Columns or arrays that the model sees, in its order. Defaults to those "
    "with the names of its inputs, or else to all without another role.",
)
ORDER_BY = flags.DEFINE_string(
    "order_by",
    None,
    "Column or array of times (numbers, or dates as 2026-02-01). The newest "
    "samples are held out then, unless --split says otherwise.",
)
SHRINK = flags.DEFINE_float("shrink", 0.4, "Factor of the old weights.")
PERTURB = flags.DEFINE_float("perturb", 0.1, "Scale of the noise.")
START = flags.DEFINE_string(
    "start",
    None,
    "Arm with which the training begins, such as fire or dash-0.3-0.3. "
    "Defaults to shrink_perturb with --shrink and --perturb.",
)
ROUNDS = lists.define(
    "rounds",
    [],
    "When the samples came, for --search: a file for each round, the oldest "
    "first (npz:week1.npz,npz:week2.npz), in place of --data; or a column or "
    "array of --data whose values in ascending order are the rounds, such as "
    "a week; or the number of equal parts in which to cut --data. Defaults to "
    "5 parts with --order_by.",
)
SEARCH = flags.DEFINE_bool(
    "search",
    False,
    "First replay the past rounds with several arms, from fresh weights, and "
    "begin the training with the arm that is recommended. --compare names "
    "the arms, if not those of ws_keras.Search.",
)
SEARCH_MINUTES = flags.DEFINE_float(
    "search_minutes",
    None,
    "Budget of the search in minutes. Defaults to 10, or to none with "
    "--search_passes.",
)
SEARCH_PASSES = flags.DEFINE_integer(
    "search_passes",
    None,
    "Budget of the search in sample passes (one sample trained on once). "
    "Defaults to none.",
)
COMPARE = lists.define(
    "compare",
    [],
    "Other ways to start, trained and reported for comparison: cold, "
    "warm, both, or any arm with its numbers: "
    f"{', '.join(arms.forms())}.",
)
MONITOR = flags.DEFINE_string(
    "monitor",
    None,
    "Metric or loss of the model by which ways to start are compared, such as "
    "mae. Defaults to the accuracy, or else to the first metric.",
)
MODE = flags.DEFINE_enum(
    "mode",
    None,
    ["max", "min"],
    "Whether more or less of --monitor is better. Defaults to what its name "
    "says.",
)
GROW = flags.DEFINE_bool(
    "grow",
    False,
    "Give the model outputs for new classes, and rows for new words or ids.",
)
REPLAY = flags.DEFINE_float(
    "replay",
    None,
    "Share of the old samples to train on again, beside all new ones. Defaults "
    "to all.",
)
BATCH_SIZE = flags.DEFINE_integer("batch_size", 32, "Samples in a batch.")
THRESHOLD = flags.DEFINE_float(
    "threshold",
    None,
    "Value of --monitor on the training data at which the training ends. "
    "Defaults to 0.99 for the accuracy, and to none for another metric.",
)
PATIENCE = flags.DEFINE_integer(
    "patience",
    10,
    "The training also ends after so many epochs without an improvement.",
)
MAX_EPOCHS = flags.DEFINE_integer("max_epochs", 500, "Most epochs.")
LEARNING_RATE = flags.DEFINE_float(
    "learning_rate",
    None,
    "Learning rate at the start. Defaults to that of the saved model.",
)
SEED = flags.DEFINE_integer(
    "seed",
    0,
    "Seed of the order of the samples and of the noise, for the model "
    "that is saved.",
)
SEEDS = flags.DEFINE_integer(
    "seeds",
    None,
    "Number of seeds to compare with, counted from --seed. Fewer than 3 give "
    "no recommendation. Defaults to 5 if they take up to three minutes, to 3 "
    "if they take up to an hour, and else, or without --compare, to 1.",
)
MARGIN = flags.DEFINE_float(
    "margin",
    None,
    "Difference within which two ways to start count as equally good: points "
    "of accuracy, or the unit of --monitor. Defaults to 1 point, or to 1 % of "
    "the value of cold.",
)
MINUTES = flags.DEFINE_float(
    "checkpoint_minutes",
    5.0,
    "Minutes of training between two checkpoints. If the command is "
    "interrupted, give it again, and it continues from the last one.",
)
VERBOSE = flags.DEFINE_integer(
    "verbose", 1, "1 shows how far the training has come, 0 nothing."
)
OVERWRITE = flags.DEFINE_bool("overwrite", False, "Replace an old --out.")
DATA_DIR = flags.DEFINE_string(
    "data_dir",
    None,
    "Folder of TensorFlow Datasets. Defaults to the folder that "
    "TensorFlow Datasets itself uses.",
)
DOWNLOAD = flags.DEFINE_bool(
    "download", True, "Download a data set that is not in the folder."
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
