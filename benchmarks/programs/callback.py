"""`fit` of a small network, with a callback that has nothing to do, or none."""

import timeit

from benchmarks import work
from benchmarks.programs import ours

FOREVER = 10**7  # epochs
NEVER = 10**9  # a step that would come after days, and so is not refused
EPOCHS = 2  # of one turn
CALLS = 100_000


def main(turn, idle, samples):
    """Fits epoch after epoch, a few of them each turn.

    Reports with each the microseconds that the callback itself takes in a
    step: two processes of the same program differ by more.
    """
    import keras

    import ws_keras

    class Turns(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if not epoch:
                self.microseconds = seconds_of_a_step(callbacks[1:]) * 1e6
            if (epoch + 1) % EPOCHS == 0:
                facts = {"callback_microseconds": self.microseconds}
                turn(EPOCHS * samples, logs["loss"], **facts)

    def seconds_of_a_step(found):
        def step():
            for callback in found:
                callback.on_train_batch_begin(1)
                callback.on_train_batch_end(1)

        return timeit.timeit(step, number=CALLS) / CALLS

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
