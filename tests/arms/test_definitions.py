"""Classes of arms: mistakes are refused when a class is made or registered."""

import dataclasses
import types
from typing import ClassVar

import pytest

import ws_keras
from ws_keras.arms import definitions
from ws_keras.arms import fields


def define(**methods):
    cls = type("Own", (ws_keras.Arm,), {"__doc__": "An arm.", **methods})
    return definitions.made("own", cls)


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
    assert define(**allowed)()


def declare(annotations, **values):
    body = {"__doc__": "An arm.", "__annotations__": annotations, **values}
    return type("Own", (ws_keras.Arm,), body)


number = fields.number
WRONG_NUMBERS = {
    "default below": (
        {"rate": float},
        {"rate": number("(0, inf)", default=-1)},
        ["default of the number 'rate'", "class Own", "above 0", "default=-1"],
    ),
    "default on an open bound": (
        {"rate": "float"},
        {"rate": number("[0, 1)", default=1)},
        ["in [0, 1)", "default=1"],
    ),
    "default not whole": (
        {"every": int},
        {"every": number("[1, inf)", default=1.5)},
        ["'every'", "a whole number of at least 1", "default=1.5"],
    ),
    "default no number": (
        {"rate": float},
        {"rate": number("[0, 1]", default="x")},
        ["in [0, 1]", "default='x'"],
    ),
    "no range": ({"rate": float}, {"rate": 0.5}, ["'rate'", "have a range"]),
    "no range, no default": ({"rate": float}, {}, ["'rate'", "have a range"]),
    "no annotation": (
        {},
        {"rate": number("[0, 1]")},
        ["'rate'", "annotated as int or float", "no annotation"],
    ),
    "text": (
        {"rate": str},
        {"rate": number("[0, 1]")},
        ["rate: <class 'str'>", "annotated as int or float"],
    ),
    "order": (
        {"a": float, "b": float},
        {"a": number("[0, 1]", default=1), "b": number("[0, 1]")},
        ["must come last", "'b'", "after 'a'", "class Own"],
    ),
    "the name of a method": (
        {"begin": float},
        {"begin": number("[0, 1]")},
        ["attribute of ws_keras.Arm", "'begin'"],
    ),
    "the name of the text": (
        {"text": float},
        {"text": number("[0, 1]")},
        ["attribute of ws_keras.Arm", "'text'"],
    ),
    "a constructor": ({}, {"__init__": lambda self: None}, ["`__init__`"]),
}


@pytest.mark.parametrize("case", WRONG_NUMBERS)
def test_wrong_numbers_are_refused_when_the_class_is_made(case):
    annotations, values, words = WRONG_NUMBERS[case]
    with pytest.raises(ValueError) as error:
        declare(annotations, **values)
    for word in words:
        assert word in str(error.value)


def test_constants_of_a_class_are_no_numbers():
    kinds = {"known": ClassVar[tuple]}
    cls = definitions.made("own", declare(kinds, known=(1,), other=3))
    assert dataclasses.fields(cls) == () and cls().other == 3


def test_a_dataclass_with_slots_is_an_arm():
    cls = declare({"a": float}, a=number("[0, 1]", default=1))
    slim = dataclasses.dataclass(frozen=True, slots=True)(cls)
    assert definitions.made("own", slim)(0.5).a == 0.5


def test_the_order_counts_the_numbers_of_a_base():
    first = declare({"a": float}, a=number("[0, 1]", default=1))
    base = definitions.made("own", first)
    with pytest.raises(ValueError, match="'b', which has none, after 'a'"):
        type(
            "Sub",
            (base,),
            {"__annotations__": {"b": int}, "b": number("[0, 1]")},
        )
    cls = type("Sub", (base,), {"__doc__": "An arm."})
    assert definitions.made("other", cls)().a == 1


def test_numbers_of_a_base_that_is_no_dataclass_are_refused():
    base = declare({"a": float}, a=number("[0, 1]"))
    with pytest.raises(ValueError, match="'a'.*dataclass.*above `class Own`"):
        definitions.made("own", type("Sub", (base,), {}))


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        ({"begin": None}, ["`begin = None`", "begin(self, model, round)"]),
        ({"callbacks": property(lambda self: ())}, ["def callbacks(self, "]),
        ({"costs_like": "colds"}, ["costs_like='colds'", "'cold', 'warm'"]),
        ({"costs_like": ["cold"]}, ["costs_like=['cold']"]),
        ({"usage": "f({rate})"}, ["usage='f({rate})'", "in braces"]),
        ({"usage": "f({)"}, ["Double a brace"]),
        ({"usage": 3}, ["usage=3"]),
        ({"in_row": True}, ["shrink and perturb", "Leave `in_row` out"]),
    ],
)
def test_wrong_attributes_are_refused_at_registration(attributes, words):
    with pytest.raises(ValueError) as error:
        define(**attributes)
    for word in ["'own'", *words]:
        assert word in str(error.value)


def test_a_method_may_be_of_another_kind():
    begin = staticmethod(lambda model, round: None)
    assert define(begin=begin)().begin(None, types.SimpleNamespace()) is None
