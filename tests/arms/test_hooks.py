"""Results of the hooks of arms are checked when they are called."""

import types

import keras
import pytest

from ws_keras.arms import hooks
from ws_keras.arms import registry


def test_a_class_in_place_of_an_object():
    with pytest.raises(ValueError, match=r"not a class.*Dash\(\.\.\.\)"):
        registry.parse(type(registry.parse("dash-0.3-0.1")))


@pytest.mark.parametrize("hook", ["begin", "callbacks", "losses"])
def test_results_of_a_wrong_type_name_hook_and_arm(hook):
    network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    wrong = {"begin": network, "callbacks": 3, "losses": "text"}[hook]
    arm = types.SimpleNamespace(text="own-1", **{hook: lambda *args: wrong})
    arguments = [None] * (2 if hook == "begin" else 1)
    with pytest.raises(ValueError, match=f"`{hook}` of an arm .*'own-1'"):
        getattr(hooks, hook)(arm, *arguments)
    right = {"begin": None, "callbacks": (), "losses": network}[hook]
    arm = types.SimpleNamespace(text="own-1", **{hook: lambda *args: right})
    want = [] if hook == "callbacks" else right
    assert getattr(hooks, hook)(arm, *arguments) == want
