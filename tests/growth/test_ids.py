"""Which rows and words samples need that a model lacks; its last layer."""

import keras
import numpy as np
import pytest
from keras import layers
from keras import ops

from ws_keras.growth import ids
from ws_keras.growth import outputs


def table():
    """A table of a town, as an id, and of a text."""
    town = keras.Input((1,), dtype="int32", name="town")
    text = keras.Input((), dtype="string", name="text")
    words = layers.TextVectorization(output_sequence_length=3, name="words")
    words.adapt(["red fox", "red sky"])
    rows = layers.Embedding(4, 2, name="towns")(town)
    others = layers.Embedding(5, 2, name="rows")(words(text))
    x = layers.Concatenate()([layers.Flatten()(rows), layers.Flatten()(others)])
    return keras.Model([town, text], layers.Dense(2, name="logits")(x))


def test_rows_that_ids_need():
    texts = np.array(["red"] * 3)
    model = table()
    assert ids.needed(model, (np.array([[0], [3], [1]]), texts)) == {}
    found = ids.needed(model, (np.array([[0], [9], [1]]), texts))
    assert found == {"towns": 10}
    # It runs as before.
    x = [ops.convert_to_tensor(part) for part in ([[3]], ["red"])]
    assert model(x).shape == (1, 2)


def test_words_by_frequency_as_the_layer_splits_them():
    texts = np.array(["Green whale!", "a green fox", "red"])
    found = ids.words(table(), (np.zeros((3, 1), int), texts))
    assert found.keys() == {"rows"}
    assert found["rows"][0] == "green"
    assert sorted(found["rows"]) == ["a", "green", "whale"]


def test_numbers_of_a_lookup():
    inputs = keras.Input((1,), dtype="int64")
    known = layers.IntegerLookup(vocabulary=[10, 20])(inputs)
    model = keras.Model(inputs, layers.Embedding(3, 2, name="rows")(known))
    found = ids.words(model, np.array([[30], [20], [30], [40]]))
    assert found == {"rows": [30, 40]}


def stacked(*last):
    return keras.Sequential(
        [keras.Input((4,)), layers.Dense(3), layers.Dense(2), *last]
    )


@pytest.mark.parametrize(
    "last", [(), (layers.Softmax(),), (layers.Dropout(0.1), layers.Softmax())]
)
def test_last_layer_stands_before_activations(last):
    model = stacked(*last)
    assert outputs.last(model) is model.layers[1]


def test_last_layer_of_a_nested_model():
    inputs = keras.Input((4,))
    head = stacked()
    model = keras.Model(inputs, layers.Activation("softmax")(head(inputs)))
    assert outputs.last(model) is head.layers[1]


def test_several_last_layers_are_refused_by_name():
    inputs = keras.Input((4,))
    parts = [layers.Dense(2, name=name)(inputs) for name in ("one", "two")]
    model = keras.Model(inputs, layers.Add()(parts))
    with pytest.raises(ValueError, match="'(one|two)', '(one|two)'"):
        outputs.last(model)
    model = keras.Model(inputs, layers.BatchNormalization()(parts[0]))
    with pytest.raises(ValueError, match="none"):
        outputs.last(model)
