"""Shrink-perturb after each training step, as a regularizer."""

import keras
from keras import ops

from ws_keras import seeds
from ws_keras.transforms import errors
from ws_keras.transforms import shrink_perturb as transforms


class EveryStep(keras.callbacks.Callback):
    """Sets the weights to `shrink * weight + perturb * noise` after each step.

    This is the update of the paper's appendix on a data set that does not grow
    (Fig. 12): `theta <- shrink * (theta - rate * gradient) + noise`. The
    optimizer's state and batch-norm statistics are not changed. The noise
    depends only on the seed, the attribute `round` (0 by default) and the
    optimizer's step count, so that interrupted training can be resumed exactly.
    The model must run one step at a time (`steps_per_execution=1`).

    Example:

    ```python
    model.fit(x, y, callbacks=[EveryStep(0.9999, 0.001, seed=0)])
    ```

    Args:
        shrink: Factor of the weights, in [0, 1].
        perturb: Scale of the noise, at least 0.
        noise: As in `shrink_perturb`. Defaults to `"fresh"`.
        seed: Non-negative integer. Defaults to 0.
    """

    def __init__(
        self,
        shrink: float,
        perturb: float,
        *,
        noise: str = "fresh",
        seed: int = 0,
    ):
        super().__init__()
        self.shrink, self.perturb = shrink, perturb
        self.noise, self.seed = noise, seed
        self.round = 0

    def on_train_batch_end(self, batch, logs=None):
        step = int(ops.convert_to_numpy(self.model.optimizer.iterations))
        try:
            transforms.shrink_perturb(
                self.model,
                self.shrink,
                self.perturb,
                noise=self.noise,
                seed=seeds.derive(self.seed, "step", self.round, step),
                statistics="keep",
                optimizer="keep",
            )
        except errors.NotFinite:
            pass  # Training has diverged; its loss shows this.
