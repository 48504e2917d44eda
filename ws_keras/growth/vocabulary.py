"""Adds words to the embedding of a model and to its lookup layer."""

import secrets
from collections.abc import Callable
from collections.abc import Iterable

import keras

from ws_keras import _keras
from ws_keras import checks
from ws_keras import seeds
from ws_keras.growth import carrying
from ws_keras.growth import finding
from ws_keras.growth import outputs
from ws_keras.growth import rebuilding
from ws_keras.transforms import arrays
from ws_keras.transforms import isolation

_LOOKUPS = (
    keras.layers.TextVectorization,
    keras.layers.StringLookup,
    keras.layers.IntegerLookup,
)


def grow_vocabulary(
    model: keras.Model,
    layer,
    size: int | None = None,
    *,
    words: Iterable | None = None,
    lookup=None,
    seed: int | None = None,
    build_fn: Callable | None = None,
) -> keras.Model:
    """Creates a model with more words, ids or categories.

    The old rows of the embedding are kept, and the new rows are drawn from its
    own initializer. If the model contains the layer that maps words to ids
    (`TextVectorization`, `StringLookup`, `IntegerLookup`), new words are
    appended to its vocabulary, so that old words keep their ids. Before, new
    words had the id of unknown words. Everything else is kept as in
    `grow_outputs`.

    Example:

    ```python
    lookup = keras.layers.StringLookup(vocabulary=["north", "south"])
    model = keras.Sequential(
        [
            keras.Input((1,), dtype="string"),
            lookup,
            keras.layers.Embedding(3, 8, name="towns"),
        ]
    )
    model = grow_vocabulary(model, "towns", words=["east", "north"])
    model = grow_vocabulary(model, "towns", 100)  # room for more
    ```

    Args:
        model: See `grow_outputs`.
        layer: An `Embedding` or its name.
        size: New number of rows. `None` means the number that the words need.
            Defaults to `None`.
        words: New words (or numbers of an `IntegerLookup`). They may use rows
            that exist already. Known words are ignored. Defaults to none.
        lookup: Layer that maps words to ids, or its name. `None` means the one
            before the embedding. Defaults to `None`.
        seed: See `grow_outputs`. Defaults to `None`.
        build_fn: See `grow_outputs`. The function must create a lookup layer
            that knows the new words, because it is not changed. Defaults to
            `None`.

    Returns:
        A new model. It is compiled if the old one is.

    Raises:
        ValueError: If the layer is not an embedding, if nothing would grow, or
            if words are given but no layer of the model maps them to ids. See
            also `grow_outputs`.

    Warns:
        UserWarning: If the embedding is frozen, so that new rows stay random.
    """
    layer = finding.layer(model, layer)
    _check_embedding(layer)
    if seed is not None:
        arrays.check_seed(seed)
    seed = secrets.randbits(31) if seed is None else seed
    found, new_words = None, []
    if words is not None:
        found = lookup_before(model, layer, lookup)
        new_words = unknown(found, words)
    before = layer.input_dim
    size = _size(layer, size, found, new_words)
    changes = [rebuilding.Change(layer, "input_dim", size)]
    if new_words and build_fn is None:
        changes += _lookup_changes(found, new_words)
    with isolation.isolated(seeds.derive(seed, "grow")):
        new = rebuilding.rebuilt(model, changes, build_fn)
    if size > before:
        outputs.warn_frozen(layer)
    sizes, drawn = (before, size), None if build_fn else seed
    carrying.carry(model, new, [layer], sizes, drawn)
    if new_words and build_fn is None:
        _set_words(model, new, found, new_words)
    return new


def lookup_before(model, layer, named=None):
    """Returns the layer that maps words to the ids of an embedding.

    Args:
        model: Built model.
        layer: The embedding.
        named: The layer or its name. `None` means the nearest lookup layer
            before the embedding, or the only one of the model. Defaults to
            `None`.

    Returns:
        The layer.

    Raises:
        ValueError: If there is no such layer, or if it does not output ids.
    """
    if named is not None:
        found = [finding.layer(model, named)]
    else:
        found = _before(layer) or [
            part for part in rebuilding.parts(model) if _is_lookup(part)
        ]
    if len(found) != 1 or not _is_lookup(found[0]):
        names = [part.name for part in found]
        raise ValueError(
            "`words` needs a TextVectorization, StringLookup or IntegerLookup "
            f"in the model that gives {layer.name!r} its ids. Received: one "
            f"with {names or 'none'}. Give its name as `lookup=`. If "
            "words become ids outside the model, append them there, and give "
            "`size=` here."
        )
    _check_ids(found[0])
    return found[0]


def unknown(lookup, words: Iterable) -> list:
    """Returns the words that a layer has no id for, without duplicates."""
    known = set(lookup.get_vocabulary())
    return [word for word in dict.fromkeys(words) if word not in known]


def _is_lookup(layer) -> bool:
    return isinstance(layer, _LOOKUPS)


def _before(layer) -> list:
    """Returns the lookup layers in front of a layer, if known."""
    seen, found = set(), []
    rest = _keras.makers(layer)
    while rest:
        operation = rest.pop()
        if id(operation) in seen:
            continue
        seen.add(id(operation))
        if _is_lookup(operation):
            found.append(operation)
        else:
            rest += _keras.makers(operation)
    return found


def _check_embedding(layer) -> None:
    if not isinstance(layer, keras.layers.Embedding):
        raise ValueError(
            "`layer` must be an Embedding, which has one row per word. "
            f"Received: {layer.name!r} ({type(layer).__name__})."
        )


def _check_ids(lookup) -> None:
    config = lookup.get_config()
    if config["output_mode"] != "int" or config.get("invert"):
        raise ValueError(
            f"The layer {lookup.name!r} must map words to ids, with "
            f"output_mode='int'. Received: {config['output_mode']!r}"
            f"{', inverted' if config.get('invert') else ''}. New words would "
            "change the meaning or number of its outputs."
        )


def _size(layer, size: int | None, lookup, new_words: list) -> int:
    needed = before = layer.input_dim
    if lookup is not None:
        needed = max(before, lookup.vocabulary_size() + len(new_words))
    if size is None and lookup is None:
        raise ValueError(
            "An embedding needs `size` or `words` to grow. "
            "Received: size=None, words=None."
        )
    size = needed if size is None else size
    least = before + 1 if lookup is None else needed
    if not checks.is_whole(size) or size < least:
        what = f"; there are {len(new_words)} new words" if lookup else ""
        raise ValueError(
            f"`size` must be an integer of at least {least}. Received: "
            f"size={size!r} for {layer.name!r} of {before} rows{what}."
        )
    return int(size)


def _lookup_changes(lookup, new_words: list) -> list[rebuilding.Change]:
    config, changes = lookup.get_config(), []
    needed = lookup.vocabulary_size() + len(new_words)
    if config["max_tokens"] is not None and config["max_tokens"] < needed:
        changes.append(rebuilding.Change(lookup, "max_tokens", needed))
    if config["vocabulary"] is not None:
        words = [*config["vocabulary"], *new_words]
        changes.append(rebuilding.Change(lookup, "vocabulary", words))
    return changes


def _set_words(model, new, lookup, new_words: list) -> None:
    place = [p is lookup for p in rebuilding.parts(model)].index(True)
    larger = rebuilding.parts(new)[place]
    if lookup.get_config()["vocabulary"] is None:
        old = lookup.get_vocabulary(include_special_tokens=False)
        larger.set_vocabulary([*old, *new_words])
