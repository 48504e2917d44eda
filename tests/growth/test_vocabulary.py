"""Models with more words: old ids and rows stay, new ones are appended."""

import keras
import numpy as np
import pytest
from keras import layers
from keras import ops

import ws_keras

TEXTS = np.array(["the red fox", "a blue fox", "the blue sky", "red sky"])
Y = np.array([0, 1, 1, 0])
NEW = ["green", "whale", "red"]


def text_model(vectorize, rows=20, **more):
    inputs = keras.Input((), dtype="string")
    x = layers.Embedding(rows, 4, name="words", **more)(vectorize(inputs))
    x = layers.GlobalAveragePooling1D()(x)
    model = keras.Model(inputs, layers.Dense(2, name="logits")(x))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    # Three steps take less time than their trace.
    model.compile(
        keras.optimizers.Adam(0.1),
        loss,
        metrics=["accuracy"],
        run_eagerly=True,
    )
    model.fit(tensor(TEXTS), Y, epochs=3, verbose=0)
    return model


def tensor(texts):
    return ops.convert_to_tensor(list(texts), "string")


def adapted(**more):
    found = layers.TextVectorization(
        output_sequence_length=4, name="ids", **more
    )
    found.adapt(TEXTS)
    return found


def given(**more):
    return layers.TextVectorization(
        output_sequence_length=4,
        vocabulary=["the", "red", "fox", "a", "blue", "sky"],
        name="ids",
        **more,
    )


def saved(model, tmp_path):
    model.save(tmp_path / "model.keras")
    return keras.models.load_model(tmp_path / "model.keras")


@pytest.mark.quick(2)
@pytest.mark.parametrize("vectorize", [adapted, given])
@pytest.mark.parametrize("limit", [None, 9])
@pytest.mark.parametrize("mask", [False, True])
def test_new_words_get_ids_and_rows(vectorize, limit, mask, tmp_path):
    rows = limit or 8
    model = text_model(vectorize(max_tokens=limit), rows=rows, mask_zero=mask)
    old = model.predict(tensor(TEXTS), verbose=0)
    words = model.get_layer("ids").get_vocabulary()
    grown = ws_keras.grow_vocabulary(model, "words", words=NEW, seed=1)
    assert grown.get_layer("ids").get_vocabulary() == [
        *words,
        "green",
        "whale",
    ]
    assert grown.get_layer("words").input_dim == len(words) + 2
    np.testing.assert_array_equal(grown.predict(tensor(TEXTS), verbose=0), old)
    table = ops.convert_to_numpy(grown.get_layer("words").embeddings)
    np.testing.assert_array_equal(
        table[:rows], ops.convert_to_numpy(model.get_layer("words").embeddings)
    )
    loaded = saved(grown, tmp_path)
    new = tensor(["a green whale", "the whale"])
    np.testing.assert_array_equal(
        loaded.predict(new, verbose=0), grown.predict(new, verbose=0)
    )
    ids = ops.convert_to_numpy(loaded.get_layer("ids")(new))
    assert ids[0, 1:3].tolist() == [len(words), len(words) + 1]
    loaded.fit(new, np.array([0, 0]), epochs=2, verbose=0)
    # The model that it was made from knows none of the words.
    assert model.get_layer("ids").get_vocabulary() == words


def test_words_first_fill_the_rows_that_are_there():
    model = text_model(adapted(max_tokens=50), rows=50)
    grown = ws_keras.grow_vocabulary(model, "words", words=NEW)
    assert grown.get_layer("words").input_dim == 50
    assert grown.get_layer("ids").vocabulary_size() == 10


def test_known_words_change_nothing():
    model = text_model(adapted(), rows=8)
    grown = ws_keras.grow_vocabulary(model, "words", words=["red", "sky"])
    assert grown.get_layer("words").input_dim == 8
    np.testing.assert_array_equal(
        grown.predict(tensor(TEXTS), verbose=0),
        model.predict(tensor(TEXTS), verbose=0),
    )


def test_slots_of_old_words_go_on_and_others_start():
    model = text_model(adapted(), rows=8)
    grown = ws_keras.grow_vocabulary(model, "words", 12)
    for slot, twin in zip(
        model.optimizer.variables, grown.optimizer.variables, strict=True
    ):
        slot, twin = map(ops.convert_to_numpy, (slot, twin))
        part = tuple(slice(size) for size in slot.shape)
        np.testing.assert_array_equal(twin[part], slot)
        if slot.shape != twin.shape:
            assert not twin[8:].any()


