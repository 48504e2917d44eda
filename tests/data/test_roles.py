"""What of a file a model sees, and what it is to predict."""

import warnings

import keras
import numpy as np
import pytest
from keras import layers

from ws_keras.data import features
from ws_keras.data import roles

RNG = np.random.default_rng(0)


def model(*shape, dtype="float32", name=None):
    inputs = keras.Input(shape, dtype=dtype, name=name)
    if dtype == "string":
        x = layers.StringLookup(vocabulary=["a", "b"])(inputs)
        x = layers.Embedding(3, 2)(x)
    else:
        x = layers.Flatten()(inputs) if len(shape) > 1 else inputs
    found = keras.Model(inputs, layers.Dense(2)(x))
    found.compile("sgd", "mse")
    return found


def npz(tmp_path, **arrays):
    np.savez(tmp_path / "own.npz", **arrays)
    return f"npz:{tmp_path / 'own.npz'}"


def csv(tmp_path, text):
    pytest.importorskip("pandas")  # an extra
    (tmp_path / "own.csv").write_text(text)
    return f"csv:{tmp_path / 'own.csv'}"


@pytest.mark.parametrize(
    ("shape", "x"),
    [
        ((28, 28), RNG.integers(0, 256, (6, 28, 28)).astype("uint8")),
        ((50, 3), RNG.normal(size=(6, 50, 3))),  # windows of three sensors
        ((7,), RNG.integers(0, 9, (6, 7))),  # a table of whole numbers
        ((7,), RNG.random((6, 7)) > 0.5),
        ((1,), RNG.normal(size=6)),
    ],
)
def test_what_the_model_takes_is_accepted(tmp_path, shape, x):
    given = roles.read(
        npz(tmp_path, x=x, y=np.arange(6)), model(*shape), roles.Roles()
    )
    np.testing.assert_allclose(given.x.reshape(x.shape), x, rtol=1e-6)
    assert given.y.tolist() == list(range(6))
    assert len(given) == 6 and given.x_test is None


def test_what_it_does_not_take_is_refused_with_both_shapes(tmp_path):
    source = npz(tmp_path, x=np.zeros((6, 5)), y=np.arange(6))
    with pytest.raises(ValueError, match=r"\(7,\).*\(5,\)"):
        roles.read(source, model(7), roles.Roles())


def test_names_of_keras_and_test_arrays(tmp_path):
    x, y = RNG.normal(size=(6, 4)), np.arange(6)
    source = npz(tmp_path, x_train=x, y_train=y, x_test=x[:2], y_test=y[:2])
    given = roles.read(source, model(4), roles.Roles())
    assert len(given.x) == 6 and len(given.x_test) == len(given.y_test) == 2


def test_target_order_and_features_name_arrays_of_an_npz(tmp_path):
    x = RNG.normal(size=(4, 3))
    source = npz(
        tmp_path, x=x, y=np.zeros(4), count=np.arange(4), week=[2, 1, 4, 3]
    )
    given = roles.read(
        source, model(3), roles.Roles(target=["count"], order_by="week")
    )
    assert given.y.tolist() == [1, 0, 3, 2]
    np.testing.assert_allclose(given.x, x[[1, 0, 3, 2]], rtol=1e-6)
    assert given.column("week").tolist() == [1, 2, 3, 4]
    given = roles.read(
        source, model(2), roles.Roles(features=["count", "week"])
    )
    assert given.x.tolist() == [[0, 2], [1, 1], [2, 4], [3, 3]]


def test_several_inputs_are_columns_by_name(tmp_path):
    source = csv(tmp_path, "age,city,y\n30,a,1\n40,,0\n50,c,1\n")
    age = keras.Input((1,), name="age")
    city = keras.Input((1,), name="city", dtype="string")
    ids = layers.StringLookup(vocabulary=["a", "b"])(city)
    rows = layers.Flatten()(layers.Embedding(3, 2)(ids))
    both = layers.Concatenate()([age, rows])
    network = keras.Model([age, city], layers.Dense(1)(both))
    given = roles.read(source, network, roles.Roles(target=["y"]))
    ages, cities = given.x
    assert ages.reshape(-1).tolist() == [30, 40, 50]
    assert cities.reshape(-1).tolist() == ["a", "", "c"]
    assert "1 missing texts of 'city'" in given.words


