"""Callbacks that reset units during `fit`; ReDo as a callback."""

import secrets

import keras
import numpy as np

from ws_keras import callers
from ws_keras import checks
from ws_keras import seeds
from ws_keras.callbacks import steps
from ws_keras.callbacks import travelling
from ws_keras.transforms import activity
from ws_keras.transforms import arrays
from ws_keras.transforms import batches
from ws_keras.transforms import errors
from ws_keras.transforms import noise as noises
from ws_keras.transforms import redo
from ws_keras.transforms import resets
from ws_keras.transforms import selecting


class NeverActed(UserWarning):
    """A fit was too short for a callback to reset any unit."""


class UnitResets(keras.callbacks.Callback):
    """Base class of callbacks that reset units during `fit`.

    After each `every`-th batch of the fit, the activations of the units are
    measured on `data` in inference mode, and the units that `choose` returns
    are reset. See `ws_keras.redo` for resets and for the layers that support
    them, and `ReDo` for `report`, `resets` and restored fits.

    Args:
        data: As in `ws_keras.redo`.
        every: Batches between two measurements.
        seed: Non-negative integer, or `None` for a seed from the operating
            system.
        include: As in `ws_keras.redo`, like all following arguments.
        exclude: Layers whose units are not reset.
        frozen: Whether to change frozen weights too.
        build_fn: Function that builds the model.
    """

    _zero_bias = False

    def __init__(self, data, every, seed, include, exclude, frozen, build_fn):
        super().__init__()
        checks.check_positive("every", every)
        if seed is not None:
            arrays.check_seed(seed)
        noises.check("fresh", build_fn)
        for name, patterns in (("include", include), ("exclude", exclude)):
            for pattern in selecting.listed(patterns):
                selecting.check_pattern(name, pattern)
        # An iterator is read more than once too.
        self._data = batches.repeatable(data)
        self.every = int(every)
        self.seed = None if seed is None else int(seed)
        self._among = {
            "include": include,
            "exclude": exclude,
            "frozen": frozen,
        }
        self._build_fn = build_fn
        self.report = None
        self._fits = 0
        self._state = self._selection = self._measure = None

    @property
    def resets(self) -> dict[str, int]:
        """The number of reset units, by the name of their layer."""
        return dict(self._state.values["resets"]) if self._state else {}

    def read(self, model) -> list:
        """Returns the batches on which to measure activations."""
        raise NotImplementedError

    def begin(self, counts: list[int]) -> dict[str, list[np.ndarray]]:
        """Returns the state of a new fit: by name, an array for each layer.

        All arrays have double precision, which checkpoints require.

        Args:
            counts: Number of units of each layer.
        """
        return {}

    def choose(self, values: dict, layers: list) -> list[np.ndarray]:
        """Measures the units and returns the numbers of those to reset.

        Args:
            values: The arrays of `begin`, which are updated in place.
            layers: The `Units` of each layer.
        """
        raise NotImplementedError

    def set_model(self, model):
        super().set_model(model)
        # Attach the state before any callback restores weights and state.
        if self._state is not None:
            self._state.detach(model)
        seed = secrets.randbits(31) if self.seed is None else self.seed
        start = {"step": 0, "seed": seed, "fits": self._fits, "resets": {}}
        self._state = _Arrays(start)
        self._state.attach(model)
        self._fits += 1

    def on_train_begin(self, logs=None):
        self._state.begun, self._checked = True, False
        steps.check_single(self)
        self._selection = resets.select(self.model, **self._among)
        layers = self._selection.layers
        self._measure = activity.Activity(self.model, layers)
        self._batches = self.read(self.model)
        if not self._state.restored:
            self._state.arrays = self.begin([each.count for each in layers])

    def on_train_batch_end(self, batch, logs=None):
        values = self._state.values
        values["step"] += 1
        is_due = values["step"] % self.every == 0
        if keras.backend.backend() == "jax" and (is_due or not self._checked):
            # Within an epoch the trainer holds the weights.
            self.model.jax_state_sync()
        if not self._checked:  # the optimizer has been built by now
            resets.check_optimizer(self.model, self._selection)
            self._checked = True
        if not is_due:
            return
        layers = self._selection.layers
        try:
            chosen = self.choose(self._state.arrays, layers)
            if any(map(len, chosen)):
                self._reset(layers, chosen)
        except errors.NotFinite:
            pass  # Training has diverged; its loss shows this.

    def on_train_end(self, logs=None):
        self._warn_of_short_fit()
        self._state.detach(self.model)

    def on_test_begin(self, logs=None):
        self._detach_outside_of_fit()

    def on_predict_begin(self, logs=None):
        self._detach_outside_of_fit()

    def __getstate__(self) -> dict:
        # For copies and other processes: the model belongs to one fit.
        gone = ("_model", "_state", "_selection", "_measure", "_batches")
        return {**vars(self), **dict.fromkeys(gone)}

    @property
    def first(self) -> int:
        """The first batch of a fit after which a unit can be reset."""
        return self.every

    def _warn_of_short_fit(self) -> None:
        if not 0 < self._state.values["step"] < self.first:
            return
        # The number of batches is left out, so that Python warns only once.
        callers.warn(
            f"{type(self).__name__} reset no unit, because the fit was too "
            f"short: it acts after batch {self.first:,} at the earliest. Give "
            "it a smaller `every` or `maturity`, or train longer.",
            NeverActed,
        )

    @property
    def _count(self) -> int:
        """Returns the number of measurements, including the present one."""
        return self._state.values["step"] // self.every

    def _next_batch(self):
        return self._batches[(self._count - 1) % len(self._batches)]

    def _reset(self, layers: list, chosen: list[np.ndarray]) -> None:
        values = self._state.values
        address = "units", values["fits"], values["step"]
        self.report = resets.reset(
            self.model,
            self._selection,
            chosen,
            seeds.derive(values["seed"], *address),
            zero_bias=self._zero_bias,
            build_fn=self._build_fn,
        )
        for each, numbers in zip(layers, chosen, strict=True):
            if len(numbers):
                name, known = each.layer.name, values["resets"]
                known[name] = known.get(name, 0) + len(numbers)

    def _detach_outside_of_fit(self) -> None:
        # `evaluate` and `predict` also set the model.
        if not self._state.begun:
            self._state.detach(self.model)


