"""A convolution of the ResNet-18 for several seeds, together or one by one.

Five networks in one step would have a grouped convolution in place of each of
theirs. It and both of its gradients are what is timed here, since they are
five sixths of a step.
"""

BATCH, SIZE, CHANNELS, SEEDS = 128, 32, 16, 5
REPEATS = 5


def main(turn, framework, stacked):
    """Convolves and takes both gradients a few times, each turn.

    Args:
        turn: Ends a turn.
        framework: `"tensorflow"` or `"jax"`.
        stacked: Whether all seeds are in one operation.
    """
    import numpy as np

    rng = np.random.default_rng(0)
    shape = (SEEDS, BATCH, SIZE, SIZE, CHANNELS)
    x = rng.standard_normal(shape, np.float32)
    kernels = rng.standard_normal((SEEDS, 3, 3, CHANNELS, CHANNELS), np.float32)
    step = {"tensorflow": _tensorflow, "jax": _jax}[framework](
        x, kernels, stacked
    )
    step()
    turn(num_params=kernels.size)
    while True:
        losses = [step() for _ in range(REPEATS)]
        turn(REPEATS * SEEDS * BATCH, sum(losses) / len(losses))


def _tensorflow(x, kernels, stacked):
    import numpy as np
    import tensorflow as tf

    if stacked:  # a group of channels for each seed
        x = np.concatenate(x, axis=-1)[None]
        kernels = np.concatenate(kernels, axis=-1)[None]
    pairs = [
        (tf.constant(images), tf.constant(kernel))
        for images, kernel in zip(x, kernels, strict=True)
    ]

    @tf.function
    def one(images, kernel):
        with tf.GradientTape() as tape:
            tape.watch((images, kernel))
            outputs = tf.nn.conv2d(images, kernel, 1, "SAME")
            loss = tf.reduce_sum(outputs**2)
        return loss, tape.gradient(loss, (images, kernel))

    return lambda: sum(float(one(*pair)[0]) for pair in pairs)


def _jax(x, kernels, stacked):
    import jax

    def loss(images, kernel):
        outputs = jax.lax.conv_general_dilated(
            images,
            kernel,
            (1, 1),
            "SAME",
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
        )
        return (outputs**2).sum()

    one = jax.value_and_grad(loss, argnums=(0, 1))
    x, kernels = jax.device_put((x, kernels))
    if stacked:
        many = jax.jit(jax.vmap(one))

        def step():
            losses, slopes = jax.block_until_ready(many(x, kernels))
            del slopes
            return float(losses.sum())

        return step
    one = jax.jit(one)
    pairs = list(zip(x, kernels, strict=True))
    return lambda: sum(
        float(jax.block_until_ready(one(*pair))[0]) for pair in pairs
    )
