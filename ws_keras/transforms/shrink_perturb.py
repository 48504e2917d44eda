"""Shrink-perturb of a whole Keras model, in place."""

import contextlib
import secrets
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping

import keras

from ws_keras.transforms import arrays
from ws_keras.transforms import batches
from ws_keras.transforms import fresh
from ws_keras.transforms import noise as noises
from ws_keras.transforms import optimizers
from ws_keras.transforms import report as reports
from ws_keras.transforms import statistics as layer_statistics
from ws_keras.transforms import variables


def shrink_perturb(
    model: keras.Model,
    shrink: float | Mapping = 0.4,
    perturb: float = 0.1,
    *,
    noise: str | Callable = "fresh",
    seed: int | None = None,
    include=None,
    exclude=None,
    frozen: bool = False,
    statistics: str | None = None,
    optimizer: str | None = None,
    data: Iterable | None = None,
    build_fn: Callable | None = None,
) -> reports.Report:
    """Sets each weight to `shrink * weight + perturb * noise`, in place.

    The transform of Ash & Adams (2020), section 5, to be applied when data
    have arrived and before training goes on. `shrink=1, perturb=0` (a warm
    start) leaves the model as it is, `shrink=0, perturb=1` gives a freshly
    initialized one (a cold start). Everything is checked before the first
    variable is written, so that an error leaves the model as it was. The extra
    memory is that of a few weights, not of the model. The global random states
    of Python, NumPy and Keras stay as they are, and under a `tf.distribute`
    strategy there is one draw for all replicas. Scalars are weights like
    others; integers, booleans and the seeds of dropout are never changed, and
    a weight that several layers share is changed once.

    Example:

    ```python
    model = keras.models.load_model("last_week.keras")
    print(shrink_perturb(model, 0.4, 0.1, seed=52))
    model.fit(grown_data, epochs=10)
    ```

    Args:
        model: Built `keras.Model` of any kind.
        shrink: Factor of the old weights, in [0, 1], the paper's lambda. Or
            a mapping of patterns (as in `include`) to pairs `(shrink,
            perturb)`; the first pattern that matches a weight or a statistic
            counts, and those that match none, or the pair (1, 0), are kept.
            Defaults to 0.4 (the authors' code).
        perturb: Scale of the noise, at least 0 (a scale, never a variance).
            Not used with a mapping. Defaults to 0.1 (the authors' code).
        noise: `"fresh"`: a new draw from each weight's own initializer (the
            authors' code). `"gaussian"`: standard normal, one scale for all
            (the paper's formula). `"scaled"`: normal with the standard
            deviation of the weight itself. Or a function of `(weight, rng)`,
            a NumPy array and a `numpy.random.Generator`, which is called
            twice, first as a rehearsal. Initializers of your own should draw
            from `keras.random`: what draws from `tf.random` or from an
            unseeded NumPy generator does not follow `seed`. Defaults to
            `"fresh"`.
        seed: Non-negative integer that fixes the noise; give another one at
            each application. `None` draws one from the operating system.
            Defaults to `None`.
        include: Pattern or list of patterns of the weights to change: a
            regular expression searched in the variable's path, a layer or a
            nested model, a layer class, or a function of `(layer,
            variable)`. `None` means all. Defaults to `None`.
        exclude: Likewise, the weights to keep. Defaults to `None`.
        frozen: Whether the weights and statistics of frozen layers are
            changed too. Defaults to `False`.
        statistics: What layers themselves update while training, such as
            batch-norm moving means and variances; no tables, projections or
            buffers that training does not write, no moments of a layer that
            runs in inference mode alone, and nothing of a layer that also
            keeps a whole number, such as a flag. `"reset"` puts them back to
            their start (the authors' code), `"keep"` leaves them,
            `"recalibrate"` measures them anew on `data` (which takes a copy
            of the model's values in memory, to put them back if the data
            fail). They are
            never shrunk. Follows `include` and `exclude`, except
            `"recalibrate"`. What `adapt` has learned always stays. Defaults
            to `"reset"`, or to `"keep"` where no weight changes (`shrink=1,
            perturb=0`).
        optimizer: State of the model's optimizer: `"reset"` puts it back to
            its start (slots, `iterations`, loss scale; the authors' code),
            and with it a learning-rate schedule; `"reset_slots"` keeps
            `iterations`, so that a schedule continues; `"keep"` leaves it.
            What holds a version of a weight (its moving average with
            `use_ema`, the copy of `ScheduleFreeAdamW`, the sums of `Ftrl`)
            follows the weight in each case. So do the optimizers inside a
            `MultiOptimizer`, and those that are attributes of the model for
            a training step of its own. With `"reset"` a learning rate that
            callbacks of the last fit have lowered goes back to the compiled
            one where that is known (in the same process); one that looks as
            if it had been left so is named in a warning. Defaults to
            `"reset"`, or to `"keep"` where no weight changes.
        data: Batches of model inputs for `statistics="recalibrate"`; of a
            tuple, the first item.
        build_fn: Function without arguments that builds such a model, for
            `noise="fresh"` with custom layers that cannot be built from
            their config. Where its initializers have integer seeds, each
            draw is the same. Defaults to `None`.

    Returns:
        A `Report` with one line per variable, which prints as a table.

    Raises:
        ValueError: If an argument is out of its range, a pattern or the
            whole selection matches nothing, the model is not built, a layer
            is quantized or has LoRA weights, a fresh draw is impossible, the
            optimizer cannot be rebuilt, or the model does not take `data`.
    """
    check(shrink, perturb, noise, statistics, optimizer, data, seed, build_fn)
    seed = secrets.randbits(31) if seed is None else seed
    found = variables.entries(model)
    among = (include, exclude, frozen)
    chosen = variables.selected(found, variables.WEIGHT, *among)
    strengths = _strengths(chosen, shrink, perturb)
    variables.check_any(list(strengths))
    variables.check_plain(entry for entry, *_ in strengths.values())
    # What does not change the weights is to change nothing else unasked.
    changed = [e for e, *pair in strengths.values() if pair != [1, 0]]
    default = "reset" if changed else "keep"
    optimizer = optimizer or default
    if statistics is None:
        statistics = default if data is None else "recalibrate"
    draw = noises.source(noise, seed, build_fn)
    starts = []
    if statistics != "keep":
        resets = variables.selected(found, variables.STATISTIC, *among)
        start = draw
        if not isinstance(draw, fresh.Fresh):
            start = fresh.Fresh(seed, build_fn)
        starts = [(e, start) for e in resets if _is_changed(e, shrink)]
    if data is not None:
        data = batches.Batches(model, data)
    _rehearse(strengths, draw, starts)
    weights = [entry.variable for entry in changed]
    dropped = [e.variable for e, factor, _ in strengths.values() if not factor]
    state = optimizers.Change(model, optimizer, weights, dropped)

    lines = {}
    undone = [*(e.variable for e in found), *state.variables]
    with _undone_on_error(undone if data is not None else []):
        for index, (entry, *strength) in strengths.items():
            lines[index] = _mix(entry, *strength, draw, state)
        for entry, start in starts:
            lines[entry.index] = _reset(entry, start)
        if data is not None:
            layer_statistics.assign(layer_statistics.measure(model, data))
    state.finish()
    for entry in found:
        if entry.index not in lines:
            lines[entry.index] = reports.kept(entry, variables.reason(entry))
    return reports.Report(tuple(lines[i] for i in sorted(lines)))


