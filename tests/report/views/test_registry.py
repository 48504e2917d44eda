"""Every view shows something of any rows, and of next to none."""

import pytest

from ws_keras.report import sections
from ws_keras.report.render import html
from ws_keras.report.render import markdown
from ws_keras.report.views import registry

ARMS = (
    "cold",
    "warm",
    "shrink_perturb-0.6-0.01",
    "shrink_perturb-1-0.01",
    "last_layer-0.5-0",
    "first_layers-2",
    "dash-0.3-0.3",
)


def _rows(make_arm, name):
    for model in ("resnet18", "mlp", "logistic"):
        for arm in ARMS:
            yield from make_arm(
                arm,
                (50.0, 52.0),
                (5000, 10000, 33333),
                cell=f"{model}/",
                experiment=name,
                model=model,
            )


def _render(shown):
    part = sections.Section("x", tuple(shown.blocks))
    text = markdown.render("x", [part])
    plain = [b for b in shown.blocks if not isinstance(b, sections.Chart)]
    assert html.render("x", [sections.Section("x", tuple(plain))])
    return text


@pytest.mark.parametrize("name", [*registry.VIEWS, "unknown"])
def test_whatever_rows_there_are(name, show, make_arm):
    found = list(_rows(make_arm, name))
    assert _render(show(found))
    for some in (found[:1], found[1:2], found[::2], found[2::3]):
        shown = show(some, planned=(f"{name}/x",), config={})
        assert "| match" not in _render(shown)


@pytest.mark.parametrize("name", registry.VIEWS)
def test_labels_that_a_view_knows_may_be_missing(name, show, make_arm):
    found = make_arm("warm", (50.0,), experiment=name, labels={"other": "x"})
    _render(show(found))
