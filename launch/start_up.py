"""How the commands start Keras and TensorFlow: fast, and quietly."""

import contextlib
import os
import sys
import tempfile

# For wrappers and pictures, which no command uses.
_NOT_NEEDED = ("sklearn", "matplotlib")


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
    if fast:
        os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    # 2 hides warnings as well; errors of native code stay visible.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
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


def keras() -> None:
    """Imports Keras without packages that it would import if they are there.

    They take two of seven seconds. They can be imported later as usual.

    Example:

    ```python
    start_up.keras()
    ```
    """
    hidden = [name for name in _NOT_NEEDED if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # of `None` an import fails
    try:
        import keras  # noqa: F401
    finally:
        for name in hidden:
            del sys.modules[name]
