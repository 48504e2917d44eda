"""The arms of the paper on a user's own model and own growing data."""

import inspect
import os
import types
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence

import keras
import numpy as np

from ws_keras import arms as methods
from ws_keras import comparing
from ws_keras import networks as starts
from ws_keras import settings as all_settings
from ws_keras.data import growing as grown
from ws_keras.report import scale as scales
from ws_keras.training import terms
from ws_keras.transforms import shrink_perturb as transforms

Array = np.ndarray
# How many seeds a call takes by itself, where they end within this time.
_COUNTS = (5, 3)
_AFFORDABLE_SECONDS = 240


def fit_rounds(
    model: keras.Model | Callable[[], keras.Model],
    rounds: Sequence[tuple[Array, Array]],
    held_out: tuple[Array, Array],
    arms: Sequence[str | methods.Arm] = ("cold", "warm", "shrink_perturb"),
    *,
    shrink: float = 0.4,
    perturb: float = 0.1,
    first_round: bool = False,
    seeds: Sequence[int] | None = None,
    first_seed: int = 0,
    margin: float | None = None,
    withheld: str = "",
    batch_size: int = 32,
    until: terms.Until | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    transform: Mapping | None = None,
    on_end: Callable[[all_settings.Setting, keras.Model], None] | None = None,
    workdir: str | os.PathLike | None = None,
    checkpoint_minutes: float = 5.0,
    name: str = "rounds",
) -> comparing.Comparison:
    """Compares warm, cold and shrink-perturb starts on growing data.

    In each round new data arrive, and the model trains on all data so far,
    by the same round loop as the package's experiments. All arms begin the
    first round with the same network, and each round with the learning rate
    that it is given with, whatever callbacks have made of it. The arms of a
    seed see the samples in the same order. A given model is left as it was.

    A function that builds the model is called once for each seed, and the
    global random states are those of the seed meanwhile; the cold arm begins
    each round with what the function builds. Seeds of a given model vary the
    noise and the order of the samples, but not the one past that it has.

    Example:

    ```python
    rounds = [(x_may, y_may), (x_june, y_june)]
    print(fit_rounds(build, rounds, (x_test, y_test)))
    ```

    Args:
        model: Built model, compiled with a loss and the metric
            `"accuracy"`; or a function without arguments that builds one.
            Under a distribution strategy compile it with
            `measures.for_compile`, whose metrics are then exact.
        rounds: Pairs `(x, y)` of arrays, the new data of each round, with
            samples along the first axis.
        held_out: Pair `(x, y)` to measure accuracy on.
        arms: Ways to begin a round, as text or as `Arm` objects: any that is
            registered, such as `"cold"`, `"warm"`, `"head_reset"`,
            `"dash-0.3-0.3"` or an arm of your own.
            `"shrink_perturb"` alone has the strengths below. Defaults to
            cold, warm and shrink-perturb.
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
        margin: Within which two arms count as equally good: points of
            accuracy, or the unit of another metric. Defaults to 1 point, or
            to 1 % of cold's value.
        withheld: Why the numbers are shown and nothing is concluded from
            them, for example that a trained model has seen held-out samples.
            Defaults to nothing.
        batch_size: Samples in a batch. Defaults to 32.
        until: When a round ends, an `Until`. Defaults to 99 % of training
            accuracy, or 10 epochs without an improvement, or 500 epochs.
        callbacks: Further callbacks of each `fit`. Defaults to none.
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

    Returns:
        A `Comparison` with `rows`, a `verdict` and what is `recommended`.

    Raises:
        ValueError: If an argument is out of its range, the arrays do not fit
            each other, the model is not compiled with `"accuracy"`, or the
            arms cannot differ, as in a single round with
            `first_round=False`; or `workdir` belongs to another call.

        TypeError: If `transform` holds what is no argument of
            `shrink_perturb`.

    Warns:
        UserWarning: If held-out samples are among the samples of the rounds.
    """

    def settings(some: Sequence[int]) -> list[all_settings.Setting]:
        return _settings(arms, shrink, perturb, some, name)

    scales.check_margin(margin)
    _check_policies(transform or {})
    if seeds is not None and not isinstance(seeds, Iterable):
        raise ValueError(
            "`seeds` must hold non-negative integers, such as range(3). "
            f"Received: seeds={seeds!r}."
        )
    first = settings((first_seed,) if seeds is None else seeds)
    _check_differ(first, rounds, first_round)
    data = grown.join(rounds, held_out)
    shared, is_void = grown.shared(data)
    if is_void:
        withheld, shared = withheld or shared, ""
    loop = comparing.Loop(
        starts.Networks(model, first[0].seed),
        data,
        batch_size=batch_size,
        first_round=first_round,
        until=until or terms.Until(patience=10),
        callbacks=callbacks,
        transform=transform or {},
        on_end=on_end,
        name=name,
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
