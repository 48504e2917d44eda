"""The arms of the paper on a user's own model and own growing data."""

import dataclasses
import types
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from ws_keras import seeds as addresses
from ws_keras import settings as all_settings
from ws_keras.data import aligned
from ws_keras.results import rows
from ws_keras.results import tables
from ws_keras.results import verdict
from ws_keras.results.render import markdown
from ws_keras.training import arm as round_loop
from ws_keras.training import feed as feeds
from ws_keras.training import strategy as strategies
from ws_keras.training import terms
from ws_keras.training import trainer as trainers
from ws_keras.transforms import shrink_perturb as transforms

Array = np.ndarray
_ARMS = ("cold", "warm", "shrink_perturb")


@dataclasses.dataclass(frozen=True)
class Comparison:
    """Rows of all arms, and what they say; prints as a table and a verdict.

    Args:
        rows: A `rows.Row` for each arm, seed and round.
        verdict: Sentences about what each arm cost and gave.
    """

    rows: list[rows.Row]
    verdict: str

    def __str__(self) -> str:
        table = tables.summary(self.rows)
        shown = markdown.table(table.header, table.lines)
        return f"{shown}\n{self.verdict}"


def fit_rounds(
    model: keras.Model | Callable[[], keras.Model],
    rounds: Sequence[tuple[Array, Array]],
    held_out: tuple[Array, Array],
    arms: Sequence[str] = ("cold", "warm", "shrink_perturb"),
    *,
    shrink: float = 0.4,
    perturb: float = 0.1,
    first_round: bool = False,
    seeds: Sequence[int] = (0,),
    batch_size: int = 32,
    until: terms.Until | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    transform: Mapping | None = None,
    on_end: Callable[[all_settings.Setting, keras.Model], None] | None = None,
    name: str = "rounds",
) -> Comparison:
    """Compares warm, cold and shrink-perturb starts on growing data.

    In each round new data arrive, and the model trains on all data so far,
    by the same round loop as the package's experiments. All arms begin the
    first round with the model as it is given, and each round with the learning
    rate that it is given with, whatever callbacks have made of it. The arms of
    a seed see the samples in the same order. A given model is left as it was.
    After the training of each round the moments of batch norm are measured
    anew, before accuracy is (see `ws_keras.recalibrate`).

    Example:

    ```python
    found = fit_rounds(model, [(x_may, y_may), (x_june, y_june)], (x_t, y_t))
    print(found)
    ```

    Args:
        model: Built model, compiled with a loss and the metric
            `"accuracy"`; or a function without arguments that builds one.
            Under a distribution strategy compile it with
            `measures.for_compile`, whose metrics are then exact.
        rounds: Pairs `(x, y)` of arrays, the new data of each round, with
            samples along the first axis.
        held_out: Pair `(x, y)` to measure accuracy on.
        arms: `"cold"`, `"warm"`, `"shrink_perturb"` (with the strengths
            below) or `"shrink_perturb-SHRINK-PERTURB"`. Defaults to the
            three.
        shrink: Factor of the old weights. Defaults to 0.4.
        perturb: Scale of the noise. Defaults to 0.1.
        first_round: Whether the arms differ before the first round already:
            for a model that has been trained on earlier data. Defaults to
            `False`.
        seeds: Non-negative integers; one run of each arm for each. Defaults
            to `(0,)`; a verdict with error bars needs several.
        batch_size: Samples in a batch. Defaults to 32.
        until: When a round ends, an `Until`. Defaults to 99 % of training
            accuracy, or 10 epochs without an improvement, or 500 epochs.
        callbacks: Further callbacks of each `fit`. Defaults to none.
        transform: Further arguments of `shrink_perturb`, such as `exclude`,
            `statistics` or `build_fn`; a cold start takes `frozen` and
            `build_fn` of them, a warm one nothing. Defaults to none.
        on_end: Called with the setting and the model at the end of each
            arm, for example to save it. Defaults to `None`.
        name: What the rows call the experiment. Defaults to `"rounds"`.

    Returns:
        A `Comparison` with `rows` and a `verdict`.

    Raises:
        ValueError: If an argument is out of its range, the arrays do not fit
            each other, or the model is not compiled with `"accuracy"`.
    """
    settings = _settings(arms, shrink, perturb, seeds, name)
    x, y, ends = _joined(rounds, held_out)
    if callable(model) and not isinstance(model, keras.Model):
        model = model()
    _check_compiled(model)
    feed = feeds.Feed(x, y, batch_size, strategies.num_replicas(model))
    feeds.check_round(batch_size, ends[0])
    with strategies.scope_of(model):
        model.optimizer.build(model.trainable_variables)
    given = _Snapshot(model)

    def run(setting: all_settings.Setting) -> list[rows.Row]:
        trainer = trainers.Trainer(
            model,
            feed,
            np.arange(ends[-1], len(x)),
            until=until or terms.Until(patience=10),
            seed=setting.seed,
            callbacks=callbacks,
            recalibrate=True,
        )
        trainer.warm_up(np.arange(ends[0]))
        given.restore()

        def begin(number: int) -> None:
            given.restore_rate()
            if number > 1 or first_round:
                _transform(model, setting, number, transform or {})

        return list(
            round_loop.train(
                trainer,
                setting,
                [np.arange(end) for end in ends],
                begin,
                experiment=name,
                dataset="given",
                model=model.name,
                optimizer=model.optimizer.name,
            )
        )

    found = []
    try:
        for setting in settings:
            found += run(setting)
            if on_end:
                on_end(setting, model)
    finally:
        given.restore()
    return Comparison(found, verdict.verdict(found))


