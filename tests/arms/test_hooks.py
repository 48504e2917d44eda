"""Hooks of arms: names and arguments at once, results when they are called."""

import types

import keras
import pytest

import ws_keras
from ws_keras.arms import hooks
from ws_keras.arms import registry


def define(**methods):
    cls = type("Own", (ws_keras.Arm,), {"__doc__": "An arm.", **methods})
    return hooks.check("own", cls, ws_keras.Arm)


@pytest.mark.parametrize(
    ("methods", "words"),
    [
        ({"begins": lambda self, model, round: None}, ["begins", "`begin`?"]),
        ({"callback": lambda self, round: ()}, ["Did you mean `callbacks`?"]),
        ({"loses": lambda self, model: None}, ["Did you mean `losses`?"]),
        ({"begin": lambda self, model: None}, ["begin(self, model, round)"]),
        ({"check": lambda self, model: None}, ["check(self, model, protocol)"]),
    ],
)
def test_hooks_that_would_never_be_called_are_refused(methods, words):
    with pytest.raises(ValueError) as error:
        define(**methods)
    for word in words:
        assert word in str(error.value)


def test_other_methods_and_more_arguments_are_allowed():
    allowed = {
        "begin": lambda self, model, round, extra=None: None,
        "_begins": lambda self: None,
        "limit_of": lambda self, kernel: 1,
        "callbacks": lambda self, *args: (),
    }
    assert define(**allowed) is None


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
