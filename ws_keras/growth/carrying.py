"""Copies weights and state from a model to a larger version of it."""

import contextlib
import tempfile
from collections.abc import Sequence

import keras
import numpy as np
from keras import ops
from keras import tree

from ws_keras import _keras
from ws_keras import callers
from ws_keras import seeds
from ws_keras.growth import rebuilding
from ws_keras.transforms import errors
from ws_keras.transforms import fresh
from ws_keras.transforms import initial_state
from ws_keras.transforms import ownership
from ws_keras.transforms import variables


def carry(
    model, new, grown: list, sizes: tuple[int, int], seed: int | None
) -> None:
    """Copies the weights and state of a model to a larger version of it.

    If a variable is longer along one axis, its first rows (or columns) are the
    old ones. The new ones are drawn from the layer's own initializer. The same
    holds for the slots of the optimizer, whose new rows have their initial
    values. Everything else is copied: other weights, statistics, results of
    `adapt`, frozen layers, loss, metrics, learning rate and iterations.

    Args:
        model: The old model.
        new: The larger model, with new values.
        grown: Layers of the old model whose shapes may differ.
        sizes: Number of rows before and after.
        seed: Seed of the draws. `None` keeps the draws of the new model.

    Raises:
        ValueError: If other layers differ in their shapes.
    """
    pairs = _pairs(model, new)
    _check_shapes(pairs, grown, sizes)
    for (old, _), (variable, layers) in pairs:
        value = variables.host(old)
        if value.shape != tuple(variable.shape):
            value = joined(value, _drawn(variable, layers, seed))
        variable.assign(value)
    carry_states(model, new, grown)
    _carry_trainable(model, new, pairs)
    if getattr(model, "compiled", False):
        _compile(model, new, pairs)


