"""Shrink-perturb of plain arrays, for a training loop in any framework.

    python examples/custom_loop.py

The model is a softmax regression in NumPy on textures that arrive in four
rounds. `shrink_perturb` is applied to a list of arrays before each round.
"""

import numpy as np

from ws_keras.data import textures
from ws_keras.transforms import arrays

x, y = textures.generate(2000, "train")
test_x, test_y = textures.generate(2000, "test")


def features(images):
    """Power spectra: a grating has the same wherever it lies."""
    gray = images.mean(-1) / 127.5 - 1
    return np.log1p(abs(np.fft.rfft2(gray))).reshape(len(images), -1)


def probabilities(weights, x):
    logits = x @ weights[0] + weights[1]
    p = np.exp(logits - logits.max(1, keepdims=True))
    return p / p.sum(1, keepdims=True)


x, test_x = features(x), features(test_x)
accuracy = []
weights = [np.zeros((x.shape[1], 10)), np.zeros(10)]
for number, count in enumerate((500, 1000, 1500, 2000), 1):
    weights = arrays.shrink_perturb(weights, 0.6, 0.01, seed=number)
    for _ in range(300):
        error = probabilities(weights, x[:count]) - np.eye(10)[y[:count]]
        weights[0] -= 0.1 * x[:count].T @ error / count
        weights[1] -= 0.1 * error.mean(0)
    right = probabilities(weights, test_x).argmax(1) == test_y
    accuracy.append(100 * right.mean())
    print(
        f"round {number}: {count} images, {100 * right.mean():.1f} % held out"
    )
print(
    f"From the first round to the last, held-out accuracy changed by "
    f"{accuracy[-1] - accuracy[0]:+.1f} points."
)