def cold_start(
    model: keras.Model,
    *,
    seed: int | None = None,
    frozen: bool = False,
    build_fn: Callable | None = None,
) -> reports.Report:
    """Makes a model as if it had just been built, in place.

    All weights are drawn anew from their own initializers, statistics and
    optimizer state go back to their start. Nothing is compiled or traced
    again. The same as `shrink_perturb(model, 0, 1)`.

    Example:

    ```python
    model = keras.models.load_model("last_week.keras")
    cold_start(model, seed=3)
    ```

    Args:
        model: Built `keras.Model`.
        seed: See `shrink_perturb`. Defaults to `None`.
        frozen: Whether frozen layers are drawn anew too. Defaults to
            `False`.
        build_fn: See `shrink_perturb`. Defaults to `None`.

    Returns:
        A `Report`.

    Raises:
        ValueError: If the model is not built or a fresh draw is impossible.
    """
    return shrink_perturb(
        model, 0.0, 1.0, seed=seed, frozen=frozen, build_fn=build_fn
    )


def check(
    shrink, perturb, noise, statistics, optimizer, data, seed, build_fn
) -> None:
    """Raises a ValueError for arguments that are wrong for any model.

    Args:
        shrink: As in `shrink_perturb`, like all others.
        perturb: Scale of the noise.
        noise: Kind of noise.
        statistics: Policy for what layers measure.
        optimizer: Policy for the optimizer's state.
        data: Batches to recalibrate on.
        seed: Seed of the noise.
        build_fn: Function that builds the model.

    Raises:
        ValueError: If one is out of its range or two do not go together.
    """
    pairs = [(shrink, perturb)]
    if isinstance(shrink, Mapping):
        pairs = list(shrink.values())
    for pair in pairs:
        if not isinstance(pair, (tuple, list)) or len(pair) != 2:
            raise ValueError(
                "A mapping given as `shrink` must map patterns to pairs "
                f"(shrink, perturb). Received: {pair!r}."
            )
        arrays.check_strength(*pair)
    noises.check(noise, build_fn)
    layer_statistics.check_policy(statistics, data)
    optimizers.check_policy(optimizer)
    if seed is not None:
        arrays.check_seed(seed)


