"""Shrink-perturb of a Keras model, in place."""

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
from ws_keras.transforms import selecting
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

    This is the transform of Ash & Adams (2020), section 5. Call it when data
    have arrived, before training continues. `shrink=1, perturb=0` (a warm
    start) does not change the model. `shrink=0, perturb=1` (a cold start)
    reinitializes it. All arguments are checked before the first variable is
    written, so an error leaves the model unchanged.

    All float weights are changed, including scalars. Integers, booleans and the
    seeds of dropout are never changed. A weight that several layers share is
    changed once. The transform needs extra memory for a few weights, not for a
    copy of the model. It does not change the global random states of Python,
    NumPy and Keras. Under a `tf.distribute` strategy, all replicas get the same
    noise.

    Example:

    ```python
    model = keras.models.load_model("last_week.keras")
    print(shrink_perturb(model, 0.4, 0.1, seed=52))
    model.fit(grown_data, epochs=10)
    ```

    Args:
        model: Built `keras.Model` of any kind.
        shrink: Factor of the old weights, in [0, 1], the paper's lambda. Or a
            mapping of patterns (as in `include`) to pairs `(shrink, perturb)`.
            The first pattern that matches a weight or statistic is used.
            Weights and statistics without a match, or with the pair (1, 0), are
            kept. Defaults to 0.4 (the authors' code).
        perturb: Scale of the noise, at least 0. It is a scale, never a
            variance. It is ignored if `shrink` is a mapping. Defaults to 0.1
            (the authors' code).
        noise: `"fresh"`: a new draw from each weight's own initializer (the
            authors' code). `"gaussian"`: standard normal noise with one scale
            for all weights (the paper's formula). `"scaled"`: normal noise with
            the standard deviation of each weight. Or a function of `(weight,
            rng)`, a NumPy array and a `numpy.random.Generator`; it is called
            twice, the first time to check its result. Custom initializers
            should draw from `keras.random`: draws from `tf.random` or from an
            unseeded NumPy generator do not follow `seed`. Defaults to
            `"fresh"`.
        seed: Non-negative integer that fixes the noise. Use another seed for
            each application. `None` draws a seed from the operating system.
            Defaults to `None`.
        include: Pattern or list of patterns of the weights to change. A pattern
            is a regular expression that is searched in the variable's path, a
            layer or nested model, a layer class, or a function of `(layer,
            variable)`. `None` means all. Defaults to `None`.
        exclude: Pattern or list of patterns of the weights to keep. Defaults to
            `None`.
        frozen: Whether to change the weights and statistics of frozen layers
            too. Defaults to `False`.
        statistics: Policy for the values that layers update during training,
            such as the moving mean and variance of batch norm. `"reset"`
            restores their initial values (the authors' code), `"keep"` keeps
            them, and `"recalibrate"` measures them on `data`. They are never
            shrunk. `include` and `exclude` apply, except to `"recalibrate"`.
            Some values are always kept: what `adapt` has learned; tables,
            projections and buffers that training does not write; moments of
            layers that run in inference mode only; and all values of a layer
            that also stores an integer, such as a flag. `"recalibrate"` copies
            the model's values in memory to restore them after an error.
            Defaults to `"reset"`, or to `"keep"` if no weight changes
            (`shrink=1, perturb=0`).
        optimizer: Policy for the state of the model's optimizer. `"reset"`
            restores the initial state (slots, `iterations`, loss scale; the
            authors' code) and therefore restarts a learning-rate schedule.
            `"reset_slots"` keeps `iterations`, so that a schedule continues.
            `"keep"` keeps the state. In each case, versions of a weight (its
            moving average with `use_ema`, the copy of `ScheduleFreeAdamW`, the
            sums of `Ftrl`) change in the same way as the weight. The policy
            also applies to the optimizers inside a `MultiOptimizer`, and to
            those that a custom training step uses. If callbacks of the last fit
            have lowered the learning rate, `"reset"` restores the compiled rate
            if it is known (in the same process), and otherwise warns about a
            rate that looks lowered. Defaults to `"reset"`, or to `"keep"` if no
            weight changes.
        data: Batches of model inputs for `statistics="recalibrate"`. The first
            item of a tuple is used. Defaults to `None`.
        build_fn: Function without arguments that builds the model, for
            `noise="fresh"` with custom layers that cannot be built from their
            config. If its initializers have integer seeds, each draw is the
            same. Defaults to `None`.

    Returns:
        A `Report` with one line per variable, which prints as a table.

    Raises:
        ValueError: If an argument is out of its range, if a pattern or the
            whole selection matches nothing, if the model is not built, if a
            layer is quantized or has LoRA weights, if a fresh draw is
            impossible, if the optimizer cannot be rebuilt, or if the model does
            not accept `data`.
    """
    check(shrink, perturb, noise, statistics, optimizer, data, seed, build_fn)
    seed = secrets.randbits(31) if seed is None else seed
    found = variables.entries(model)
    among = (include, exclude, frozen)
    chosen = selecting.selected(found, variables.WEIGHT, *among)
    strengths = _strengths(chosen, shrink, perturb)
    variables.check_plain(
        entry
        for entry in selecting.with_integers(found, *among)
        if entry.index in strengths or _is_changed(entry, shrink)
    )
    selecting.check_any(list(strengths))
    # A call that changes no weight changes nothing else by default.
    changed = [e for e, *pair in strengths.values() if pair != [1, 0]]
    default = "reset" if changed else "keep"
    optimizer = optimizer or default
    if statistics is None:
        statistics = default if data is None else "recalibrate"
    draw = noises.source(noise, seed, build_fn)
    starts = []
    if statistics != "keep":
        resets = selecting.selected(found, variables.STATISTIC, *among)
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
    earlier = {e.index: e.value().copy() for e, _ in starts}
    undone = [*(e.variable for e in found), *state.variables]
    with _undone_on_error(undone if data is not None else []):
        for index, (entry, *strength) in strengths.items():
            lines[index] = _mix(entry, *strength, draw, state)
        for entry, start in starts:
            lines[entry.index] = _reset(entry, start)
        if data is not None:
            lines |= _measured(model, data, found, earlier)
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
    """Reinitializes a model, in place.

    All weights are drawn anew from their own initializers. Statistics and the
    state of the optimizer are reset. The model is not compiled or traced again.
    Equivalent to `shrink_perturb(model, 0, 1)`.

    Example:

    ```python
    model = keras.models.load_model("last_week.keras")
    cold_start(model, seed=3)
    ```

    Args:
        model: Built `keras.Model`.
        seed: See `shrink_perturb`. Defaults to `None`.
        frozen: Whether to reinitialize frozen layers too. Defaults to `False`.
        build_fn: See `shrink_perturb`. Defaults to `None`.

    Returns:
        A `Report`.

    Raises:
        ValueError: If the model is not built or if a fresh draw is impossible.
    """
    return shrink_perturb(
        model, 0.0, 1.0, seed=seed, frozen=frozen, build_fn=build_fn
    )


def check(
    shrink, perturb, noise, statistics, optimizer, data, seed, build_fn
) -> None:
    """Raises a ValueError for arguments that are wrong for any model.

    Args:
        shrink: As in `shrink_perturb`, like all other arguments.
        perturb: Scale of the noise.
        noise: Kind of noise.
        statistics: Policy for statistics.
        optimizer: Policy for the optimizer's state.
        data: Batches to recalibrate on.
        seed: Seed of the noise.
        build_fn: Function that builds the model.

    Raises:
        ValueError: If an argument is out of its range, or if two arguments
            contradict each other.
    """
    pairs = [(shrink, perturb)]
    if isinstance(shrink, Mapping):
        pairs = list(shrink.values())
    for pair in pairs:
        if not isinstance(pair, (tuple, list)) or len(pair) != 2:
            raise ValueError(
                "`shrink` must be a number or map patterns to pairs (shrink, "
                f"perturb). Received: a mapping with the value {pair!r}."
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
        among = selecting.selector("shrink", pattern, chosen)
        for entry in filter(among, chosen):
            strength = (entry, float(factor), float(scale))
            found.setdefault(entry.index, strength)
    return found


def _is_changed(entry, shrink) -> bool:
    """Whether a strength other than (1, 0) is given for a variable."""
    if not isinstance(shrink, Mapping):
        return True
    for pattern, pair in shrink.items():
        if selecting.predicate(pattern)(entry):
            return list(pair) != [1, 0]
    return False


def _rehearse(strengths: dict, draw: noises.Source, starts: list) -> None:
    """Raises all errors before any change."""
    variables.check_finite(
        # Values that are dropped or kept need not be finite.
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
    # The old value and the noise are freed first: two copies at most.
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


def _measured(model, data, found: list, earlier: dict) -> dict:
    """Measures statistics, and returns the lines of these, by index."""
    measured = layer_statistics.measure(model, data)
    known = {id(v) for values in measured.values() for v, _ in values}
    entries = [e for e in found if id(e.variable) in known]
    earlier = {e.index: e.value().copy() for e in entries} | earlier
    layer_statistics.assign(measured)
    return {
        e.index: reports.line(e, "measured", earlier[e.index], e.value())
        for e in entries
    }


@contextlib.contextmanager
def _undone_on_error(undone: list):
    """Restores variables after an error, since any batch can fail."""
    values = [variables.host(variable).copy() for variable in undone]
    try:
        yield
    except BaseException:
        for variable, value in zip(undone, values, strict=True):
            variable.assign(value)
        raise
