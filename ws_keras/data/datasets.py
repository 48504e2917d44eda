"""Loads data sets by name into arrays."""

import contextlib
import dataclasses
import hashlib
import os
import pathlib
import shutil
from collections.abc import Iterator

import numpy as np

from ws_keras import checks
from ws_keras.data import aligned
from ws_keras.data import npz
from ws_keras.data import registered
from ws_keras.data import textures
from ws_keras.storage import files
from ws_keras.storage import locks

# Name in TensorFlow Datasets: number of classes, size of the training set.
_TFDS = {
    "cifar10": (10, 50_000),
    "cifar100": (100, 50_000),
    "svhn_cropped": (10, 73_257),
    "mnist": (10, 60_000),
    "fashion_mnist": (10, 60_000),
}
# MNIST as 32x32 images of three channels, for transfer from and to CIFAR.
_MNIST_RGB = "mnist_rgb"
NAMES = (*_TFDS, _MNIST_RGB, "textures")
_LOCK = ".ws_keras.lock"
_BATCH = 1000
_RETRIES = 4


@dataclasses.dataclass(frozen=True)
class Dataset:
    """Samples and labels in memory.

    Samples are `uint8` `(n, height, width, channels)`. Samples of a user's file
    may also be flat, and `float32`. Labels are `int32` `(n,)`. The test part is
    `None` if it was not requested.
    """

    name: str
    x: np.ndarray
    y: np.ndarray
    num_classes: int
    x_test: np.ndarray | None = None
    y_test: np.ndarray | None = None


def load(
    name: str,
    data_dir: str | os.PathLike | None = None,
    download: bool = True,
    with_test: bool = False,
) -> Dataset:
    """Loads a data set.

    Example:

    >>> load("textures").x.shape
    (6000, 16, 16, 3)

    Args:
        name: One of `NAMES` (`"mnist_rgb"` is MNIST in the shape of CIFAR,
            padded with black and repeated over three channels), a name of
            `register_dataset`, or `"npz:PATH"` for a file with arrays `x` and
            `y` (and `x_test`, `y_test`); see `npz.read`.
        data_dir: Folder of TensorFlow Datasets. A file `NAME.npz` in it, which
            `save` creates, takes precedence and does not require TensorFlow.
            Defaults to the folder of TFDS.
        download: Whether to download a data set that the folder does not
            contain. Defaults to `True`.
        with_test: Whether to read the official test set. Defaults to `False`.

    Returns:
        A `Dataset`.

    Raises:
        ValueError: If the name is unknown, or if the data are unavailable or
            damaged.
    """
    check_name(name)
    if name.startswith(npz.PREFIX):
        found = npz.read(name.removeprefix(npz.PREFIX), with_test)
        return Dataset(name, num_classes=int(found["y"].max()) + 1, **found)
    if name in registered.names():
        found = registered.read(name, with_test)
        return Dataset(name, num_classes=int(found["y"].max()) + 1, **found)
    if name == "textures":
        test = (None, None)
        if with_test:
            test = textures.generate(textures.NUM_TEST, "test")
        train = textures.generate(textures.NUM_TRAIN, "train")
        return Dataset(name, *train, textures.NUM_CLASSES, *test)
    if data_dir is not None:
        path = pathlib.Path(data_dir).expanduser() / f"{name}.npz"
        if path.is_file():
            return _saved(name, path, with_test)
    if name == _MNIST_RGB:
        return _as_rgb(_tfds("mnist", data_dir, download, with_test))
    return _tfds(name, data_dir, download, with_test)


def _saved(name: str, path: pathlib.Path, with_test: bool) -> Dataset:
    found = npz.read(path, with_test)
    classes = _TFDS["mnist" if name == _MNIST_RGB else name][0]
    if found["y"].max() >= classes:
        raise ValueError(
            f"{path} must hold labels of the {classes} classes of {name!r}. "
            f"Received: labels up to {found['y'].max()}."
        )
    return Dataset(name, num_classes=classes, **found)


