"""Batches of a round: each sample once an epoch, in the order asked for."""

import gc
import weakref

import numpy as np
import pytest

from ws_keras.training import feed as feeds

X = np.arange(40, dtype=np.uint8).reshape(20, 2)
Y = np.arange(20, dtype=np.int32)
INDICES = np.array([3, 1, 4, 15, 9, 2, 6, 5, 8, 7, 19])


def epochs(feed, orders):
    """What the model would see in so many epochs."""
    asked = iter(orders)
    data, steps, size = feed.training(INDICES, lambda: next(asked))
    seen = [[(x.tolist(), y.tolist()) for x, y in _numpy(data)] for _ in orders]
    return seen, steps, size


def _numpy(data):
    return [(x.numpy(), y.numpy()) for x, y in data]


def test_batches_follow_the_order_of_each_epoch():
    orders = [np.arange(11), np.arange(11)[::-1]]
    seen, steps, size = epochs(feeds.Feed(X, Y, 4), orders)
    assert (steps, size) == (3, 11)
    for order, batches in zip(orders, seen, strict=True):
        assert [len(y) for _, y in batches] == [4, 4, 3]
        labels = sum((y for _, y in batches), [])
        samples = sum((x for x, _ in batches), [])
        assert labels == INDICES[order].tolist()
        assert samples == X[INDICES[order]].tolist()


def test_replicas_share_evenly_and_leave_out_others_each_time():
    orders = [np.arange(11), np.arange(11)[::-1]]
    seen, steps, size = epochs(feeds.Feed(X, Y, 4, num_replicas=2), orders)
    assert (steps, size) == (3, 10)
    labels = [{label for _, y in batches for label in y} for batches in seen]
    assert all(len(y) % 2 == 0 for batches in seen for _, y in batches)
    left_out = [set(INDICES.tolist()) - found for found in labels]
    assert left_out == [{19}, {3}]


def test_evaluation_sees_all_in_order():
    indices = np.arange(20)[::-1]
    data = _numpy(feeds.Feed(X, Y, 4).evaluation(indices))
    assert np.concatenate([y for _, y in data]).tolist() == indices.tolist()
    assert data[0][0].dtype == np.uint8


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
