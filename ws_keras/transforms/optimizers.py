"""Updates the state of a model's optimizers when its weights change."""

from collections.abc import Callable
from collections.abc import Iterable

import numpy as np
from keras import ops

from ws_keras import _keras
from ws_keras.transforms import arrays
from ws_keras.transforms import ftrl
from ws_keras.transforms import initial_state
from ws_keras.transforms import rates
from ws_keras.transforms import variables

POLICIES = ("keep", "reset", "reset_slots")


def check_policy(policy: str | None) -> None:
    """Raises a ValueError for an unknown policy."""
    if policy is not None and policy not in POLICIES:
        raise ValueError(
            f"`optimizer` must be one of {list(POLICIES)}. "
            f"Received: optimizer={policy!r}."
        )


def reset(optimizer, policy: str = "reset") -> None:
    """Resets the state of an optimizer to its start, in place.

    Afterwards the optimizer, and any optimizer inside it, is in the state of
    one that was just created from its config and built: slots, `iterations`,
    accumulated gradients and loss scale. Slots that do not start at zero
    (Adagrad, Ftrl, Nadam) get their initial values. Slots that start as a copy
    of a weight (`ScheduleFreeAdamW`) copy it again. No new trace or compilation
    is needed. An assigned learning rate is not changed; a learning-rate
    schedule follows `iterations`.

    Args:
        optimizer: Keras optimizer, or `None`. Nothing happens for `None` and
            for an optimizer that is not built.
        policy: `"reset"` sets `iterations` to 0. `"reset_slots"` keeps
            `iterations`, and therefore the position in a schedule; Adam then
            takes small first steps, because its bias correction counts
            iterations. `"keep"` does nothing. Defaults to `"reset"`.

    Raises:
        ValueError: If the optimizer cannot be rebuilt from its config.
    """
    if optimizer is not None:
        _assign(_planned(initial_state.nested(optimizer), policy))


class Change:
    """Updates the optimizers of a model while its weights change.

    Create it before the first weight changes, because the constructor raises
    all errors. Then call `follow` for each change, and `finish` at the end.

    Some slots hold a version of a weight, such as its moving average
    (`use_ema`) or the copy that `ScheduleFreeAdamW` trains. They change in the
    same way as the weight. Otherwise the end of `fit`, a callback that swaps
    weights and averages, or the next step would restore old weights.

    Args:
        model: Model.
        policy: As in `reset`.
        changed: Weights that will change.
        dropped: Those of `changed` whose old values are dropped entirely.
            Defaults to none.

    Raises:
        ValueError: If an optimizer cannot be rebuilt from its config.
    """

    def __init__(
        self, model, policy: str, changed: Iterable, dropped: Iterable = ()
    ):
        self._policy = policy
        self._changed = list(changed)
        self._dropped = {id(variable) for variable in dropped}
        self.found = _of(model, self._changed)
        self._plan = _planned(self.found, policy)
        self._slots = self._following()
        self._past = rates.past(model) if policy == "reset" else None

    @property
    def variables(self) -> list:
        """The slots that follow a weight."""
        pairs = [pair for slots in self._slots.values() for pair in slots]
        return [slot for slot, _ in pairs]

    def follow(self, variable, after: np.ndarray, change: Callable) -> None:
        """Changes the slots of a weight in the same way as the weight.

        Args:
            variable: Weight.
            after: New value of the weight.
            change: Function of an array that returns the changed array.
        """
        for slot, is_begun in self._slots.get(id(variable), ()):
            before = variables.host(slot)
            if is_begun and arrays.is_finite(before):
                slot.assign(variables.constrained(variable, change(before)))
            else:
                slot.assign(after)

    def finish(self) -> None:
        """Carries out the policy after all weights have changed."""
        _assign(self._plan)
        if self._past is not None:
            self._past.restore()
        for optimizer in filter(ftrl.is_ftrl, self.found):
            weights = self._changed
            if self._policy != "keep":
                # The first step with a new sum would drop the mixed weight.
                weights = _keras.trained_by(optimizer)
                weights = [v for v in weights if id(v) not in self._dropped]
            ftrl.follow(optimizer, weights)

    def _following(self) -> dict[int, list]:
        """Returns slots by weight, and whether each slot holds a value."""
        found = {}
        for optimizer in self.found:
            is_begun = bool(
                ops.convert_to_numpy(_keras.batches_seen(optimizer)) > 0
            )
            pairs = [(*pair, is_begun) for pair in _averages(optimizer)]
            if self._policy == "keep":
                copies = initial_state.copies(optimizer)
                pairs += [(slot, weight, True) for slot, weight in copies]
            for slot, weight, begun in pairs:
                found.setdefault(id(weight), []).append((slot, begun))
        return found


def state(model) -> list:
    """Returns the variables of all optimizers of a model.

    They include those that Keras does not list; see `initial_state.state`.
    """
    own = getattr(model, "optimizer", None)
    found = [] if own is None else [*own.variables]
    for optimizer in _of(model, []):
        found += initial_state.state(optimizer)
    return list({id(variable): variable for variable in found}.values())


def restart(model, some: Iterable) -> None:
    """Sets some variables of the optimizers of a model to their start.

    Args:
        model: Model.
        some: Variables among those of `state`.

    Raises:
        ValueError: If an optimizer cannot be rebuilt from its config.
    """
    wanted = {id(variable) for variable in some}
    for optimizer in _of(model, []):
        # Others need not be rebuilt, which some cannot be.
        if any(id(v) in wanted for v in initial_state.state(optimizer)):
            starts = initial_state.of(optimizer)
            _assign([pair for pair in starts if id(pair[0]) in wanted])


def _of(model, changed: list) -> list:
    """Returns the built optimizers of a model, including nested ones.

    These are the compiled optimizer and those that are attributes of the model
    or of a part of it, as in a custom training step, if they train a changed
    weight.
    """
    own = getattr(model, "optimizer", None)
    ids = {id(variable) for variable in changed}
    found = {}
    for layer in _keras.all_layers(model):
        for value in vars(layer).values():
            for optimizer in initial_state.held(value):
                trained = _keras.trained_by(optimizer)
                is_meant = not ids or any(id(v) in ids for v in trained)
                if optimizer is own or is_meant:
                    inner = initial_state.nested(optimizer)
                    found.update((id(o), o) for o in inner if o.built)
    return list(found.values())


def _planned(found: list, policy: str) -> list[tuple]:
    """Returns what a policy assigns, as pairs of a variable and its start."""
    if policy == "keep":
        return []
    plan, kept = {}, set()
    for optimizer in found:
        if not optimizer.built:
            continue
        kept.add(id(_keras.rate(optimizer)))
        if policy == "reset_slots":
            kept.add(id(_keras.batches_seen(optimizer)))
        # Moving averages follow the weights instead of being reset.
        kept.update(id(average) for average, _ in _averages(optimizer))
        plan.update(
            (id(v), (v, start)) for v, start in initial_state.of(optimizer)
        )
    return [pair for key, pair in plan.items() if key not in kept]


def _assign(plan: list[tuple]) -> None:
    for variable, start in plan:
        variable.assign(initial_state.filled(start, variable))


def accumulation(optimizer) -> int:
    """Returns the number of batches of gradients per optimizer step."""
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    return getattr(inner, "gradient_accumulation_steps", None) or 1


def _averages(optimizer) -> list[tuple]:
    """Returns the moving averages of weights, each with its weight."""
    averages = _keras.averages(optimizer)
    pairs = zip(averages, _keras.trained_by(optimizer), strict=False)
    return [pair for pair in pairs if pair[0] is not None]
