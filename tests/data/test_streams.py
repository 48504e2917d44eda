"""Pipelines are read once, to their end, if they have one and it fits."""

import keras
import numpy as np
import pytest

from ws_keras.data import arrivals
from ws_keras.data import leaks
from ws_keras.data import streams

X = np.arange(24, dtype="float32").reshape(12, 2)
Y = np.arange(12) % 3


class Batches(keras.utils.PyDataset):
    def __len__(self):
        return 3

    def __getitem__(self, i):
        part = slice(4 * i, 4 * i + 4)
        return {"a": X[part]}, Y[part]


class Endless(Batches):
    @property
    def num_batches(self):
        return None

    def __len__(self):
        raise TypeError


class Loader:
    """As of Torch: a length, and batches that are lists."""

    def __len__(self):
        return 3

    def __iter__(self):
        return ([X[i : i + 4], Y[i : i + 4]] for i in (0, 4, 8))


def dataset():
    tf = pytest.importorskip("tensorflow")
    return tf.data.Dataset.from_tensor_slices((X, Y))


@pytest.mark.parametrize(
    "made, steps",
    [
        (lambda: dataset().batch(5), None),
        (dataset, None),  # of samples
        (lambda: dataset().batch(4).repeat(), 3),
        (Loader, None),
        (lambda: iter(Loader()), 3),
        (lambda: dataset().ragged_batch(4), None),
    ],
)
def test_pipelines_are_read_to_their_end(made, steps):
    data = made()
    assert streams.is_stream(data)
    x, y = streams.read("rounds[0]", data, steps, keras.Input((2,)))
    np.testing.assert_array_equal(x, X)
    np.testing.assert_array_equal(y, Y)


@pytest.mark.parametrize(
    "x, struct",
    [
        (np.array(list("abcdefghijkl")), keras.Input((1,), dtype="string")),
        (np.ones((12, 5, 5)), keras.Input((5, 5, 1))),  # grey images
        # Sorted by name, the first array is not that of the first input.
        (
            {"age": X[:, 0], "more": X},
            [keras.Input((2,), name="more"), keras.Input((1,), name="age")],
        ),
        (
            {"age": X[:, 0], "more": X},
            {"more": keras.Input((2,)), "age": keras.Input((1,))},
        ),
    ],
)
@pytest.mark.parametrize("is_full", [False, True])
def test_batches_may_lack_the_last_axis_of_an_input(x, struct, is_full):
    tf = pytest.importorskip("tensorflow")
    data = tf.data.Dataset.from_tensor_slices((x, np.eye(12)))
    data = data.batch(6, drop_remainder=is_full)  # `is_full`: a known size
    found, y = streams.read("rounds[0]", data, None, struct)
    keras.tree.map_structure(np.testing.assert_array_equal, found, x)
    np.testing.assert_array_equal(y, np.eye(12))


def test_structures_and_weights_stay():
    x, y = streams.read("held_out", Batches(), None, None)
    np.testing.assert_array_equal(x["a"], X)
    np.testing.assert_array_equal(y, Y)
    weighted = [(X, Y, np.ones(12))]
    x, y, w = streams.read("held_out", iter(weighted), 1, None)
    assert w.shape == (12,)


@pytest.mark.parametrize(
    "made",
    [
        lambda: dataset().batch(4).repeat(),
        Endless,
        lambda: ((X, Y) for _ in iter(int, 1)),
    ],
)
def test_what_has_no_end_asks_for_steps(made):
    with pytest.raises(ValueError, match="`steps` must give"):
        streams.read("rounds[0]", made(), None, None)
    x, _ = streams.read("rounds[0]", made(), 2, None)
    assert len(keras.tree.flatten(x)[0]) in (8, 24)


@pytest.mark.parametrize(
    "batches, words",
    [
        (iter([]), "empty pipeline"),
        (iter([X]), r"batches \(x, y\)"),
        (iter([(X, Y, Y, Y)]), r"batches \(x, y\)"),
    ],
)
def test_what_gives_no_pairs_is_refused(batches, words):
    with pytest.raises(ValueError, match=words):
        streams.read("rounds[0]", batches, 5, None)


def test_what_does_not_fit_into_memory_is_refused(monkeypatch):
    monkeypatch.setattr(streams.memory, "available", lambda: 100.0)
    with pytest.raises(ValueError, match="fit into memory"):
        streams.read("rounds[0]", Loader(), None, None)


def test_rounds_may_be_pipelines():
    data = arrivals.join([dataset().batch(4), (X, Y)], Loader())
    assert data.ends == [12, 24] and data.size == 36
    np.testing.assert_array_equal(data.y[24:], Y)


def test_pipelines_are_read_once_for_several_comparisons():
    def stream(first):
        for batch in range(3):
            x = np.full((4, 2), first + batch)
            yield x, x[:, 0]

    rounds = [stream(0), (np.ones((4, 2)), np.ones(4))]
    rounds, held_out = arrivals.read_once(rounds, [stream(5)], None, 2)
    for _ in range(2):
        found = arrivals.join(rounds, held_out)
        assert found.ends == [8, 12] and found.parts == [20]
        assert np.unique(found.y[found.held_out]).tolist() == [5, 6]


def test_frames_in_batches_have_one_order_of_columns():
    pandas = pytest.importorskip("pandas")  # an extra
    frame = pandas.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]})
    turned, y = frame[["b", "a"]], np.zeros(2)
    rounds = [[(frame, y), (turned, y)], [(turned, y)]]
    found = arrivals.join(
        [map(tuple, part) for part in rounds], (turned, y), steps=2
    )
    np.testing.assert_array_equal(found.x, [*frame.to_numpy()] * 4)


def test_steps_beyond_the_end_read_no_batches_of_others():
    """The arrays behind a `PyDataset` may hold more than its own samples."""

    class First(Batches):
        def __len__(self):
            return 2

    x, y = streams.read("rounds[0]", First(), 3)
    assert x["a"].shape == (8, *X.shape[1:])
    assert y.tolist() == Y[:8].tolist()


@pytest.mark.parametrize("steps", [0, -1, 2.5, "3"])
def test_steps_are_a_positive_number_of_batches(steps):
    with pytest.raises(ValueError, match=f"`steps`.*steps={steps!r}"):
        arrivals.join([(X, Y)], (X, Y), steps=steps)


def test_columns_keep_their_names_when_pipelines_are_read_once():
    """A search names the features of a generator, as `fit_rounds` does."""
    pandas = pytest.importorskip("pandas")  # an extra
    size = np.random.default_rng(0).normal(size=40)
    frame = pandas.DataFrame({"age": np.arange(40.0), "size": size})

    def stream(of):
        yield from [of(frame[:20]), of(frame[20:])]

    def single(part):
        return part, 3 * part["age"]

    def double(part):
        return {"a": part, "b": part["size"].to_numpy()}, 3 * part["age"]

    for of, where in ((single, "feature"), (double, "input 'a', feature")):
        given = [stream(of)], stream(of), None, 2
        data = arrivals.join(*arrivals.read_once(*given))
        with pytest.warns(leaks.TargetLeak, match=f"equals {where} 'age' of"):
            data.suspicious()
        x = data.x["a"] if of is double else data.x
        np.testing.assert_array_equal(x[:40], frame.to_numpy())
