"""Serializes patterns and functions among a callback's arguments."""

import zlib
from collections.abc import Mapping
from typing import Any

import keras

_LAYER_CLASS = "ws_keras_layer_class"
_MAPPING = "ws_keras_mapping"


def to_config(name: str, value: Any) -> Any:
    """Converts an argument to a value that JSON can represent.

    Layer classes are stored by their registered name, functions in Keras' own
    way, mappings as pairs.

    Args:
        name: Name of the argument, for the error message.
        value: Value of the argument.

    Returns:
        Numbers, strings, lists and dicts.

    Raises:
        ValueError: For a layer object, which belongs to one model only.
    """
    if isinstance(value, keras.layers.Layer):
        raise ValueError(
            f"`{name}` must not hold a layer object to be serialized. Use a "
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
    """Converts the result of `to_config` back to an argument."""
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
    """Returns a value that identifies an argument across processes.

    Functions are identified by name and code, layers by their class, because
    Keras numbers the names of layers across models.
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


def check_same(callback: str, old: dict, new: dict) -> None:
    """Raises a ValueError if a resumed fit has other arguments.

    Args:
        callback: Name of the callback, for the error message.
        old: Fingerprints of the arguments of the interrupted fit, by name.
        new: Fingerprints of the present arguments.
    """
    for name, value in new.items():
        before = old.get(name, value)
        if before != value:
            raise ValueError(
                "An interrupted fit must be continued with the same "
                f"arguments of {callback}: it had {name}={before!r}. "
                f"Received: {name}={value!r}. Pass the old value, or "
                "delete the backup to start a new fit."
            )


def _layer_class(name: str) -> type:
    found = keras.saving.get_registered_object(name)
    found = found or getattr(keras.layers, name, None)
    if found is None:
        raise ValueError(
            "A layer class must be a Keras class or registered with "
            "`keras.saving.register_keras_serializable`. "
            f"Received: {name!r}."
        )
    return found
