"""Seeds of a small network, in one step together or one step each."""

import math

from benchmarks import work

SEEDS = 5


def main(turn, network, stacked, samples):
    """Trains all seeds for an epoch, each turn.

    Each seed has its own weights and its own order. Stacked, a leading axis
    of all weights and batches is the seed, and products are batched; that is
    the most that training together could give.
    """
    import numpy as np
    import tensorflow as tf

    x, y = (tf.constant(array) for array in work.images(samples))
    x = tf.reshape(x, [samples, -1])
    groups = [list(range(SEEDS))] if stacked else [[s] for s in range(SEEDS)]
    steps = [_step(tf, x, y, _weights(tf, network, group)) for group in groups]
    orders = np.stack(
        [
            np.random.default_rng(seed).permutation(samples)
            for seed in range(SEEDS)
        ]
    )
    for group, step in zip(groups, steps, strict=True):
        step(tf.constant(orders[group, : work.BATCH_SIZE]))
    turn(num_params=SEEDS * work.PARAMETERS[network])
    while True:
        losses = []
        for group, step in zip(groups, steps, strict=True):
            mine = orders[group]
            for start in range(0, samples, work.BATCH_SIZE):
                batch = mine[:, start : start + work.BATCH_SIZE]
                losses.append(step(tf.constant(batch)))
        # Each is the sum over the seeds of a group.
        loss = sum(map(float, losses)) * work.BATCH_SIZE / samples / SEEDS
        turn(SEEDS * samples, loss)


def _weights(tf, network, seeds) -> list:
    widths = [math.prod(work.SHAPE), work.NUM_CLASSES]
    if network == "mlp":
        widths[1:1] = [100, 100]
    found = []
    for before, after in zip(widths, widths[1:], strict=False):
        limit = 1 / math.sqrt(before)
        for shape in ((before, after), (1, after)):
            # A seed starts alike in both programs.
            draws = [
                tf.random.stateless_uniform(
                    shape, (seed, len(found)), -limit, limit
                )
                for seed in seeds
            ]
            start = tf.stack(draws)
            found.append(
                [tf.Variable(v) for v in (start, 0 * start, 0 * start)]
            )
    return found


def _step(tf, x, y, weights):
    """A training step with Adam, in one operation a variable."""

    @tf.function
    def step(indices):
        images = tf.cast(tf.gather(x, indices), tf.float32) / 127.5 - 1
        with tf.GradientTape() as tape:
            for place in range(0, len(weights), 2):
                kernel, bias = weights[place][0], weights[place + 1][0]
                images = tf.matmul(images, kernel) + bias
                if place + 2 < len(weights):
                    images = tf.nn.relu(images)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(
                tf.gather(y, indices), images
            )
            loss = tf.reduce_sum(tf.reduce_mean(losses, 1))
        slopes = tape.gradient(loss, [weight for weight, *_ in weights])
        for (weight, m, v), slope in zip(weights, slopes, strict=True):
            tf.raw_ops.ResourceApplyAdam(
                var=weight.handle,
                m=m.handle,
                v=v.handle,
                beta1_power=0.9,
                beta2_power=0.999,
                lr=work.LEARNING_RATE,
                beta1=0.9,
                beta2=0.999,
                epsilon=work.EPSILON,
                grad=slope,
            )
        return loss

    return step