def test_a_text_column_by_its_name(tmp_path):
    source = csv(tmp_path, "number,text,label\n1,a,0\n2,b,1\n")
    given = roles.read(
        source,
        model(dtype="string", name="text"),
        roles.Roles(target=["label"]),
    )
    assert given.x.tolist() == ["a", "b"]
    given = roles.read(
        source,
        model(dtype="string"),
        roles.Roles(target=["label"], features=["text"]),
    )
    assert given.x.tolist() == ["a", "b"]


TABLE = "day,a,b,name,y\n2026-02-01,1,2,u,0\n2026-01-01,3,,v,1\n"


@pytest.mark.parametrize(
    ("text", "width", "given", "words"),
    [
        (TABLE, 2, {}, ["`y`", "'day'"][1:]),
        (TABLE, 2, {"target": ["y"]}, ["'name'", "--features"]),
        (TABLE, 2, {"target": ["label"]}, ["`label`", "'day', 'a', 'b'"]),
        (
            TABLE,
            2,
            {"target": ["y"], "features": ["a", "name"]},
            ["texts in ['name']", "StringLookup"],
        ),
        (
            TABLE,
            2,
            {"target": ["y"], "features": ["a", "b"]},
            ["`b` (1 rows)", "fillna"],
        ),
        ("a,y\n1,2\n2,\n3,4\n,\n", 1, {"target": ["y"]}, ["rows 2, 4"]),
        (TABLE, 1, {"target": ["y"]}, ["No numbers are in ['day', 'name']"]),
        (
            f"{','.join(f'f{n}' for n in range(41))}\n{'1,' * 40}1\n",
            3,
            {"target": ["f40"]},
            ["40 columns", "'f29'] and 10 more. Name the"],
        ),
        (TABLE, 2, {"target": ["Y"]}, ["Did you mean 'y'?"]),
        (
            TABLE,
            1,
            {"target": ["y"], "features": ["a"], "order_by": "name"},
            ["2026-02-01", "`name`"],
        ),
    ],
)
def test_refusals_name_columns_and_the_way_out(
    tmp_path, text, width, given, words
):
    with pytest.raises(ValueError) as caught:
        roles.read(csv(tmp_path, text), model(width), roles.Roles(**given))
    assert all(word in str(caught.value) for word in words)


def test_a_column_without_a_name_is_doubted(tmp_path):
    source = csv(tmp_path, ",a,y\n0,5,1\n1,6,0\n")
    with pytest.warns(features.UnnamedColumn, match="index=False"):
        found = roles.read(source, model(2), roles.Roles())
    assert found.x.tolist() == [[0, 5], [1, 6]]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        named = roles.Roles(features=["a"])
        assert roles.read(source, model(1), named).x.tolist() == [[5], [6]]


def test_dates_order_samples_as_time_does(tmp_path):
    given = roles.read(
        csv(tmp_path, TABLE),
        model(1),
        roles.Roles(["y"], ["a"], "day", ["name"]),
    )
    assert given.y.tolist() == [1, 0] and given.x.ravel().tolist() == [3, 1]
    assert given.column("name").tolist() == ["v", "u"]


LAST = "c,y,a,b\n3,0,1,2\n6,1,4,5\n"


@pytest.mark.parametrize("features", [[], ["a", "b", "c"]])
def test_columns_are_those_of_last_time_in_any_order(tmp_path, features):
    given = roles.read(
        csv(tmp_path, LAST),
        model(3),
        roles.Roles(["y"], features, last=["a", "b", "c"]),
    )
    assert given.x.tolist() == [[1, 2, 3], [4, 5, 6]]
    assert given.features == ("a", "b", "c")
    assert ("a, b, c" in given.words) != bool(features)