def _strengths(chosen, shrink, perturb) -> dict:
    if not isinstance(shrink, Mapping):
        return {e.index: (e, float(shrink), float(perturb)) for e in chosen}
    found = {}
    for pattern, (factor, scale) in shrink.items():
        among = variables.selector("shrink", pattern, chosen)
        for entry in filter(among, chosen):
            strength = (entry, float(factor), float(scale))
            found.setdefault(entry.index, strength)
    return found


def _is_changed(entry, shrink) -> bool:
    """Whether a mapping, if `shrink` is one, changes what a statistic is of."""
    if not isinstance(shrink, Mapping):
        return True
    for pattern, pair in shrink.items():
        if variables.predicate(pattern)(entry):
            return list(pair) != [1, 0]
    return False


def _rehearse(strengths: dict, draw: noises.Source, starts: list) -> None:
    """Has what can fail do so before any change."""
    variables.check_finite(
        # What is dropped, or left alone, may be anything.
        entry
        for entry, *pair in strengths.values()
        if pair[0] != 0 and pair != [1, 0]
    )
    for entry, _, perturb in strengths.values():
        if perturb:
            draw.check(entry)
    for entry, start in starts:
        start.check(entry)


def _mix(entry, shrink, perturb, draw, state) -> reports.Line:
    after, line = _mixed(entry, shrink, perturb, draw, state)
    # What it was made from is gone: memory is to hold two copies at most.
    if after is not None:
        entry.variable.assign(after)
    return line


def _mixed(entry, shrink, perturb, draw, state) -> tuple:
    before = entry.value()
    noise = draw(entry, before) if perturb else None

    def mixed(value):
        return arrays.mix(value, noise, shrink, perturb)

    after = mixed(before)
    if after is not before:
        after = variables.constrained(entry.variable, after)
        state.follow(entry.variable, after, mixed)
    line = reports.line(
        entry, "mixed", before, after, noise, shrink=shrink, perturb=perturb
    )
    return None if after is before else after, line


def _reset(entry, start) -> reports.Line:
    before, after = entry.value(), start(entry)
    entry.variable.assign(after)
    return reports.line(entry, "reset", before, after)


@contextlib.contextmanager
def _undone_on_error(undone: list):
    """Puts variables back if the block fails: data can fail at any batch."""
    values = [variables.host(variable).copy() for variable in undone]
    try:
        yield
    except BaseException:
        for variable, value in zip(undone, values, strict=True):
            variable.assign(value)
        raise
