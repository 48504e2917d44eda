"""Classes that only the rounds, or only the held-out samples, have."""

import time
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
    assert "classes of the other 60.0 %" in text
    assert "before" not in text


def test_a_trained_model_may_know_it():
    train, held_out = [0, 1] * 5, [2, 0]
    text = said(compiled(3, SPARSE), train, held_out, has_past=True)
    assert "that was not trained on them before cannot" in text


def test_many_classes_are_not_all_named():
    text = said(compiled(99, SPARSE), [0] * 9, [0, *range(1, 41)])
    assert "40 classes (1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 30 more)" in text
    assert "classes of the other 2.4 %" in text


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
    assert "classes of the other 25.0 %" in text


def test_labels_of_which_a_sample_has_several():
    train = np.array([[1, 0, 0], [0, 1, 0], [1, 1, 0]])
    held_out = np.array([[1, 0, 1], [0, 0, 0]])
    text = said(compiled(3, "binary_crossentropy"), train, held_out)
    assert "1 of 2" in text and "the label 2" in text
    assert "classes of the other" not in text  # the other labels may be right


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


def test_a_class_that_hardly_any_sample_has_says_nothing():
    """One of many rare classes is no reason to change the split."""
    model = compiled(9, SPARSE)
    held_out = np.zeros(2001, int)
    held_out[0] = 8
    assert said(model, [0] * 9, held_out) == ""
    assert "1 of 2,000" in said(model, [0] * 9, held_out[:-1])


def test_void_pixels_of_unsigned_labels_are_no_class():
    """-1 would become 255 again."""
    loss = keras.losses.SparseCategoricalCrossentropy(ignore_class=255)
    model = keras.Sequential([keras.Input((4, 4, 2)), layers.Dense(3)])
    model.compile("sgd", loss)
    train = np.zeros((3, 4, 4), "uint8")
    train[:, 0] = 255
    held_out = np.zeros((40, 4, 4), "uint8")
    assert said(model, train, held_out) == ""
    assert said(model, held_out, train) == ""
    held_out[:, 1, 1] = 2
    text = said(model, train, held_out)
    assert "40 of 640 held-out targets (6.2 %) have the class 2" in text


@pytest.mark.parametrize("shape", [(-1, 4, 4, 1), (-1, 4, 4)])
def test_pixels_of_a_mask_are_no_labels(shape):
    model = keras.Sequential([keras.Input((4, 4, 2)), layers.Dense(1)])
    model.compile("sgd", "binary_crossentropy")
    train, held_out = np.zeros((2, 30, 4, 4))
    train[:, 0, 0] = held_out[:, 3, 3] = 1  # other pixels
    masks = train.reshape(shape), held_out.reshape(shape)
    assert said(model, *masks) == ""
    text = said(model, 0 * masks[0], masks[1])
    assert "30 of 480 held-out targets (6.2 %) have the class 1" in text


def test_labels_of_each_step_of_a_sequence():
    model = keras.Sequential([keras.Input((4, 2)), layers.Dense(3)])
    model.compile("sgd", "binary_crossentropy")
    train, held_out = np.zeros((2, 2, 4, 3))
    train[:, 0, 1] = held_out[:, 3, 1] = 1  # in another step
    assert said(model, train, held_out) == ""
    held_out[0, :2, 2] = 1
    assert "1 of 2 held-out samples (50.0 %) have the label 2" in said(
        model, train, held_out
    )


def test_weighted_samples_have_no_share_that_can_be_learned():
    weights = np.array([1.0, 1.0, 0.1, 1.0])
    text = said(compiled(3, SPARSE), [0, 1], [2, 0], weights=weights)
    assert "the class 2" in text and "classes of the other" not in text


def own_loss(y, p):
    return keras.ops.mean(p)


@pytest.mark.parametrize(
    ("units", "train", "held_out", "words"),
    [
        (1, [20, 30, 40], [93, 20], ""),  # a number
        (1, [-1, 1], [1, -1], ""),
        (1, [0, 0], [0, 1], "the class 1"),
        (2, [[3, 0], [1, 1]], [[2, 0], [0, 9]], ""),  # counts
        (2, [[1.0, 0.0]], [[0.0, 1.0]], "the class 1"),
        (2, [[1.0, 0.0]], [[1.0, 1.0], [0.0, 0.0]], ""),
        (3, [[0], [1]], [[2], [1]], "the class 2"),
    ],
)
def test_targets_of_a_custom_loss(units, train, held_out, words):
    model = compiled(units, own_loss, metrics=["accuracy"])
    text = said(model, np.array(train), np.array(held_out))
    assert words in text and bool(text) == bool(words)


@pytest.mark.parametrize("block", [1, 7, 10**9])
def test_blocks_change_nothing(block, monkeypatch):
    rng = np.random.default_rng(0)
    model = keras.Sequential([keras.Input((4, 2)), layers.Dense(30)])
    model.compile("sgd", SPARSE)
    train, held_out = rng.integers(0, 20, (60, 4)), rng.integers(2, 22, (50, 4))
    weights = rng.integers(0, 2, 110).astype(float)
    monkeypatch.setattr(unseen, "_BLOCK", block)
    text = said(model, train, held_out, weights=weights)
    seen = train[weights[:60] > 0]
    new = np.isin(held_out, [20, 21])
    share = np.isin(seen, [0, 1]).any(1).mean()
    assert f"{new.sum()} of 200 held-out targets" in text
    assert "2 classes (20, 21)" in text and "classes of the other" not in text
    assert "lack the class" in text or "lack 2 classes (0, 1)" in text
    if share:
        assert f"{100 * share:.1f} % of the training samples" in text


def test_many_targets_and_classes_are_fast():
    """A check must not cost as much as the training."""
    rng = np.random.default_rng(0)
    train = rng.integers(0, 5000, 10**6)
    model = compiled(5000, SPARSE)
    before = time.process_time()
    assert said(model, train, np.arange(1000)) == ""
    text = said(model, train, train[train < 3000])
    assert "lack 2,000 classes (3000, " in text
    assert time.process_time() - before < 5
