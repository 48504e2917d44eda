"""Batches of a round: each sample once an epoch, in the order asked for."""

import gc
import pathlib
import subprocess
import sys
import weakref

import numpy as np
import pytest

from ws_keras.data import aligned
from ws_keras.training import feed as feeds

ROOT = pathlib.Path(__file__).parents[2]
X = np.arange(40, dtype=np.uint8).reshape(20, 2)
Y = np.arange(20, dtype=np.int32)
INDICES = np.array([3, 1, 4, 15, 9, 2, 6, 5, 8, 7, 19])


def epochs(feed, orders):
    """What the model would see in so many epochs."""
    asked = iter(orders)
    data, steps, size = feed.training(INDICES, lambda: next(asked))
    return [_numpy(data) for _ in orders], steps, size


def _numpy(data):
    return [tuple(part.numpy() for part in batch) for batch in data]


def test_batches_follow_the_order_of_each_epoch():
    orders = [np.arange(11), np.arange(11)[::-1]]
    seen, steps, size = epochs(feeds.Feed(X, Y, 4), orders)
    assert (steps, size) == (3, 11)
    for order, batches in zip(orders, seen, strict=True):
        assert [len(y) for _, y in batches] == [4, 4, 3]
        samples, labels = map(np.concatenate, zip(*batches, strict=True))
        assert labels.tolist() == INDICES[order].tolist()
        assert samples.tolist() == X[INDICES[order]].tolist()


@pytest.mark.parametrize(
    "replicas, whole_copies, labels, weights",
    [
        (2, False, [7, 19, 8, 7], [4 / 3, 4 / 3, 4 / 3, 0]),
        (4, False, [7, 19, 8, 7], [4 / 3, 4 / 3, 4 / 3, 0]),
        (2, True, [7, 19, 8, 7, 19, 8], [2, 2, 2, 0, 0, 0]),
    ],
)
def test_the_last_batch_of_replicas_is_padded_without_weight(
    replicas, whole_copies, labels, weights
):
    order = np.array([0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 8])
    feed = feeds.Feed(X, Y, 4, replicas, whole_copies)
    (batches, again), steps, size = epochs(feed, [order, order[::-1]])
    assert (steps, size) == (3, 11)
    for (x, y, w), start in zip(batches[:2], (0, 4), strict=True):
        assert y.tolist() == INDICES[order[start : start + 4]].tolist()
        assert x.tolist() == X[y].tolist()
        assert w.tolist() == [1] * 4
    x, y, w = batches[2]
    assert y.tolist() == labels
    assert x.tolist() == X[y].tolist()
    assert w.tolist() == np.float32(weights).tolist()
    assert again[2][1][:3].tolist() == [4, 1, 3]


def test_a_batch_smaller_than_the_number_of_replicas():
    feed = feeds.Feed(X, Y, 4, num_replicas=4)
    data, steps, size = feed.training(np.arange(9), lambda: np.arange(9))
    assert (steps, size) == (3, 9)
    _, y, w = _numpy(data)[-1]
    assert y.tolist() == [8, 8, 8, 8]
    assert w.tolist() == [4, 0, 0, 0]


def test_an_evaluation_of_nothing():
    assert _numpy(feeds.Feed(X, Y, 4).evaluation(INDICES[:0])) == []


def test_evaluation_sees_all_in_order():
    indices = np.arange(20)[::-1]
    data = _numpy(feeds.Feed(X, Y, 4).evaluation(indices))
    assert np.concatenate([y for _, y in data]).tolist() == indices.tolist()
    assert data[0][0].dtype == np.uint8


def test_an_evaluation_is_made_once_for_the_same_indices():
    feed, indices = feeds.Feed(X, Y, 4), INDICES.copy()
    first = feed.evaluation(indices)
    assert feed.evaluation(INDICES.copy()) is first
    indices[:] = 0  # the caller's own array may change
    for number in range(10):
        assert feed.evaluation(INDICES[:number]) is not first
    again = feed.evaluation(INDICES)
    assert again is not first  # few are kept
    for data in (first, again):
        assert np.concatenate([y for _, y in _numpy(data)]).tolist() == (
            INDICES.tolist()
        )


