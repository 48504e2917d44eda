"""Compares arms on a user's own model and growing data."""

import os
import types
import warnings
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence

import keras
import numpy as np

from ws_keras import arguments
from ws_keras import arms as methods
from ws_keras import comparing
from ws_keras import comparison as comparisons
from ws_keras import networks as initial
from ws_keras import searching
from ws_keras import settings as all_settings
from ws_keras.data import arrivals
from ws_keras.data import doubts
from ws_keras.data import unseen
from ws_keras.report import scale as scales
from ws_keras.training import terms

# Numbers of seeds that `seeds=None` tries, and the seconds that each may take.
# Three are the fewest that decide anything.
_AFFORDABLE = {5: 180, 3: 3600}


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

    In each round new data arrive, and the model trains on all data so far, or
    on a part of the old data (see `replay`). All arms begin the first round
    with the same network and see the samples of a seed in the same order. Each
    round begins with the learning rate of the given model, even if callbacks
    have changed it. The given model is not changed.

    A function given as `model` is called once for each seed. During the call,
    the global random states are seeded, so the function must not set a seed.
    The cold arm calls it again before each round. If `model` is a model, seeds
    vary the noise and the order of the samples, but not the past of the model.

    Any task that Keras can train is supported: classes, labels, numbers,
    several inputs and outputs. Targets are checked against the model before
    training starts.

    Example:

    ```python
    rounds = [(x_may, y_may), (x_june, y_june)]
    print(fit_rounds(build, rounds, (x_test, y_test)))
    ```

    Args:
        model: Built model, compiled with a loss and usually with metrics, or a
            function without arguments that builds one. Under a distribution
            strategy, compile it with `measures.for_compile`, so that its
            metrics are exact. A model with a fixed batch size is supported.
        rounds: New data of each round, with samples along the first axis: a
            pair `(x, y)` or a triple `(x, y, sample_weight)`. `x` and `y` are
            arrays, pandas series or frames, or dictionaries or tuples of these
            for several inputs or outputs. A round may also be a pipeline of
            batches (`tf.data.Dataset`, `keras.utils.PyDataset` or
            `DataLoader`), which is read into memory once.
        held_out: Held-out data in the same form. A list with held-out data for
            each round also shows the metric for the latest and for earlier
            rounds separately.
        arms: Arms to compare, as text or as `Arm` objects. Each registered arm
            may be used, such as `"cold"`, `"warm"`, `"head_reset"`,
            `"dash-0.3-0.3"` or your own. `"shrink_perturb"` uses `shrink` and
            `perturb`. `"search"` or a `Search` finds the best of many arms
            within a budget. Defaults to cold, warm and shrink-perturb.
        shrink: Factor of the old weights. Defaults to 0.4.
        perturb: Scale of the noise. Defaults to 0.1.
        first_round: Whether arms act before the first round already. Use `True`
            for a model that was trained on earlier data. Defaults to `False`.
        seeds: Non-negative integers. Each arm runs once with each seed. `None`
            uses 5 seeds if they are expected to take at most three minutes, 3
            seeds if they are expected to take at most an hour, and one seed
            otherwise. With fewer than three seeds, there is no recommendation.
            Defaults to `None`.
        first_seed: First seed if `seeds` is `None`. Defaults to 0.
        monitor: Name of the metric or loss to compare by, such as `"mae"`,
            `"auc"`, `"r2"` or `"loss"`, measured on held-out samples. It has no
            `val_` prefix. `None` uses the accuracy. Without an accuracy it uses
            the loss (several outputs), the first metric, or the loss
            (regression), in this order. Defaults to `None`.
        mode: `"max"` or `"min"`: whether a higher or lower value is better.
            `None` derives it from the metric or its name. Defaults to `None`.
        margin: Largest difference at which two arms count as equally good, in
            points of accuracy or in the unit of another metric. Defaults to 1
            point, or to 1 % of the value of the cold arm.
        withheld: Reason why there is no recommendation, for example that a
            trained model has seen held-out samples. Defaults to `""`, no
            reason.
        batch_size: Samples per batch. Defaults to 32, or to the fixed batch
            size of the model.
        until: `Until` that ends a round. Its `val_` metrics are those of
            `held_out`. Defaults to 99 % training accuracy, 10 epochs without
            improvement, or 500 epochs, whichever comes first. For another
            metric, defaults to 10 epochs without an improvement of 1 % in
            training, or 500 epochs.
        replay: Fraction of the old samples, in [0, 1], that a round trains on
            in addition to the new ones. The seed draws them, and all arms use
            the same ones. Defaults to 1, all old samples.
        class_weight: Weight of each class in training, as in `fit`. Defaults to
            `None`.
        steps: Number of batches to read from a pipeline. An infinite pipeline
            requires it. Defaults to `None`, all batches.
        callbacks: Further callbacks for each `fit`, in all arms. Their `val_`
            metrics are those of `held_out`. Defaults to none.
        transform: Further arguments of `shrink_perturb`, such as `exclude`,
            `statistics` or `build_fn`. A cold start uses only `frozen` and
            `build_fn`, a warm start uses none, and another arm uses those that
            its transform accepts. Defaults to none.
        on_end: Function that is called with the setting and the model at the
            end of each arm, for example to save the model. Defaults to `None`.
        workdir: Folder for rows and checkpoints. A call with the same arguments
            resumes an interrupted call, and `ws-report` shows the folder.
            `None` stores nothing. Defaults to `None`.
        checkpoint_minutes: Minutes of training between two checkpoints within a
            round. Each round also ends with a checkpoint. Defaults to 5.
        name: Name of the experiment in the rows. Defaults to `"rounds"`.
        verbose: 1 shows a progress line on the standard error (round, arm,
            seed, epoch, metric and remaining time), 0 shows nothing. Defaults
            to 1.

    Returns:
        A `Comparison` with `rows`, a `verdict` and the `recommended` arm.

    Raises:
        ValueError: If an argument is out of its range, if the arrays do not
            match each other or the model, if a loss does not support the
            targets, if the model has no such metric, if the arms cannot differ
            (a single round with `first_round=False`), or if `workdir` belongs
            to another call.
        TypeError: If `transform` holds unknown arguments.

    Warns:
        UserWarning: If held-out samples also occur in the training rounds, if
            a round repeats most samples of the round before it, if a feature of
            a round differs by a factor of 100 from the other rounds, if a
            feature equals the target, or if classes occur only in the held-out
            samples or only in the rounds.
    """
    if searching.is_wanted(arms):
        return _searched(**locals())

    def settings(some: Sequence[int]) -> list[all_settings.Setting]:
        return _settings(arms, shrink, perturb, some, name)

    scales.check_margin(margin)
    arguments.check_policies(transform or {})
    arguments.check_share(replay)
    arguments.check_seeds(seeds)
    first = settings((first_seed,) if seeds is None else seeds)
    networks = initial.InitialNetworks(model, first[0].seed)
    comparing.check_compiled(networks.model)
    data = arrivals.join(
        rounds,
        held_out,
        networks.model,
        steps=steps,
        class_weight=class_weight,
    )
    arguments.check_differ(first, data.ends, first_round)
    void, notes = _doubts(data, networks.model, first_round)
    withheld = withheld or void
    loop = comparing.Loop(
        networks,
        data,
        batch_size=arguments.batch_size(networks.model, batch_size),
        first_round=first_round,
        until=terms.given(until),
        callbacks=arguments.callbacks(callbacks),
        transform=transform or {},
        on_end=on_end,
        name=name,
        monitor=arguments.monitored(monitor),
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
        return loop.comparison(margin, withheld, filter(None, notes))


def _doubts(
    data: arrivals.Data, model: keras.Model, has_past: bool
) -> tuple[str, list[str]]:
    """Warns of what is probably wrong with the data.

    Returns:
        The reason why there is no recommendation, or `""`, and sentences for
        the verdict, some of them empty.
    """
    shared, is_void = arrivals.shared(data)
    classes = unseen.check(
        model, data.y, data.ends[-1], data.weights, has_past=has_past
    )
    notes = [data.repeated(), data.copied(), data.suspicious(), classes]
    return (shared, notes) if is_void else ("", [shared, *notes])


def _searched(
    model, rounds, held_out, arms, *, seeds, first_seed, workdir, **rest
) -> comparisons.Comparison:
    """Replays past rounds with the arms that a search proposes."""
    if seeds is not None:
        raise ValueError(
            "`seeds` must be None for a search, which chooses its seeds. "
            f"Received: seeds={seeds!r}. Give the number of seeds as "
            "`arms=Search(seeds=3)`, and the first seed as `first_seed`."
        )
    rounds = list(rounds)
    if len(rounds) < 2 and not rest["first_round"]:
        raise ValueError(
            "A search replays past rounds, and arms differ from the second "
            f"round on. Received: {len(rounds)} round and first_round=False. "
            "Give the data in at least two rounds."
        )
    # Raises the error of a wrong seed or build function before data are read.
    (first,) = _settings(["cold"], 0.0, 0.0, [first_seed], rest["name"])
    network = initial.InitialNetworks(model, first.seed).model
    comparing.check_compiled(network)
    given = rounds, held_out, network, rest["steps"]
    rounds, held_out = arrivals.read_once(*given)
    # Once, with all rounds: each stage would repeat it with its own numbers.
    weights = rest["class_weight"]
    data = arrivals.join(rounds, held_out, network, class_weight=weights)
    _doubts(data, network, rest["first_round"])
    del data
    # A list holds one held-out part for each round.
    parts = held_out if isinstance(held_out, list) else None

    def measure(arms, seeds, count: int) -> comparisons.Comparison:
        folder = f"{arms[0]}-{len(arms)}-{count}-{seeds[0]}"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", doubts.DoubtfulData)
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


def _more_seeds(seconds: float) -> range:
    """Returns further seeds that take an acceptable time."""
    for count, limit in _AFFORDABLE.items():
        if count * seconds <= limit:
            return range(1, count)
    return range(0)


def _too_long(seconds: float) -> str:
    count = min(_AFFORDABLE)
    return (
        "One seed cannot separate the effect of an arm from chance. It took "
        f"{seconds / 60:.0f} minutes, so no further seed was run. Set `seeds` "
        f"to run {count} seeds, which take about "
        f"{count * seconds / 60:.0f} minutes."
    )


def _settings(arms, shrink, perturb, seeds, name) -> list:
    own = f"shrink_perturb-{shrink}-{perturb}"
    if isinstance(arms, (str, methods.Arm)):
        arms = [arms]
    config = types.SimpleNamespace(
        experiment=name,
        arms=[own if arm == "shrink_perturb" else arm for arm in arms],
        seeds=[int(s) if isinstance(s, np.integer) else s for s in seeds],
    )
    return all_settings.product(config)
