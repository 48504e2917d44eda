"""The fused layer is Keras' layer up to rounding."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from ws_keras.models import batch_norm

IMAGES = np.random.default_rng(0).normal(1, 3, (6, 5, 4, 3)).astype("float32")
TOLERANCE = {"rtol": 2e-5, "atol": 2e-5}


def pair(**arguments):
    """Keras' layer and ours, with the same weights and statistics."""
    theirs = keras.layers.BatchNormalization(**arguments)
    ours = batch_norm.BatchNormalization(**arguments)
    for layer in (theirs, ours):
        layer.build((None, *IMAGES.shape[1:]))
        layer.set_weights(
            [
                np.float32([1, 2, i]) + layer_part
                for i, layer_part in enumerate(
                    (0.5, -1.0, 0.25, 4.0)[: len(layer.weights)]
                )
            ]
        )
    return theirs, ours


def both(layer, training, images=IMAGES):
    """Outputs, gradients and statistics after one call in a graph."""

    @tf.function
    def call(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x, training=training)
            loss = tf.reduce_sum(tf.cast(y, tf.float32) ** 3)
        return y, tape.gradient(loss, [x, *layer.trainable_variables])

    y, gradients = call(tf.constant(images))
    return [y, *gradients, *layer.non_trainable_variables]


@pytest.mark.quick(every=2)
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"momentum": 0.9, "epsilon": 1e-5},
        {"trainable": False},
        {"axis": 3},
        {"axis": 1},
        {"center": False},
        {"scale": False},
    ],
    ids=str,
)
def test_outputs_gradients_and_statistics_are_those_of_keras(
    arguments, training
):
    if arguments.get("axis") == 1:
        theirs, ours = (
            kind(**arguments)
            for kind in (
                keras.layers.BatchNormalization,
                batch_norm.BatchNormalization,
            )
        )
    else:
        theirs, ours = pair(**arguments)
    for want, got in zip(
        both(theirs, training), both(ours, training), strict=True
    ):
        scale = np.abs(want).max()
        np.testing.assert_allclose(got / scale, want / scale, **TOLERANCE)


def test_flat_samples_go_the_way_of_keras():
    theirs, ours = (
        kind()
        for kind in (
            keras.layers.BatchNormalization,
            batch_norm.BatchNormalization,
        )
    )
    flat = IMAGES.reshape(6, -1)
    np.testing.assert_array_equal(
        ours(flat, training=True), theirs(flat, training=True)
    )


def test_a_training_step_has_one_operation_for_it():
    layer = batch_norm.BatchNormalization()
    layer.build((None, 5, 4, 3))
    graph = tf.function(
        lambda x: layer(x, training=True)
    ).get_concrete_function(tf.TensorSpec([None, 5, 4, 3]))
    kinds = [op.type for op in graph.graph.get_operations()]
    assert kinds.count("FusedBatchNormV3") == 1
    assert "SquaredDifference" not in kinds and "Mean" not in kinds


def test_bfloat16_keeps_single_precision_statistics():
    layer = batch_norm.BatchNormalization(momentum=0.0, dtype="mixed_bfloat16")
    y = layer(IMAGES, training=True)
    assert keras.backend.standardize_dtype(y.dtype) == "bfloat16"
    rounded = np.asarray(tf.cast(tf.cast(IMAGES, tf.bfloat16), tf.float32))
    flat = rounded.reshape(-1, 3).astype("float64")
    np.testing.assert_allclose(layer.moving_mean, flat.mean(0), rtol=1e-4)
    np.testing.assert_allclose(layer.moving_variance, flat.var(0), rtol=1e-4)
    want = (flat - flat.mean(0)) / np.sqrt(flat.var(0) + layer.epsilon)
    # Eight bits of a bfloat16 number.
    np.testing.assert_allclose(
        np.asarray(tf.cast(y, tf.float64)).reshape(-1, 3), want, atol=2e-2
    )


def test_unbiased_variance_has_bessels_correction(tmp_path):
    inputs = keras.Input(IMAGES.shape[1:])
    layer = batch_norm.BatchNormalization(momentum=0.0, unbiased=True)
    model = keras.Model(inputs, layer(inputs))
    biased = batch_norm.BatchNormalization(momentum=0.0)
    outputs = model(IMAGES, training=True), biased(IMAGES, training=True)
    flat = IMAGES.reshape(-1, 3).astype("float64")
    variance = flat.var(0, ddof=1)
    np.testing.assert_allclose(layer.moving_variance, variance, rtol=1e-5)
    np.testing.assert_allclose(layer.moving_mean, flat.mean(0), rtol=1e-4)
    # A batch in training is normalized as ever.
    np.testing.assert_array_equal(*outputs)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.layers[-1].unbiased


def test_unbiased_variance_is_not_promised_where_it_is_not_done():
    layer = batch_norm.BatchNormalization(unbiased=True)
    with pytest.raises(ValueError, match="unbiased=True"):
        layer(IMAGES.reshape(6, -1), training=True)


def test_a_model_with_it_is_saved_and_loaded(tmp_path):
    inputs = keras.Input(IMAGES.shape[1:])
    model = keras.Model(inputs, batch_norm.BatchNormalization()(inputs))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert type(loaded.layers[-1]) is batch_norm.BatchNormalization
    np.testing.assert_array_equal(loaded(IMAGES), model(IMAGES))
