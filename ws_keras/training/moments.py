"""Batch-norm moments between the training of a round and its evaluation."""

import keras

from ws_keras import callers
from ws_keras import seeds
from ws_keras.callbacks import moments
from ws_keras.training import feed as feeds
from ws_keras.training import terms
from ws_keras.transforms import statistics

# A larger drop from the training accuracy to evaluation mode is reported.
_GAP = 0.1


def refresh(callback) -> None:
    """Measures moments again within a fit, if there are data for it."""
    moments.watch(callback).refresh(callback.model)


class Moments:
    """Measures the moments again, or warns once that they lag behind.

    Args:
        model: The model that is trained.
        feed: A `Feed` over all data.
        seed: Seed of the samples to measure on.
        are_measured: Whether they are measured again.
    """

    def __init__(
        self, model: keras.Model, feed: feeds.Feed, seed: int, are_measured
    ):
        self._model, self._feed, self._seed = model, feed, seed
        self._are_measured = are_measured
        self._has_warned = False

    def watch(self, callback, number: int, round: terms.Round) -> None:
        """Has moments measured on samples of a round, if they are to be.

        Args:
            callback: A callback of the fit that has just begun.
            number: The round, from 1.
            round: Its `Round`.
        """
        watch = moments.watch(callback)
        watch.is_quiet = True
        if not self._are_measured or not statistics.trained_norms(self._model):
            return
        size = len(round.indices)
        order = seeds.generator(self._seed, "moments", number).permutation(size)
        batches, _, _ = self._feed.training(
            round.indices, lambda: order, round.batch_size
        )
        watch.measure_on(batches)

    def check(self, number: int, round: terms.Round, lag, accuracy) -> None:
        """Warns once if evaluation is much less accurate than training.

        Args:
            number: The round, from 1.
            round: Its `Round`.
            lag: How far the moments lag at its end, or `None`.
            accuracy: Accuracy of its last epoch, in [0, 1].
        """
        if self._are_measured or self._has_warned:
            return
        if lag is None or not lag.is_large:
            return
        samples = round.indices[: feeds.EVALUATION_BATCH]
        some = self._feed.evaluation(samples)
        found = self._model.evaluate(
            some, steps=len(some), verbose=0, return_dict=True
        )
        if found["accuracy"] >= accuracy - _GAP:
            return
        self._has_warned = True
        callers.warn(
            f"In the last epoch of round {number}, the network classified "
            f"{100 * accuracy:.1f} % of the training samples correctly. In "
            "inference, with the moving moments of batch norm, it classifies "
            f"{100 * found['accuracy']:.1f} % of {len(samples):,} of these "
            f"samples correctly. {lag.describe()}. The rows hold the measured "
            "accuracies, as in the authors' protocol.",
            moments.LaggingMoments,
        )
