"""Loads a saved Keras model, after checks of its file."""

import pathlib
import zipfile
from collections.abc import Callable

from ws_keras.storage import memory

_PARTS = ("config.json", "metadata.json", "model.weights.h5")
_LONGEST = 300  # letters of a reason


def load(
    path: str | pathlib.Path,
    flag: str = "--model",
    available: Callable[[], float] = memory.available,
):
    """Returns the model in a file, without running code from it.

    Args:
        path: File that `keras.Model.save` wrote.
        flag: What named it, for errors.
        available: Returns the bytes of memory that are left. Defaults to
            those of the machine or the control group.

    Returns:
        A `keras.Model`.

    Raises:
        ValueError: There is no such file, it is damaged or no model, it would
            not fit into memory, or it needs code of its own.
    """
    check(path, flag, available)
    import keras

    try:
        return keras.models.load_model(path, safe_mode=True)
    except Exception as error:  # a file from anywhere fails in many ways
        reason = str(error).strip().split("\n")[0][:_LONGEST]
        raise ValueError(
            f"`{flag}` must be a whole model saved by Keras, without code of "
            f"its own. Received: {path} ({reason or type(error).__name__}). If "
            "it needs classes of your own, load it in Python, where they are "
            "defined, and give it to ws_keras.fit_rounds or to `fit` with "
            "ws_keras.ShrinkPerturb."
        ) from None


def check(
    path: str | pathlib.Path,
    flag: str = "--model",
    available: Callable[[], float] = memory.available,
) -> None:
    """Checks the file of a model without importing Keras.

    Args:
        path: As in `load`.
        flag: As in `load`.
        available: As in `load`.

    Raises:
        ValueError: There is no such file, it is damaged or no model, or it
            would not fit into memory.
    """
    path = pathlib.Path(path)
    wrong = _wrong(path, available)
    if wrong is not None:
        raise ValueError(
            f"`{flag}` must be a whole model saved by Keras. Received: "
            f"{path}, {wrong}."
        )


def _wrong(path: pathlib.Path, available) -> str | None:
    """Returns the error in a file as the end of a sentence, if there is one."""
    if not path.is_file():
        return "which is not a file"
    if not path.stat().st_size:
        return "which is empty, for example because copying it failed"
    if path.suffix == ".py":
        return (
            "which is Python code. Name the function that builds the model "
            f"after the file, such as {path}:build"
        )
    if path.suffix != ".keras":
        return (
            f"whose suffix {path.suffix!r} is not .keras. If it is a model in "
            "an older format, load it with keras.models.load_model(path, "
            "compile=False), compile it, and save it as .keras"
        )
    try:
        with zipfile.ZipFile(path) as archive:
            return _wrong_parts(archive, available)
    except Exception:  # wrong bytes fail in many ways
        return (
            "which is damaged or not a model: its end is missing, or its "
            "bytes are not those of a .keras file"
        )


def _wrong_parts(archive: zipfile.ZipFile, available) -> str | None:
    missing = [name for name in _PARTS if name not in archive.namelist()]
    if missing:
        return f"an archive without {' and '.join(missing)}"
    size = sum(info.file_size for info in archive.infolist())
    room = available()
    if size > room:
        return (
            f"which needs {size / 2**30:.2f} GiB of memory, but only "
            f"{room / 2**30:.2f} GiB are free"
        )
    damaged = archive.testzip()
    return f"whose part {damaged} is damaged" if damaged else None
