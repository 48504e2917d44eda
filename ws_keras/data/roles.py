"""Assigns the arrays of a file to the samples and targets of a model."""

import dataclasses
from collections.abc import Sequence

import keras
import numpy as np
from keras import tree

from ws_keras.data import delimited
from ws_keras.data import features
from ws_keras.data import tables
from ws_keras.data import targets
from ws_keras.data import times

_SHOWN = 5


@dataclasses.dataclass(frozen=True)
class Roles:
    """The roles of the arrays of a file, by name.

    `target` names the targets, `features` the inputs of the model in order,
    `order_by` the time by which samples are sorted, and `others` arrays that
    are not features, such as the id of a customer. `last` names the columns
    that the model was trained on, in order. Empty roles are filled by the names
    of the model's inputs and outputs, and by `x` and `y`.
    """

    target: Sequence[str] = ()
    features: Sequence[str] = ()
    order_by: str | None = None
    others: Sequence[str] = ()
    last: Sequence[str] = ()

    @property
    def taken(self) -> set[str]:
        """Names that are not features unless `features` names them."""
        named = {*self.target, *self.others, self.order_by}
        return named - {None, ""}


@dataclasses.dataclass(frozen=True)
class Given:
    """Samples and targets of a user's data in the form of a model's inputs.

    `x` and `y` are arrays, or dictionaries or tuples of arrays. The test part
    is `None` if there is none. `order` holds the position of each sample in the
    file, and `instants` the number of its time, equal for equal times; both are
    `None` if the order is that of the file. `words` describes the conversions.
    `features` names the columns of a table in the order in which they are given
    to a model with one input.
    """

    name: str
    x: object
    y: object
    x_test: object = None
    y_test: object = None
    table: tables.Table | None = None
    order: np.ndarray | None = None
    words: str = ""
    features: tuple[str, ...] = ()
    instants: np.ndarray | None = None

    def __len__(self) -> int:
        return len(tree.flatten(self.y)[0])

    def column(self, name: str) -> np.ndarray:
        """Returns another array of the file, in the order of the samples.

        Raises:
            ValueError: If the array does not hold an integer or text for each
                sample.
        """
        if self.table is None:
            raise ValueError(
                "Only a file can hold an array that identifies samples. "
                f"Received: {name!r} with --data={self.name}."
            )
        found = self.table[name]
        rule = f"`{name}` as {len(self)} whole numbers or strings"
        if found.dtype.kind in "OM":
            _check_whole(self.table, name, found)
            found = found.astype(str)
        if found.shape != (len(self),) or found.dtype.kind not in "biufUS":
            raise _wrong(self.table, rule, found)
        if found.dtype.kind == "f" and np.any(found % 1 != 0):
            raise ValueError(
                f"{self.table.path} must hold `{name}` as whole numbers. "
                "Received: fractions or missing values."
            )
        return found if self.order is None else found[self.order]


def read(source: str | tables.Table, model: keras.Model, roles: Roles) -> Given:
    """Reads a user's file in the form of a model's inputs.

    Example:

    ```python
    np.savez("today.npz", x=x, late=y)
    given = read("npz:today.npz", model, Roles(target=["late"]))
    ```

    Args:
        source: As in `tables.read`, or a table.
        model: Built model, which determines the arrays to read.
        roles: The `Roles`.

    Returns:
        A `Given`.

    Raises:
        ValueError: If the file lacks an array or if the model does not accept
            the samples.
    """
    is_read = isinstance(source, tables.Table)
    table = source if is_read else tables.read(source)
    notes = []
    suffix = ""
    if not table.is_frame and not roles.features:
        suffix = "_train" if features.is_split(table, model) else ""
    target = _target_names(table, model, roles, suffix)
    _check_features(table, roles, target)
    y = _targets(table, model, roles, suffix)
    if table.is_frame:
        roles = dataclasses.replace(roles, target=target)  # are no features
    x = features.read(table, model, roles, suffix, notes)
    x_test = y_test = None
    if not table.is_frame and features.has_test(table, model, roles):
        x_test = features.read(table, model, roles, features.TEST, notes)
        y_test = _targets(table, model, roles, features.TEST)
        _check_sizes(table, x_test, y_test)
    _check_sizes(table, x, y)
    order = instants = None
    if roles.order_by:
        count = len(tree.flatten(y)[0])
        order, instants = times.order(table, roles.order_by, count)
        x, y = (tree.map_structure(lambda a: a[order], part) for part in (x, y))
    columns = ()
    if table.is_frame and isinstance(x, np.ndarray):
        columns = tuple(features.names(table, model, roles))
        in_file = [name for name in table.names if name in columns]
        if not roles.features and in_file != list(columns):
            notes.append(
                "The columns are read in the order of the model's training: "
                f"{', '.join(columns)}."
            )
    words = " ".join(notes)
    name = str(table.path) if is_read else source
    test = x_test, y_test
    return Given(name, x, y, *test, table, order, words, columns, instants)


