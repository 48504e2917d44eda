"""A hand-written loop over the same Keras layers, without all else."""

import numpy as np

from benchmarks import work
from benchmarks.programs import ours


def main(
    turn,
    network,
    optimizer,
    weights,
    samples,
    train=True,
    precision="float32",
    composed=False,
):
    """Trains (or evaluates) epoch after epoch, each one turn.

    `composed` has batch norm go Keras' way instead of the fused one.
    """
    import keras
    import tensorflow as tf

    from ws_keras.models import batch_norm

    if composed:
        batch_norm.BatchNormalization._can_be_fused = lambda *_: False

    tf.config.experimental.enable_op_determinism()
    x, y = (tf.constant(array) for array in work.images(samples))
    fit, held_out = work.split(samples)
    model = ours.model(network, optimizer, precision)
    rule = {
        "adam": keras.optimizers.Adam(work.LEARNING_RATE, epsilon=work.EPSILON),
        "sgd": keras.optimizers.SGD(work.LEARNING_RATE),
    }[optimizer]
    rule.build(model.trainable_variables)
    loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.int64)])
    def step(indices):
        images, labels = tf.gather(x, indices), tf.gather(y, indices)
        with tf.GradientTape() as tape:
            loss = loss_of(labels, model(images, training=True))
        slopes = tape.gradient(loss, model.trainable_variables)
        rule.apply(slopes, model.trainable_variables)
        return loss

    @tf.function(input_signature=[tf.TensorSpec([None], tf.int64)])
    def evaluate(indices):
        images, labels = tf.gather(x, indices), tf.gather(y, indices)
        return loss_of(labels, model(images, training=False))

    def batches(indices, size):
        cuts = range(0, len(indices), size)
        return [tf.constant(indices[cut : cut + size]) for cut in cuts]

    epoch = 0
    num_params = sum(int(np.prod(w.shape)) for w in model.trainable_weights)
    turn(num_params=num_params)
    while not train:
        total = [float(evaluate(some)) for some in batches(held_out, 500)]
        turn(len(held_out), float(np.mean(total)))
    while True:
        epoch += 1
        indices = fit[work.order(epoch, len(fit))]
        losses = [step(some) for some in batches(indices, work.BATCH_SIZE)]
        turn(len(fit), float(np.mean(losses)))
