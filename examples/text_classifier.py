"""Continues to train an LSTM when more texts arrive.

    python examples/text_classifier.py

Which library do 16 words document: NumPy, Keras or TensorFlow? The words are
cut from docstrings, without the names of the libraries. A docstring is used
either for training or held out. A warm start does not hurt every model.
Therefore compare the three starts, as in this example, before you choose one.
"""

import re

import keras
import numpy as np
import tensorflow as tf

import ws_keras

WORDS = 16
NAMES = {"np", "numpy", "keras", "tf", "tensorflow"}
LIBRARIES = [
    [np, np.linalg, np.fft, np.random, np.polynomial, np.strings],
    [keras.layers, keras.ops, keras.losses, keras.metrics, keras.callbacks],
    [tf, tf.math, tf.linalg, tf.nn, tf.image, tf.io, tf.strings, tf.data],
]
rng = np.random.default_rng(0)


def passages(modules, seen):
    """Returns two lists, to learn and held out; each passage comes once."""
    members = [vars(m)[name] for m in modules for name in sorted(vars(m))]
    texts = [m.__doc__ for m in members if callable(m) and m.__doc__]
    parts = [], []
    for number, text in enumerate(dict.fromkeys(texts)):
        words = re.findall("[a-z]+", text.lower())
        words = [word for word in words if word not in NAMES]
        for start in range(0, len(words) - WORDS + 1, WORDS):
            passage = " ".join(words[start : start + WORDS])
            if passage not in seen:
                seen.add(passage)
                parts[number % 4 == 0].append(passage)
    return parts


def draw(part, count):
    """Draws as many passages from each library, in random order."""
    x = np.concatenate([rng.permutation(p[part])[:count] for p in found])
    y = np.repeat(np.arange(len(found)), count)
    order = rng.permutation(len(y))
    return x[order], y[order]


seen = set()
found = [passages(modules, seen) for modules in LIBRARIES]
(x, y), (test_x, test_y) = draw(0, 700), draw(1, 500)
half = len(x) // 2
# The vocabulary and the embedding stay those of the first texts.
vectorize = keras.layers.TextVectorization(4000, output_sequence_length=WORDS)
vectorize.adapt(x[:half])
x, test_x = np.array(vectorize(x)), np.array(vectorize(test_x))

model = keras.Sequential(
    [
        keras.Input((WORDS,), dtype="int32"),
        keras.layers.Embedding(4000, 32),
        keras.layers.LSTM(32),
        keras.layers.Dense(len(LIBRARIES)),
    ]
)
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
model.compile(keras.optimizers.Adam(0.003), loss, metrics=["accuracy"])


def train(count, *callbacks):
    """Trains until 99 % are right; returns held-out accuracy and epochs."""
    data = tf.data.Dataset.from_tensor_slices((x[:count], y[:count]))
    data = data.shuffle(count).batch(64)
    stop = ws_keras.StopAtAccuracy(0.99)
    history = model.fit(
        data, epochs=60, callbacks=[*callbacks, stop], verbose=0
    )
    _, accuracy = model.evaluate(test_x, test_y, verbose=0)
    return 100 * accuracy, len(history.epoch)


arms = {"warm": (1.0, 0.0), "shrink-perturb": (0.4, 0.1), "cold": (0.0, 1.0)}
results = {name: [] for name in arms}
for seed in range(3):
    keras.utils.set_random_seed(seed)
    train(half, ws_keras.ShrinkPerturb(0.0, 1.0, seed=seed))
    first = model.get_weights()
    for name, strengths in arms.items():
        model.set_weights(first)
        again = ws_keras.ShrinkPerturb(*strengths, seed=10 + seed)
        results[name].append(train(len(x), again))
means = {name: np.mean(pairs, 0) for name, pairs in results.items()}
for name, (accuracy, epochs) in means.items():
    print(
        f"{name:15} {accuracy:.1f} % held out after {epochs:.1f} epochs, "
        "mean of 3 seeds"
    )


def against_cold(name):
    points, epochs = means[name] - means["cold"]
    return f"{points:+.1f} points and {epochs:+.1f} epochs"


print(
    f"Against cold, in the mean of three seeds, warm has "
    f"{against_cold('warm')}, and shrink-perturb "
    f"{against_cold('shrink-perturb')}."
)
