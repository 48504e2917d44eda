"""How the commands start Keras and TensorFlow: fast, and quietly."""

import contextlib
import json
import logging
import os
import sys
import tempfile

# Variables of the environment that the user has not set.
OWN: set[str] = set()


@contextlib.contextmanager
def tensorflow(fast: bool = True):
    """Sets TensorFlow up and hides what it writes to the standard error.

    Its oneDNN kernels are turned on, which it does by itself on some
    processors only; where it does not, convolutions are about half as fast.
    They have errors, which the networks of this package avoid (see
    `models.resnet`); a user's network may not. A value that the user has set
    stays.

    TensorFlow prints several lines while it is imported and when it first
    touches a device, before any log level counts. When the block fails
    unexpectedly, all of them are shown.

    Example:

    ```python
    with start_up.tensorflow():
        import tensorflow as tf
    ```

    Args:
        fast: Whether to turn on the oneDNN kernels. Defaults to `True`.
    """
    environment(fast)
    logging.getLogger("tensorflow").addFilter(_is_of_use)
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as hidden:
        os.dup2(hidden.fileno(), 2)
        try:
            yield
        except (ValueError, KeyboardInterrupt):
            raise  # a sentence of ours, or of the user, which says all
        except BaseException:
            os.dup2(kept, 2)
            hidden.seek(0)
            os.write(2, hidden.read())
            raise
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)


def environment(fast: bool = True) -> None:
    """Sets what TensorFlow reads from the environment when it is imported.

    A user's file that imports Keras does so before the command does.

    Args:
        fast: Whether to turn on the oneDNN kernels. Defaults to `True`.
    """
    # 2 hides warnings as well; errors of native code stay visible.
    values = {"TF_CPP_MIN_LOG_LEVEL": "2"}
    if fast:
        values["TF_ENABLE_ONEDNN_OPTS"] = "1"
    for name, value in values.items():
        if name not in os.environ:
            os.environ[name] = value
            OWN.add(name)


def keras() -> None:
    """Imports Keras without packages that it would import if they exist.

    They take two to three of seven seconds. They can be imported later as
    usual.

    Example:

    ```python
    start_up.keras()
    ```
    """
    hidden = [name for name in _not_needed() if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # of `None` an import fails
    try:
        import keras  # noqa: F401
    finally:
        for name in hidden:
            del sys.modules[name]


def _not_needed() -> tuple[str, ...]:
    # TensorFlow imports JAX for a converter. Keras imports pandas for frames
    # in `fit`, where commands have arrays; the others are for wrappers and
    # pictures.
    names = ("sklearn", "matplotlib", "pandas")
    return (*names, "jax") if _backend() == "tensorflow" else names


def _is_of_use(record: logging.LogRecord) -> bool:
    """Whether a message of TensorFlow tells a user what to do.

    A command builds several models, each of which traces its functions.
    """
    return "triggered tf.function retracing" not in record.getMessage()


def _backend() -> str:
    """Returns the backend that Keras will choose."""
    if "KERAS_BACKEND" in os.environ:
        return os.environ["KERAS_BACKEND"]
    home = os.environ.get("KERAS_HOME", os.path.expanduser("~/.keras"))
    try:
        with open(os.path.join(home, "keras.json")) as file:
            return json.load(file)["backend"]
    except (OSError, ValueError, KeyError, TypeError):
        return "tensorflow"
