"""Keeps TensorFlow's start-up messages off the user's terminal."""

import contextlib
import os
import sys
import tempfile


@contextlib.contextmanager
def start_up():
    """Hides what native code writes to the standard error in a block.

    TensorFlow prints several lines while it is imported and when it first
    touches a device, before any log level counts. When the block fails
    unexpectedly, all of them are shown.

    Example:

    ```python
    with quiet.start_up():
        import tensorflow as tf
    ```
    """
    # 2 hides warnings as well; errors of native code stay visible.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as hidden:
        os.dup2(hidden.fileno(), 2)
        try:
            yield
        except ValueError:
            raise  # a sentence of ours, which says all
        except BaseException:
            os.dup2(kept, 2)
            hidden.seek(0)
            os.write(2, hidden.read())
            raise
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)
