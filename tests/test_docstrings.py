"""Docstrings of the public API are complete, in Keras' order."""

import inspect
import re

import pytest

import ws_keras

ORDER = ["Example", "Attributes", "Args", "Returns", "Raises", "Warns"]
PUBLIC = [getattr(ws_keras, name) for name in ws_keras.__all__]


def sections(thing):
    """Returns the text of each section of a docstring, and the titles."""
    parts = re.split(r"(?m)^([A-Z]\w+):\n", inspect.getdoc(thing))
    return dict(zip(parts[1::2], parts[2::2], strict=True)), parts[1::2]


@pytest.mark.parametrize("thing", PUBLIC, ids=lambda thing: thing.__name__)
def test_each_argument_is_described_in_order(thing):
    found, titles = sections(thing)
    assert titles == [title for title in ORDER if title in titles]
    described = re.findall(r"(?m)^    (\w+): ", found.get("Args", ""))
    parameters = [
        p.name
        for p in inspect.signature(thing).parameters.values()
        if p.kind is not p.VAR_KEYWORD or p.name in described
    ]
    assert described == parameters
    if "Args" in found:
        assert "Example" in found
