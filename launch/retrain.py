r"""Retrains a saved model on the data of today, after a shrink-perturb.

    python -m launch.retrain --model=last_week.keras --data=npz:today.npz \
        --out=this_week.keras --compare=cold

The data are all that there are so far, old and new. A part of them is held out
to measure on, and never trained on: a hash of each sample decides, so that it
is held out next week as well. What the model has been trained on is recorded
beside it (this_week.split.npz), and read there next week. The old model is
never touched; the new one, its record and a report beside it appear whole or
not at all.
"""

import hashlib
import pathlib
import sys

from absl import flags

from ws_keras import arms

from . import cli
from . import held_out
from . import lists
from . import outputs
from . import saved_model
from . import start_up

_MODEL = flags.DEFINE_string(
    "model",
    None,
    "Saved Keras model (.keras), compiled with a loss and the metric accuracy.",
    required=True,
)
_DATA = flags.DEFINE_string(
    "data",
    None,
    "Data set: npz:PATH with arrays x and y as the model takes them, or a "
    "name such as cifar10.",
    required=True,
)
_OUT = flags.DEFINE_string(
    "out",
    None,
    "New model (.keras); its report gets the suffix .md.",
    required=True,
)
_SHRINK = flags.DEFINE_float("shrink", 0.4, "Factor of the old weights.")
_PERTURB = flags.DEFINE_float("perturb", 0.1, "Scale of the noise.")
_COMPARE = lists.define(
    "compare",
    [],
    "Other ways to start, trained and reported for comparison: cold, "
    "warm, both, or any arm with its numbers: "
    f"{', '.join(arms.forms())}.",
)
_HELD_OUT = held_out.HELD_OUT
_SPLIT = held_out.SPLIT
_SPLIT_SEED = held_out.SPLIT_SEED
_ID = held_out.ID
_GROUPS = held_out.GROUPS
_OLD_SAMPLES = held_out.OLD_SAMPLES
_BATCH_SIZE = flags.DEFINE_integer("batch_size", 32, "Samples in a batch.")
_THRESHOLD = flags.DEFINE_float(
    "threshold", 0.99, "Training accuracy at which the training ends."
)
_PATIENCE = flags.DEFINE_integer(
    "patience",
    10,
    "The training also ends after so many epochs without an improvement.",
)
_MAX_EPOCHS = flags.DEFINE_integer("max_epochs", 500, "Most epochs.")
_LEARNING_RATE = flags.DEFINE_float(
    "learning_rate",
    None,
    "Learning rate at the start. Defaults to that of the saved model.",
)
_SEED = flags.DEFINE_integer(
    "seed",
    0,
    "Seed of the order of the samples and of the noise, for the model "
    "that is saved.",
)
_SEEDS = flags.DEFINE_integer(
    "seeds",
    None,
    "Number of seeds to compare with, counted from --seed. Defaults to 5, 3 "
    "or 1, as many as take a few minutes, and to 1 without --compare.",
)
_MARGIN = flags.DEFINE_float(
    "margin",
    1.0,
    "Points within which two ways to start count as equally good.",
)
_MINUTES = flags.DEFINE_float(
    "checkpoint_minutes",
    5.0,
    "Minutes of training between two checkpoints. If the command is "
    "interrupted, give it again, and it continues from the last one.",
)
_OVERWRITE = flags.DEFINE_bool("overwrite", False, "Replace an old --out.")
_DATA_DIR = flags.DEFINE_string(
    "data_dir",
    None,
    "Folder of TensorFlow Datasets. Defaults to the folder that "
    "TensorFlow Datasets itself uses.",
)
_DOWNLOAD = flags.DEFINE_bool(
    "download", True, "Download a data set that is not in the folder."
)
# Shrink and perturb that begin with the weights of other starts.
_STARTS = {"cold": (0, 1), "warm": (1, 0)}


