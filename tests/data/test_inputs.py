"""Samples in the forms that people have them, and what is refused."""

import keras
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from keras import layers
from sklearn import datasets

from ws_keras.data import arrivals
from ws_keras.data import inputs

WINE, CULTIVAR = datasets.load_wine(return_X_y=True)
NAMES = [f"f{i}" for i in range(13)]
FRAME = pd.DataFrame(WINE, columns=NAMES)


def one(shape=(13,), dtype=None):
    return keras.Input(shape, dtype=dtype, name="table")


def compiled(**given):
    """A model of one input or, by names, of several."""
    tensors = {
        name: keras.Input((size,), name=name) for name, size in given.items()
    }
    joined = layers.Concatenate()(list(tensors.values()))
    model = keras.Model(tensors, layers.Dense(3)(joined))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("sgd", loss, metrics=["accuracy"])
    return model


@pytest.mark.parametrize(
    "x, expected",
    [
        (WINE, WINE),
        (WINE.tolist(), WINE),
        (list(WINE), WINE),
        ([WINE], WINE),
        ({"table": WINE}, WINE),
        (FRAME, WINE),
        (FRAME.astype({"f3": int}), FRAME.astype({"f3": int}).to_numpy()),
        (pd.DataFrame({n: pd.array(c) for n, c in FRAME.items()}), WINE),
        (keras.ops.convert_to_tensor(WINE), WINE.astype("float32")),
    ],
)
def test_forms_of_one_table(x, expected):
    found = inputs.arranged("x", x, one())
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert isinstance(found, np.ndarray)


def test_flags_and_series_are_numbers():
    frame = pd.DataFrame({"a": [True, False], "b": [1, 2]})
    np.testing.assert_array_equal(inputs.array("x", frame), [[1, 1], [0, 2]])
    hours = pd.Series([1, None, 3], dtype="Int64")
    with pytest.warns(UserWarning, match="1 of 3 samples in `x`"):
        found = inputs.array("x", hours)
    np.testing.assert_array_equal(found, [1, np.nan, 3])


def test_texts_of_any_form_are_strings():
    text = keras.Input((), dtype="string", name="text")
    for words in (
        ["ham", "spam!"],
        np.array(["ham", "spam!"]),
        np.array(["ham", "spam!"], object),
        np.array([b"ham", b"spam!"], object),
        pd.Series(["ham", "spam!"]),
        pd.DataFrame({"text": ["ham", "spam!"]})["text"],
        pd.Series(["ham", "spam!"], dtype="category"),
    ):
        found = inputs.arranged("x", words, text)
        assert found.tolist() == ["ham", "spam!"] and found.dtype.kind == "U"


def test_ragged_token_ids_are_filled_up():
    ids = keras.Input((None,), dtype="int32", name="ids")
    found = inputs.arranged("x", [[3, 4], [5], [6, 7, 8]], ids)
    np.testing.assert_array_equal(found, [[3, 4, 0], [5, 0, 0], [6, 7, 8]])
    longer = inputs.arranged("x", [[1, 2, 3, 4]], ids)
    both = inputs.evened("x", [found, longer], True)
    assert [a.shape for a in both] == [(3, 4), (1, 4)]
    assert both[0][1].tolist() == [5, 0, 0, 0]
    # Columns of a table are never made up.
    with pytest.raises(ValueError, match=r"\(4,\) int64, the first with \(3,"):
        inputs.evened("x", [found, longer])


def test_several_inputs_by_name_or_order():
    struct = {
        "a": keras.Input((2,), name="a"),
        "b": keras.Input((1,), name="b"),
    }
    parts = {"a": WINE[:, :2], "b": WINE[:, 2], "more": WINE}
    found = inputs.arranged("x", parts, struct)
    assert {name: v.shape for name, v in found.items()} == {
        "a": (178, 2),
        "b": (178,),
    }
    listed = inputs.arranged(
        "x", [WINE[:, :2], WINE[:, 2:3]], list(struct.values())
    )
    assert isinstance(listed, tuple) and listed[1].shape == (178, 1)
    columns = {n: keras.Input((1,), name=n) for n in ("f0", "f5")}
    frame = inputs.arranged("x", FRAME, columns)
    np.testing.assert_array_equal(frame["f5"], WINE[:, 5])


def test_inputs_may_be_nested():
    struct = {"pair": [one((2,)), one((3,))], "b": keras.Input((1,), name="b")}
    x = {"pair": [WINE[:, :2], WINE[:, 2:5]], "b": WINE[:, 5]}
    found = inputs.arranged("x", x, struct)
    assert [a.shape for a in found["pair"]] == [(178, 2), (178, 3)]


