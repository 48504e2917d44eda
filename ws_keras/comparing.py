"""One setting after the other on a user's model, and what they come to."""

import dataclasses
import os
import re
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence

import keras
import numpy as np

from ws_keras import arms as methods
from ws_keras import keeping
from ws_keras import networks as starts
from ws_keras import outcomes as held
from ws_keras import own_loss
from ws_keras import seeds as addresses
from ws_keras import settings as all_settings
from ws_keras.data import growing as grown
from ws_keras.report import tables
from ws_keras.report import verdict as verdicts
from ws_keras.report.render import markdown
from ws_keras.storage import rows
from ws_keras.training import feed as feeds
from ws_keras.training import loop as round_loop
from ws_keras.training import strategy as strategies
from ws_keras.training import terms
from ws_keras.training import traced as traces
from ws_keras.training import trainer as trainers
from ws_keras.transforms import rates
from ws_keras.transforms import shrink_perturb as transforms

_SEEDS_ALONE = (
    "Intervals hold the spread of seeds alone, because the metric tells "
    "nothing of single samples. Other held-out samples could give other "
    "accuracies."
)
_ONE_PAST = (
    "All seeds begin with the given model. They vary the noise and the order "
    "of the samples, not the model's past."
)


@dataclasses.dataclass(frozen=True)
class Comparison:
    """Rows of all arms, and what they say; prints as a table and a verdict.

    Args:
        rows: A `rows.Row` for each arm, seed and round.
        verdict: Sentences about what each arm cost and gave, and one
            recommendation.
        recommended: Name of the arm that is recommended; `None` where the
            comparison does not decide.
    """

    rows: list[rows.Row]
    verdict: str
    recommended: str | None = None

    def __str__(self) -> str:
        table = tables.summary(self.rows)
        made = markdown.table(table.header, table.lines)
        return f"{made}\n{self.verdict}"


