"""Columns mean the same in all rounds, in whatever order they come."""

import keras
import numpy as np
import pytest

from ws_keras.data import arrivals
from ws_keras.data import leaks
from ws_keras.data import scales

pandas = pytest.importorskip("pandas")  # an extra

FRAME = pandas.DataFrame(
    {"age": [1.0, 2.0], "size": [3.0, 4.0], "rate": [5.0, 6.0]}
)
TURNED = FRAME[["rate", "age", "size"]]
Y = np.array([0.0, 1.0])


def model(units=1):
    found = keras.Sequential([keras.Input((3,)), keras.layers.Dense(units)])
    found.compile("sgd", "mse")
    return found


@pytest.mark.parametrize("given", [None, model])
def test_rounds_and_held_out_part_have_the_columns_of_the_first(given):
    rounds = [(FRAME, Y), (TURNED, Y)]
    network = given and given()
    found = arrivals.join(rounds, (TURNED.iloc[::-1], Y), network)
    rows = FRAME.to_numpy()
    np.testing.assert_array_equal(found.x, [*rows, *rows, *rows[::-1]])


def test_targets_too():
    rounds = [(np.eye(2, 3), FRAME), (np.eye(2, 3), TURNED)]
    found = arrivals.join(rounds, (np.eye(2, 3), FRAME), model(3))
    np.testing.assert_array_equal(found.y, [*FRAME.to_numpy()] * 3)


def test_frames_of_several_inputs_of_an_unknown_model():
    x = {"a": FRAME, "b": np.eye(2)}
    turned = {"a": TURNED, "b": np.eye(2)}
    found = arrivals.join([(x, Y), (turned, Y)], (turned, Y))
    np.testing.assert_array_equal(found.x["a"], [*FRAME.to_numpy()] * 3)


def two_inputs():
    a, b = keras.Input((3,), name="a"), keras.Input((2,), name="b")
    joined = keras.layers.Concatenate()([a, b])
    return keras.Model([a, b], keras.layers.Dense(1)(joined))


@pytest.mark.parametrize(
    "pack", [lambda a, b: {"a": a, "b": b}, lambda a, b: [a, b]]
)
def test_a_frame_for_one_of_several_inputs(pack):
    network = two_inputs()
    network.compile("sgd", "mse")
    rounds = [(pack(frame, np.eye(2)), Y) for frame in (FRAME, TURNED)]
    found = arrivals.join(rounds, rounds[1], network)
    a = keras.tree.flatten(found.x)[0]
    np.testing.assert_array_equal(a, [*FRAME.to_numpy()] * 3)


def test_a_frame_whose_columns_are_the_inputs_may_have_others():
    parts = [keras.Input((1,), name=name) for name in ("age", "size")]
    network = keras.Model(
        parts, keras.layers.Dense(1)(keras.layers.Concatenate()(parts))
    )
    network.compile("sgd", "mse")
    other = TURNED.drop(columns="rate")
    found = arrivals.join([(FRAME, Y), (other, Y)], (FRAME, Y), network)
    np.testing.assert_array_equal(found.x[0].ravel(), [1, 2, 1, 2, 1, 2])


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (FRAME.rename(columns={"age": "Age"}), ["age", "Age", "rounds[1]"]),
        (FRAME[["age", "size"]], ["rate", "rounds[1]"]),
        (pandas.concat([FRAME, FRAME[["age"]]], axis=1), ["'age' twice"]),
        (pandas.DataFrame(FRAME.to_numpy()), ["to_numpy"]),
    ],
)
def test_other_columns_are_named(other, words):
    with pytest.raises(ValueError) as caught:
        arrivals.join([(FRAME, Y), (other, Y)], (FRAME, Y), model())
    assert all(word in str(caught.value) for word in words)


def test_arrays_beside_frames_are_taken_as_they_are():
    found = arrivals.join([(FRAME, Y), (FRAME.to_numpy(), Y)], (TURNED, Y))
    np.testing.assert_array_equal(found.x, [*FRAME.to_numpy()] * 3)


RNG = np.random.default_rng(0)
LATE = pandas.DataFrame(
    RNG.normal(size=(90, 3)).astype("float32"), columns=["age", "size", "rate"]
)
DAYS = [LATE[:30], LATE[30:60][["rate", "age", "size"]], LATE[60:]]


@pytest.mark.parametrize(
    ("pack", "where"),
    [
        (lambda frame: frame, ""),
        (lambda frame: {"a": frame.to_numpy(), "b": frame}, "input 'b', "),
        (lambda frame: (frame.to_numpy(), frame), "input 1, "),
    ],
)
def test_warnings_name_features_by_their_column(pack, where):
    parts = [(pack(day), 3 - 2 * day["size"].to_numpy()) for day in DAYS]
    with pytest.warns(leaks.TargetLeak) as caught:
        text = arrivals.join(parts[:2], parts[2]).suspicious()
    assert f"{where}feature 'size'" in text
    assert [str(w.message) for w in caught] == [text]
    assert "counted from 0" not in text

    other = [day * [1, 1, 1000 if i == 1 else 1] for i, day in enumerate(DAYS)]
    other[1] = DAYS[1] * [1000, 1, 1]  # its columns are turned
    flags = np.arange(30) % 2
    parts = [(pack(day), flags) for day in other]
    with pytest.warns(scales.OtherScale, match="feature 'rate' of rounds"):
        text = arrivals.join(parts[:2], parts[2]).suspicious()
    assert "'age'" not in text and "'size'" not in text


def test_warnings_name_targets_and_the_inputs_of_a_model():
    one, two = keras.Input((3,), name="client"), keras.Input((1,), name="day")
    merged = keras.layers.Concatenate()([one, two])
    network = keras.Model([one, two], keras.layers.Dense(2)(merged))
    network.compile("sgd", "mse")
    parts = [
        (
            (day, np.full((30, 1), i + 1.0)),
            day[["age", "rate"]] * [1, 1000 if i == 1 else 1],
        )
        for i, day in enumerate(DAYS)
    ]
    with pytest.warns(scales.OtherScale) as caught:
        arrivals.join(parts[:2], parts[2], network).suspicious()
    (text,) = (str(w.message) for w in caught)
    assert "target 'rate' of rounds[1]" in text and "'age'" not in text
    x = np.ones((30, 3), "float32")
    parts = [
        ((x, x[:, :1] * (1000 if i == 1 else 1)), np.ones((30, 2)))
        for i in range(3)
    ]
    with pytest.warns(scales.OtherScale, match="input 'day', feature 0 of"):
        arrivals.join(parts[:2], parts[2], network).suspicious()