def joined(old: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """Copies an old array into the beginning of a longer, drawn array."""
    found = np.array(drawn)
    found[tuple(slice(size) for size in old.shape)] = old
    return found


def _pairs(model, new) -> list[tuple]:
    """Returns pairs of old and new variables, each with its layers."""
    located = [ownership.located(one) for one in (model, new)]
    if len(located[0]) != len(located[1]):
        raise ValueError(
            f"The config of the model {model.name!r} must describe all weights "
            "that layers share. A tie outside of the config is, for example, "
            "an output that reads an embedding's weights. Received: a new "
            f"build with {len(located[1])} variables instead of "
            f"{len(located[0])}. Pass `build_fn=`, a function that builds the "
            "larger model."
        )
    return list(zip(*located, strict=True))


def _check_shapes(pairs, grown: list, sizes: tuple[int, int]) -> None:
    names = []
    for (old, layers), (variable, _) in pairs:
        before, after = tuple(old.shape), tuple(variable.shape)
        if before == after:
            continue
        is_meant = any(layer is one for one in grown for layer in layers)
        if not is_meant or not _is_longer(before, after, sizes):
            names.append(layers[-1].name)
    if names:
        raise ValueError(
            "Only the given layer may grow. No later layer may have "
            f"weights for each of its outputs. Received: {grown[0].name!r}, "
            f"which would change the shapes of {sorted(set(names))}. "
            "Choose the last layer instead."
        )


def _is_longer(before: tuple, after: tuple, sizes: tuple[int, int]) -> bool:
    if len(before) != len(after):
        return False
    changed = [
        pair for pair in zip(before, after, strict=True) if pair[0] != pair[1]
    ]
    return changed == [sizes]


def _drawn(variable, layers: tuple, seed: int | None) -> np.ndarray:
    if seed is None:
        return variables.host(variable)
    own = ownership.own_variables(layers[-1])
    entry = variables.Entry(
        0,
        variable,
        layers,
        ownership.place(variable, own),
        variables.WEIGHT,
        False,
        layers[-1:],
        layers,
    )
    return fresh.Fresh(seeds.derive(seed, "grown"))(entry)


def carry_states(model, new, grown: Sequence = ()) -> None:
    """Copies the state that layers keep outside of variables.

    Examples are vocabularies, and what `Normalization` learned by `adapt`.

    Args:
        model: Built model.
        new: Model with the same layers.
        grown: Layers of `model` whose state is not copied.
    """
    old_parts, new_parts = map(rebuilding.parts, (model, new))
    for old, part in zip(old_parts, new_parts, strict=True):
        if any(old is layer for layer in grown):
            continue
        if _overrides(old, "load_own_variables") and old.built:
            store = {}
            old.save_own_variables(store)
            # Copies, because training on JAX frees shared arrays.
            store = {
                name: np.array(ops.convert_to_numpy(value))
                for name, value in store.items()
            }
            part.load_own_variables(store)
        if _overrides(old, "load_assets"):
            with tempfile.TemporaryDirectory() as folder:
                old.save_assets(folder)
                with contextlib.suppress(FileNotFoundError):
                    part.load_assets(folder)


def _overrides(layer, name: str) -> bool:
    own = getattr(type(layer), name, None)
    plain = (getattr(k, name, None) for k in (keras.layers.Layer, keras.Model))
    return own is not None and own not in plain


def _carry_trainable(model, new, pairs) -> None:
    old_parts, new_parts = map(rebuilding.parts, (model, new))
    # Outermost first, because setting a model sets all of its layers.
    for old, part in zip(old_parts, new_parts, strict=True):
        if part.trainable != old.trainable:
            part.trainable = old.trainable
    for (old, _), (variable, _) in pairs:
        if variable.trainable != old.trainable:
            variable.trainable = old.trainable


def _compile(model, new, pairs) -> None:
    if type(model).compile is not keras.Model.compile:
        callers.warn(
            f"The model {model.name!r} has its own `compile`, so "
            "the larger model is not compiled. Compile it.",
        )
        return
    given = _keras.compiled_with(model)
    try:
        optimizer = _optimizer(model.optimizer)
        for name in ("metrics", "weighted_metrics"):
            given[name] = tree.map_structure(_metric, given[name])
    except Exception as error:  # custom classes raise many types
        raise ValueError(
            "Keras must be able to build the optimizer and metrics of a model "
            "from their config. Received: "
            f"{errors.described(error).rstrip('.')}. Give them a "
            "`get_config`, or grow an uncompiled model and compile it."
        ) from error
    given["optimizer"] = optimizer
    new.compile(**given, auto_scale_loss=getattr(model, "auto_scale_loss", 1))
    if optimizer is not None and model.optimizer.built:
        _carry_slots(model.optimizer, new.optimizer, pairs)


def _metric(metric):
    """Returns a copy of a metric for the new model."""
    if not isinstance(metric, keras.metrics.Metric):
        return metric
    return type(metric).from_config(metric.get_config())


def _optimizer(optimizer):
    """Returns a new optimizer with the config and schedule of another."""
    if optimizer is None:
        return None
    if len(initial_state.nested(optimizer)) > 1:
        return type(optimizer).from_config(optimizer.get_config())
    new = type(optimizer).from_config(initial_state.plain_config(optimizer))
    if not isinstance(_keras.rate(optimizer), keras.Variable):
        # A custom schedule may have no config.
        new.learning_rate = _keras.rate(optimizer)
    return new


def _carry_slots(old, new, pairs) -> None:
    """Builds an optimizer and copies the state of another one."""
    twins = {id(variable): twin for (variable, _), (twin, _) in pairs}
    trained = [twins[id(v)] for v in _keras.trained_by(old)]
    new.build(trained)
    for before, after in zip(
        initial_state.nested(old), initial_state.nested(new), strict=True
    ):
        for slot, twin in zip(before.variables, after.variables, strict=True):
            value = variables.host(slot)
            if value.shape != tuple(twin.shape):
                value = joined(value, variables.host(twin))
            twin.assign(value)
