"""The arms of the paper on a user's own model and own growing data."""

import inspect
import os
import types
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence

import keras

from ws_keras import arms as methods
from ws_keras import checks
from ws_keras import comparing
from ws_keras import comparison as comparisons
from ws_keras import networks as starts
from ws_keras import searching
from ws_keras import settings as all_settings
from ws_keras.data import growing as grown
from ws_keras.report import scale as scales
from ws_keras.training import state
from ws_keras.training import terms
from ws_keras.transforms import shrink_perturb as transforms

# How many seeds a call takes by itself, where they end within this time.
_COUNTS = (5, 3)
_AFFORDABLE_SECONDS = 240
_BATCH_SIZE = 32


def fit_rounds(
    model: keras.Model | Callable[[], keras.Model],
    rounds: Sequence,
    held_out,
    arms: Sequence[str | methods.Arm] | str | searching.Search = (
        "cold",
        "warm",
        "shrink_perturb",
    ),
    *,
    shrink: float = 0.4,
    perturb: float = 0.1,
    first_round: bool = False,
    seeds: Sequence[int] | None = None,
    first_seed: int = 0,
    monitor: str | None = None,
    mode: str | None = None,
    margin: float | None = None,
    withheld: str = "",
    batch_size: int | None = None,
    until: terms.Until | None = None,
    replay: float = 1.0,
    class_weight: Mapping[int, float] | None = None,
    steps: int | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    transform: Mapping | None = None,
    on_end: Callable[[all_settings.Setting, keras.Model], None] | None = None,
    workdir: str | os.PathLike | None = None,
    checkpoint_minutes: float = 5.0,
    name: str = "rounds",
    verbose: int = 1,
) -> comparisons.Comparison:
    """Compares warm, cold and shrink-perturb starts on growing data.

    In each round new data arrive, and the model trains on all data so far
    (or a share of them, `replay`), by the same round loop as the package's
    experiments. All arms begin the first round with the same network, and
    each round with the learning rate that it is given with, whatever
    callbacks have made of it. The arms of a seed see the samples in the same
    order. A given model is left as it was.

    A function that builds the model is called once for each seed, and the
    global random states are those of the seed meanwhile; the cold arm begins
    each round with what the function builds. Seeds of a given model vary the
    noise and the order of the samples, but not the one past that it has.

    Any task that Keras trains is compared: classes, labels, numbers, several
    inputs and outputs. Targets are checked against the model before anything
    is trained.

    Example:

    ```python
    rounds = [(x_may, y_may), (x_june, y_june)]
    print(fit_rounds(build, rounds, (x_test, y_test)))
    ```

    Args:
        model: Built model, compiled with a loss and, as a rule, metrics; or a
            function without arguments that builds one. Under a distribution
            strategy compile it with `measures.for_compile`, whose metrics
            are then exact. A model of a fixed batch size gets no other.
        rounds: The new data of each round, samples along the first axis: a
            pair `(x, y)` or triple `(x, y, sample_weight)`, where `x` and `y`
            are arrays, series or frames of pandas, or, for several inputs or
            outputs, dictionaries or tuples of these; or a pipeline of such
            batches, a `tf.data.Dataset`, a `keras.utils.PyDataset` or a
            `DataLoader`, which is read once into memory.
        held_out: The same, to measure on; or a list with one for each round:
            the metric is then also shown for those of earlier rounds and of
            the last one apart.
        arms: Ways to begin a round, as text or as `Arm` objects: any that is
            registered, such as `"cold"`, `"warm"`, `"head_reset"`,
            `"dash-0.3-0.3"` or an arm of your own.
            `"shrink_perturb"` alone has the strengths below. `"search"`, or
            a `Search`, finds one of many under a budget. Defaults to cold,
            warm and shrink-perturb.
        shrink: Factor of the old weights. Defaults to 0.4.
        perturb: Scale of the noise. Defaults to 0.1.
        first_round: Whether the arms differ before the first round already:
            for a model that has been trained on earlier data. Defaults to
            `False`.
        seeds: Non-negative integers; one run of each arm for each. `None`
            takes 5, or 3, or 1, as many as are expected to end within four
            minutes by what the first takes. One seed gives no
            recommendation. Defaults to `None`.
        first_seed: The first of the seeds that `None` takes. Defaults to 0.
        monitor: Name of the metric or loss that arms are compared by, such
            as `"mae"`, `"auc"`, `"r2"` or `"loss"`, without `val_`, since it
            is that of the held-out samples. `None` takes the accuracy; where
            there is none, the loss of several outputs, or else the first
            metric, or the loss of a regression. Defaults to `None`.
        mode: `"max"` or `"min"`, whether more or less of it is better.
            Defaults to `None`, what the metric or its name says.
        margin: Within which two arms count as equally good: points of
            accuracy, or the unit of another metric. Defaults to 1 point, or
            to 1 % of cold's value.
        withheld: Why the numbers are shown and nothing is concluded from
            them, for example that a trained model has seen held-out samples.
            Defaults to nothing.
        batch_size: Samples in a batch. Defaults to 32, or to what a model of
            a fixed size takes.
        until: When a round ends, an `Until`; by `val_` metrics too, which
            are then those of `held_out`. Defaults to 99 % of training
            accuracy, or 10 epochs without an improvement, or 500 epochs; for
            another metric to 10 epochs without one of 1 % in training, or
            500.
        replay: Share, in [0, 1], of the old samples that a round trains on
            again beside the new ones; the seed draws them, the same for all
            arms. Defaults to 1, all of them.
        class_weight: Weight of each class in training, as in `fit`. Defaults
            to none.
        steps: Batches to read of a pipeline, which one without an end needs.
            Defaults to `None`, all.
        callbacks: Further callbacks of each `fit`. One that monitors a `val_`
            metric gets that of `held_out`. Defaults to none.
        transform: Further arguments of `shrink_perturb`, such as `exclude`,
            `statistics` or `build_fn`; a cold start takes `frozen` and
            `build_fn` of them, a warm one nothing, another arm those that
            its transform has as well. Defaults to none.
        on_end: Called with the setting and the model at the end of each
            arm, for example to save it. Defaults to `None`.
        workdir: Folder for rows and checkpoints. A call with the same
            arguments goes on where an earlier one was interrupted, and
            `ws-report` shows the folder. Defaults to `None`, which keeps
            nothing.
        checkpoint_minutes: Minutes of training between two checkpoints of a
            round; there is one after each round. Defaults to 5.
        name: What the rows call the experiment. Defaults to `"rounds"`.
        verbose: 1 shows a line on the standard error that says which round,
            arm, seed and epoch it is, the metric and the time that is left;
            0 shows nothing. Defaults to 1.

    Returns:
        A `Comparison` with `rows`, a `verdict` and what is `recommended`.

    Raises:
        ValueError: If an argument is out of its range, the arrays do not fit
            each other or the model, the targets are not what its losses
            take, it has no such metric, or the arms cannot differ, as in a
            single round with `first_round=False`; or `workdir` belongs to
            another call.

        TypeError: If `transform` holds what is no argument of
            `shrink_perturb`.

    Warns:
        UserWarning: If held-out samples are among the samples of the rounds.
    """
    if searching.is_wanted(arms):
        return _searched(**locals())

    def settings(some: Sequence[int]) -> list[all_settings.Setting]:
        return _settings(arms, shrink, perturb, some, name)

    scales.check_margin(margin)
    _check_policies(transform or {})
    _check_share(replay)
    if seeds is not None and not isinstance(seeds, Iterable):
        raise ValueError(
            "`seeds` must hold non-negative integers, such as range(3). "
            f"Received: seeds={seeds!r}."
        )
    first = settings((first_seed,) if seeds is None else seeds)
    networks = starts.Networks(model, first[0].seed)
    comparing.check_compiled(networks.model)
    data = grown.join(
        rounds,
        held_out,
        networks.model,
        steps=steps,
        class_weight=class_weight,
    )
    _check_differ(first, data.ends, first_round)
    shared, is_void = grown.shared(data)
    if is_void:
        withheld, shared = withheld or shared, ""
    loop = comparing.Loop(
        networks,
        data,
        batch_size=_batch_size(networks.model, batch_size),
        first_round=first_round,
        # The share counts for metrics that are no accuracies alone.
        until=until or terms.Until(patience=10, min_share=0.01),
        callbacks=callbacks,
        transform=transform or {},
        on_end=on_end,
        name=name,
        monitor=_without_prefix(monitor),
        mode=mode,
        replay=replay,
        verbose=bool(verbose),
    )
    if workdir is not None:
        loop.keep(workdir, checkpoint_minutes)
    with loop.given:
        loop.run(first)
        seconds = loop.seconds
        if seeds is None and len(first) > 1:
            more = _more_seeds(seconds)
            if more:
                loop.run(settings([first_seed + number for number in more]))
            else:
                withheld = withheld or _too_long(seconds)
        return loop.comparison(margin, withheld, [shared] if shared else [])