@pytest.mark.parametrize(
    "x, struct, words",
    [
        (scipy.sparse.csr_matrix(WINE), one(), ["dense", "x.toarray()"]),
        (WINE[:, :5], one(), ["(13,)", "x with (5,)"]),
        (FRAME.assign(f0="red"), one(), ["other columns, f0", "get_dummies"]),
        (
            FRAME.assign(f0=pd.Timestamp("2020-01-01")),
            one(),
            ["other columns, f0", "For dates, use numbers"],
        ),
        (np.array(["2020-01-01"], "M8[D]"), None, ["datetime64", "weekday"]),
        ({"a": WINE}, {"b": one()}, ["by name: ['b']", "without ['b']"]),
        ([WINE], [one(), one()], ["1 arrays"]),
        (WINE, {"b": one()}, ["numpy ndarray"]),
        (["ham"], one(()), ["must hold numbers", "TextVectorization"]),
        ([1, 2], keras.Input((), dtype="string"), ["must hold texts"]),
        (
            np.array(["ham", None], object),
            keras.Input((), dtype="string"),
            ["1 of 2", "fillna"],
        ),
        ([[0.5, 1.0], [0.5]], one((None,)), ["pad_sequences"]),
        ([{"a": 1}], None, ["objects such as {'a': 1}"]),
    ],
)
def test_refusals_say_the_way_out(x, struct, words):
    with pytest.raises(ValueError) as error:
        inputs.arranged("x", x, struct)
    for word in words:
        assert word in str(error.value)


def test_sparse_tensors_are_refused_by_name():
    tf = pytest.importorskip("tensorflow")
    with pytest.raises(ValueError, match="SparseTensor.*to_dense"):
        inputs.arranged("x", tf.sparse.from_dense(WINE), one())


@pytest.mark.parametrize(
    "dtypes, expected",
    [
        (("int32", "int64"), "int64"),
        (("float32", "float64"), "float64"),
        (("<U12", "<U22"), "<U22"),
        (("bool", "int32"), "int32"),
        (("int64", "float32"), "float64"),
    ],
)
def test_dtypes_of_rounds_are_unified(dtypes, expected):
    parts = [np.ones(3).astype(dtype) for dtype in dtypes]
    found = inputs.evened("x", parts)
    assert {a.dtype for a in found} == {np.dtype(expected)}


@pytest.mark.parametrize(
    "one, other",
    [
        (np.ones(3, "uint8"), np.ones(3, "float32")),
        (np.ones(3), np.array(["a"])),
        (np.ones((3, 2)), np.ones((3, 4))),
    ],
)
def test_parts_that_do_not_mean_the_same_are_refused(one, other):
    with pytest.raises(ValueError, match=r"rounds\[1\] with"):
        inputs.evened(["rounds[0]", "rounds[1]"], [one, other])


def test_rounds_of_several_inputs_are_joined():
    model = compiled(a=2, b=1)

    def part(chosen):
        x = {"a": WINE[chosen, :2], "b": WINE[chosen, 2]}
        return x, CULTIVAR[chosen].astype(float)

    data = arrivals.join(
        [part(slice(0, 60)), part(slice(60, 100))], part(slice(100, 178)), model
    )
    assert (data.ends, data.size) == ([60, 100], 178)
    np.testing.assert_array_equal(data.x["a"], WINE[:, :2])
    np.testing.assert_array_equal(data.y, CULTIVAR)
    assert data.y.dtype.kind == "i"


@pytest.mark.parametrize("weights", [np.zeros(4), [1, -0.5, 1, 1]])
@pytest.mark.parametrize("place", range(3))
def test_weights_that_teach_nothing_are_refused(weights, place):
    x, y = np.eye(4), np.arange(4) % 2
    parts = [(x, y, np.ones(4)) for _ in range(3)]
    parts[place] = x, y, weights
    name = [r"rounds\[0\]", r"rounds\[1\]", "held_out"][place]
    with pytest.raises(ValueError, match=f"weights of `{name}`"):
        arrivals.join(parts[:2], parts[2])


def test_weights_of_samples_and_classes():
    x, y = WINE, CULTIVAR
    own = np.linspace(0, 1, 60)
    data = arrivals.join(
        [(x[:60], y[:60], own), (x[60:150], y[60:150])],
        (x[150:], y[150:]),
        class_weight={0: 1.0, 1: 2.0, 2: 4.0},
    )
    by_class = np.array([1.0, 2.0, 4.0])[y]
    expected = np.r_[own, np.ones(118)] * np.r_[by_class[:150], np.ones(28)]
    np.testing.assert_allclose(data.weights, expected, rtol=1e-6)
    with pytest.raises(ValueError, match=r"without \[2\]"):
        arrivals.join([(x, y)], (x, y), class_weight={0: 1.0, 1: 2.0})


