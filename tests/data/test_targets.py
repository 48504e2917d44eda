"""One check of targets against a model's outputs and losses."""

import collections
import functools

import keras
import numpy as np
import pytest
from keras import layers
from sklearn import datasets

from ws_keras.data import targets

DIGITS = datasets.load_digits(return_X_y=True)[1]
SUGAR = datasets.load_diabetes(return_X_y=True)[1]


def model(units, loss, **compiled):
    made = keras.Sequential([keras.Input((4,)), layers.Dense(units)])
    made.compile("sgd", loss, **compiled)
    return made


def later(*arguments, **compiled):
    """A model that is built where a test runs, and not for each process."""
    return functools.partial(model, *arguments, **compiled)


def several(**losses):
    x = keras.Input((4,))
    outputs = {
        name: layers.Dense(units, name=name)(x)
        for name, (units, _) in losses.items()
    }
    made = keras.Model(x, outputs)
    made.compile("sgd", {name: loss for name, (_, loss) in losses.items()})
    return made


SPARSE = "sparse_categorical_crossentropy"
ONE_HOT = "categorical_crossentropy"
BINARY = "binary_crossentropy"


@pytest.mark.parametrize(
    "made, y, expected",
    [
        (later(10, SPARSE), DIGITS, DIGITS),
        (later(10, SPARSE), DIGITS.astype(float), DIGITS),
        (later(10, SPARSE), DIGITS[:, None], DIGITS[:, None]),
        (later(2, SPARSE), DIGITS > 4, (DIGITS > 4).astype(int)),
        (later(10, SPARSE), DIGITS.astype(object), DIGITS),
        (later(10, ONE_HOT), np.eye(10)[DIGITS], np.eye(10)[DIGITS]),
        (later(1, BINARY), DIGITS > 4, (DIGITS > 4).astype(int)),
        (later(3, BINARY), np.ones((5, 3)), np.ones((5, 3))),
        (later(1, "mse"), SUGAR, SUGAR),
        (later(1, "mae"), SUGAR[:, None], SUGAR[:, None]),
        (later(1, keras.losses.Huber()), SUGAR, SUGAR),
        (later(1, lambda t, p: t - p), np.array(["own"]), np.array(["own"])),
        # A Brier score of classes, whose accuracy is one.
        (
            later(10, "mse", metrics=["accuracy"]),
            np.eye(10)[DIGITS],
            np.eye(10)[DIGITS],
        ),
        (
            later(
                10,
                keras.losses.SparseCategoricalCrossentropy(ignore_class=-1),
            ),
            np.where(DIGITS > 7, -1, DIGITS),
            np.where(DIGITS > 7, -1, DIGITS),
        ),
    ],
)
def test_targets_that_a_loss_takes(made, y, expected):
    found = targets.fitted(made(), y)
    np.testing.assert_array_equal(found, expected)
    assert found.dtype.kind == np.asarray(expected).dtype.kind


