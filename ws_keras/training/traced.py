"""A compiled model whose graphs are traced once for all its trainers."""

import contextlib
import time

import keras
import numpy as np
from keras import ops

from ws_keras.training import feed as feeds
from ws_keras.training import state as states
from ws_keras.training import strategy as strategies
from ws_keras.transforms import optimizers


class Traced:
    """A compiled model, and which of its graphs are traced.

    Trainers can use it one after the other, because the graphs depend on the
    model and not on the samples. Trainers may differ in the values of
    variables, in callbacks and in the feed.

    Args:
        model: Built and compiled model.
    """

    def __init__(self, model: keras.Model):
        self.model = model
        self._is_warm = False
        self._sizes = set()  # of batches, on JAX

    def warm_up(self, feed: feeds.Feed, indices: np.ndarray) -> float:
        """Traces the graphs by one step, then restores all variables.

        A second call does nothing.

        Args:
            feed: A `Feed` over all data.
            indices: Samples of any round.

        Returns:
            The seconds that it took.
        """
        start = time.perf_counter()
        if not self._is_warm:
            self._warm_up(feed, indices[: feed.batch_size])
            self._is_warm = True
        return time.perf_counter() - start

    def compile(
        self, feed: feeds.Feed, indices: np.ndarray, size: int
    ) -> float:
        """Compiles the steps that JAX would compile in the first epoch.

        JAX compiles a step for each size of a batch, and the last batch of an
        epoch may have another size.

        Args:
            feed: A `Feed` over all data.
            indices: Samples of the round.
            size: Its batch size.

        Returns:
            The seconds that it took, 0 where there was nothing to do.
        """
        if keras.backend.backend() != "jax":
            return 0.0
        start = time.perf_counter()
        rest = 0 if feed.is_fixed else len(indices) % size
        for count in {size, rest} - {0} - self._sizes:
            with self._unmarked():
                self._step(feed, indices[:count])
        return time.perf_counter() - start

    def evaluate(self, data) -> dict[str, float]:
        """Returns the metrics of the model on data from `Feed.evaluation`."""
        states.reset(self.model)
        return self.model.evaluate(
            data, steps=len(data), verbose=0, return_dict=True
        )

    def variables(self) -> list:
        """Returns all variables of model and optimizers."""
        return [*self.model.variables, *optimizers.state(self.model)]

    def _warm_up(self, feed: feeds.Feed, some: np.ndarray) -> None:
        model = self.model
        with strategies.scope_of(model):
            model.optimizer.build(model.trainable_variables)
        few = some if feed.is_fixed else some[:1]
        if not strategies.is_distributed(model):
            self._build_metrics(feed, few)
        with self._unmarked():
            self._step(feed, some)
            self.evaluate(feed.evaluation(few))

    @contextlib.contextmanager
    def _unmarked(self):
        """Restores the variables of model and optimizers after the block."""
        kept = self.variables()
        values = [ops.convert_to_numpy(variable) for variable in kept]
        yield
        for variable, value in zip(kept, values, strict=True):
            variable.assign(value)
        # A training step of the user's own builds its optimizers in the block.
        known = set(map(id, kept))
        new = [v for v in self.variables() if id(v) not in known]
        optimizers.restart(self.model, new)

    def _step(self, feed: feeds.Feed, some: np.ndarray) -> None:
        batches, _, _ = feed.training(some, lambda: np.arange(len(some)))
        self.model.fit(batches, epochs=1, shuffle=False, verbose=0)
        self._sizes.add(len(some))

    def _build_metrics(self, feed: feeds.Feed, indices: np.ndarray) -> None:
        # They make their variables at their first use; were that inside a
        # graph, TensorFlow would trace it a second time. Under a strategy
        # Keras itself takes care of it.
        x, y, *weights = next(iter(feed.evaluation(indices)))
        found = self.model(x, training=False)
        self.model.compute_metrics(x, y, found, *weights)