def test_each_column_of_a_table_has_its_own_words():
    """Two lookups: the one before the embedding is meant."""
    inputs, tables = [], []
    for name in ("city", "month"):
        inputs.append(keras.Input((1,), dtype="string", name=name))
        lookup = layers.StringLookup(vocabulary=["x", "y"], name=f"{name}_id")
        ids = lookup(inputs[-1])
        tables.append(layers.Embedding(3, 2, name=f"{name}_row")(ids))
    x = layers.Flatten()(layers.Concatenate()(tables))
    model = keras.Model(inputs, layers.Dense(1)(x))
    grown = ws_keras.grow_vocabulary(model, "month_row", words=["z"])
    sizes = [
        grown.get_layer(f"{n}_id").vocabulary_size() for n in ("city", "month")
    ]
    assert sizes == [3, 4]
    rows = [grown.get_layer(f"{n}_row").input_dim for n in ("city", "month")]
    assert rows == [3, 4]


def test_numbers_as_words():
    inputs = keras.Input((1,), dtype="int64")
    x = layers.IntegerLookup(vocabulary=[10, 20], name="ids")(inputs)
    x = layers.Flatten()(layers.Embedding(3, 2, name="words")(x))
    model = keras.Model(inputs, layers.Dense(1)(x))
    grown = ws_keras.grow_vocabulary(model, "words", words=[30, 20, 30])
    ids = grown.get_layer("ids")(np.array([[10], [20], [30], [40]]))
    assert ops.convert_to_numpy(ids).ravel().tolist() == [1, 2, 3, 0]


@keras.saving.register_keras_serializable("tests.growth")
class Language(keras.Model):
    """Predicts words by the rows of its embedding, which is tied."""

    def __init__(self, words=10, **kwargs):
        super().__init__(**kwargs)
        self.words = words
        self.table = layers.Embedding(words, 4, name="table")

    def call(self, ids):
        rows = self.table(ids)
        return ops.matmul(rows, ops.transpose(self.table.embeddings))

    def get_config(self):
        return {"words": self.words}


def test_tied_weights_of_a_language_model_grow_together():
    model, ids = Language(10), np.arange(10)[None]
    old = ops.convert_to_numpy(model(ids))
    grown = ws_keras.grow_vocabulary(model, "table", 13)
    new = ops.convert_to_numpy(grown(ids))
    assert new.shape == (1, 10, 13) and grown.words == 13
    np.testing.assert_allclose(new[..., :10], old, rtol=1e-6)
    assert len(grown.weights) == 1


@pytest.mark.parametrize(
    "arguments, words",
    [
        ({"layer": "logits", "size": 9}, ["Embedding", "'logits'"]),
        ({"layer": "words", "size": 20}, ["size=20", "20 rows"]),
        ({"layer": "words"}, ["size=None"]),
        (
            {"layer": "words", "words": NEW, "lookup": "logits"},
            ["TextVectorization", "'logits'"],
        ),
        ({"layer": "words", "words": NEW, "size": 5}, ["size=5"]),
    ],
)
def test_refusals_name_what_was_found(arguments, words):
    with pytest.raises(ValueError) as caught:
        ws_keras.grow_vocabulary(text_model(adapted()), **arguments)
    assert all(word in str(caught.value) for word in words)


def test_words_need_a_layer_that_knows_them():
    model = keras.Sequential(
        [keras.Input((3,)), layers.Embedding(5, 2, name="words")]
    )
    with pytest.raises(ValueError, match="outside the model"):
        ws_keras.grow_vocabulary(model, "words", words=NEW)


def test_counts_of_words_are_no_ids():
    inputs = keras.Input((), dtype="string")
    bag = layers.TextVectorization(output_mode="multi_hot", name="bag")
    bag.adapt(TEXTS)
    x = layers.Embedding(9, 2, name="words")(bag(inputs))
    model = keras.Model(inputs, x)
    with pytest.raises(ValueError, match="multi_hot"):
        ws_keras.grow_vocabulary(model, "words", words=NEW)