def main(_) -> None:
    """Runs what the flags say."""
    source, out = pathlib.Path(_MODEL.value), pathlib.Path(_OUT.value)
    _check_paths(out)
    with start_up.tensorflow(fast=False):
        start_up.keras()
        from ws_keras.data import datasets

        model = saved_model.load(source)
        _set_rate(model)
        is_file = _DATA.value.startswith("npz:")
        data = datasets.load(
            _DATA.value,
            _DATA_DIR.value,
            download=_DOWNLOAD.value,
            with_test=not is_file,
        )
        _check_fits(model, data.x, data.y)
        parts = held_out.parts(source, data)
        _check_fits(model, *parts.held_out)
        _check_labels(model, *parts.held_out)
    with outputs.reserved(out, _inputs(), _OVERWRITE.value) as reserved:
        training = reserved.training(_key(source, parts))
        try:
            found = _compared(model, parts, reserved.model, training)
        except KeyboardInterrupt:
            print(
                "Stopped. Give the same command again to continue.",
                file=sys.stderr,
            )
            raise
        except ValueError:  # it would come again
            reserved.forget(training)
            raise
        reserved.forget(training)
        _check_sound(found, reserved.model)
        text = _report(model, parts, found)
        reserved.write(parts.past, text)
    print(f"{text}\n\n{out}\n{out.with_suffix('.md')}")


def _compared(model, parts, part: pathlib.Path, training: pathlib.Path):
    """Trains and saves the model, and returns the comparison of starts."""
    from ws_keras import growing
    from ws_keras.training import terms

    own = f"shrink_perturb-{_SHRINK.value}-{_PERTURB.value}"

    def save(setting, trained) -> None:
        if _is_saved(setting) and _is_finite(trained):
            trained.save(part)

    return growing.fit_rounds(
        model,
        [parts.train],
        parts.held_out,
        arms=[own, *_others()],
        first_round=True,
        seeds=_seeds(),
        first_seed=_SEED.value,
        margin=_MARGIN.value,
        withheld=parts.withheld,
        batch_size=_BATCH_SIZE.value,
        until=terms.Until(
            threshold=_THRESHOLD.value,
            patience=_PATIENCE.value,
            max_epochs=_MAX_EPOCHS.value,
        ),
        on_end=save,
        workdir=training,
        checkpoint_minutes=_MINUTES.value,
        name="retrain",
    )


def _is_saved(setting) -> bool:
    """Whether the model of a setting, or of a row, is the one to save."""
    ours = ("shrink_perturb", _SHRINK.value, _PERTURB.value, _SEED.value)
    return (setting.arm, setting.shrink, setting.perturb, setting.seed) == ours


def _is_finite(model) -> bool:
    import keras
    import numpy as np

    arrays = map(keras.ops.convert_to_numpy, model.weights)
    return all(np.isfinite(array).all() for array in arrays)


def _check_sound(found, part: pathlib.Path) -> None:
    ends = [row.stopped_by for row in found.rows if _is_saved(row)]
    if "nan" in ends or not part.stat().st_size:
        raise ValueError(
            "The training diverged: the loss or a weight became nan or "
            "infinite. No model is saved. Give a smaller --learning_rate, "
            "--perturb or --shrink."
        )


def _key(source: pathlib.Path, parts) -> str:
    """Returns what tells a training from another one to the same name."""
    from ws_keras.data import digests
    from ws_keras.data import history
    from ws_keras.storage import files

    found = hashlib.sha256(files.sha256(source).encode())
    for x, y in (parts.train, parts.held_out):
        found.update(digests.samples(x))
        found.update(history.digest(y).encode())
    for flag in (
        _SHRINK,
        _PERTURB,
        _COMPARE,
        _BATCH_SIZE,
        _THRESHOLD,
        _PATIENCE,
        _MAX_EPOCHS,
        _LEARNING_RATE,
        _SEED,
        _SEEDS,
    ):
        found.update(f"{flag.name}={flag.value};".encode())
    return found.hexdigest()[:12]


def _others() -> list[str]:
    """Returns the other starts, each once."""
    meant = {"both": ["cold", "warm"]}
    found = [meant.get(name, [name]) for name in _COMPARE.value]
    return list(dict.fromkeys(name for names in found for name in names))


