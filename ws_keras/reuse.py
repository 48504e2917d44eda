"""Networks that one setting after the other trains, built and traced once.

Tracing takes longer than all other parts of a start. Settings whose networks
have the same graphs, such as all arms and seeds of one model, share one: what
tells them apart are values of variables, which each begins anew.
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

# What is kept beside a network that is built; the memory of graphs and of a
# wide residual network counts.
_MOST = 3
_MOST_BYTES = 2**27


class Network:
    """A network that is built and compiled, for one setting at a time.

    Args:
        plain: The network as it is built, whose layers have names.
        model: What is compiled: the same, or a model that shares its layers
            and variables.
    """

    def __init__(self, plain: keras.Model, model: keras.Model):
        self.plain, self.model = plain, model
        self.traced = traces.Traced(model)
        self._kept = {}
        self._others = None

    def begin(self, seed: int) -> None:
        """Makes it what it is when it has just been built, once it is traced.

        Args:
            seed: Seed of the setting. All its arms have the same network
                before the first transform.
        """
        if self._others is None:
            self._others = _others(self.model)
            self._mark = _mark(self.model)
        for variable, value in self._others:
            variable.assign(value)
        transforms.cold_start(self.model, seed=seeds.derive(seed, "start"))
        augmentation.seed(self.model, seed)
        # A reset of the optimizer asks it for the rates of an earlier fit.
        self.model.history = None

    def is_as_built(self) -> bool:
        """Returns whether `begin` can put back all that a setting has changed.

        An arm of one's own may have frozen a layer, say.
        """
        return self._others is not None and self._mark == _mark(self.model)

    def once(self, name, make: Callable):
        """Returns what `make` made at the first call with this name.

        For what is traced as well and depends on the network alone.
        """
        if name not in self._kept:
            self._kept[name] = make()
        return self._kept[name]

    @functools.cached_property
    def size(self) -> int:
        """Bytes of the weights and of what the optimizer has of them."""
        return sum(
            variables.host(variable).nbytes
            for variable in self.traced.variables()
        )


class Networks:
    """Keeps networks for the next setting that can have them.

    A network is with one setting at a time: where two run in turn, such as
    generators that are asked alternately, each has one of its own.

    Args:
        on_drop: Called after networks were dropped. Defaults to `None`.
    """

    def __init__(self, on_drop: Callable[[], None] | None = None):
        self._free = collections.OrderedDict()  # the last one used last
        self._on_drop = on_drop

    @contextlib.contextmanager
    def lent(self, key: str, make: Callable[[], Network]) -> Iterator[Network]:
        """Lends a network for the block; one that fails is not kept.

        Args:
            key: What its graphs depend on.
            make: Function that builds it, where none is free.
        """
        found = self._free.pop(key, None)
        if found is None:
            self._make_room()
            found = make()
        try:
            yield found
        except GeneratorExit:  # its rows are no longer wanted
            self._take_back(key, found)
            raise
        self._take_back(key, found)

    def clear(self) -> None:
        """Drops all networks that are free."""
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
    """Returns what is no value of a variable and tells two models apart."""
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
    """Returns what a cold start leaves as it is, and its values now."""
    drawn = {variables.WEIGHT, variables.STATISTIC}
    found = [
        entry.variable
        for entry in variables.entries(model)
        if entry.kind not in drawn
    ]
    # Such as the learning rate; its other variables go back to their start.
    found += [v for v in model.optimizer.variables if not tuple(v.shape)]
    return [(variable, ops.convert_to_numpy(variable)) for variable in found]
