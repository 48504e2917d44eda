"""Rules for the strength of shrink-perturb: closed forms, and a tiny run."""

import functools
import json
import math
import pathlib
import re

import keras
import numpy as np
import pytest

import ws_keras
from benchmarks.practice import networks
from benchmarks.practice import scores
from benchmarks.strength import choosing
from benchmarks.strength import looking
from benchmarks.strength import rules
from benchmarks.strength import testing
from ws_keras.report import statistics

ROOT = pathlib.Path(__file__).parents[2]
RNG = np.random.default_rng(2)
X = RNG.normal(size=(120, 5)).astype("float32")
Y = (X[:, 0] > 0).astype("int32") + (X[:, 1] > 1)


def looked(by_shrink=None, **values):
    known = {"weights": 10.0, "fresh": 4.0, "dormant": 0.0, **values}
    return rules.Looked(**known, by_shrink=by_shrink or {})


def test_the_largest_shrink_that_fits_is_taken():
    values = {0.8: 2.4, 0.6: 1.65, 0.4: 1.39, 0.2: 1.25}
    assert rules.largest(values, 1.5) == 0.4
    assert rules.largest(values, 1.39) == 0.4
    assert rules.largest(values, 9) == 0.8
    assert rules.largest(values, 1.0) == 0.2


def test_ratios_are_new_by_old():
    old, new = rules.Side(2.0, (3.0, 4.0)), rules.Side(3.0, (6.0, 16.0))
    assert rules.gradient_ratio(old, new) == pytest.approx(math.sqrt(292) / 5)
    assert rules.layer_ratio(old, new) == pytest.approx(math.sqrt(2 * 4))
    assert rules.loss_ratio(old, new) == pytest.approx(1.5)


def test_a_weight_without_gradient_has_no_ratio():
    old, new = rules.Side(1.0, (0.0, 2.0)), rules.Side(1.0, (0.0, 6.0))
    assert rules.layer_ratio(old, new) == pytest.approx(3)


def test_rules_of_ratios_take_the_grid():
    sides = {
        s: (rules.Side(1.0, (1.0,)), rules.Side(1 + s, (2 * s,)))
        for s in rules.GRID
    }
    choose = {name: rule for name, (rule, _) in rules.RULES.items()}
    assert choose["gradient"](looked(sides), 1.3) == 0.6
    assert choose["layers"](looked(sides), 0.81) == 0.4
    assert choose["loss"](looked(sides), 1.9) == 0.8


@pytest.mark.parametrize(
    ("dormant", "most", "shrink"),
    [(0.0, 1.0, 1.0), (0.0, 0.6, 0.6), (0.3, 1.0, 0.4), (0.9, 1.0, 0.2)],
)
def test_drm_shrinks_by_the_dormant_share(dormant, most, shrink):
    found = rules.drm(looked(dormant=dormant), most)
    assert found == pytest.approx(shrink)


def test_norms_shrink_to_a_multiple_of_fresh_ones():
    assert rules.norm(looked(), 0.5) == pytest.approx(0.2)
    assert rules.norm(looked(weights=1.0), 0.5) == 1.0


def test_looking_measures_and_leaves_the_model_as_it_was():
    model = networks.mlp(5, 3, units=8)
    ws_keras.cold_start(model, seed=1)
    before = [keras.ops.convert_to_numpy(v) for v in model.variables]
    old, new = (X[:50], Y[:50]), (X[50:], Y[50:])
    found = looking.look(model, old, new, seed=3)
    again = looking.look(model, old, new, seed=3)
    for variable, value in zip(model.variables, before, strict=True):
        np.testing.assert_array_equal(variable, value)
    assert found == again
    assert tuple(found.by_shrink) == rules.GRID
    kernels = [w for w in model.get_weights() if w.ndim == 2]
    whole = np.concatenate([kernel.ravel() for kernel in kernels])
    assert found.weights == pytest.approx(np.linalg.norm(whole), rel=1e-5)
    assert found.fresh == pytest.approx(found.weights, rel=0.5)
    # The loss of old samples, by hand, after the shrink with that noise.
    ws_keras.shrink_perturb(model, 0.4, 0.1, seed=3)
    order = np.random.default_rng(3).permutation(50)
    logits = model(X[order], training=True)
    loss = model.loss(Y[order], logits)
    # Dropout of a tenth of the units moves it a little.
    assert found.by_shrink[0.4][0].loss == pytest.approx(float(loss), rel=0.2)


