"""Networks that several settings train in turn, built and traced once.

Tracing takes longer than all other parts of a start. Settings whose networks
have equal graphs, such as all arms and seeds of one model, share a network.
They differ only in values of variables, which are reinitialized for each
setting.
"""

import collections
import contextlib
import functools
from collections.abc import Callable
from collections.abc import Iterator

import keras
from keras import ops

from ws_keras import _keras
from ws_keras import seeds
from ws_keras.models import augmentation
from ws_keras.training import traced as traces
from ws_keras.transforms import shrink_perturb as transforms
from ws_keras.transforms import variables

# Number of networks that are stored. Graphs and wide residual networks need
# much memory.
_MOST = 3
_MOST_BYTES = 2**27


class Network:
    """A built and compiled network that one setting uses at a time.

    Args:
        plain: The network as built, with named layers.
        model: The compiled model: `plain`, or a model that shares its layers
            and variables.
    """

    def __init__(self, plain: keras.Model, model: keras.Model):
        self.plain, self.model = plain, model
        self.traced = traces.Traced(model)
        self._kept = {}
        self._others = None

    def begin(self, seed: int) -> None:
        """Reinitializes the network, as if it had just been built.

        Args:
            seed: Seed of the setting. All arms of a seed have the same network
                before the first transform.
        """
        if self._others is None:
            self._others = _others(self.model)
            self._mark = _mark(self.model)
        for variable, value in self._others:
            variable.assign(value)
        transforms.cold_start(self.model, seed=seeds.derive(seed, "start"))
        augmentation.seed(self.model, seed)
        # A reset of the optimizer would read the rates of an earlier fit.
        self.model.history = None

    def is_as_built(self) -> bool:
        """Returns whether `begin` can undo all changes of a setting.

        For example, it cannot unfreeze a layer that a custom arm has frozen.
        """
        return self._others is not None and self._mark == _mark(self.model)

    def once(self, name, make: Callable):
        """Returns the result of the first call of `make` with this name.

        Use it for other objects that are traced and depend only on the network.
        """
        if name not in self._kept:
            self._kept[name] = make()
        return self._kept[name]

    @functools.cached_property
    def size(self) -> int:
        """The bytes of the weights and of their optimizer state."""
        return sum(
            variables.host(variable).nbytes
            for variable in self.traced.variables()
        )


class Networks:
    """Stores networks for later settings with equal graphs.

    One setting uses a network at a time. If two settings run alternately, each
    has its own network.

    Args:
        on_drop: Called after networks were dropped. Defaults to `None`.
    """

    def __init__(self, on_drop: Callable[[], None] | None = None):
        self._free = collections.OrderedDict()  # the latest is the last
        self._on_drop = on_drop

    @contextlib.contextmanager
    def lent(self, key: str, make: Callable[[], Network]) -> Iterator[Network]:
        """Lends a network to a block; after an error it is dropped.

        Args:
            key: Key of everything that the graphs depend on.
            make: Function that builds a network if none is free.
        """
        found = self._free.pop(key, None)
        if found is None:
            self._make_room()
            found = make()
        try:
            yield found
        except GeneratorExit:  # the caller needs no more rows
            self._take_back(key, found)
            raise
        self._take_back(key, found)

    def clear(self) -> None:
        """Drops all free networks."""
        self._drop(len(self._free))

    def _take_back(self, key: str, network: Network) -> None:
        if network.is_as_built():
            self._free[key] = network

    def _make_room(self) -> None:
        kept = list(self._free.values())
        while len(kept) > _MOST or sum(n.size for n in kept) > _MOST_BYTES:
            kept.pop(0)
        self._drop(len(self._free) - len(kept))

    def _drop(self, count: int) -> None:
        for _ in range(count):
            self._free.popitem(last=False)
        if count and self._on_drop is not None:
            self._on_drop()


def _mark(model: keras.Model) -> tuple:
    """Returns properties that are not variables and identify a model."""
    optimizer = model.optimizer.get_config()
    optimizer.pop("learning_rate", None)
    return (
        [layer.trainable for layer in _keras.all_layers(model)],
        [(id(v), id(v.regularizer)) for v in model.variables],
        [id(v) for v in model.optimizer.variables],
        (id(model.optimizer), repr(optimizer)),
        (id(model.train_function), id(model.test_function)),
    )


def _others(model: keras.Model) -> list[tuple]:
    """Returns variables that a cold start keeps, and their values."""
    drawn = {variables.WEIGHT, variables.STATISTIC}
    found = [
        entry.variable
        for entry in variables.entries(model)
        if entry.kind not in drawn or entry.frozen
    ]
    # For example the learning rate; a reset covers the other variables.
    found += [v for v in model.optimizer.variables if not tuple(v.shape)]
    return [(variable, ops.convert_to_numpy(variable)) for variable in found]
