"""Provides the rounds of a setting to its arm."""

from collections.abc import Sequence

import keras
import numpy as np

from ws_keras import allocation
from ws_keras import arms
from ws_keras import protocol
from ws_keras import seeds
from ws_keras import settings
from ws_keras.arms import hooks
from ws_keras.training import terms
from ws_keras.transforms import reset_layers
from ws_keras.transforms import shrink_perturb as transforms
from ws_keras.transforms import stages

_NORMS = (keras.layers.BatchNormalization, keras.layers.GroupNormalization)


class Views:
    """The rounds of a setting, from the view of its arm.

    Args:
        config: Config of the setting.
        setting: The `Setting`.
        samples: `Samples` of the setting.
        rounds: Rounds of the setting. Rounds of active learning are known once
            they have begun.
    """

    def __init__(
        self,
        config,
        setting: settings.Setting,
        samples: allocation.Samples,
        rounds: Sequence[terms.Round],
    ):
        self._config, self._setting = config, setting
        self._samples, self._rounds = samples, rounds

    def of(self, number: int) -> arms.Round:
        """Returns the `arms.Round` of a round, counted from 1."""
        policy = self._config.transform
        policies = {
            "noise": policy.noise,
            "include": _not_of_norms if policy.norms == "keep" else None,
            "statistics": policy.statistics,
            "optimizer": policy.optimizer,
        }
        seed = seeds.derive(self._setting.seed, "transform", number)
        return arms.Round(
            number,
            seed,
            self._setting.seed,
            chunk=self._chunk,
            policies=policies,
            kept=policies,
            cold_start=lambda model: transforms.cold_start(model, seed=seed),
            learning_rate=protocol.learning_rate(self._config, number),
            loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        )

    def begin(self, model: keras.Model, number: int) -> None:
        """Lets the arm change a model before a round.

        `transform.first_round` decides whether it also acts before the first
        round.
        """
        policy, classes = self._config.transform, self._samples.classes
        if number == 1 and not policy.first_round:
            return
        view = self.of(number)
        hooks.begin(self._setting.method, model, view)
        if number > 1 and classes[number - 1] != classes[number - 2]:
            # The classes differ, so the old head is useless.
            reset_layers.reset_layers(
                model,
                stages.head(model),
                seed=view.seed,
                optimizer=policy.optimizer,
            )

    def _chunk(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        before = self._rounds[number - 2].indices if number > 1 else []
        new = np.setdiff1d(self._rounds[number - 1].indices, before)
        return self._samples.x[new], self._samples.y[new]


def check(model: keras.Model, config, setting: settings.Setting) -> None:
    """Raises a ValueError if the arm does not support model and rounds."""
    method, steps = setting.method, config.train.steps_per_execution
    if method.defines("callbacks") and steps not in (None, 1):
        raise ValueError(
            "`train.steps_per_execution` must be 1 for an arm that acts during "
            "training. Received: train.steps_per_execution="
            f"{steps}, arm={setting.arm!r}."
        )
    method.check(model, config.rounds.protocol)


def _not_of_norms(layer: keras.layers.Layer, variable) -> bool:
    # Moments are not weights; they follow their own policy.
    is_norm = isinstance(layer, _NORMS)
    return not (is_norm and variable.name in ("gamma", "beta"))
