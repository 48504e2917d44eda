"""A wish to stop that comes from outside, and what comes of it."""


class Interrupted(Exception):
    """Training has stopped because it was asked to, after a checkpoint."""


class Stop:
    """A wish to stop, which a signal handler may utter at any instant.

    The step that is under way is finished; nothing is torn.
    """

    def __init__(self):
        self.wanted = False
        self._model = None

    def watch(self, model) -> None:
        """Names the model whose `fit` is to end after its step."""
        self._model = model

    def want(self) -> None:
        """Asks for the stop."""
        self.wanted = True
        if self._model is not None:
            self._model.stop_training = True
