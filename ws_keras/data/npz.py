"""Reads and checks a user's arrays in an `.npz` file."""

import math
import os
import stat
from collections.abc import Callable

import numpy as np

from ws_keras.storage import memory

PREFIX = "npz:"
# A label beyond this limit and the number of samples is an error. Otherwise
# a network would have an output for each integer below the label.
_CLASSES = 2**16
_RANKS = {"uint8": (2, 3, 4), "float": (2, 4)}


def read(
    path: str | os.PathLike,
    with_test: bool = False,
    available: Callable[[], float] = memory.available,
) -> dict:
    """Reads `x` and `y`, and `x_test` and `y_test` if they exist.

    The names `x_train` and `y_train` of Keras' `mnist.npz` also work.

    Images are `uint8` of shape `(n, height, width[, channels])` or floats of
    shape `(n, height, width, channels)`. Flat samples are `(n, features)` of
    either kind. Labels are integers from 0 on of shape `(n,)`, below 65,536 or
    the number of samples. Nothing is unpickled, and sizes are checked before
    arrays are read.

    Args:
        path: File that `numpy.savez` or `numpy.savez_compressed` wrote.
        with_test: Whether test arrays are required. Defaults to `False`.
        available: Function that returns the available bytes of memory. Defaults
            to the memory of the machine or the control group.

    Returns:
        A dict of arrays: samples as `uint8` or `float32` with a channel axis,
        labels as `int32`.

    Raises:
        ValueError: If the file or one of its arrays is not as described.
    """
    arrays, held = _load(path, available)
    return checked(path, arrays, with_test, held)


def checked(
    source: str | os.PathLike,
    arrays: dict,
    with_test: bool = False,
    held: list[str] | None = None,
) -> dict:
    """Checks and converts arrays in the same way as those of a file.

    Args:
        source: Source of the arrays, for error messages.
        arrays: Dict of arrays with the names in a file.
        with_test: As in `read`. Defaults to `False`.
        held: All names of the file, for error messages. Defaults to the names
            of the arrays.

    Returns:
        As `read`.

    Raises:
        ValueError: If an array is not as described in `read`.
    """
    parts = [("x", "y")]
    if with_test or "x_test" in arrays or "y_test" in arrays:
        parts.append(("x_test", "y_test"))
    found = {}
    for x, y in parts:
        for name in (x, y):
            if name not in arrays:
                found = held or sorted(arrays)
                raise _error(source, f"must hold `{name}`", found)
        found[x] = _samples(source, x, arrays[x])
        found[y] = _labels(source, y, arrays[y], len(found[x]))
    _check_parts(source, found)
    return found


def column(path: str | os.PathLike, name: str, count: int) -> np.ndarray:
    """Reads an array that identifies each sample, such as its customer.

    Args:
        path: File that `numpy.savez` or `numpy.savez_compressed` wrote.
        name: Name of the array.
        count: Number of samples.

    Returns:
        An array of integers or strings, `(count,)`.

    Raises:
        ValueError: If the file does not hold such an array.
    """
    with _opened(path) as file:
        if name not in file.files:
            raise _error(path, f"must hold `{name}`", sorted(file.files))
        _check_room(path, file, [name], memory.available)
        found = _array(path, file, name)
    is_whole = found.dtype.kind != "f" or not np.any(found % 1)
    if found.shape != (count,) or found.dtype.kind not in "iufUS":
        rule = f"must hold `{name}` as {count} whole numbers or strings"
        raise _error(path, rule, f"dtype {found.dtype}, shape {found.shape}")
    if not is_whole:
        raise _error(path, f"must hold `{name}` as whole numbers", "fractions")
    return found


def names(path: str | os.PathLike) -> list[str]:
    """Returns the names of all arrays of a file."""
    with _opened(path) as file:
        return list(file.files)


def array(
    path: str | os.PathLike,
    name: str,
    available: Callable[[], float] = memory.available,
) -> np.ndarray:
    """Reads an array of any shape and dtype that does not need pickle.

    Args:
        path: File that `numpy.savez` or `numpy.savez_compressed` wrote.
        name: Name of the array.
        available: Function that returns the available bytes of memory. Defaults
            to the memory of the machine or the control group.

    Returns:
        The array as it was saved.

    Raises:
        ValueError: If the file does not hold the array or is damaged.
    """
    with _opened(path) as file:
        if name not in file.files:
            raise _error(path, f"must hold `{name}`", sorted(file.files))
        _check_room(path, file, [name], available)
        return _array(path, file, name)


def num_samples(path: str | os.PathLike) -> int:
    """Returns the number of labels in a file, without reading samples."""
    with _opened(path) as file:
        _, name = _training(file.files)
        if name not in file.files:
            raise _error(path, "must hold `y`", sorted(file.files))
        _check_room(path, file, [name], memory.available)
        y = _array(path, file, name)
    if y.ndim != 1:
        rule = "must hold `y` as integers of shape (n,)"
        raise _error(path, rule, f"dtype {y.dtype}, shape {y.shape}")
    return len(y)


def _load(path, available) -> tuple[dict[str, np.ndarray], list[str]]:
    """Returns the arrays by role, and all names of the file."""
    with _opened(path) as file:
        meant = dict(zip(("x", "y"), _training(file.files), strict=True))
        meant |= {"x_test": "x_test", "y_test": "y_test"}
        meant = {name: n for name, n in meant.items() if n in file.files}
        _check_room(path, file, list(meant.values()), available)
        arrays = {name: _array(path, file, n) for name, n in meant.items()}
        return arrays, sorted(file.files)


