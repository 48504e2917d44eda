"""`fit` of the narrow ResNet-18, with Figure 5's gradient norms or without."""

from benchmarks import work
from benchmarks.programs import ours

FOREVER = 10**7  # epochs


def main(turn, samples, every, measured):
    """Fits epoch after epoch, each one turn.

    `measured` is the number of old and of new samples whose gradients are
    taken before the first and then every so many steps; 0 for none.
    """
    import keras

    import ws_keras

    class Turns(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            turn(samples, logs["loss"])

    keras.utils.set_random_seed(work.SEED)
    x, y = work.images(samples)
    model = ours.model("resnet18", "sgd")
    model.compile(
        keras.optimizers.SGD(work.LEARNING_RATE),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    callbacks = [Turns()]
    if measured:
        half = samples // 2
        diagnostics = ws_keras.Diagnostics(
            old=(x[:half], y[:half]),
            new=(x[half:], y[half:]),
            measures=("gradient_norm",),
            every=every,
            max_samples=measured,
            batch_size=work.BATCH_SIZE,
        )
        callbacks.insert(0, diagnostics)
    turn(num_params=model.count_params())
    model.fit(
        x,
        y,
        batch_size=work.BATCH_SIZE,
        epochs=FOREVER,
        shuffle=False,
        verbose=0,
        callbacks=callbacks,
    )
