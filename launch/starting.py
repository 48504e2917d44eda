"""The model that a retraining starts from: saved, or built by a function."""

import dataclasses
import importlib.util
import pathlib
import sys
from collections.abc import Callable

import keras

from ws_keras import seeds
from ws_keras.transforms import isolation

from . import config_files
from . import retrain_flags
from . import saved_model


@dataclasses.dataclass(frozen=True)
class Start:
    """A model.

    `build` makes another one of its kind, `None` for a saved model: that one
    has a past, and cannot be made again.
    """

    model: object
    build: Callable | None = None


def load(given: str, rate: float | None = None, seed: int = 0) -> Start:
    """Returns the model that is meant, with a learning rate.

    Args:
        given: Path of a saved model, or `"FILE.py:FUNCTION"`.
        rate: Its learning rate. Defaults to its own.
        seed: Seed of the initial weights of a model that a function builds. An
            interrupted training continues with the same ones. Defaults to 0.

    Returns:
        A `Start`.

    Raises:
        ValueError: If there is no such model, it is not compiled, or its
            optimizer has no one learning rate.
    """
    meant = retrain_flags.FUNCTION.fullmatch(given)
    if meant is None:
        model = saved_model.load(pathlib.Path(given).expanduser())
        _check_compiled(model, given)
        set_rate(model, rate)
        return Start(model)
    path = pathlib.Path(meant[1]).expanduser()
    own = _function(path, meant[2], given)

    def build():
        with config_files.blamed(str(path), flag="--model"):
            model = own()
        _check_compiled(model, given)
        set_rate(model, rate)
        return model

    with isolation.isolated(seeds.derive(seed, "start")):
        return Start(build(), build)


def set_rate(model, rate: float | None) -> None:
    """Gives a model's optimizer a learning rate, unless it is `None`."""
    if rate is None:
        return
    try:
        model.optimizer.learning_rate = rate
    except (AttributeError, TypeError):
        raise ValueError(
            "`--learning_rate` needs an optimizer with one learning rate and "
            f"no schedule. Received: --learning_rate={rate} for a model with "
            f"{type(model.optimizer).__name__}."
        ) from None


def _function(path: pathlib.Path, name: str, given: str) -> Callable:
    folder = str(path.resolve().parent)
    if folder not in sys.path:
        sys.path.append(folder)  # the file may import what lies beside it
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    with config_files.blamed(str(path), flag="--model"):
        spec.loader.exec_module(module)
    found = getattr(module, name, None)
    if not callable(found):
        functions = [n for n, v in vars(module).items() if callable(v)]
        raise ValueError(
            "`--model` must name a function of the file, without arguments. "
            f"Received: {given}; {path.name} has "
            f"{', '.join(functions) or 'none'}."
        )
    return found


def _check_compiled(model, given: str) -> None:
    if not isinstance(model, keras.Model):
        raise ValueError(
            "`--model` must be, or build, a Keras model. Received: "
            f"{given}, which gives {type(model).__name__}."
        )
    if not model.built or not model.compiled:
        lack, way = "built", "Give it an `Input`."
        if model.built:
            is_saved = retrain_flags.FUNCTION.fullmatch(given) is None
            then = "and save it again" if is_saved else "in this function"
            lack, way = "compiled", f"Call `model.compile` {then}."
        raise ValueError(
            "`--model` must be built and compiled with a loss. Received: "
            f"{given}, which is not {lack}. {way}"
        )
