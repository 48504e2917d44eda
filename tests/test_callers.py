"""Warnings point at the line of a user's code."""

import inspect
import warnings

import keras
import numpy as np
import pytest
from keras import layers

import ws_keras
from ws_keras import callers
from ws_keras.data import inputs
from ws_keras.data import leaks
from ws_keras.data import repeats

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 3)).astype("float32")
Y = (X[:, 0] > 0).astype("int32")
LATER, HELD_OUT = (X[60:90], Y[60:90]), (X[90:], Y[90:])


def build():
    model = keras.Sequential([keras.Input((3,)), layers.Dense(2)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("sgd", loss, metrics=["accuracy"])
    return model


def compared(rounds, held_out, arms=("cold", "warm")):
    return ws_keras.fit_rounds(
        build,
        rounds,
        held_out,
        arms,
        batch_size=999,  # an error before the training
        verbose=0,
    )


def are_in(caller, act, category):
    """Returns whether each warning of a class points into a function."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        act()
    found = [w for w in caught if issubclass(w.category, category)]
    code, first = inspect.getsourcelines(caller)
    here = range(first, first + len(code))
    return [w.filename == __file__ and w.lineno in here for w in found]


@pytest.mark.parametrize("arms", [["cold", "warm"], "search"])
def test_doubtful_data_point_at_the_call_of_fit_rounds(arms):
    if arms == "search":
        arms = ws_keras.Search(["warm"])
    holes = X.copy()
    holes[0, 1] = np.nan
    leaking = np.c_[X[:, :2], Y].astype("float32")

    def repeated():
        with pytest.raises(ValueError, match="batch_size"):
            compared([(X[:60], Y[:60])] * 2, (X[60:], Y[60:]), arms)

    def missing():
        with pytest.raises(ValueError, match="batch_size"):
            compared([(holes[:60], Y[:60]), LATER], HELD_OUT, arms)

    def leaked():
        rounds = [(leaking[:60], Y[:60]), (leaking[60:90], Y[60:90])]
        with pytest.raises(ValueError, match="batch_size"):
            compared(rounds, (leaking[90:], Y[90:]), arms)

    assert are_in(compared, repeated, repeats.RepeatedSamples) == [True]
    assert are_in(compared, missing, inputs.MissingValues) == [True]
    assert are_in(compared, leaked, leaks.TargetLeak) == [True]


def test_callbacks_point_at_fit():
    model = build()

    def fit():
        again = ws_keras.ShrinkPerturb(0.4, 0.1)
        model.fit(X, Y, epochs=2, initial_epoch=1, verbose=0, callbacks=[again])

    assert are_in(fit, fit, UserWarning) == [True]


def test_functions_point_at_their_call():
    model = build()
    model.layers[-1].trainable = False

    def grow():
        ws_keras.grow_outputs(model, model.layers[-1], 3)

    assert are_in(grow, grow, UserWarning) == [True]


def test_a_caller_that_is_not_this_package_is_meant_itself():
    def own():
        callers.warn("Mind the gap.", DeprecationWarning)

    assert are_in(own, own, DeprecationWarning) == [True]