def _searched(
    model, rounds, held_out, arms, *, seeds, first_seed, workdir, **rest
) -> comparisons.Comparison:
    """Replays past rounds with the arms that a search asks for."""
    if seeds is not None:
        raise ValueError(
            "A search chooses its seeds. Received: "
            f"seeds={seeds!r}. Give `arms=Search(seeds=3)` and `first_seed`."
        )
    rounds = list(rounds)
    # One held-out part for each round is a list.
    parts = held_out if isinstance(held_out, list) else None

    def measure(arms, seeds, count: int) -> comparisons.Comparison:
        folder = f"{arms[0]}-{len(arms)}-{count}-{seeds[0]}"
        return fit_rounds(
            model,
            rounds[:count],
            held_out if parts is None else parts[:count],
            arms,
            seeds=seeds,
            workdir=workdir and os.path.join(workdir, folder),
            **rest,
        )

    return searching.search(
        measure,
        searching.of(arms),
        len(rounds),
        first_seed=first_seed,
        margin=rest["margin"],
    )


def _batch_size(model: keras.Model, given: int | None) -> int:
    """Returns the samples of a batch; those that a model is fixed to."""
    fixed = state.batch_size(model)
    if fixed is not None and given not in (None, fixed):
        raise ValueError(
            "`batch_size` must be that of the model, which takes batches of "
            f"{fixed} alone. Received: batch_size={given}."
        )
    return fixed or given or _BATCH_SIZE


