"""`fit` of a small network, with a callback that has nothing to do, or none."""

from benchmarks import work
from benchmarks.programs import ours

FOREVER = 10**7  # epochs
NEVER = 10**9  # a step that would come after days, and so is not refused
EPOCHS = 2  # of one turn


def main(turn, idle, samples):
    """Fits epoch after epoch, a few of them each turn."""
    import keras

    import ws_keras

    class Turns(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if (epoch + 1) % EPOCHS == 0:
                turn(EPOCHS * samples, logs["loss"])

    x, y = work.images(samples)
    model = ours.model("mlp", "sgd")
    model.compile(
        keras.optimizers.SGD(work.LEARNING_RATE),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    callbacks = [Turns()]
    if idle:
        callbacks.append(
            ws_keras.ShrinkPerturb(when="step", every=NEVER, seed=0)
        )
    turn(num_params=model.count_params())
    model.fit(
        x,
        y,
        batch_size=32,
        epochs=FOREVER,
        shuffle=False,
        verbose=0,
        callbacks=callbacks,
    )