@pytest.mark.parametrize(
    "targets",
    [
        lambda y: y.astype("float32"),
        lambda y: y[:, None].astype("uint8"),
        lambda y: np.eye(3)[y],
        lambda y: 0.9 * np.eye(3)[y] + 0.1 / 3,  # with label smoothing
    ],
)
def test_class_weights_of_each_form_of_classes(targets):
    y = targets(CULTIVAR)
    weights = {0: 1.0, 1: 2.0, 2: 4.0}
    parts = (WINE[:90], y[:90]), (WINE[90:], y[90:])
    data = arrivals.join([parts[0]], parts[1], class_weight=weights)
    expected = np.array([1.0, 2.0, 4.0])[CULTIVAR[:90]]
    np.testing.assert_array_equal(data.weights[:90], expected)
    assert (data.weights[90:] == 1).all()


@pytest.mark.parametrize(
    "y, received",
    [
        (np.eye(3)[CULTIVAR] + np.eye(3)[0], r"shape \(356, 3\)"),  # two labels
        (WINE[:, :2], r"shape \(356, 2\)"),  # two numbers
        (WINE[:, 0], "fractions"),
    ],
)
def test_class_weights_without_one_class_are_refused(y, received):
    weights = {0: 1.0, 1: 2.0, 2: 4.0}
    with pytest.raises(ValueError, match=received):
        arrivals.join([(WINE, y)], (WINE, y), class_weight=weights)


@pytest.mark.parametrize("kind", ["float32", "int16"])
def test_masked_values_are_missing(kind):
    """The values below a mask, such as 999, are none."""
    x = WINE.astype(kind)
    x[4, 2] = 999
    masked = np.ma.masked_equal(x, 999)
    with pytest.warns(inputs.MissingValues, match="1 of 100 samples"):
        data = arrivals.join([(masked[:100], CULTIVAR[:100])], (x, CULTIVAR))
    assert np.isnan(data.x[4, 2]) and np.isnan(data.x).sum() == 1
    assert data.x[100:].tolist() == x.tolist()
    model = keras.Sequential([keras.Input((13,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="targets of 1 of 356 samples"):
        arrivals.join([(WINE, masked[:, 2])], (WINE, CULTIVAR), model)
    weights = np.ma.masked_equal(x[:, 2], 999)
    with pytest.raises(ValueError, match="finite weight"):
        arrivals.join([(WINE, CULTIVAR, weights)], (WINE, CULTIVAR))
    # A mask without masked values is none.
    whole = np.ma.masked_equal(WINE, -1)
    found = arrivals.join([(whole, CULTIVAR)], (WINE, CULTIVAR)).x
    assert type(found) is np.ndarray and not np.isnan(found).any()


def test_weights_of_single_outputs_are_refused():
    y = {"a": CULTIVAR, "b": CULTIVAR}
    part = WINE, y, {"a": np.ones(178), "b": np.ones(178)}
    with pytest.raises(ValueError, match=r"dictionary of \['a', 'b'\]"):
        arrivals.join([part], (WINE, y))


def test_held_out_parts_of_rounds():
    parts = [(WINE[i : i + 20], CULTIVAR[i : i + 20]) for i in (0, 20, 40)]
    data = arrivals.join(parts, parts[::-1])
    assert data.old_and_new(1) is None
    old, new = data.old_and_new(3)
    assert old.tolist() == list(range(60, 100))
    assert new.tolist() == list(range(100, 120))
    assert data.seen(2).tolist() == list(range(60, 100))
    with pytest.raises(ValueError, match="2 pairs for 3 rounds"):
        arrivals.join(parts, parts[:2])
    # A list of two arrays is a pair.
    pair = arrivals.join(parts, list(parts[0]))
    assert pair.old_and_new(3) is None and len(pair.held_out) == 20


@pytest.mark.skipif(
    np.dtype(np.longdouble).itemsize == 8, reason="long doubles are doubles"
)
@pytest.mark.parametrize("is_masked", [False, True])
@pytest.mark.filterwarnings("ignore::ws_keras.data.inputs.MissingValues")
def test_long_doubles_become_doubles(is_masked):
    """No backend of Keras knows them, though NumPy's operations make them."""
    x, y = (a.astype(np.longdouble) for a in (WINE, WINE[:, 0]))
    if is_masked:
        x = np.ma.masked_equal(x, x[0, 0])
    data = arrivals.join([(x[:100], y[:100])], (x[100:], y[100:]))
    assert data.x.dtype == data.y.dtype == "float64"
    np.testing.assert_array_equal(data.x[1:], WINE.astype("float64")[1:])
    assert np.isnan(data.x[0, 0]) == is_masked
    assert data.y.tolist() == WINE[:, 0].tolist()
