"""Traces passes of a model without side effects, and records calls."""

import contextlib
from collections.abc import Callable

import keras
from keras import ops
from keras import tree


@contextlib.contextmanager
def recorded(operations: list):
    """Records (operation, input, output) of each call within the block.

    Args:
        operations: Layers or other Keras operations.
    """
    records = []

    def recording(operation, call):
        def recorded(inputs, *arguments, **keywords):
            found = call(inputs, *arguments, **keywords)
            records.append((operation, inputs, found))
            return found

        return recorded

    # Bypasses Keras' `__setattr__` temporarily, without side effects.
    for operation in operations:
        vars(operation)["call"] = recording(operation, operation.call)
    try:
        yield records
    finally:
        for operation in operations:
            del vars(operation)["call"]


def traced(variables: list, function: Callable) -> Callable:
    """Compiles a function of variables' values and further arguments.

    Args:
        variables: Keras variables; each call uses their present values.
        function: Function of a list of these values and of further arrays or
            structures of arrays.

    Returns:
        A function of the further arguments.
    """
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        def run(*arguments):
            values = [tf.convert_to_tensor(v.value) for v in variables]
            return function(values, *arguments)

        return tf.function(run, autograph=False)
    if backend == "jax":
        import jax

        function = jax.jit(function)

    def call(*arguments):
        arguments = tree.map_structure(ops.convert_to_tensor, arguments)
        return function([v.value for v in variables], *arguments)

    return _with_torch_random_kept(call) if backend == "torch" else call


def _with_torch_random_kept(call: Callable) -> Callable:
    import torch

    def kept(*arguments):
        # Unseeded dropout draws from the state that also shuffles data.
        on_gpu = torch.cuda.is_available()
        devices = [torch.cuda.current_device()] if on_gpu else []
        with torch.random.fork_rng(devices):
            return call(*arguments)

    return kept