@pytest.mark.parametrize(
    "made, y, words",
    [
        (later(10, SPARSE), DIGITS + 1, ["from 1 to 10", "y = y - 1"]),
        (later(9, SPARSE), DIGITS, ["0 to 9", "10 units (it has 9)"]),
        (later(1, SPARSE), DIGITS > 4, ["2 units (it has 1)"]),
        (later(2, SPARSE), 2 * (DIGITS > 4) - 1, ["-1 to 1", "(y > 0)"]),
        (later(10, SPARSE), DIGITS * 1000, ["9,000", "return_inverse"]),
        (later(10, SPARSE), DIGITS.astype(str), ["strings", "return_inverse"]),
        (later(10, SPARSE), DIGITS / 9, ["0.111111", "'mse'"]),
        (later(10, SPARSE), np.eye(10)[DIGITS], ["one-hot", "y.argmax(-1)"]),
        (later(10, ONE_HOT), DIGITS, ["to_categorical(y, 10)", SPARSE]),
        (later(10, ONE_HOT), DIGITS[:, None], ["(1797, 1)", SPARSE]),
        (later(9, ONE_HOT), np.eye(10)[DIGITS], ["shape (9,)", "(1797, 10)"]),
        (later(3, ONE_HOT), np.ones((5, 3)), ["sum to 3", BINARY]),
        (later(1, BINARY), DIGITS, ["10 different", "10 units", SPARSE]),
        (later(1, BINARY), 1 + (DIGITS > 4), ["1 to 2", "(y == 2)"]),
        (later(1, BINARY), 2 * (DIGITS > 4) - 1, ["-1 to 1", "(y == 1)"]),
        (later(1, BINARY), SUGAR, ["25 to 346", "'mse'"]),
        (later(3, BINARY), DIGITS > 4, ["(1797,)", SPARSE]),
        (later(1, "mse"), np.r_[SUGAR, np.nan], ["1 of 443", "isfinite"]),
        (later(1, "mse"), DIGITS.astype(str), ["strings"]),
        (later(3, "mse"), SUGAR, ["3 numbers", "(442,)"]),
        (later(1, "mse"), np.ones((5, 3)), ["shape (1,)", "(5, 3)"]),
        (
            later(1, "mse", metrics=["accuracy"]),
            SUGAR,
            ["regression loss", "'accuracy'", "metrics=['mae']"],
        ),
        (later(1, "mse", metrics=["acc"]), DIGITS, ["metrics=['mae']"]),
        (later(1, "mse"), [SUGAR, SUGAR], ["1 output", "2 arrays"]),
    ],
)
def test_refusals_say_what_was_found_and_the_way_out(made, y, words):
    with pytest.raises(ValueError) as error:
        targets.fitted(made(), y)
    for word in words:
        assert word in str(error.value)


def test_several_outputs_are_checked_one_by_one():
    made = several(digit=(10, SPARSE), level=(1, "mse"))
    good = {"digit": DIGITS.astype(float), "level": DIGITS / 9, "more": DIGITS}
    found = targets.fitted(made, good)
    assert sorted(found) == ["digit", "level"]
    assert found["digit"].dtype == "int64"
    for bad, words in (
        (DIGITS, "2 outputs, 'digit', 'level'. Received: one array"),
        ([DIGITS], "Received: 1 arrays"),
        ({"digit": DIGITS}, "the names ['digit']"),
        ({**good, "digit": DIGITS + 1}, "in y of the output 'digit'"),
    ):
        with pytest.raises(ValueError) as error:
            targets.fitted(made, bad)
        assert words in str(error.value)


def test_a_head_that_is_mostly_unused_is_named():
    with pytest.warns(UserWarning, match=r"31 of 2,021 .*y - 1990"):
        targets.fitted(model(2021, SPARSE), np.arange(1990, 2021))


@pytest.mark.parametrize("kind", [dict, collections.OrderedDict])
def test_outputs_are_named_by_their_keys(kind):
    """Keras' losses, targets and metrics use these, not the layers' names."""
    x = keras.Input((4,))
    price = layers.Dense(1, name="linear")(x)
    group = layers.Dense(3, "softmax", name="classes")(x)
    made = keras.Model(x, kind(price=price, group=group))
    made.compile("sgd", kind(price="mse", group=SPARSE))
    y = {"price": SUGAR[:30], "group": np.arange(30) % 3}
    made.evaluate(np.ones((30, 4)), y, verbose=0)
    found = {o.name: (o.shape, o.kind) for o in targets.outputs(made)}
    assert found == {
        "price": ((None, 1), "regression"),
        "group": ((None, 3), "sparse"),
    }
    fitted = targets.fitted(made, {**y, "group": y["group"].astype(float)})
    assert fitted["group"].dtype == "int64"
    flat = keras.tree.flatten(made.predict(np.ones((2, 4)), verbose=0))
    shapes = [output.shape[1:] for output in targets.outputs(made)]
    assert [array.shape[1:] for array in flat] == shapes
    with pytest.raises(ValueError, match="below 3.*'group'"):
        targets.fitted(made, {**y, "group": y["group"] + 1})