def test_evaluation_of_a_small_odd_set_is_shared_by_replicas():
    data = _numpy(feeds.Feed(X, Y, 4, num_replicas=2).evaluation(INDICES))
    labels = np.concatenate([y for _, y in data])
    assert sorted(labels) == sorted([*INDICES, *INDICES])


def test_data_are_let_go_after_use():
    feed = feeds.Feed(X, Y, 4)

    def order(owner=feed):  # as a trainer's, which holds its feed
        return np.arange(11) if owner else None

    data, _, _ = feed.training(INDICES, order)
    assert len(_numpy(data)) == 3
    kept = weakref.ref(feed._batches)
    del feed, order, data
    gc.collect()
    assert kept() is None


@pytest.mark.parametrize("size, replicas", [(0, 1), (-4, 1), (5, 2)])
def test_bad_batch_size(size, replicas):
    with pytest.raises(ValueError, match=f"batch_size={size}, replicas="):
        feeds.Feed(X, Y, size, replicas)


def test_batch_larger_than_the_round():
    with pytest.raises(ValueError, match="batch_size=12, a round of 11"):
        feeds.check_round(12, 11)


@pytest.mark.parametrize("kind", ["aligned", "unaligned", "read-only"])
def test_data_lie_in_memory_once_where_they_are_aligned(kind):
    x = aligned.empty((21, 2), np.uint8)[:20]
    if kind == "unaligned":
        x = aligned.empty((21, 2), np.uint8)[1:]
    x[...] = X
    if kind == "read-only":
        x.flags.writeable = False
    feed = feeds.Feed(x, Y, 4)
    order = np.arange(11)
    ((batch, *_),), *_ = epochs(feed, [order])
    assert batch[0].tolist() == X[INDICES[:4]].tolist()
    if kind == "read-only":
        return
    x[INDICES[0]] = 77
    ((batch, *_),), *_ = epochs(feed, [order])
    found = batch[0][0].tolist()
    assert found == ([77, 77] if kind == "aligned" else X[3].tolist())


def test_a_feed_keeps_its_data_and_lets_go_of_them():
    x = aligned.empty((20, 2), np.uint8)
    x[...] = X
    alive = weakref.ref(x.base)
    feed = feeds.Feed(x, Y, 4)
    del x
    gc.collect()
    ((batch, *_),), *_ = epochs(feed, [np.arange(11)])
    assert batch[0].tolist() == X[INDICES[:4]].tolist()
    del feed
    gc.collect()
    assert alive() is None


@pytest.mark.parametrize(
    "values", [np.array(["a", "bc"] * 10), np.arange(20).astype(">f4")]
)
def test_what_no_tensor_can_share_is_copied(values):
    feed = feeds.Feed(values, Y, 4)
    ((batch, *_),), *_ = epochs(feed, [np.arange(11)])
    found = batch[0].tolist()
    if values.dtype.kind == "U":
        found = [text.decode() for text in found]
    assert found == values[INDICES[:4]].tolist()


def test_a_batch_of_a_round_must_be_one_that_replicas_can_share():
    feed = feeds.Feed(X, Y, 4, num_replicas=2)
    with pytest.raises(ValueError, match="batch_size=5, replicas=2"):
        feed.training(INDICES, lambda: np.arange(11), batch_size=5)


@pytest.mark.slow
def test_an_epoch_copies_no_data_where_operations_are_deterministic():
    """TensorFlow then rewrites each pipeline, with the tensors in it."""
    script = """
import numpy as np
import tensorflow as tf
from ws_keras.data import aligned
from ws_keras.training import feed as feeds

tf.config.experimental.enable_op_determinism()
tf.random.set_seed(0)

def megabytes(field):
    for line in open("/proc/self/status"):
        if line.startswith(field):
            return int(line.split()[1]) / 1024

x = aligned.empty((200, 2**20), np.uint8)
x[...] = 1
feed = feeds.Feed(x, np.zeros(200, np.int32), 4)
def epoch(data):
    for _ in data:
        pass
before = megabytes("VmHWM")
assert before > 200, before
epoch(feed.training(np.arange(9), lambda: np.arange(9))[0])
epoch(feed.evaluation(np.arange(9)))
print(megabytes("VmHWM") - before)
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 100