def _as_rgb(dataset: Dataset) -> Dataset:
    def converted(x):
        if x is None:
            return None
        padded = np.pad(x, ((0, 0), (2, 2), (2, 2), (0, 0)))
        return np.repeat(padded, 3, axis=-1)

    return dataclasses.replace(
        dataset,
        name=_MNIST_RGB,
        x=converted(dataset.x),
        x_test=converted(dataset.x_test),
    )


def save(dataset: Dataset, folder: str | os.PathLike) -> pathlib.Path:
    """Saves a data set as `NAME.npz`, for machines without TensorFlow.

    Example:

    ```python
    save(load("textures", with_test=True), "data")  # data/textures.npz
    ```

    Args:
        dataset: The `Dataset`.
        folder: Folder that `load` will receive as `data_dir`.

    Returns:
        The path of the file.
    """
    path = pathlib.Path(folder) / f"{dataset.name}.npz"
    path.parent.mkdir(parents=True, exist_ok=True)
    names = ("x", "y", "x_test", "y_test")
    arrays = {name: getattr(dataset, name) for name in names}
    known = {name: a for name, a in arrays.items() if a is not None}
    with files.part_of(path) as part:
        np.savez_compressed(part, **known)
    return path


def fingerprints(dataset: Dataset) -> dict[str, str]:
    """Returns fingerprints that identify the samples of a data set.

    Args:
        dataset: The `Dataset`.

    Returns:
        A dict from the name to the SHA-256 of the training set, and, if the
        test set was read, from the name with `" test"` to its SHA-256. For
        `"textures"`, the value is the version of the generator.
    """
    if dataset.name == "textures":
        return {dataset.name: f"version {textures.VERSION}"}
    parts = {dataset.name: (dataset.x, dataset.y)}
    if dataset.x_test is not None:
        parts[f"{dataset.name} test"] = dataset.x_test, dataset.y_test
    return {name: _sha256(arrays) for name, arrays in parts.items()}


def _sha256(arrays: tuple[np.ndarray, ...]) -> str:
    found = hashlib.sha256()
    for array in arrays:
        found.update(f"{array.dtype} {array.shape};".encode())
        found.update(np.ascontiguousarray(array))
    return found.hexdigest()


def num_train(name: str) -> int:
    """Returns the size of a training set without reading samples.

    Args:
        name: As in `load`.

    Returns:
        Number of samples.

    Raises:
        ValueError: If the name is unknown or the file cannot be read.
    """
    check_name(name)
    if name.startswith(npz.PREFIX):
        return npz.num_samples(name.removeprefix(npz.PREFIX))
    if name in registered.names():
        return len(registered.read(name)["y"])
    if name == "textures":
        return textures.NUM_TRAIN
    return _TFDS["mnist" if name == _MNIST_RGB else name][1]


def check_name(name: str) -> None:
    """Raises a ValueError unless a data set has this name, or it is a file."""
    known = [*NAMES, *registered.names()]
    if name not in known and not name.startswith(npz.PREFIX):
        own = [npz.PREFIX + name] * name.endswith(".npz")
        guess = checks.guess(name, [*known, *own])
        raise ValueError(
            f"Unknown data set. Received: {name!r}.{guess} Choose one of "
            f"{known}, or npz:PATH, csv:PATH or parquet:PATH for your own data."
        )


def _tfds(name, data_dir, download, with_test) -> Dataset:
    # Imported late, because most uses do not need TFDS.
    import tensorflow_datasets as tfds

    tfds.disable_progress_bar()
    if data_dir is not None:
        data_dir = pathlib.Path(data_dir).expanduser()
        if not download and not data_dir.is_dir():
            raise ValueError(
                "`--data_dir` must be a folder of TensorFlow Datasets. "
                f"Received: {data_dir}, which is not a folder."
            )
    builder = _builder(tfds, name, data_dir)
    if not _is_prepared(builder):
        builder = _prepared(builder, name, data_dir, download)
    parts = ["train", "test"] if with_test else ["train"]
    arrays = [array for p in parts for array in _read(builder, name, p)]
    if not with_test:
        arrays += [None, None]
    return Dataset(name, *arrays[:2], _TFDS[name][0], *arrays[2:])


