"""Adds new words to a text classifier.

    python examples/growing_vocabulary.py

In spring, customers of a shop ask about a kettle, a lamp and a rug. In summer,
they also ask about a tent, a canoe and a grill. The model contains its
vocabulary. New words are appended to it, so old words keep their ids and their
rows of the embedding.
"""

import keras
import numpy as np

import ws_keras

rng = np.random.default_rng(0)
ASKED = {
    0: ["where is my {}", "has the {} been sent", "the {} is late"],
    1: ["how do I return the {}", "money back for a {}", "I send back the {}"],
    2: ["the {} is broken", "my {} stopped working", "a part of the {} is off"],
}
GREETINGS = ["hello", "hi", "good morning", "dear shop", "excuse me", "well"]
KINDS = ["red", "small", "new", "expensive", "blue", "heavy", "light"]
ENDS = ["please", "thanks", "can you help", "I wonder", "best wishes", "so far"]
SPRING, SUMMER = ["kettle", "lamp", "rug"], ["tent", "canoe", "grill"]


def questions(things, count):
    """Draws questions; one in ten has the wrong label, as in life."""
    y = rng.integers(0, 3, count)
    x = []
    for label in y:
        thing = f"{rng.choice(KINDS)} {rng.choice(things)}"
        asked = rng.choice(ASKED[label]).format(thing)
        x.append(f"{rng.choice(GREETINGS)} {asked} {rng.choice(ENDS)}")
    wrong = rng.random(count) < 0.1
    return np.array(x), np.where(wrong, rng.integers(0, 3, count), y)


x, y = questions(SPRING, 300)
keras.utils.set_random_seed(0)
words = keras.layers.TextVectorization(output_sequence_length=12, name="words")
words.adapt(x)
model = keras.Sequential(
    [
        keras.Input((), dtype="string"),
        words,
        keras.layers.Embedding(words.vocabulary_size(), 8, name="rows"),
        keras.layers.GlobalAveragePooling1D(),
        keras.layers.Dense(3),
    ]
)
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
model.compile(keras.optimizers.Adam(0.02), loss, metrics=["accuracy"])
model.fit(keras.ops.convert_to_tensor(x.tolist()), y, epochs=10, verbose=0)

new_x, new_y = questions(SUMMER, 300)
new_words = {word for text in new_x for word in text.lower().split()}
larger = ws_keras.grow_vocabulary(model, "rows", words=sorted(new_words))
vocabulary = [m.get_layer("words").get_vocabulary() for m in (model, larger)]
print(f"New words: {', '.join(vocabulary[1][len(vocabulary[0]) :])}.")
assert vocabulary[1][: len(vocabulary[0])] == vocabulary[0]

found = ws_keras.fit_rounds(
    larger,
    [(np.concatenate([x, new_x]), np.concatenate([y, new_y]))],
    questions(SPRING + SUMMER, 400),
    first_round=True,
    seeds=range(3),
    margin=3.0,
    until=ws_keras.Until(patience=3, max_epochs=15),
    verbose=0,
)
print(found)
print(f"Recommended: {found.recommended or 'none, give more seeds'}.")
