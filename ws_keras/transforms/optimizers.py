"""The state of a model's optimizers when its weights are changed."""

from collections.abc import Callable
from collections.abc import Iterable

import numpy as np
from keras import ops

from ws_keras import _keras
from ws_keras.transforms import arrays
from ws_keras.transforms import ftrl
from ws_keras.transforms import rates
from ws_keras.transforms import starts
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
    """Puts an optimizer's state back to its start, in place.

    Afterwards it is as if it had just been made from its config and built:
    slots, `iterations`, gradients that were accumulated, loss scale, and so
    are the optimizers inside it. Slots that start at other values than zero
    (Adagrad, Ftrl, Nadam) start there, and those that start as a copy of a
    weight (`ScheduleFreeAdamW`) are one again. Nothing is traced again and no
    compile is needed. A learning rate that was assigned stays as it is; a
    learning-rate schedule follows `iterations`.

    Args:
        optimizer: Keras optimizer, or `None` (nothing happens). One that is
            not built has no state yet.
        policy: `"reset"` sets `iterations` to 0, `"reset_slots"` keeps it,
            and with it the position in a schedule. Adam then takes small
            first steps, because its bias correction counts iterations.
            `"keep"` does nothing. Defaults to `"reset"`.

    Raises:
        ValueError: If the optimizer cannot be rebuilt from its config.
    """
    if optimizer is not None:
        _assign(_planned(starts.nested(optimizer), policy))


class Change:
    """What becomes of the state of a model's optimizers.

    Made before the first weight is changed, so that what can fail does so;
    then told of each change, and at the end that all are done.

    Slots that hold a version of a weight, such as its moving average
    (`use_ema`) or the copy that `ScheduleFreeAdamW` trains, follow it: the
    same is done to them as to the weight. So the end of `fit`, a callback
    that swaps weights and averages, and the next step bring nothing back.

    Args:
        model: The model.
        policy: As in `reset`.
        changed: Weights that will be changed.
        dropped: Those of them of which nothing stays. Defaults to none.

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
        """Does to the slots of a weight what is done to the weight.

        Args:
            variable: The weight.
            after: Its new value.
            change: Function of an array that gives another one.
        """
        for slot, is_begun in self._slots.get(id(variable), ()):
            before = variables.host(slot)
            if is_begun and arrays.is_finite(before):
                slot.assign(variables.constrained(variable, change(before)))
            else:
                slot.assign(after)

    def finish(self) -> None:
        """Carries out the policy, when all weights are changed."""
        _assign(self._plan)
        if self._past is not None:
            self._past.restore()
        for optimizer in filter(ftrl.is_ftrl, self.found):
            weights = self._changed
            if self._policy != "keep":
                # A new one would drop in its first step what was mixed.
                weights = _keras.trained_by(optimizer)
                weights = [v for v in weights if id(v) not in self._dropped]
            ftrl.follow(optimizer, weights)

    def _following(self) -> dict[int, list]:
        """Returns slots by weight, each with whether it holds a value yet."""
        found = {}
        for optimizer in self.found:
            is_begun = bool(
                ops.convert_to_numpy(_keras.batches_seen(optimizer)) > 0
            )
            pairs = [(*pair, is_begun) for pair in _averages(optimizer)]
            if self._policy == "keep":
                copies = starts.copies(optimizer)
                pairs += [(slot, weight, True) for slot, weight in copies]
            for slot, weight, begun in pairs:
                found.setdefault(id(weight), []).append((slot, begun))
        return found


def state(model) -> list:
    """Returns the variables of all optimizers of a model."""
    found = {}
    for optimizer in _of(model, []):
        found.update((id(v), v) for v in optimizer.variables)
    return list(found.values())


def _of(model, changed: list) -> list:
    """Returns the built optimizers of a model, and those inside them.

    Apart from the one that it is compiled with, those that are attributes of
    the model or of a part, as in a training step of one's own, where they
    train a weight that is changed.
    """
    own = getattr(model, "optimizer", None)
    ids = {id(variable) for variable in changed}
    found = {}
    for layer in _keras.all_layers(model):
        for value in vars(layer).values():
            for optimizer in starts.held(value):
                trained = _keras.trained_by(optimizer)
                is_meant = not ids or any(id(v) in ids for v in trained)
                if optimizer is own or is_meant:
                    inner = starts.nested(optimizer)
                    found.update((id(o), o) for o in inner if o.built)
    return list(found.values())


def _planned(found: list, policy: str) -> list[tuple]:
    """Returns what a policy assigns: pairs of a variable and its start."""
    if policy == "keep":
        return []
    plan, kept = {}, set()
    for optimizer in found:
        if not optimizer.built:
            continue
        kept.add(id(_keras.rate(optimizer)))
        if policy == "reset_slots":
            kept.add(id(_keras.batches_seen(optimizer)))
        # The averages follow the weights, not their start.
        kept.update(id(average) for average, _ in _averages(optimizer))
        plan.update((id(v), (v, start)) for v, start in starts.of(optimizer))
    return [pair for key, pair in plan.items() if key not in kept]


def _assign(plan: list[tuple]) -> None:
    for variable, start in plan:
        variable.assign(starts.filled(start, variable))


def accumulation(optimizer) -> int:
    """Returns how many batches of gradients make a step of an optimizer."""
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    return getattr(inner, "gradient_accumulation_steps", None) or 1


def _averages(optimizer) -> list[tuple]:
    """Returns the moving averages of weights, each with its weight."""
    averages = _keras.averages(optimizer)
    pairs = zip(averages, _keras.trained_by(optimizer), strict=False)
    return [pair for pair in pairs if pair[0] is not None]