def _seeds() -> list[int] | None:
    if not _others():
        return [_SEED.value]
    if _SEEDS.value is None:
        return None
    return list(range(_SEED.value, _SEED.value + _SEEDS.value))


def _report(model, parts, found) -> str:
    """Returns what was done, as Markdown."""
    from ws_keras.training import reporter

    x, y = parts.held_out
    old = model.evaluate(x, y, verbose=0, return_dict=True)["accuracy"]
    rate = reporter.learning_rate(model)
    other = ""
    if found.recommended in _STARTS:
        shrink, perturb = _STARTS[found.recommended]
        other = (
            f" It is not that of the recommended start: --shrink={shrink} "
            f"--perturb={perturb} begins with the weights of that one."
        )
    return (
        f"{parts.words}\n\n{found}\n\nThe old model as it was: "
        f"{100 * old:.1f} % held out. The saved model is that of seed "
        f"{_SEED.value}, trained after shrink {_SHRINK.value:g} and perturb "
        f"{_PERTURB.value:g}, at a learning rate of {rate:g}."
        f"{other}"
    )


def _inputs() -> dict[str, pathlib.Path]:
    """Returns the files that are read, by flag."""
    given = {"--data": _DATA.value, "--held_out": _HELD_OUT.value or ""}
    found = {
        name: pathlib.Path(value.removeprefix("npz:"))
        for name, value in given.items()
        if value.startswith("npz:")
    }
    return {"--model": pathlib.Path(_MODEL.value), **found}


def run() -> None:
    """Entry point of `ws-retrain`."""
    cli.run(main)


def _check_paths(out: pathlib.Path) -> None:
    if out.suffix != ".keras":
        raise ValueError(
            f"`--out` must end with .keras. Received: --out={out}."
        )
    if _SEEDS.value is not None and _SEEDS.value < 1:
        raise ValueError(
            f"`--seeds` must be at least 1. Received: --seeds={_SEEDS.value}."
        )
    for other in _others():
        try:
            arms.parse(other)
        except ValueError as error:
            text = str(error).partition(" Several are")[0]
            raise ValueError(
                f"`--compare` must hold cold, warm, both or other arms. {text}"
            ) from None


def _set_rate(model) -> None:
    rate = _LEARNING_RATE.value
    if rate is None or not model.compiled:
        return
    if not 0 < rate < float("inf"):
        raise ValueError(
            "`--learning_rate` must be a positive number. "
            f"Received: --learning_rate={rate}."
        )
    try:
        model.optimizer.learning_rate = rate
    except (AttributeError, TypeError):
        raise ValueError(
            "`--learning_rate` needs an optimizer with one learning rate and "
            f"no schedule. Received: --learning_rate={rate} for a model with "
            f"{type(model.optimizer).__name__}."
        ) from None


def _check_fits(model, x, y) -> None:
    outputs = model.output_shape
    classes = outputs[-1] if isinstance(outputs, tuple) else None
    # One output is the chance of one of two classes.
    if classes and classes > 1 and y.max() >= classes:
        raise ValueError(
            f"`--data` must hold labels of the model's {classes} classes. "
            f"Received: labels up to {y.max()}."
        )
    shape = model.input_shape
    if (
        not isinstance(shape, tuple)
        or len(shape) != x.ndim
        or any(
            ours not in (None, theirs)
            for ours, theirs in zip(shape[1:], x.shape[1:], strict=True)
        )
    ):
        raise ValueError(
            f"`--data` must hold samples that the model takes, {shape}. "
            f"Received: x of shape {x.shape}."
        )


def _check_labels(model, x, y) -> None:
    if not model.compiled:
        return
    try:
        model.evaluate(x[:1], y[:1], verbose=0)
    except Exception as error:  # a loss may want anything
        reason = str(error).strip().split("\n")[0][:200]
        raise ValueError(
            "`--model` must have a loss and metrics that take labels as whole "
            "numbers, such as sparse_categorical_crossentropy, where "
            "categorical_crossentropy takes one-hot ones. Compile it anew and "
            f"save it. Received: {reason}"
        ) from None


if __name__ == "__main__":
    run()
