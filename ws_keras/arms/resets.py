"""Base class of arms that reset units during a round."""

from ws_keras.arms.arm import Arm

_KNOWN = ("include", "exclude", "frozen", "build_fn")


class UnitResets(Arm):
    """Warm start that resets units from the second round on.

    Activations are measured on samples of all rounds so far.
    """

    costs_like = "warm"

    def callback(self, data, **arguments):
        """Returns the Keras callback of a round."""
        raise NotImplementedError

    def callbacks(self, round):
        if round.is_first:
            return ()
        known = {k: v for k, v in round.policies.items() if k in _KNOWN}
        return [self.callback(round.inputs(), seed=round.seed, **known)]

    def check(self, model, protocol):
        from ws_keras.transforms import graphs
        from ws_keras.transforms import resets

        # The user's `exclude` is unknown here and may permit some models.
        look = graphs.of if protocol == "given" else resets.select
        look(model)

    def check_selection(self, model, include=None, exclude=None, frozen=False):
        from ws_keras.transforms import resets

        resets.select(model, include, exclude, frozen)
