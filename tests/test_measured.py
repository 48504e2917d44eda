"""The measured rows of pages are those of the committed runs."""

import importlib.util
import pathlib
import re

import keras
import numpy as np
import pytest

import ws_keras

DOCS = pathlib.Path(__file__).parents[1] / "docs"
_SPEC = importlib.util.spec_from_file_location("measured", DOCS / "measured.py")
measured = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(measured)


@pytest.fixture(scope="module")
def arms():
    return measured.measured()


@pytest.mark.parametrize("path", measured.PAGES, ids=lambda path: path.stem)
def test_each_number_is_that_of_the_rows(path, arms):
    page = path.read_text(encoding="utf8")
    assert measured.named(page)
    assert measured.filled(page, arms) == page
    # And a number that is not is put right.
    wrong = re.sub(r"\| \d\d\.\d ± ", "| 99.9 ± ", page)
    assert wrong != page and measured.filled(wrong, arms) == page


def test_each_arm_has_its_row_in_a_card(arms):
    page = (DOCS / "methods.md").read_text(encoding="utf8")
    named = measured.named(page)
    assert set(named) <= set(arms) and len(set(named)) == len(named)
    known = set(re.findall(r"^\| `(\w+)", page.split("## Arms")[1], re.M))
    found = {re.match(r"\w+", name)[0] for name in named}
    # The optimizer is new in each round here, which makes these two arms equal
    # to `warm` and `rewarm_reset`.
    assert found == known - {"warm_reset", "rewarm"}


@pytest.mark.slow
def test_the_check_and_the_search_of_the_guide_run(capsys, monkeypatch):
    """On fewer epochs and seeds than a reader takes."""
    page = (DOCS / "decide.md").read_text(encoding="utf8")
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 200)
    x = (y[:, None] + rng.normal(0, 0.5, (200, 3))).astype("float32")

    def build():
        parts = [keras.Input((3,)), keras.layers.Dense(2)]
        model = keras.Sequential(parts)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.Adam(0.1), loss, metrics=["accuracy"])
        return model

    scope = {"x": x, "y": y, "build": build}
    whole = ws_keras.fit_rounds

    def short(*given, **named):
        named.setdefault("seeds", None if "arms" in named else range(2))
        until = ws_keras.Until(threshold=0.9, max_epochs=2)
        return whole(*given, **named, until=until, verbose=0)

    monkeypatch.setattr(ws_keras, "fit_rounds", short)
    for code in re.findall(r"```python\n(.*?)```", page, re.S):
        exec(code, scope)
    printed = capsys.readouterr().out
    assert "against cold" in printed and "warm: " in printed
    assert "Stage 1, one seed, 2 rounds" in printed
