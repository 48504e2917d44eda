"""Finds words and ids in samples that the embeddings of a model lack."""

import contextlib
from collections.abc import Callable
from collections.abc import Iterator

import keras
import numpy as np
from keras import ops
from keras import tree

from ws_keras.growth import rebuilding
from ws_keras.growth import vocabulary

_BATCH = 1024


def needed(model: keras.Model, x) -> dict[str, int]:
    """Returns the number of rows that embeddings need for some samples.

    Example:

    ```python
    inputs = keras.Input((1,))
    table = keras.layers.Embedding(5, 2, name="towns")
    print(needed(keras.Model(inputs, table(inputs)), np.array([[7]])))
    ```

    Args:
        model: Built model.
        x: Samples, an array or a structure of arrays, as the model accepts
            them.

    Returns:
        For each embedding with too few rows, its name and the number of rows
        that it needs.
    """
    found = {}
    embeddings = _of_kind(model, keras.layers.Embedding)

    def watch(layer, ids):
        if len(ids):
            most = int(np.max(ops.convert_to_numpy(ids))) + 1
            found[layer.name] = max(found.get(layer.name, 0), most)
        # The pass must not fail for an id without a row.
        return ops.clip(ids, 0, layer.input_dim - 1)

    _run(model, x, embeddings, watch)
    sizes = {layer.name: layer.input_dim for layer in embeddings}
    return {name: n for name, n in found.items() if n > sizes[name]}


def words(model: keras.Model, x) -> dict[str, list]:
    """Returns the words in samples that a model has no id for.

    Args:
        model: Built model.
        x: Samples, an array or a structure of arrays, as the model accepts
            them.

    Returns:
        For each embedding behind a lookup layer, its name and the words that
        the lookup layer does not know, the most frequent first.
    """
    behind = {}
    for layer in _of_kind(model, keras.layers.Embedding):
        with contextlib.suppress(ValueError):  # it has no lookup layer
            lookup = vocabulary.lookup_before(model, layer)
            behind[layer.name] = lookup
    texts = {}

    def watch(layer, values):
        texts.setdefault(layer.name, []).append(values)
        return values

    lookups = list({id(one): one for one in behind.values()}.values())
    _run(model, x, lookups, watch)
    found = {}
    for name, lookup in behind.items():
        new = vocabulary.unknown(lookup, _counted(lookup, texts[lookup.name]))
        if new:
            found[name] = new
    return found


def _counted(lookup, texts: list) -> list:
    """Returns all words of texts, split as the layer splits them."""
    config = lookup.get_config()
    config |= {"vocabulary": None, "max_tokens": None, "name": None}
    config.pop("vocabulary_size", None)
    again = type(lookup).from_config(config)
    again.adapt(np.concatenate([ops.convert_to_numpy(t) for t in texts]))
    return again.get_vocabulary(include_special_tokens=False)


def _of_kind(model, kind: type) -> list:
    return [part for part in rebuilding.parts(model) if isinstance(part, kind)]


def _run(model, x, layers: list, watch: Callable) -> None:
    """Runs a model on all samples and observes some layers."""
    if not layers:
        return
    count = len(tree.flatten(x)[0])
    with contextlib.ExitStack() as stack:
        for layer in layers:
            stack.enter_context(_watched(layer, watch))
        for start in range(0, count, _BATCH):
            part = slice(start, start + _BATCH)
            batch = tree.map_structure(lambda a, p=part: _tensor(a[p]), x)
            model(batch, training=False)


@contextlib.contextmanager
def _watched(layer, watch: Callable) -> Iterator[None]:
    """Lets a function observe and change the input of a layer."""
    own = layer.call

    def call(inputs, *args, **kwargs):
        return own(watch(layer, inputs), *args, **kwargs)

    layer.call = call
    try:
        yield
    finally:
        del layer.call


def _tensor(array: np.ndarray):
    if array.dtype.kind in "US":
        return ops.convert_to_tensor(array.tolist(), "string")
    return ops.convert_to_tensor(array)