def test_the_default_target_is_no_feature(tmp_path):
    source = csv(tmp_path, "a,y,b\n1,0,2\n3,1,4\n")
    given = roles.read(source, model(2), roles.Roles())
    assert given.x.tolist() == [[1, 2], [3, 4]] and given.y.tolist() == [0, 1]
    assert given.features == ("a", "b")


def test_the_first_time_columns_are_in_the_order_of_the_file(tmp_path):
    given = roles.read(csv(tmp_path, LAST), model(3), roles.Roles(["y"]))
    assert given.features == ("c", "a", "b") and not given.words


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"last": ["a", "b", "C"]}, ["`C`", "trained on", "a, b, C"]),
        ({"last": list("abc"), "features": list("bac")}, ["order", "a,b,c"]),
        ({"features": list("aby")}, ["`--target`", "y in both"]),
        ({"features": list("aby"), "target": []}, ["`--target`", "y in both"]),
        ({"last": list("aby")}, ["last training", "y in both"]),
    ],
)
def test_columns_in_which_nobody_can_trust_are_refused(tmp_path, given, words):
    with pytest.raises(ValueError) as caught:
        chosen = roles.Roles(**{"target": ["y"], **given})
        roles.read(csv(tmp_path, LAST), model(3), chosen)
    assert all(word in str(caught.value) for word in words)


def test_missing_values_pass_where_the_model_fills_them(tmp_path):
    @keras.saving.register_keras_serializable("tests.roles")
    class Filled(layers.Layer):
        def call(self, x):
            return keras.ops.where(keras.ops.isnan(x), 0.0, x)

    inputs = keras.Input((2,))
    network = keras.Model(inputs, layers.Dense(1)(Filled()(inputs)))
    given = roles.read(
        csv(tmp_path, TABLE), network, roles.Roles(["y"], ["a", "b"])
    )
    assert np.isnan(given.x).sum() == 1
    assert "`b` (1 rows)" in given.words


def test_infinite_numbers_are_named(tmp_path):
    x = np.ones((4, 2))
    x[1, 1] = np.inf
    with pytest.raises(ValueError, match="infinite.*1 rows"):
        roles.read(npz(tmp_path, x=x, y=np.arange(4)), model(2), roles.Roles())


def test_several_outputs_and_several_columns(tmp_path):
    source = csv(tmp_path, "a,low,high\n1,2,3\n4,5,6\n")
    given = roles.read(source, model(1), roles.Roles(["low", "high"]))
    assert given.y.tolist() == [[2, 3], [5, 6]]
    inputs = keras.Input((1,))
    outputs = [layers.Dense(1, name=n)(inputs) for n in ("high", "low")]
    network = keras.Model(inputs, outputs)
    given = roles.read(source, network, roles.Roles(["low", "high"]))
    assert {n: y.tolist() for n, y in given.y.items()} == {
        "low": [2, 5],
        "high": [3, 6],
    }


@pytest.mark.parametrize(
    "text",
    [
        'a,b,y\n"0,5",1,0\n"-1.234,25",2,1\n3,4,1\n',
        "a;b;y\n0,5;1;0\n-2,25;2;1\n1;4;1\n",
        "b;y;a\n1;0;0,5\n2;1;-2,25\n",
    ],
)
def test_numbers_with_a_decimal_comma_are_no_categories(tmp_path, text):
    source = csv(tmp_path, text)
    wanted = "hold `a` as numbers with a decimal point. Received: '0,5'"
    with pytest.raises(ValueError, match=wanted):
        roles.read(source, model(2), roles.Roles())
    with pytest.raises(ValueError, match=wanted):
        roles.read(source, model(2), roles.Roles(["a"], features=["b", "y"]))


def test_texts_with_commas_are_texts(tmp_path):
    source = csv(tmp_path, 'a,y\n"0,5",0\n"1,5",1\n')
    given = roles.read(source, model(1, dtype="string"), roles.Roles())
    assert given.x.ravel().tolist() == ["0,5", "1,5"]
    source = csv(tmp_path, 'a,b,y\n"0,5",1,0\nlow,2,1\n')
    with pytest.raises(ValueError, match="StringLookup"):
        roles.read(source, model(2), roles.Roles())
