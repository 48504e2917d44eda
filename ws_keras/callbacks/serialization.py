"""Patterns and functions among a callback's arguments, as configs."""

import zlib
from collections.abc import Mapping
from typing import Any

import keras

_LAYER_CLASS = "ws_keras_layer_class"
_MAPPING = "ws_keras_mapping"


def to_config(name: str, value: Any) -> Any:
    """Returns an argument as something that JSON knows.

    Layer classes are written by their registered name, functions as Keras
    does, mappings as pairs.

    Args:
        name: Name of the argument, for the error.
        value: Its value.

    Returns:
        Numbers, strings, lists and dicts.

    Raises:
        ValueError: For a layer object, which is part of one model only.
    """
    if isinstance(value, keras.layers.Layer):
        raise ValueError(
            f"`{name}` must hold no layer object to be serialized, but a "
            "pattern for variable paths, a class or a registered function. "
            f"Received: the layer {value.name!r}."
        )
    if isinstance(value, type):
        return {_LAYER_CLASS: keras.saving.get_registered_name(value)}
    if isinstance(value, Mapping):
        items = value.items()
        return {_MAPPING: [[to_config(name, k), list(v)] for k, v in items]}
    if isinstance(value, (set, frozenset)):
        return sorted((to_config(name, item) for item in value), key=repr)
    if isinstance(value, (list, tuple)):
        return [to_config(name, item) for item in value]
    if callable(value):
        return keras.saving.serialize_keras_object(value)
    return value


def from_config(value: Any) -> Any:
    """Returns the argument that `to_config` has written."""
    if isinstance(value, list):
        return [from_config(item) for item in value]
    if not isinstance(value, dict):
        return value
    if _MAPPING in value:
        pairs = value[_MAPPING]
        return {from_config(key): tuple(pair) for key, pair in pairs}
    if _LAYER_CLASS in value:
        return _layer_class(value[_LAYER_CLASS])
    return keras.saving.deserialize_keras_object(value)


def fingerprint(value: Any) -> Any:
    """Returns what tells an argument from another one in another process.

    Functions are told apart by name and code, layers by their class: the
    names that Keras gives to layers count on from model to model.
    """
    if isinstance(value, Mapping):
        return [[fingerprint(k), list(v)] for k, v in value.items()]
    if isinstance(value, (set, frozenset)):
        return sorted(map(fingerprint, value), key=repr)
    if isinstance(value, (list, tuple)):
        return [fingerprint(item) for item in value]
    if isinstance(value, keras.layers.Layer):
        value = type(value)
    if callable(value):
        name = getattr(value, "__qualname__", type(value).__qualname__)
        code = getattr(getattr(value, "__code__", None), "co_code", b"")
        return f"{name}:{zlib.crc32(code)}" if code else name
    return value


def _layer_class(name: str) -> type:
    found = keras.saving.get_registered_object(name)
    found = found or getattr(keras.layers, name, None)
    if found is None:
        raise ValueError(
            "A layer class must be one of Keras or registered with "
            "`keras.saving.register_keras_serializable`. "
            f"Received: {name!r}."
        )
    return found
