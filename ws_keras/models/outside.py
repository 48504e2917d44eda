"""Builds a custom network with the package's first and last layers."""

import contextlib
from collections.abc import Callable
from collections.abc import Iterator

import keras

from ws_keras import references
from ws_keras.models import class_mask
from ws_keras.models import inputs


def network(
    name: str,
    *,
    input_shape: tuple[int, ...],
    num_classes: int,
    normalization: str = "half",
    moments: tuple | None = None,
    augmentation: str = "none",
    masked: bool = False,
    input_dtype: str = "uint8",
    dtype: str = "float32",
) -> keras.Model:
    """Builds the network that a custom function returns.

    Args:
        name: `"my_module:build"`. The function is called with the shape of a
            sample and the number of classes. It must return a built Keras model
            from normalized floats `(batch, *input_shape)` to logits `(batch,
            num_classes)`.
        input_shape: Shape of one sample.
        num_classes: Number of logits.
        normalization: As in `models.mlp`. Defaults to `"half"`.
        moments: As in `models.mlp`. Defaults to `None`.
        augmentation: As in `models.mlp`. Defaults to `"none"`.
        masked: As in `models.mlp`. Defaults to `False`.
        input_dtype: As in `models.mlp`. Defaults to `"uint8"`.
        dtype: Dtype policy of the layers that set none. Defaults to
            `"float32"`.

    Returns:
        An uncompiled `keras.Model` from samples to logits.

    Raises:
        ValueError: If the function cannot be found, fails, or does not return
            such a model.
    """
    build = references.find("model.name", name)
    start, x = inputs.normalized_input(
        input_shape, input_dtype, normalization, moments, dtype, augmentation
    )
    with _policy(dtype):
        found = _built(build, name, tuple(input_shape), num_classes)
    logits = found(x)
    if keras.backend.standardize_dtype(logits.dtype) != "float32":
        cast = keras.layers.Activation("linear", dtype="float32", name="cast")
        logits = cast(logits)
    if masked:
        logits = class_mask.ClassMask(name="class_mask")(logits)
    return keras.Model(start, logits, name="own")


def _built(build: Callable, name: str, shape, num_classes) -> keras.Model:
    given = f"model.name={name!r}"
    try:
        found = build(shape, num_classes)
    except Exception as error:  # custom code raises many types
        raise ValueError(
            f"`{given}` must build a network if it is called with the shape "
            f"of a sample and the number of classes, {shape} and "
            f"{num_classes}. Received: {type(error).__name__}: {error}"
        ) from error
    wanted = (None, num_classes)
    shown = getattr(found, "output_shape", None)
    if not isinstance(found, keras.Model) or not found.built or shown != wanted:
        raise ValueError(
            f"`{given}` must return a built Keras model that outputs logits of "
            f"shape {wanted}. Received: {type(found).__name__}"
            + (f" with outputs of shape {shown}." if shown else ".")
        )
    return found


@contextlib.contextmanager
def _policy(dtype: str) -> Iterator[None]:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(dtype)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