class Loop:
    """Runs one setting after the other on one model.

    Args:
        networks: The `Networks` that seeds begin with.
        data: The `data.growing.Data`.
        batch_size: Samples in a batch.
        first_round: Whether arms differ before the first round.
        until: When a round ends.
        callbacks: Further callbacks of each `fit`.
        transform: Further arguments of the transforms.
        on_end: Called at the end of each setting, or `None`.
        name: What rows call the experiment.
    """

    def __init__(
        self,
        networks: starts.Networks,
        data: grown.Data,
        *,
        batch_size: int,
        first_round: bool,
        until: terms.Until,
        callbacks: Sequence[keras.callbacks.Callback],
        transform: Mapping,
        on_end: Callable | None,
        name: str,
    ):
        self._networks, self._data = networks, data
        self._first_round, self._until = first_round, until
        self._callbacks, self._arguments = callbacks, transform
        self._on_end, self._name = on_end, name
        self._model = model = networks.model
        _check_compiled(model)
        self._traced = traces.Traced(model)
        self._feed = feeds.Feed(
            data.x, data.y, batch_size, strategies.num_replicas(model)
        )
        feeds.check_round(batch_size, data.ends[0])
        with strategies.scope_of(model):
            model.optimizer.build(model.trainable_variables)
        self.given = starts.Snapshot(model)
        self._rate = rates.present(model)
        self._rows, self._outcomes = [], {}
        self._kept = None

    def keep(self, workdir: str | os.PathLike, minutes: float) -> None:
        """Keeps rows and checkpoints in a folder; see `keeping.Kept`."""
        arguments = {
            "experiment": self._name,
            "batch_size": self._feed.batch_size,
            "first_round": self._first_round,
            "until": self._until,
            "transform": sorted(self._arguments.items()),
        }
        arguments = keeping.arguments(self._model, self._data, arguments)
        self._kept = keeping.Kept(workdir, minutes, arguments)

    @property
    def seconds(self) -> float:
        """What the rows so far have taken."""
        return sum(
            row.train_seconds + row.trace_seconds + row.eval_seconds
            for row in self._rows
        )

    def run(self, settings: Iterable[all_settings.Setting]) -> None:
        """Runs settings and keeps what they come to."""
        for setting in settings:
            self._run(setting)
            if self._on_end:
                self._on_end(setting, self._model)

    def comparison(
        self, margin: float | None, withheld: str, notes: Iterable[str]
    ) -> Comparison:
        """Returns all rows and what they say, and notes below."""
        ids = {row.setting for row in self._rows if row.last}
        ids -= {row.setting for row in self._rows if row.stopped_by == "nan"}
        is_known = ids <= self._outcomes.keys()
        said = verdicts.verdict(
            self._rows,
            self._outcomes if is_known else None,
            held.classes(self._data.y[self._data.held_out]),
            margin=margin,
            withheld=withheld,
        )
        notes = [*notes] if is_known else [*notes, _SEEDS_ALONE]
        num_seeds = len({row.seed for row in self._rows})
        is_shared = num_seeds > 1 and not self._networks.are_built
        past = [_ONE_PAST] if is_shared else []
        text = "\n".join([str(said), *notes, *past])
        return Comparison(self._rows, text, said.recommended)

    def _is_over(self, setting: all_settings.Setting) -> bool:
        rows_of = [row for row in self._rows if row.setting == setting.id]
        return bool(rows_of) and rows_of[-1].last

    def _begin(self, setting: all_settings.Setting) -> None:
        """Gives the model what all arms of a seed begin with."""
        self.given.restore()
        self._networks.begin(setting.seed)

    def _run(self, setting: all_settings.Setting) -> None:
        method = setting.method
        method.check(self._model, "given")
        if method.defines("losses"):
            self._begin(setting)
        with own_loss.of(method, self._model) as model:
            self._train(setting, model)

    def _train(self, setting: all_settings.Setting, model: keras.Model) -> None:
        data = self._data
        outcome = held.Outcomes(
            model, self._feed, data.y, data.held_out, len(data.ends)
        )
        kept = self._kept
        keeper = kept and kept.keeper(setting)
        traced = self._traced
        if setting.method.defines("losses"):
            traced = traces.Traced(model)
        trainer = trainers.Trainer(
            traced,
            self._feed,
            data.held_out,
            until=self._until,
            seed=setting.seed,
            on_epoch=round_loop.epochs(setting, kept and kept.append_epoch),
            callbacks=self._callbacks,
            keeper=keeper,
            diagnostics=outcome,
            recalibrate=True,
        )
        trainer.warm_up(np.arange(data.ends[0]))
        self._begin(setting)
        if kept:
            self._rows += kept.resume(setting, keeper, trainer)

        def begin(number: int) -> None:
            self.given.restore_rate()
            if number > 1 or self._first_round:
                setting.method.begin(model, self._view(setting, number))

        def prepare(number: int) -> None:
            own = setting.method.callbacks(self._view(setting, number))
            trainer.callbacks = [*own, *self._callbacks]

        found = round_loop.train(
            trainer,
            setting,
            [np.arange(end) for end in data.ends],
            begin,
            prepare,
            experiment=self._name,
            dataset="given",
            model=_name(model),
            optimizer=_name(model.optimizer),
        )
        if not self._is_over(setting):
            self._rows += kept.kept(found) if kept else found
        elif self._rows[-1].stopped_by != "nan":
            outcome.measure()  # an earlier process has trained to the end
        if outcome.agrees(self._rows[-1]):
            self._outcomes[setting.id] = outcome.values

    def _view(
        self, setting: all_settings.Setting, number: int
    ) -> methods.Round:
        """Returns a round as an arm sees it."""
        data, given = self._data, self._arguments
        starts = [0, *data.ends]
        seed = addresses.derive(setting.seed, "transform", number)

        def chunk(past: int) -> tuple[np.ndarray, np.ndarray]:
            part = slice(starts[past - 1], starts[past])
            return data.x[part], data.y[part]

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
            chunk=chunk,
            policies=given,
            kept={},
            cold_start=cold_start,
            learning_rate=self._rate,
        )


def _name(thing) -> str:
    """Returns a name of a model or optimizer, without the number of Keras.

    It counts on from model to model, and another process counts anew.
    """
    kind = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type(thing).__name__).lower()
    is_given = not re.fullmatch(rf"{kind}_\d+", thing.name)
    return thing.name if is_given else kind


def _check_compiled(model) -> None:
    if not isinstance(model, keras.Model):
        raise ValueError(
            "`model` must be a Keras model or a function that builds one. "
            f"Received: {type(model).__name__}."
        )
    if not model.built or not model.compiled:
        raise ValueError(
            "`model` must be built and compiled. Received: "
            f"{model.name!r}, built={model.built}, compiled={model.compiled}."
        )