def _check_features(table, roles: Roles, target: Sequence[str]) -> None:
    """Raises a ValueError for features that give the target away."""
    last = roles.last if table.is_frame else ()
    given, wanted = set(roles.features or last), set(target)
    if given & wanted and given != wanted:  # equal for an autoencoder
        raise ValueError(
            "`--features` (by default, the columns of the last training) must "
            "not hold a column of `--target` (by default, y), which the model "
            "is to predict. Received: "
            f"{', '.join(sorted(given & wanted))} in both."
        )
    if roles.features and given == set(last):
        if list(roles.features) != list(last):
            raise ValueError(
                "`--features` must name columns in the order in which the "
                f"model was trained on them, {','.join(roles.last)}. "
                f"Received: --features={','.join(roles.features)}."
            )


def _target_names(table, model, roles: Roles, suffix: str) -> list[str]:
    if roles.target:
        return list(roles.target)
    outputs = targets.output_names(model)
    is_each = all(f"{name}{suffix}" in table for name in outputs)
    return outputs if len(outputs) > 1 and is_each else ["y"]


def _targets(table, model, roles: Roles, suffix: str):
    names = _target_names(table, model, roles, suffix)
    outputs = targets.output_names(model)
    if table.is_frame and not roles.target and names[0] not in table:
        raise table.lacking(
            names[0], way="--target names the column to predict."
        )
    # An array that the user names may lack the suffix in the training part.
    is_bare = suffix == "_train" and f"{names[0]}{suffix}" not in table
    found = [
        _target(table, name if is_bare else f"{name}{suffix}") for name in names
    ]
    if len(found) == 1:
        return found[0]
    if len(outputs) > 1:
        keys = names if set(names) == set(outputs) else outputs
        if len(keys) != len(found):
            raise ValueError(
                f"`--target` must name an array for each output, {outputs}. "
                f"Received: {names}."
            )
        return dict(zip(keys, found, strict=True))
    return np.stack(found, 1)


def _target(table, name: str) -> np.ndarray:
    found = table[name]
    if found.dtype.kind in "Of":
        _check_whole(table, name, found)
    if found.dtype.kind == "O":
        delimited.check_point(table.path, name, found)
        found = found.astype(str)
    if found.dtype.kind in "mM" or not found.ndim or not len(found):
        raise _wrong(table, f"`{name}` as a target for each sample", found)
    return found


def _check_whole(table, name: str, found: np.ndarray) -> None:
    if found.dtype.kind == "O":
        missing = np.array([value is None for value in found.tolist()])
    else:
        missing = ~np.isfinite(found.reshape(len(found), -1)).all(1)
    if missing.any():
        rows = np.flatnonzero(missing)
        shown = ", ".join(f"{row + 1:,}" for row in rows[:_SHOWN])
        more = f" and {len(rows) - _SHOWN:,} more" * (len(rows) > _SHOWN)
        raise ValueError(
            f"{table.path} must hold `{name}` in each row. Received: nothing, "
            f"NaN or infinity in row{'s' * (len(rows) > 1)} {shown}{more} "
            "(from 1). Remove these rows."
        )


def _check_sizes(table, x, y) -> None:
    sizes = {len(array) for array in tree.flatten((x, y))}
    if len(sizes) > 1:
        shapes = [f"x of shape {a.shape}" for a in tree.flatten(x)]
        shapes += [f"y of shape {a.shape}" for a in tree.flatten(y)]
        raise ValueError(
            f"{table.path} must hold the same number of labels and samples. "
            "Received: "
            f"{', '.join(shapes)}."
        )


def _wrong(table, rule: str, found: np.ndarray) -> ValueError:
    return ValueError(
        f"{table.path} must hold {rule}. Received: dtype {found.dtype}, shape "
        f"{found.shape}."
    )
