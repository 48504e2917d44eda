"""Runs the settings of a comparison on a user's model and data."""

import os
import re
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence

import keras
import numpy as np

from ws_keras import arms as methods
from ws_keras import comparison as comparisons
from ws_keras import concluding
from ws_keras import keeping
from ws_keras import networks as initial
from ws_keras import outcomes as held
from ws_keras import own_loss
from ws_keras import progress as lines
from ws_keras import seeds as addresses
from ws_keras import settings as all_settings
from ws_keras.arms import hooks
from ws_keras.data import arrivals
from ws_keras.report import scale as scales
from ws_keras.storage import metric as metrics
from ws_keras.training import feed as feeds
from ws_keras.training import loop as round_loop
from ws_keras.training import state
from ws_keras.training import strategy as strategies
from ws_keras.training import terms
from ws_keras.training import traced as traces
from ws_keras.training import trainer as trainers
from ws_keras.transforms import rates
from ws_keras.transforms import selecting
from ws_keras.transforms import shrink_perturb as transforms
from ws_keras.transforms import variables


class Loop:
    """Runs the settings of a comparison, one at a time, on one model.

    Args:
        networks: `InitialNetworks` with the initial network of each seed.
        data: The `data.arrivals.Data`.
        batch_size: Samples per batch.
        first_round: Whether arms act before the first round.
        until: `Until` that ends a round.
        callbacks: Further callbacks for each `fit`.
        transform: Further arguments of the transforms.
        on_end: Called at the end of each setting, or `None`.
        name: Name of the experiment in the rows.
        monitor: Metric to compare by. `None` finds one.
        mode: `"max"` or `"min"`. `None` derives it from the metric.
        replay: Fraction of the old samples that a round trains on again.
        verbose: Whether to show a line of progress.
    """

    def __init__(
        self,
        networks: initial.InitialNetworks,
        data: arrivals.Data,
        *,
        batch_size: int,
        first_round: bool,
        until: terms.Until,
        callbacks: Sequence[keras.callbacks.Callback],
        transform: Mapping,
        on_end: Callable | None,
        name: str,
        monitor: str | None = None,
        mode: str | None = None,
        replay: float = 1.0,
        verbose: bool = False,
    ):
        self._networks, self._data = networks, data
        self._first_round, self._until = first_round, until
        self._callbacks, self._arguments = callbacks, transform
        self._on_end, self._name = on_end, name
        self._monitor, self._mode, self._replay = monitor, mode, replay
        self._objective = self._rule = None  # set by the first trainer
        self._model = model = networks.model
        check_compiled(model)
        self._traced = traces.Traced(model)
        is_fixed = state.batch_size(model) is not None
        self._feed = feeds.Feed(
            data.x,
            data.y,
            batch_size,
            strategies.num_replicas(model),
            weights=data.weights,
            is_fixed=is_fixed,
        )
        sizes = [len(self._indices(0, n + 1)) for n in range(len(data.ends))]
        parts = [len(data.held_out)] if is_fixed else []
        feeds.check_round(batch_size, min(sizes + parts))
        self._progress = lines.Progress(sizes) if verbose else None
        with strategies.scope_of(model):
            model.optimizer.build(model.trainable_variables)
        self.given = initial.Snapshot(model)
        self._rate = rates.present(model)
        self._rows, self._outcomes = [], {}
        self._kept = None

    def keep(self, workdir: str | os.PathLike, minutes: float) -> None:
        """Stores rows and checkpoints in a folder; see `keeping.Kept`."""
        arguments = {
            "experiment": self._name,
            "batch_size": self._feed.batch_size,
            "first_round": self._first_round,
            "until": self._until,
            "transform": sorted(self._arguments.items()),
            "monitor": self._monitor,
            "mode": self._mode,
            "replay": self._replay,
        }
        arguments = keeping.arguments(self._model, self._data, arguments)
        self._kept = keeping.Kept(workdir, minutes, arguments)

    @property
    def seconds(self) -> float:
        """The seconds of all rows so far."""
        return sum(
            row.train_seconds + row.trace_seconds + row.eval_seconds
            for row in self._rows
        )

    def run(self, settings: Iterable[all_settings.Setting]) -> None:
        """Runs settings and stores their results."""
        settings = list(settings)
        self._check(dict.fromkeys(setting.method for setting in settings))
        if self._kept:
            self._kept.plan(settings)
        if self._progress:
            self._progress.expect(len(settings))
        for setting in settings:
            self._run(setting)
            if self._on_end:
                self._on_end(setting, self._model)
        if self._progress:
            self._progress.end()

    def _check(self, arms: Iterable[methods.Arm]) -> None:
        """Raises the errors of all arms before the first one is trained."""
        given = {n: self._arguments.get(n) for n in ("include", "exclude")}
        given["frozen"] = bool(self._arguments.get("frozen"))
        entries = variables.entries(self._model)
        chosen = selecting.selected(entries, variables.WEIGHT, **given)
        if given["include"] is not None or given["exclude"] is not None:
            selecting.check_any(chosen)
        for arm in arms:
            arm.check(self._model, "given")
            arm.check_selection(self._model, **given)

    def comparison(
        self, margin: float | None, withheld: str, notes: Iterable[str]
    ) -> comparisons.Comparison:
        """Returns the rows with a verdict and notes."""
        measured = self._measured()
        outcomes = concluding.known(self._rows, self._outcomes)
        own = concluding.notes(
            self._rows,
            self._data,
            are_outcomes_known=outcomes is not None,
            measured=measured,
            until=self._until,
            replay=self._replay,
            are_built=self._networks.are_built,
            are_equal=self._networks.are_equal,
        )
        return concluding.comparison(
            self._rows,
            outcomes,
            self._model,
            self._data,
            measured=measured,
            objective=self._objective,
            margin=margin,
            withheld=withheld,
            notes=[*notes, *own],
            training=concluding.training(
                self._until,
                self._rule,
                batch_size=self._feed.batch_size,
                transform=self._arguments,
                replay=self._replay,
            ),
        )

    def _measured(self) -> np.ndarray:
        """Returns the held-out samples that are measured."""
        held_out = self._data.held_out
        if not self._feed.is_fixed:
            return held_out
        return held_out[: len(held_out) - len(held_out) % self._feed.batch_size]

    def _indices(self, seed: int, number: int) -> np.ndarray:
        """Returns the samples of a round: new ones and a part of the old."""
        data = self._data
        start, end = [0, *data.ends][number - 1 : number + 1]
        if self._replay == 1:
            return np.arange(end)
        # Equal for all arms; a larger fraction includes the smaller ones.
        chances = addresses.generator(seed, "replay").random(data.ends[-1])
        count = round(self._replay * start)
        old = np.sort(np.argsort(chances[:start])[:count])
        return np.concatenate([old, np.arange(start, end)])

    def _is_over(self, setting: all_settings.Setting) -> bool:
        rows_of = [row for row in self._rows if row.setting == setting.id]
        return bool(rows_of) and rows_of[-1].last

    def _begin(self, setting: all_settings.Setting) -> None:
        """Sets the model to the initial network of its seed."""
        self.given.restore()
        self._networks.begin(setting.seed)

    def _run(self, setting: all_settings.Setting) -> None:
        method = setting.method
        if method.defines("losses"):
            self._begin(setting)
        with own_loss.of(method, self._model) as model:
            self._train(setting, model)

    def _train(self, setting: all_settings.Setting, model: keras.Model) -> None:
        data = self._data
        outcome = held.Outcomes(model, self._feed, data)
        kept = self._kept
        keeper = kept and kept.keeper(setting)
        trainer = self._trainer(setting, model, keeper, outcome)
        trainer.warm_up(np.arange(data.ends[0]))
        self.given.complete(self._model)
        outcome.objective = self._objective = trainer.objective
        self._rule = trainer.rule()
        held.check_labels(model, data, self._objective.log)
        self._begin(setting)
        if kept:
            known = kept.resume(setting, keeper, trainer)
            self._rows += known
            if self._progress:
                self._progress.know(known)

        def begin(number: int) -> None:
            self.given.restore_rate()
            if number > 1 or self._first_round:
                hooks.begin(setting.method, model, self.view(setting, number))

        def prepare(number: int) -> None:
            own = hooks.callbacks(setting.method, self.view(setting, number))
            trainer.callbacks = [*own, *self._callbacks]

        found = round_loop.train(
            trainer,
            setting,
            [
                terms.Round(
                    self._indices(setting.seed, number), data.seen(number)
                )
                for number in range(1, len(data.ends) + 1)
            ],
            begin,
            prepare,
            experiment=self._name,
            dataset="given",
            model=_name(self._model),
            optimizer=_name(model.optimizer),
        )
        if not self._is_over(setting):
            found = self._shown(setting, found)
            self._rows += kept.kept(found) if kept else found
        elif self._rows[-1].stopped_by != "nan":
            outcome.measure()  # an earlier process finished training
        if outcome.agrees(self._rows[-1]):
            self._outcomes[setting.id] = outcome.values

    def _trainer(
        self, setting: all_settings.Setting, model: keras.Model, keeper, outcome
    ) -> trainers.Trainer:
        traced = self._traced
        if setting.method.defines("losses"):
            traced = traces.Traced(model)
        return trainers.Trainer(
            traced,
            self._feed,
            self._data.held_out,
            until=self._until,
            seed=setting.seed,
            on_epoch=self._on_epoch(setting),
            callbacks=self._callbacks,
            keeper=keeper,
            diagnostics=outcome,
            recalibrate=True,
            monitor=self._monitor,
            mode=self._mode,
        )

    def view(self, setting: all_settings.Setting, number: int) -> methods.Round:
        """Returns the `Round` that an arm receives."""
        data, given = self._data, self._arguments
        starts = [0, *data.ends]
        seed = addresses.derive(setting.seed, "transform", number)

        def chunk(past: int) -> tuple[np.ndarray, np.ndarray]:
            part = slice(starts[past - 1], starts[past])
            return keras.tree.map_structure(
                lambda leaf: leaf[part], (data.x, data.y)
            )

        def cold_start(model: keras.Model) -> None:
            if self._networks.are_built and not given:
                self._networks.rebuild(setting.seed, "transform", number)
                return
            known = {"frozen", "build_fn"} & given.keys()
            chosen = {name: given[name] for name in known}
            transforms.cold_start(model, seed=seed, **chosen)

        return methods.Round(
            number,
            seed,
            setting.seed,
            chunk=chunk,
            policies=given,
            kept={},
            cold_start=cold_start,
            learning_rate=self._rate,
        )

    def _on_epoch(self, setting: all_settings.Setting) -> Callable | None:
        """Returns the trainer's hook, which stores and shows epochs."""
        keep = round_loop.epochs(
            setting, self._kept and self._kept.append_epoch
        )
        if self._progress is None:
            return keep

        def hook(number: int, epoch: terms.EpochResult) -> None:
            if keep is not None:
                keep(number, epoch)
            self._progress.on_epoch(setting, number, epoch)

        return hook

    def _shown(self, setting: all_settings.Setting, found) -> Iterable:
        """Shows rows and yields them."""
        for row in found:
            if self._progress is not None:
                scale = scales.of(metrics.of(row), None, ())
                value = scale.level(scale.metric.value(row))
                self._progress.on_round(setting, row, value)
            yield row


def _name(thing) -> str:
    """Returns the name of a model or optimizer without Keras' number.

    The number depends on what the process has created before.
    """
    kind = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type(thing).__name__).lower()
    is_given = not re.fullmatch(rf"{kind}_\d+", thing.name)
    return thing.name if is_given else kind


def check_compiled(model) -> None:
    """Raises a ValueError unless `model` can be trained."""
    if not isinstance(model, keras.Model):
        raise ValueError(
            "`model` must be a Keras model or a function that builds one. "
            f"Received: {type(model).__name__}."
        )
    variables.check_built(model)
    if not model.compiled:
        raise ValueError(
            "`model` must be compiled. Received: "
            f"{model.name!r}, compiled=False. Call `model.compile(...)`."
        )
