"""A view refuses what a report could not draw."""

import pytest

from ws_keras.report import claims
from ws_keras.report import view


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"title": 3}, "`title`.*a text.*title=3"),
        ({"x": 3}, "`x`.*x=3"),
        ({"paper": "table1"}, "`paper`.*tuple of texts.*paper='table1'"),
        ({"cell": (1,)}, "`cell`.*tuple of texts"),
        ({"claims": claims.cold_above("warm")}, "`claims`.*tuple of functions"),
        ({"folds": ("text",)}, "`folds`.*tuple of functions"),
        ({"chart": "line"}, "`chart`.*a function or None.*chart='line'"),
        ({"same": ("a", "b")}, "`same`.*a mapping"),
    ],
)
def test_fields_of_another_type_are_refused(fields, words):
    with pytest.raises(ValueError, match=words):
        view.View(**fields)


def test_lists_do_as_well():
    found = view.View(paper=["mine"], claims=[claims.cold_above("warm")])
    assert found.paper == ["mine"]
