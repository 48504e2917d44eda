"""A model built once more, in which one layer is larger."""

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
    """What becomes of one number, or one list, of a layer's config."""

    layer: keras.layers.Layer
    field: str
    value: Any

    @property
    def before(self):
        """The value in the layer's config."""
        return self.layer.get_config()[self.field]


def parts(model) -> list:
    """Returns a model and all layers in it, in Keras' order, each once."""
    found = {id(layer): layer for layer in _keras.all_layers(model)}
    return list(found.values())


def rebuilt(model, changes: list[Change], build_fn: Callable | None = None):
    """Returns a new model of the same layers, some of them larger.

    A functional or sequential model is built anew layer by layer, with the
    nested ones and the ties between them. Any other model, and any layer made
    of others, is built from its config; where the number that changes stands
    in the config of what is around a layer (`num_classes` of a model), it is
    found there by its value.

    Args:
        model: Built model.
        changes: List of `Change`.
        build_fn: Function without arguments that builds the larger model
            instead. Defaults to `None`.

    Returns:
        A model with new values, which is not compiled.

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
                f"order. Received: one that does not ({reason})."
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
    except Exception as error:  # a user's class fails in many ways
        reasons.append(errors.described(error).rstrip("."))
    raise ValueError(
        f"The model {model.name!r} must be one that can be built from its "
        f"config with a larger {changes[0].layer.name!r}. Received: "
        f"{(reasons or ['a config that does not say its size'])[0]}. Pass "
        "`build_fn=`, a function that builds the larger model; its weights "
        "are then those of the old one wherever both have them."
    )


@dataclasses.dataclass(frozen=True)
class _Edit:
    """A value at a path in the config of a part that is built as a whole."""

    part: keras.layers.Layer
    path: tuple
    value: Any


def _units(model) -> Iterator:
    """Yields the parts that are built as a whole."""
    if not _is_graph(model):
        yield model
        return
    for layer in model.layers:
        yield from _units(layer)


def _is_graph(model) -> bool:
    """Whether Keras' own code knows how the model's layers are connected."""
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
    """Yields where a value stands in a config."""
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
        # Keras builds no function of a user's from a config.
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
    """Returns a config without what Keras adds and a model does not take."""
    if "from_config" in vars(kind) or not issubclass(kind, keras.Model):
        return config
    known = inspect.signature(kind.__init__).parameters
    if any(p.kind is p.VAR_KEYWORD for p in known.values()):
        return config
    return {k: v for k, v in config.items() if k in known or k not in _BASE}


def _finish(model, new) -> None:
    """Gives a model its weights, and the name of the old one."""
    if not new.built:
        new.build_from_config(model.get_build_config() or {})
    new.name = model.name


@contextlib.contextmanager
def _uncompiled(model) -> Iterator[None]:
    """Keeps Keras from compiling copies, which are compiled later on.

    It would do so from a config, in which a loss of the user's own may fail.
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
    """Returns why a model is not the old one with changes, or nothing."""
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