def _builder(tfds, name: str, data_dir):
    try:
        return tfds.builder(name, data_dir=data_dir)
    except Exception as error:  # damaged files raise many types
        raise _damaged(name, data_dir, error) from None


def _is_prepared(builder) -> bool:
    return builder.data_path.exists() and bool(builder.info.splits)


def _prepared(builder, name: str, data_dir, download: bool):
    folder = data_dir or builder.data_path.parents[1]
    if not download:
        raise ValueError(
            f"`--data_dir` must hold the data set {name!r} in TensorFlow "
            f"Datasets' format. Received: {folder}, which does not. Give "
            "another folder, or download the data set with --download."
        )
    import tensorflow_datasets as tfds
    from tensorflow_datasets.core.download import downloader

    # Without a network, TFDS' own ten retries would take more than three
    # minutes.
    downloader.MAX_RETRIES = _RETRIES
    folder = pathlib.Path(folder)
    lock = locks.Lock(folder / _LOCK)
    if lock.is_held():
        print(f"Waiting for {lock.holder()}, which prepares {name}.")
    try:
        with _alone(folder, name):
            # Another process may have prepared it meanwhile.
            builder = _builder(tfds, name, data_dir)
            if not _is_prepared(builder):
                builder.download_and_prepare()
    except Exception as error:  # network, disk, checksums, proxies
        reason = str(error).strip().split("\n")[0][:200]
        raise ValueError(
            f"The data set {name!r} could not be downloaded to {folder} "
            f"({type(error).__name__}: {reason}). Give a folder that holds "
            "it with --data_dir, or use --config.data.name=textures, which "
            "needs no download."
        ) from None
    return builder


@contextlib.contextmanager
def _alone(folder: pathlib.Path, name: str) -> Iterator[None]:
    """Waits for other processes; removes the rest of a failed download."""
    folder_is_new = not folder.exists()
    with locks.Lock(folder / _LOCK) as lock:
        downloads = folder / "downloads"
        places = [downloads / name, downloads, folder / name]
        new = [place for place in places if not place.exists()]
        try:
            yield
        except BaseException:
            for place in new:
                shutil.rmtree(place, ignore_errors=True)
            raise
        finally:
            with contextlib.suppress(OSError):
                lock.path.unlink()
                if folder_is_new:
                    folder.rmdir()  # fails unless it is empty


def _read(builder, name: str, part: str) -> tuple[np.ndarray, np.ndarray]:
    import tensorflow as tf
    import tensorflow_datasets as tfds

    # Filled in place, because a list of batches would double the memory.
    x = None
    try:
        info = builder.info.splits[part]
        y = np.empty(info.num_examples, np.int32)
        data = builder.as_dataset(
            split=part,
            as_supervised=True,
            shuffle_files=False,
            # It would hold a second copy of all images.
            read_config=tfds.ReadConfig(try_autocache=False),
        )
        start = 0
        for images, labels in data.batch(_BATCH).as_numpy_iterator():
            if x is None:
                shape = (info.num_examples, *images.shape[1:])
                x = aligned.empty(shape, np.uint8)
            stop = start + len(images)
            x[start:stop], y[start:stop] = images, labels
            start = stop
    except (tf.errors.OpError, ValueError, OSError) as error:
        raise _damaged(name, builder.data_path, error) from None
    if start != info.num_examples:
        found = f"{start} of {info.num_examples} samples"
        raise _damaged(name, builder.data_path, found)
    return x, y


def _damaged(name: str, folder, reason) -> ValueError:
    text = getattr(reason, "message", None) or str(reason)
    text = text.strip().split("\n")[0][:200]
    return ValueError(
        f"The files of the data set {name!r} in {folder} must be complete. "
        f"Received: {text}. Delete them and prepare them again, or give "
        "another folder with --data_dir."
    )
