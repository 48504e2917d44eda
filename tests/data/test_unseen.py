"""Classes that only the rounds, or only the held-out samples, have."""

import warnings

import keras
import numpy as np
import pytest
from keras import layers

from ws_keras.data import unseen


def compiled(units, loss, **options):
    model = keras.Sequential([keras.Input((2,)), layers.Dense(units)])
    model.compile("sgd", loss, **options)
    return model


def said(model, train, held_out, **options):
    """What is said of targets, which must also be what is warned of."""
    y = np.concatenate([train, held_out])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        text = unseen.check(model, y, len(train), **options)
    assert " ".join(str(one.message) for one in caught) == text
    assert {one.category for one in caught} <= {unseen.UnseenClasses}
    return text


SPARSE = "sparse_categorical_crossentropy"


def test_a_class_that_no_model_can_know():
    text = said(compiled(4, SPARSE), [0, 1, 2] * 5, [0, 1, 2, 3, 3])
    assert "2 of 5 held-out samples (40.0 %) have the class 3" in text
    assert "at most 60.0 %" in text
    assert "before" not in text


def test_a_trained_model_may_know_it():
    train, held_out = [0, 1] * 5, [2, 0]
    text = said(compiled(3, SPARSE), train, held_out, has_past=True)
    assert "that was not trained on them before cannot" in text


def test_many_classes_are_not_all_named():
    text = said(compiled(99, SPARSE), [0] * 9, [0, *range(1, 41)])
    assert "40 classes (1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 30 more)" in text
    assert "at most 2.4 %" in text


def test_samples_without_weight_are_not_trained_on():
    weights = np.array([1.0, 1.0, 0.0, 0.0, 1.0, 1.0])
    train, held_out = [0, 1, 2, 2], [2, 0]
    model = compiled(3, SPARSE)
    assert said(model, train, held_out) == ""
    assert "the class 2" in said(model, train, held_out, weights=weights)


def test_equal_classes_say_nothing():
    for kind in ("int32", "uint8", bool):
        both = np.array([0, 1, 0, 1], kind)
        assert said(compiled(2, SPARSE), both, both) == ""
        assert said(compiled(1, "binary_crossentropy"), both, both) == ""
    onehot = np.eye(3, dtype="float32")
    model = compiled(3, "categorical_crossentropy")
    assert said(model, onehot, onehot) == ""


def test_one_hot_rows_have_classes():
    eye = np.eye(3, dtype="float32")
    model = compiled(3, "categorical_crossentropy")
    assert "the class 1" in said(model, eye[[0, 2, 0]], eye[[1, 2]])
    # Soft labels have no classes.
    soft = 0.9 * eye + 0.1 / 3
    assert said(model, soft[[0, 2, 0]], soft[[1, 2]]) == ""


@pytest.mark.parametrize("shape", [(-1,), (-1, 1)])
def test_one_of_two_classes(shape):
    model = compiled(1, "binary_crossentropy")
    train, held_out = np.zeros(6), np.array([0.0, 1, 1, 1])
    text = said(model, train.reshape(shape), held_out.reshape(shape))
    assert "3 of 4" in text and "the class 1" in text
    assert "at most 25.0 %" in text


def test_labels_of_which_a_sample_has_several():
    train = np.array([[1, 0, 0], [0, 1, 0], [1, 1, 0]])
    held_out = np.array([[1, 0, 1], [0, 0, 0]])
    text = said(compiled(3, "binary_crossentropy"), train, held_out)
    assert "1 of 2" in text and "the label 2" in text
    assert "at most" not in text  # the other labels may be right


def test_ignored_labels_are_no_class():
    loss = keras.losses.SparseCategoricalCrossentropy(ignore_class=-1)
    model = keras.Sequential([keras.Input((4, 2)), layers.Dense(3)])
    model.compile("sgd", loss)
    train = np.array([[0, 1, 2, -1], [0, 0, 0, -1]])
    assert said(model, train[:, :3], train[:, 1:]) == ""
    assert "the class 2" in said(model, train[:, [0, 1, 1]], train[:, 1:])


def test_each_output_has_its_own_classes():
    entry = keras.Input((2,))
    ends = [layers.Dense(n, name=f"end{n}")(entry) for n in (2, 3)]
    model = keras.Model(entry, ends)
    model.compile("sgd", {"end2": SPARSE, "end3": "mse"})
    y = {"end2": np.array([0, 0, 0, 1]), "end3": np.arange(12).reshape(4, 3)}
    with pytest.warns(unseen.UnseenClasses) as caught:
        text = unseen.check(model, y, 3)
    assert "the class 1 of the output 'end2'" in text and len(caught) == 1
    pair = (y["end2"], y["end3"])
    with pytest.warns(unseen.UnseenClasses):
        assert unseen.check(model, pair, 3) == text


def test_numbers_are_no_classes():
    own = [lambda y, p: keras.ops.mean(p), "mse", "poisson"]
    for loss in own:
        assert said(compiled(1, loss), [0, 1, 2], [3, 4]) == ""
    custom = compiled(5, own[0], metrics=["accuracy"])
    assert "2 classes (3, 4)" in said(custom, [0, 1, 2], [3, 4])


def test_a_class_that_is_never_measured():
    """Ten samples of class 2 would be expected among 40 held-out ones."""
    train = [0] * 30 + [1] * 30 + [2] * 20
    model = compiled(3, SPARSE)
    text = said(model, train, [0, 1] * 20)
    assert "The held-out samples lack the class 2" in text
    assert "25.0 % of the training samples" in text
    # By chance, 20 samples may have none.
    assert said(model, train, [0, 1] * 10) == ""
