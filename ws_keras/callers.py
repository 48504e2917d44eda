"""Warnings that point at the line of a user's code."""

import sys
import types
import warnings

# A callback is called by Keras, which the user has called.
_PASSED = {"ws_keras", "keras", "contextlib"}


def warn(text: str, category: type[Warning] = UserWarning) -> None:
    """Warns, with the line outside of this package that led here.

    The depth of a call inside the package says nothing to a user. Therefore
    the line is found by the names of modules and not by a number of frames.

    Example:

    ```python
    from ws_keras import callers

    callers.warn("The pixels are in 0..255.")
    ```

    Args:
        text: The text of the warning.
        category: Its class. Defaults to `UserWarning`.
    """
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and _is_passed(frame):
        frame, level = frame.f_back, level + 1
    warnings.warn(text, category, stacklevel=level)


def _is_passed(frame: types.FrameType) -> bool:
    name = frame.f_globals.get("__name__", "")
    return name.partition(".")[0] in _PASSED
