"""Columns mean the same in all rounds, in whatever order they come."""

import keras
import numpy as np
import pytest

from ws_keras.data import arrivals

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