def _training(held) -> tuple[str, str]:
    """Returns the names of samples and labels."""
    if "x" not in held and {"x_train", "y_train"} <= set(held):
        return "x_train", "y_train"
    return "x", "y"


def _check_room(path, file, names: list[str], available) -> None:
    sizes = {name: _size(path, file, name) for name in names}
    room = available()
    if sum(sizes.values()) > room:
        rule = f"must fit into the available memory, {_shown(room)}"
        some = ", ".join(f"{n} of {_shown(s)}" for n, s in sizes.items())
        raise _error(path, rule, f"arrays {some}")


def _size(path, file, name: str) -> int:
    """Returns the bytes that reading an array needs, from its header."""
    rule = f"must hold `{name}` as a plain, whole array"
    try:
        members = file.zip.namelist()
        is_short = f"{name}.npy" not in members
        info = file.zip.getinfo(name if is_short else f"{name}.npy")
        with file.zip.open(info) as member:
            version = np.lib.format.read_magic(member)
            read = np.lib.format.read_array_header_2_0
            if version == (1, 0):
                read = np.lib.format.read_array_header_1_0
            shape, _, dtype = read(member)
            rest = info.file_size - member.tell()
    except Exception as error:  # damaged headers raise many types
        raise _error(path, rule, error) from None
    count = math.prod(shape)
    if dtype.hasobject:
        raise _error(path, rule, _objects(name))
    if count * dtype.itemsize > rest:
        found = f"shape {shape} of {dtype}, with {rest:,} bytes"
        raise _error(path, rule, found)
    # Other floats are converted after they are read.
    is_converted = dtype.kind == "f" and dtype.itemsize != 4
    return count * (dtype.itemsize + 4 * is_converted)


def _shown(size: float) -> str:
    return f"{size / 2**30:.2f} GiB"


def _opened(path):
    path = os.path.expanduser(path)
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            received = "something else than a regular file"
            raise _error(path, "must be an .npz file", received)
    except FileNotFoundError:
        raise _error(path, "must be a file", "no such file") from None
    except OSError as error:
        raise _error(path, "must be a file", error.strerror) from None
    try:
        file = np.load(path, allow_pickle=False)
    except FileNotFoundError:
        raise _error(path, "must be a file", "no such file") from None
    except Exception as error:  # damaged files raise many types
        raise _error(path, "must be an .npz file", error) from None
    if not isinstance(file, np.lib.npyio.NpzFile):
        raise _error(path, "must be an .npz file", "a single array")
    return file


def _array(path, file, name: str) -> np.ndarray:
    rule = f"must hold `{name}` as a plain, whole array"
    try:
        array = file[name]
    except ValueError as error:
        if "allow_pickle" in str(error):
            error = _objects(name)
        raise _error(path, rule, error) from None
    except Exception as error:  # damaged headers raise many types
        raise _error(path, rule, error) from None
    # NumPy returns bytes if the data do not begin like an array.
    if not isinstance(array, np.ndarray):
        raise _error(path, rule, "other bytes")
    return array


def _objects(name: str) -> str:
    return (
        "an array of Python objects. Save it as numbers or texts, for example "
        f"by {name}.astype('float32') or {name}.astype(str)"
    )


def _samples(path, name: str, x: np.ndarray) -> np.ndarray:
    kind = "float" if x.dtype.kind == "f" else str(x.dtype)
    if kind not in _RANKS:
        rule = f"must hold `{name}` as uint8 or floats"
        raise _error(path, rule, f"dtype {x.dtype}")
    if x.ndim not in _RANKS[kind] or not x.size:
        rule = f"must hold `{name}` as non-empty {kind} samples of rank " + (
            " or ".join(map(str, _RANKS[kind]))
        )
        raise _error(path, rule, f"shape {x.shape}")
    if kind == "float":
        x = x.astype(np.float32)
        if not np.isfinite(x).all():
            rule = f"must hold finite numbers in `{name}`"
            raise _error(path, rule, "NaN or infinity")
    return x[..., None] if x.ndim == 3 else x


def _labels(path, name: str, y: np.ndarray, count: int) -> np.ndarray:
    if y.dtype.kind not in "iu" or y.ndim != 1:
        rule = f"must hold `{name}` as integers of shape (n,)"
        raise _error(path, rule, f"dtype {y.dtype}, shape {y.shape}")
    if len(y) != count:
        rule = f"must hold as many labels `{name}` as samples"
        raise _error(path, rule, f"{len(y)} labels, {count} samples")
    most = max(_CLASSES, len(y))
    if y.min() < 0 or y.max() >= most:
        rule = f"must hold labels `{name}` from 0 on"
        if y.min() >= 0:  # each integer below the label would be a class
            rule += f", below {most:,}"
        raise _error(path, rule, f"{y.min()} to {y.max()}")
    return y.astype(np.int32)


def _check_parts(path, found: dict) -> None:
    if "x_test" not in found:
        return
    shapes = [(found[n].shape[1:], found[n].dtype) for n in ("x", "x_test")]
    if shapes[0] != shapes[1]:
        rule = "must hold `x` and `x_test` of one shape and dtype"
        raise _error(path, rule, " and ".join(f"{s} {d}" for s, d in shapes))
    if found["y_test"].max() > found["y"].max():
        rule = "must hold no label in `y_test` that `y` lacks"
        top = [int(found[n].max()) for n in ("y", "y_test")]
        raise _error(path, rule, f"labels up to {top[0]} and {top[1]}")


def _error(path, rule: str, received) -> ValueError:
    return ValueError(f"{path} {rule}. Received: {received}.")
