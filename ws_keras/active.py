"""Active learning: rounds whose samples the model chooses."""

import keras
import numpy as np
from keras import ops

from ws_keras import seeds
from ws_keras.allocation import Samples
from ws_keras.data import acquisition
from ws_keras.training import terms
from ws_keras.transforms import stages

_BATCH = 500
_PART = 10 * _BATCH


class ActiveRounds:
    """A sequence of rounds. Each round adds samples that the model chooses.

    The first round is that of the online protocol. Before each later round, the
    model of the previous round scores the rest of the pool. The choices are
    stored in `notes`, which checkpoints save.

    Args:
        samples: `Samples` of the online protocol; the round sizes are kept.
        notes: Dict that stores the choices, such as `Trainer.notes`.
        name: Acquisition function, one of `acquisition.NAMES`.
        seed: Seed of the setting.
        features: Result of `with_features` for the network that trains.
    """

    def __init__(
        self,
        samples: Samples,
        notes: dict[str, list[int]],
        name: str,
        seed: int,
        features: keras.Model,
    ):
        self._samples, self._features = samples, features
        self._name, self._seed = name, seed
        first = samples.rounds[0].indices
        self._chosen = chosen = notes.setdefault("chosen", first.tolist())
        if not np.isin(chosen, samples.pool).all():
            raise ValueError(
                "The choices of a checkpoint must be samples of the pool. "
                f"Received: a pool of {len(samples.pool)} samples and other "
                "choices. Delete the checkpoint to restart the setting."
            )

    def __len__(self) -> int:
        return len(self._samples.rounds)

    def __getitem__(self, place: int) -> terms.Round:
        known = self._samples.rounds[place]
        size = len(known.indices)
        chosen = self._chosen
        if len(chosen) < size:
            chosen += self._choose(chosen, size - len(chosen), place + 1)
        return terms.Round(
            np.array(chosen[:size]),
            known.held_out,
            known.until,
            known.batch_size,
        )

    def _choose(self, chosen: list[int], count: int, number: int) -> list[int]:
        # In the order of the pool, which depends only on the seed.
        rest = self._samples.pool[~np.isin(self._samples.pool, chosen)]
        found = acquisition.choose(
            self._name,
            lambda: self._predict(rest),
            len(rest),
            count,
            seeds.generator(self._seed, "acquisition", number),
        )
        return rest[found].tolist()

    def _predict(self, rest: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        # In parts, because a copy of the rest would double the memory.
        parts = [
            self._features.predict(
                self._samples.x[rest[start : start + _PART]],
                batch_size=_BATCH,
                verbose=0,
            )
            for start in range(0, len(rest), _PART)
        ]
        features, logits = map(np.concatenate, zip(*parts, strict=True))
        return ops.convert_to_numpy(ops.softmax(logits)), features


def with_features(model: keras.Model) -> keras.Model:
    """Returns a model that outputs the last features and the logits.

    Args:
        model: Network whose last layer outputs logits.
    """
    head = stages.head(model)
    if head in model.layers:
        return keras.Model(model.input, [head.input, model.output])
    # A custom network is one layer, behind the layer that normalizes.
    place = next(
        number
        for number, layer in enumerate(model.layers)
        if isinstance(layer, keras.Model)
    )
    own, before = model.layers[place], model.layers[place - 1]
    inner = keras.Model(own.input, [head.input, own.output])
    return keras.Model(model.input, inner(before.output))