def _without_prefix(monitor: str | None) -> str | None:
    """Returns a name as it is without validation data."""
    return monitor and str(monitor).removeprefix("val_")


def _check_share(replay) -> None:
    if not checks.is_number(replay) or not 0 <= replay <= 1:
        raise ValueError(
            "`replay` must be a share of the old samples, from 0 to 1. "
            f"Received: replay={replay!r}."
        )


def _more_seeds(seconds: float) -> range:
    """Returns the further seeds that take an affordable time."""
    for count in _COUNTS:
        if count * seconds <= _AFFORDABLE_SECONDS:
            return range(1, count)
    return range(0)


def _too_long(seconds: float) -> str:
    count = _COUNTS[-1]
    return (
        "One seed cannot tell the effect of a start from chance, and took "
        f"{seconds / 60:.0f} minutes, so that no other was run. "
        f"`seeds=range({count})` would take about "
        f"{count * seconds / 60:.0f} minutes."
    )


def _check_differ(settings: list, rounds, first_round: bool) -> None:
    arms = {setting.arm for setting in settings}
    if len(rounds) == 1 and not first_round and len(arms) > 1:
        raise ValueError(
            "Arms begin to differ in the second round, unless the model has "
            "been trained before. Received: 1 round and first_round=False. "
            "Give more rounds, or `first_round=True` for a trained model."
        )


def _check_policies(given: Mapping) -> None:
    known = [*inspect.signature(transforms.shrink_perturb).parameters][3:]
    known.remove("seed")
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise TypeError(
            f"`transform` must hold arguments of shrink_perturb, {known}. "
            f"Received: transform with {unknown}."
        )


def _settings(arms, shrink, perturb, seeds, name) -> list:
    own = f"shrink_perturb-{shrink}-{perturb}"
    config = types.SimpleNamespace(
        experiment=name,
        arms=[own if arm == "shrink_perturb" else arm for arm in arms],
        seeds=list(seeds),
    )
    return all_settings.product(config)
