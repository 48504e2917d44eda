"""Builds a model again with one larger layer."""

import contextlib
import copy
import dataclasses
import inspect
import itertools
from collections.abc import Callable
from collections.abc import Iterator
from typing import Any

import keras

from ws_keras import _keras
from ws_keras.transforms import errors

_BASE = ("name", "trainable", "dtype")
_MOST_BUILDS = 64


@dataclasses.dataclass(frozen=True)
class Change:
    """A change of one number or list in the config of a layer."""

    layer: keras.layers.Layer
    field: str
    value: Any

    @property
    def before(self):
        """The value in the layer's config."""
        return self.layer.get_config()[self.field]


def parts(model) -> list:
    """Returns a model and all its layers once, in Keras' order."""
    found = {id(layer): layer for layer in _keras.all_layers(model)}
    return list(found.values())


def rebuilt(model, changes: list[Change], build_fn: Callable | None = None):
    """Builds a model with the same layers, some of them larger.

    A functional or `Sequential` model is built layer by layer, including nested
    models and ties between layers. Any other model, and any layer that contains
    layers, is built from its config. If the changed number is in the config of
    an enclosing layer (`num_classes` of a model), it is found there by its
    value.

    Args:
        model: Built model.
        changes: List of `Change`.
        build_fn: Function without arguments that builds the larger model
            instead. Defaults to `None`.

    Returns:
        An uncompiled model with new values.

    Raises:
        ValueError: If the model cannot be built from its config.
    """
    reasons = []
    if build_fn is not None:
        new = build_fn()
        reason = _mismatch(model, new, changes)
        if reason:
            raise ValueError(
                "`build_fn` must be a function without arguments that builds "
                "the whole larger model, with the same layers in the same "
                f"order. Received: a function that does not ({reason})."
            )
        return new
    try:
        places = [list(_places(model, change)) for change in changes]
        for chosen in itertools.islice(
            itertools.product(*places), _MOST_BUILDS
        ):
            new = _attempt(model, chosen)
            reason = _mismatch(model, new, changes)
            if not reason:
                return new
            reasons.append(reason)
    except Exception as error:  # custom classes raise many types
        reasons.append(errors.described(error).rstrip("."))
    raise ValueError(
        f"It must be possible to build the model {model.name!r} from its "
        f"config with a larger {changes[0].layer.name!r}. Received: "
        f"{(reasons or ['a config that does not say its size'])[0]}. Pass "
        "`build_fn=`, a function that builds the larger model. Weights that "
        "both models have are then copied from the old one."
    )


@dataclasses.dataclass(frozen=True)
class _Edit:
    """A value at a path in the config of a layer that is built as a whole."""

    part: keras.layers.Layer
    path: tuple
    value: Any


def _units(model) -> Iterator:
    """Yields the layers that are built as a whole."""
    if not _is_graph(model):
        yield model
        return
    for layer in model.layers:
        yield from _units(layer)


def _is_graph(model) -> bool:
    """Whether Keras' own code connects the model's layers."""
    own = type(model).get_config
    return own in (
        keras.Sequential.get_config,
        _keras.functional_class().get_config,
    )


def _places(model, change: Change) -> Iterator[_Edit]:
    for unit in _units(model):
        if unit is change.layer:
            yield _Edit(unit, (change.field,), change.value)
            return
        if any(part is change.layer for part in parts(unit)):
            for path in _paths(unit.get_config(), change.before):
                yield _Edit(unit, path, change.value)
            return


def _paths(config, value, path: tuple = ()) -> Iterator[tuple]:
    """Yields the paths of a value in a config."""
    if type(config) is type(value) and config == value:
        yield path
    elif isinstance(config, dict):
        for key, inner in config.items():
            yield from _paths(inner, value, (*path, key))
    elif isinstance(config, (list, tuple)):
        for place, inner in enumerate(config):
            yield from _paths(inner, value, (*path, place))


def _attempt(model, edits: tuple[_Edit, ...]):
    by_part = {}
    for edit in edits:
        by_part.setdefault(id(edit.part), []).append(edit)

    def build(layer):
        return _built(layer, by_part.get(id(layer), ()))

    if not _is_graph(model):
        new = build(model)
        _finish(model, new)
        return new
    with _uncompiled(model):
        return keras.models.clone_model(
            model, clone_function=build, recursive=True
        )


def _built(layer, edits):
    if type(layer) is keras.layers.Lambda:
        # Keras does not build a custom function from a config.
        return _lambda(layer)
    config = copy.deepcopy(layer.get_config())
    for edit in edits:
        inner = config
        for key in edit.path[:-1]:
            inner = inner[key]
        inner[edit.path[-1]] = edit.value
    return type(layer).from_config(_accepted(type(layer), config))


def _lambda(layer):
    return keras.layers.Lambda(
        layer.function,
        output_shape=_keras.lambda_shape(layer),
        mask=layer.mask,
        arguments=layer.arguments,
        name=layer.name,
        dtype=layer.dtype_policy,
    )


def _accepted(kind: type, config: dict) -> dict:
    """Removes the entries of Keras that a model's constructor rejects."""
    if "from_config" in vars(kind) or not issubclass(kind, keras.Model):
        return config
    known = inspect.signature(kind.__init__).parameters
    if any(p.kind is p.VAR_KEYWORD for p in known.values()):
        return config
    return {k: v for k, v in config.items() if k in known or k not in _BASE}


def _finish(model, new) -> None:
    """Builds the weights of a model, and gives it the name of the old one."""
    if not new.built:
        new.build_from_config(model.get_build_config() or {})
    new.name = model.name


@contextlib.contextmanager
def _uncompiled(model) -> Iterator[None]:
    """Prevents Keras from compiling copies, which are compiled later.

    Compiling from a config may fail for a custom loss.
    """
    compiled = [part for part in parts(model) if getattr(part, "compiled", 0)]
    for part in compiled:
        part.compiled = False
    try:
        yield
    finally:
        for part in compiled:
            part.compiled = True


def _mismatch(model, new, changes: list[Change]) -> str:
    """Explains why a model is not the changed old one, `""` if it is."""
    if not isinstance(new, keras.layers.Layer):
        return f"it returned {type(new).__name__}"
    old_parts, new_parts = parts(model), parts(new)
    old_kinds, new_kinds = (
        [type(part).__name__ for part in found]
        for found in (old_parts, new_parts)
    )
    if len(old_kinds) != len(new_kinds):
        return (
            f"a new build has {len(new_kinds)} layers instead of "
            f"{len(old_kinds)}; layers may share others in a way that no "
            "config says"
        )
    if old_kinds != new_kinds:
        differ = set(old_kinds) ^ set(new_kinds)
        return f"a new build has other layers, {sorted(differ)}"
    for change in changes:
        place = [part is change.layer for part in old_parts].index(True)
        found = new_parts[place].get_config().get(change.field)
        if found != change.value:
            return (
                f"a new build whose {change.layer.name!r} has "
                f"{change.field}={found!r}"
            )
    return ""
