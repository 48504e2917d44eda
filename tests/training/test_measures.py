"""Metrics in which each sample of a padded batch counts once."""

import numpy as np
import pytest

from ws_keras.training import measures

Y = np.array([0, 1, 2, 2, 2], "int32")
LOGITS = np.random.default_rng(0).normal(size=(5, 3)).astype("float32")
# Batches of 4 and of 1; the latter is padded to 4.
WEIGHTS = [None, np.array([4, 0, 0, 0], "float32")]


def updated(metric):
    metric.update_state(Y[:4], LOGITS[:4], WEIGHTS[0])
    repeated = np.repeat(Y[4:], 4), np.repeat(LOGITS[4:], 4, 0)
    metric.update_state(*repeated, WEIGHTS[1])
    return float(metric.result())


def test_accuracy_is_that_of_the_samples():
    want = np.float32(np.mean(LOGITS.argmax(1) == Y))
    assert 0 < updated(measures.Accuracy()) == want


def test_loss_is_the_mean_over_the_samples():
    exact = LOGITS.astype("float64")
    log_sum = np.log(np.exp(exact).sum(1))
    want = np.mean(log_sum - exact[np.arange(5), Y])
    assert updated(measures.Loss(from_logits=True)) == pytest.approx(
        want, rel=1e-6
    )
