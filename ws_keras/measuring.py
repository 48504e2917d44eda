"""Measures diagnostics of a setting without affecting its training."""

import contextlib
import math
from collections.abc import Iterator

import keras
import numpy as np
from keras import ops

from ws_keras import reuse
from ws_keras.allocation import Samples
from ws_keras.diagnostics import measures
from ws_keras.diagnostics import probe as probes
from ws_keras.transforms import errors
from ws_keras.transforms import shrink_perturb as transforms
from ws_keras.transforms import variables

_BATCH = 500
_TRAINING_BATCH = 128  # as in the replication


def of(
    config, network: reuse.Network, samples: Samples
) -> "SettingProbe | None":
    """Returns the diagnostics that a config requests, or `None`."""
    wanted = config.diagnostics
    if not (wanted.measures or wanted.shrunk or wanted.training_mode):
        return None
    return SettingProbe(wanted, network, samples)


class SettingProbe:
    """Measures a model before each epoch and after each round.

    Args:
        config: Section `diagnostics` of a config.
        network: `Network` of the setting.
        samples: `Samples` of the setting.
    """

    def __init__(self, config, network: reuse.Network, samples: Samples):
        self._config = config
        self._model, self._samples = network.model, samples
        self._round = 0
        self._probe = None
        if config.measures:
            first = self._sets(1, samples.rounds[0].indices)
            arguments = {
                "measures": tuple(config.measures),
                "max_samples": config.samples,
            }
            self._probe = network.once(
                f"probe {arguments}",
                lambda: probes.Probe(network.model, **first, **arguments),
            )
            self._probe.use(**first)
            self._probe.start()

    @property
    def variables(self) -> list:
        """The weights at the start of the round, for checkpoints."""
        if "weight_correlation" not in self._config.measures:
            return []
        return [_Kept(self._probe.snapshot, i) for i in self._places]

    def start(self) -> None:
        """Stores the present weights as the start of a round."""
        if self._probe is not None:
            self._probe.start()

    def before(self, number: int, indices: np.ndarray) -> dict[str, float]:
        """Returns the diagnostics before an epoch."""
        if self._probe is None:
            return {}
        if number != self._round:
            self._probe.use(**self._sets(number, indices))
            self._round = number
        return self._probe()

    def after(self, number: int, indices: np.ndarray) -> dict[str, float]:
        """Returns the diagnostics after a round."""
        found = self.before(number, indices)
        for shrink in self._config.shrunk:
            name = f"shrunk/{shrink:g}"
            accuracy, entropy = self._shrunk(shrink, number, indices)
            found[f"{name}/accuracy"] = accuracy
            found[f"{name}/entropy"] = entropy
        if self._config.training_mode:
            found["training_mode/accuracy"] = self._in_training_mode(number)
        return found

    @property
    def _places(self) -> range:
        return range(len(self._probe.snapshot))

    def _sets(self, number: int, indices: np.ndarray) -> dict:
        """Returns old, new and held-out samples of a round."""
        x, y = self._samples.x, self._samples.y
        held_out = self._held_out(number)
        old = indices[:0]
        if number > 1:
            before, now = self._samples.rounds[number - 2 : number]
            size = len(before.indices)
            # Growing rounds begin with the old samples. The rounds of a
            # target do not, and its source has other labels.
            if np.array_equal(now.indices[:size], before.indices):
                old = indices[:size]
        new = np.setdiff1d(indices, old)
        sets = {"new": (x, y, new), "data": (x, y, held_out)}
        return {**sets, "old": (x, y, old)} if len(old) else sets

    def _held_out(self, number: int) -> np.ndarray:
        # A source has its own held-out samples.
        return self._samples.rounds[number - 1].held_out

    def _shrunk(self, shrink: float, number: int, indices: np.ndarray) -> tuple:
        """Measures held-out accuracy and entropy of a shrunk network.

        Batch-norm moments are measured again on the training samples, because
        shrinking changes them.
        """
        some = np.sort(indices[: self._config.samples])
        measured = {}
        if _has_statistics(self._model):
            parts = range(0, len(some), _BATCH)
            data = [self._samples.x[some[i : i + _BATCH]] for i in parts]
            measured = {"statistics": "recalibrate", "data": data}
        with self._as_it_is():
            try:
                transforms.shrink_perturb(
                    self._model,
                    shrink,
                    0.0,
                    seed=0,
                    optimizer="keep",
                    **measured,
                )
                return self._predicted(self._held_out(number))
            except errors.NotFinite:
                return math.nan, math.nan  # the network has diverged

    def _in_training_mode(self, number: int) -> float:
        """Measures held-out accuracy in percent, with batch moments.

        The pass changes the moving averages; they are restored afterwards.
        """
        held_out = self._held_out(number)
        right = 0
        with self._as_it_is():
            for first in range(0, len(held_out), _TRAINING_BATCH):
                some = held_out[first : first + _TRAINING_BATCH]
                logits = self._model(self._samples.x[some], training=True)
                logits = ops.convert_to_numpy(logits)
                if not np.isfinite(logits).all():
                    return math.nan  # the network has diverged
                found = logits.argmax(1)
                right += int((found == self._samples.y[some]).sum())
        return 100 * right / len(held_out)

    @contextlib.contextmanager
    def _as_it_is(self) -> Iterator[None]:
        """Restores all variables at the end."""
        kept = [ops.convert_to_numpy(v) for v in self._model.variables]
        try:
            yield
        finally:
            for variable, value in zip(
                self._model.variables, kept, strict=True
            ):
                variable.assign(value)

    def _predicted(self, held_out: np.ndarray) -> tuple[float, float]:
        """Returns accuracy in percent and mean entropy in nats."""
        logits = self._model.predict(
            self._samples.x[held_out], batch_size=_BATCH, verbose=0
        )
        right = logits.argmax(1) == self._samples.y[held_out]
        entropy = measures.entropies(logits)
        return 100 * float(right.mean()), float(entropy.mean())


class _Kept:
    """An array of a list, with the interface of a variable."""

    def __init__(self, arrays: list[np.ndarray], place: int):
        self._arrays, self._place = arrays, place

    @property
    def shape(self) -> tuple[int, ...]:
        return self._arrays[self._place].shape

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        return np.array(self._arrays[self._place], dtype)

    def assign(self, value: np.ndarray) -> None:
        self._arrays[self._place] = np.array(value)


def _has_statistics(model: keras.Model) -> bool:
    kinds = {entry.kind for entry in variables.entries(model)}
    return variables.STATISTIC in kinds
