"""A request to stop training, for example by a signal."""


class Interrupted(Exception):
    """Training has stopped because it was asked to, after a checkpoint."""


class Stop:
    """A request to stop, which a signal handler may make at any time.

    The current step is completed first.
    """

    def __init__(self):
        self.wanted = False
        self._model = None

    def watch(self, model) -> None:
        """Sets the model whose `fit` ends after the current step."""
        self._model = model

    def want(self) -> None:
        """Requests the stop."""
        self.wanted = True
        if self._model is not None:
            self._model.stop_training = True
