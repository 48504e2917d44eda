"""A masked model is one with fewer outputs."""

import keras
import numpy as np
from keras import ops

from ws_keras import models
from ws_keras.models import class_mask
from ws_keras.transforms import shrink_perturb as transforms

RNG = np.random.default_rng(0)
X = RNG.integers(0, 256, (12, 4, 4, 3), dtype="uint8")
Y = RNG.integers(0, 3, 12)
SHAPE = {"input_shape": (4, 4, 3), "depth": 1, "units": 5}


def trained(model):
    model.compile(
        keras.optimizers.SGD(0.1),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    losses = model.fit(X, Y, batch_size=4, epochs=3, shuffle=False, verbose=0)
    return losses.history["loss"]


def test_training_is_that_of_a_model_with_fewer_outputs():
    small = models.mlp(num_classes=3, **SHAPE)
    large = models.mlp(num_classes=7, masked=True, **SHAPE)
    class_mask.use(large, 3)
    for ours, theirs in zip(
        large.trainable_variables, small.trainable_variables, strict=True
    ):
        value = ops.convert_to_numpy(ours).copy()
        value[..., : theirs.shape[-1]] = ops.convert_to_numpy(theirs)
        ours.assign(value)
    np.testing.assert_allclose(trained(large), trained(small), rtol=1e-5)
    predictions = large.predict(X, verbose=0).argmax(1)
    np.testing.assert_array_equal(
        predictions, small.predict(X, verbose=0).argmax(1)
    )


def test_no_transform_changes_the_count():
    model = models.mlp(num_classes=7, masked=True, **SHAPE)
    class_mask.use(model, 3)
    transforms.cold_start(model, seed=1)
    logits = model.predict(X, verbose=0)
    assert (logits[:, 3:] == np.float32(-1e9)).all()
    assert (np.abs(logits[:, :3]) < 1e3).all()


def test_all_classes_are_in_use_at_first():
    plain = models.mlp(num_classes=7, **SHAPE)
    masked = models.mlp(num_classes=7, masked=True, **SHAPE)
    np.testing.assert_array_equal(
        plain.predict(X, verbose=0), masked.predict(X, verbose=0)
    )