class ReDo(UnitResets):
    """Resets dormant units during `fit`.

    ReDo of Sokar et al. (ICML 2023, arXiv:2302.12902). After each `every`-th
    batch, `ws_keras.redo` resets the units whose mean absolute activation is at
    most `threshold` times the mean of their layer. Activations are always
    measured on the same samples of `data`.

    The state is saved with the weights by `BackupAndRestore`, so that a
    restored fit gives the same result. `report` holds the `Report` of the last
    reset. `resets` holds the number of reset units since the fit began, by the
    name of their layer. Nothing is reset after training has diverged. The model
    must run one batch at a time (`steps_per_execution=1`).

    Example:

    ```python
    callback = ws_keras.ReDo(x, threshold=0.1, every=500)
    model.fit(x, y, epochs=10, callbacks=[callback])
    print(callback.resets)
    ```

    Args:
        data: Samples on which to measure activations; see `ws_keras.redo`.
        threshold: Largest score of a dormant unit, at least 0. Defaults to 0.1
            (the article).
        every: Batches between two resets. Defaults to 1000 (the article).
        samples: Maximum number of samples of `data`. Defaults to 512.
        seed: Non-negative integer that fixes the draws. Each reset uses new
            draws. `None` draws a seed from the operating system. Defaults to
            `None`.
        include: Layers whose units may be reset; see `ws_keras.redo`. Defaults
            to `None`.
        exclude: Layers whose units are not reset. Defaults to `None`.
        frozen: Whether to change frozen weights too. Defaults to `False`.
        build_fn: Function that builds the model; see `ws_keras.redo`. Defaults
            to `None`.

    Raises:
        ValueError: If an argument is out of its range, or, at the beginning of
            `fit`, if `redo` cannot reset units of the model, or if the model
            runs several batches at a time.
    """

    def __init__(
        self,
        data,
        threshold: float = redo.THRESHOLD,
        every: int = 1000,
        *,
        samples: int = redo.SAMPLES,
        seed: int | None = None,
        include=None,
        exclude=None,
        frozen: bool = False,
        build_fn=None,
    ):
        super().__init__(data, every, seed, include, exclude, frozen, build_fn)
        redo.check_threshold(threshold)
        checks.check_positive("samples", samples)
        self.threshold, self.samples = float(threshold), int(samples)

    def read(self, model) -> list:
        """Returns the batches on which to measure dormancy."""
        return redo.first(model, self._data, self.samples)

    def choose(self, values: dict, layers: list) -> list[np.ndarray]:
        """Returns the numbers of the dormant units."""
        sizes = redo.mean_activity(self._measure, self._batches)
        return redo.dormant(sizes, self.threshold)


class _Arrays(travelling.TravellingState):
    """A small dict, and by name an array for each layer."""

    def __init__(self, values: dict):
        super().__init__(values)
        self.arrays = {}

    def save_own_variables(self, store) -> None:
        super().save_own_variables(store)
        for name, held in self.arrays.items():
            for number, array in enumerate(held):
                store[f"{name}_{number}"] = array

    def load_own_variables(self, store) -> None:
        super().load_own_variables(store)
        found = {}
        for key in store.keys():
            name, _, number = key.rpartition("_")
            if name:
                found.setdefault(name, {})[int(number)] = np.array(store[key])
        self.arrays = {
            name: [held[number] for number in sorted(held)]
            for name, held in found.items()
        }