class _Snapshot:
    """The values of a model and of its optimizer."""

    def __init__(self, model):
        self._variables = [*model.variables, *model.optimizer.variables]
        self._values = [ops.convert_to_numpy(v) for v in self._variables]

    def restore(self) -> None:
        self._restore(lambda variable: True)

    def restore_rate(self) -> None:
        """Puts back the learning rate, which callbacks may have changed."""
        self._restore(lambda variable: variable.name == "learning_rate")

    def _restore(self, is_meant: Callable) -> None:
        for variable, value in zip(self._variables, self._values, strict=True):
            if is_meant(variable):
                variable.assign(value)


def _settings(arms, shrink, perturb, seeds, name) -> list:
    for arm in arms:
        kind = arm.partition("-")[0] if isinstance(arm, str) else arm
        if kind not in _ARMS:
            raise ValueError(
                "`arms` must hold 'cold', 'warm', 'shrink_perturb' or "
                f"'shrink_perturb-SHRINK-PERTURB'. Received: {arm!r}."
            )
    own = f"shrink_perturb-{shrink}-{perturb}"
    config = types.SimpleNamespace(
        experiment=name,
        arms=[own if arm == "shrink_perturb" else arm for arm in arms],
        seeds=list(seeds),
    )
    return all_settings.product(config)


def _joined(rounds, held_out) -> tuple[Array, Array, list[int]]:
    """Returns all samples and labels, held-out ones last, and round ends."""
    if not rounds:
        raise ValueError(
            "`rounds` must hold at least one pair (x, y). Received: none."
        )
    named = [(f"rounds[{i}]", pair) for i, pair in enumerate(rounds)]
    named.append(("held_out", held_out))
    pairs = [_pair(*named_pair) for named_pair in named]
    for (what, _), pair in zip(named, pairs, strict=True):
        for array, first in zip(pair, pairs[0], strict=True):
            if array.shape[1:] != first.shape[1:] or array.dtype != first.dtype:
                raise ValueError(
                    "All rounds and the held-out part must have samples and "
                    "labels of one shape and dtype. Received: "
                    f"{what} with {array.shape[1:]} {array.dtype}, the first "
                    f"round with {first.shape[1:]} {first.dtype}."
                )
    xs, ys = zip(*pairs, strict=True)
    ends = np.cumsum([len(y) for y in ys[:-1]]).tolist()
    return aligned.concatenate(xs), np.concatenate(ys), ends


def _pair(what: str, pair) -> tuple[Array, Array]:
    try:
        x, y = map(np.asarray, pair)
    except (TypeError, ValueError):
        raise ValueError(
            f"`{what}` must be a pair (x, y) of arrays. "
            f"Received: {type(pair).__name__}."
        ) from None
    if not x.ndim or not y.ndim or not len(x) or len(x) != len(y):
        raise ValueError(
            f"`{what}` must have as many labels as samples, at least one. "
            f"Received: x of shape {x.shape}, y of shape {y.shape}."
        )
    return x, y


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


def _transform(model, setting, number: int, arguments: Mapping) -> None:
    seed = addresses.derive(setting.seed, "transform", number)
    if setting.arm == "cold":
        known = {"frozen", "build_fn"} & arguments.keys()
        chosen = {name: arguments[name] for name in known}
        transforms.cold_start(model, seed=seed, **chosen)
    elif setting.arm != "warm":
        transforms.shrink_perturb(
            model, setting.shrink, setting.perturb, seed=seed, **arguments
        )
