r"""Retrains a saved model on the data of today, after a shrink-perturb.

    python -m launch.retrain --model=last_week.keras --data=npz:today.npz \
        --out=this_week.keras --compare=cold

The data are all that there are so far, old and new. A part of them is held out
to measure on. The old model is never touched; the new one and a report beside
it appear whole or not at all.
"""

import contextlib
import os
import pathlib
import tempfile

from absl import flags

from . import cli
from . import lists
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
    "compare", [], "Other starts to train and report: cold, warm, or both."
)
_HELD_OUT = flags.DEFINE_float(
    "held_out", 0.2, "Fraction of the samples to measure on, in (0, 1)."
)
_BATCH_SIZE = flags.DEFINE_integer("batch_size", 32, "Samples in a batch.")
_THRESHOLD = flags.DEFINE_float(
    "threshold", 0.99, "Training accuracy that ends the training."
)
_PATIENCE = flags.DEFINE_integer(
    "patience", 10, "Epochs without an improvement that end it as well."
)
_MAX_EPOCHS = flags.DEFINE_integer("max_epochs", 500, "Most epochs.")
_SEED = flags.DEFINE_integer("seed", 0, "Fixes split, order and noise.")
_OVERWRITE = flags.DEFINE_bool("overwrite", False, "Replace an old --out.")
_DATA_DIR = flags.DEFINE_string(
    "data_dir", None, "Folder of TensorFlow Datasets. TFDS' own if not given."
)
_DOWNLOAD = flags.DEFINE_bool(
    "download", True, "Download a data set that the folder does not hold."
)


def main(_) -> None:
    """Runs what the flags say."""
    source, out = pathlib.Path(_MODEL.value), pathlib.Path(_OUT.value)
    _check_paths(source, out)
    with start_up.tensorflow(fast=False):
        start_up.keras()
        from ws_keras import growing
        from ws_keras.data import datasets
        from ws_keras.training import terms

        model = _load(source)
        data = datasets.load(
            _DATA.value, _DATA_DIR.value, download=_DOWNLOAD.value
        )
        known, held_out = _split(data.x, data.y)
    _check_fits(model, data.x, data.y)
    own = f"shrink_perturb-{_SHRINK.value}-{_PERTURB.value}"

    def save(setting, trained) -> None:
        if setting.arm == "shrink_perturb":
            with _written_whole(out) as part:
                trained.save(part)

    _check_writable(out)
    found = growing.fit_rounds(
        model,
        [known],
        held_out,
        arms=[own, *_COMPARE.value],
        first_round=True,
        seeds=[_SEED.value],
        batch_size=_BATCH_SIZE.value,
        until=terms.Until(
            threshold=_THRESHOLD.value,
            patience=_PATIENCE.value,
            max_epochs=_MAX_EPOCHS.value,
        ),
        on_end=save,
        name="retrain",
    )
    report = out.with_suffix(".md")
    with _written_whole(report) as part:
        part.write_text(f"# {out.name}\n\n{found}\n", encoding="utf8")
    print(f"{found}\n\n{out}\n{report}")


def run() -> None:
    """Entry point of `ws-retrain`."""
    cli.run(main)


def _check_paths(source: pathlib.Path, out: pathlib.Path) -> None:
    if not source.is_file():
        raise ValueError(
            f"`--model` must be a saved model. Received: {source}, which is "
            "no file."
        )
    if out.suffix != ".keras":
        raise ValueError(
            f"`--out` must end with .keras. Received: --out={out}."
        )
    if out.exists() and out.samefile(source):
        raise ValueError(
            "`--out` must be another file than `--model`, which is never "
            f"touched. Received: {out} for both."
        )
    for path in (out, out.with_suffix(".md")):
        if path.exists() and not _OVERWRITE.value:
            raise ValueError(
                "`--out` and the report beside it must be new files. "
                f"Received: --out={out}, where {path} exists. Give another "
                "name, or --overwrite."
            )
    others = set(_COMPARE.value) - {"cold", "warm"}
    if others:
        raise ValueError(
            "`--compare` must hold cold, warm or both. "
            f"Received: {', '.join(sorted(others))}."
        )


def _check_writable(out: pathlib.Path) -> None:
    try:
        with tempfile.TemporaryFile(dir=out.parent):
            pass
    except OSError as error:
        raise ValueError(
            f"The folder of `--out` must be writable. Received: {out.parent} "
            f"({error.strerror})."
        ) from None


def _load(source: pathlib.Path):
    import keras

    try:
        # Safe mode: no code from the file is run.
        return keras.models.load_model(source, safe_mode=True)
    except Exception as error:  # a file from anywhere fails in many ways
        reason = str(error).strip().split("\n")[0][:300]
        raise ValueError(
            "`--model` must be a whole model saved by Keras, without code of "
            f"its own. Received: {source} ({reason})."
        ) from None


def _split(x, y) -> tuple:
    from ws_keras import seeds

    fraction = _HELD_OUT.value
    count = int(fraction * len(x)) if 0 < fraction < 1 else 0
    if not count:
        raise ValueError(
            "`--held_out` must be in (0, 1) and leave at least one sample to "
            f"measure on. Received: {fraction} of {len(x)} samples."
        )
    order = seeds.generator(_SEED.value, "split").permutation(len(x))
    known, held_out = order[count:], order[:count]
    return (x[known], y[known]), (x[held_out], y[held_out])


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


@contextlib.contextmanager
def _written_whole(path: pathlib.Path):
    """Gives a file beside `path` that takes its name once it is whole."""
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".ws-") as folder:
        part = pathlib.Path(folder) / path.name
        yield part
        with part.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(part, path)


if __name__ == "__main__":
    run()