@pytest.mark.slow
def test_the_choice_reads_what_a_tiny_run_has_written(tmp_path, monkeypatch):
    data = choosing.Set(
        X, Y, (X, Y), functools.partial(networks.mlp, 5, 3, 8), 32
    )
    monkeypatch.setattr(choosing, "SEEDS", (0,))
    monkeypatch.setattr(choosing, "MAX_EPOCHS", 2)
    monkeypatch.setitem(choosing.SETS, "tiny", lambda files, seed: data)
    path = tmp_path / "choice_tiny.jsonl"
    choosing.run("tiny", None, path)
    choosing.run("tiny", None, path)
    (line,) = map(json.loads, path.read_text().splitlines())
    shrinks = [row["shrink"] for row in line["rows"]]
    assert sorted(shrinks) == [0.0, *sorted(rules.GRID)]
    table = choosing.table(tmp_path)
    assert "tiny: shrink" in table
    # DrM with at most 0.4 on a network without dormant units is the fixed one.
    (drm,) = [one for one in table.splitlines() if "| drm 0.4" in one]
    assert "+0.0" in drm and "100" in drm


def effect(mean, error):
    return statistics.Effect(mean, error, 0.0, 4, 5)


def test_a_rule_ships_if_it_is_good_on_every_set():
    saves, equal = (
        statistics.Ratio(0.8, 0.7, 0.9, 5),
        statistics.Ratio(1.0, 0.9, 1.1, 5),
    )
    sure, better = effect(0.0, 0.1), effect(2.0, 0.2)
    assert testing.ships([sure, sure], [saves, saves])
    assert testing.ships([sure, better], [saves, equal])
    assert not testing.ships([sure, sure], [saves, equal])
    assert not testing.ships([effect(0.0, 0.5), sure], [saves, saves])
    assert not testing.ships([effect(2.0, 0.5)], [equal])


def test_images_are_halved_by_means():
    image = np.arange(16, dtype=np.uint8).reshape(1, 4, 4, 1)
    found = testing.smaller(image)
    assert found.shape == (1, 2, 2, 1) and found.dtype == np.uint8
    # Means of 2.5, 4.5, 10.5 and 12.5, rounded to even numbers.
    assert found.ravel().tolist() == [2, 4, 10, 12]


@pytest.mark.parametrize("name", testing.SETS)
def test_the_page_states_what_the_test_gave(name):
    found = scores.read(ROOT / "results/strength" / name)
    arms = ("cold", "shrink_perturb 0.4/0.1", testing.CHOSEN)
    cold, fixed, chosen = (found[arm] for arm in arms)
    gain, share = scores.gain(chosen, fixed), scores.share(chosen, fixed)
    page = (ROOT / "docs/strength.md").read_text("utf8").replace("−", "-")
    title = name.replace("cifar", "CIFAR-")
    (line,) = re.findall(rf"^\| {title} \| (.+) \|$", page, re.M)
    *levels, stated, cost, _ = line.split(" | ")
    assert levels == [
        f"{scores.level(arm):.1f}" for arm in (cold, fixed, chosen)
    ]
    decimals = len(stated.split()[0].partition(".")[2])
    mean, *ends = (
        f"{end:+.{decimals}f}" for end in (gain.mean, gain.low, gain.high)
    )
    assert stated == f"{mean} ({ends[0]} to {ends[1]})" and gain.count == 5
    mean, *ends = (
        f"{100 * end:.0f}" for end in (share.mean, share.low, share.high)
    )
    assert cost == f"{mean} ({ends[0]} to {ends[1]})"


def test_the_rule_that_was_chosen_does_not_ship():
    table = testing.table(ROOT / "results/strength")
    assert table.endswith("Not shipped.")
    assert all(f"| {name} " in table for name in testing.SETS)
