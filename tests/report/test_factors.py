"""Main effects of factors, from rows whose effects are known."""

import itertools

import numpy as np
import pytest
from scipy import special

from ws_keras.report import factors
from ws_keras.report import runs

FACTORS = {"a": ("low", "high"), "b": ("none", "some"), "c": (0, 1)}
CELLS = list(itertools.product((-1, 1), repeat=3))


def rows_of(make_arm, gaps, colds=(60.0, 62.0), cells=CELLS):
    """Rows of cold and warm; `gaps` are functions of signs and seed."""
    found = []
    for signs in cells:
        labels = {
            name: levels[sign > 0]
            for (name, levels), sign in zip(FACTORS.items(), signs, strict=True)
        }
        cold = [level + 3 * signs[0] for level in colds]
        given = {"labels": labels, "cell": f"{signs}/"}
        found += make_arm("cold", cold, **given)
        for arm, gap in gaps.items():
            own = [c + gap(signs, seed) for seed, c in enumerate(cold)]
            found += make_arm(arm, own, **given)
    return found


def fit(found, arm="warm"):
    return factors.fit(runs.Run("own", found).pick(arm), FACTORS)


def test_effects_without_noise_are_exact(make_arm):
    """The gap is -5, 4 more with b, 1 less with c, and a does nothing."""

    def gap(signs, seed):
        return -5 + 2 * signs[1] - 0.5 * signs[2] + seed

    found = fit(rows_of(make_arm, {"warm": gap}))
    means = {name: effect.mean for name, effect in found.main.items()}
    assert means == pytest.approx({"a": 0, "b": 4, "c": -1}, abs=1e-9)
    assert found.mean.mean == pytest.approx(-4.5)  # seeds have -5 and -4
    assert found.levels["b"] == pytest.approx((-6.5, -2.5))
    assert found.count == 16
    for effect in (found.mean, *found.main.values()):
        assert effect.error == pytest.approx(0, abs=1e-9)


def test_intervals_are_those_of_least_squares(make_arm):
    rng = np.random.default_rng(0)
    noise = {(s, seed): rng.normal() for s in CELLS for seed in (0, 1)}
    found = fit(rows_of(make_arm, {"warm": lambda s, n: s[0] + noise[s, n]}))
    # A balanced design by hand: differences of means, 16 - 3 - 2 free.
    y = np.array([[s[0] + noise[s, n] for n in (0, 1)] for s in CELLS])
    signs = np.array(CELLS)
    effects = [
        y[signs[:, n] > 0].mean() - y[signs[:, n] < 0].mean() for n in range(3)
    ]
    fitted = y.mean(0) + (signs @ effects / 2)[:, None]
    error = np.sqrt(((y - fitted) ** 2).sum() / 11 * 4 / 16)
    reach = special.stdtrit(11, 0.975) * error
    for effect, want in zip(found.main.values(), effects, strict=True):
        assert effect.mean == pytest.approx(want)
        assert effect.error == pytest.approx(error)
        assert effect.high == pytest.approx(want + reach)
    assert found.mean.error == pytest.approx(error / 2)


def test_an_interaction_is_in_the_error_and_not_in_the_effects(make_arm):
    found = fit(rows_of(make_arm, {"warm": lambda s, n: s[0] * s[1]}))
    for effect in found.main.values():
        assert effect.mean == pytest.approx(0, abs=1e-9)
        assert effect.error == pytest.approx(np.sqrt(16 / 11 * 4 / 16))


def test_only_whole_seeds_count(make_arm):
    found = rows_of(make_arm, {"warm": lambda s, n: 3.0 * s[0]})
    found = [row for row in found if (row.seed, row.labels["a"]) != (1, "high")]
    assert fit(found).count == 8
    assert fit(found).main["a"].mean == pytest.approx(6)


def test_too_few_cells_give_no_effects(make_arm):
    gaps = {"warm": lambda s, n: 1.0}
    found = rows_of(make_arm, gaps, colds=(60.0,), cells=CELLS[:4])
    assert fit(found) is None
    run = runs.Run("own", found)
    # The table is that of the arms.
    assert len(factors.table(FACTORS)(run).lines) == 8
    assert factors.chart(FACTORS)(run) is None
    assert factors.sentences(FACTORS)(run) == []


@pytest.fixture
def run(make_arm):
    gaps = {
        "warm": lambda s, n: -5 + 4 * s[1] + 0.1 * n * s[0],
        "shrink_perturb-0.4-0.1": lambda s, n: 6 + s[0] * s[1],
    }
    return runs.Run("own", rows_of(make_arm, gaps))


def test_the_table_has_a_line_for_each_factor_and_arm(run):
    table = factors.table(FACTORS)(run)
    at = {line[:2]: line[2:] for line in table.lines}
    assert len(at) == len(table.lines) == 8
    low, high, effect, interval = at["warm", "b: none → some"]
    assert (low.value, high.value) == pytest.approx((-9, -1))
    assert effect.value == pytest.approx(8)
    assert interval.low < 8 < interval.high
    assert "16 differences of warm" in table.note


def test_the_chart_has_effects_and_half_widths(run):
    (panel,) = factors.chart(FACTORS)(run).panels
    warm = panel.series[0]
    assert panel.words[int(warm.y[2])] == "b"
    assert warm.x[:3] == pytest.approx((-5, 0.1, 8))
    found = factors.fit(run.pick("warm"), FACTORS)
    assert warm.error[2] == pytest.approx(found.main["b"].high - 8)


def test_the_answer_names_the_factors_that_are_sure(run):
    warm, mixed = factors.sentences(FACTORS)(run)
    assert "b (none → some), by +8.0" in warm and "c (" not in warm
    assert "no factor" in mixed.lower()


def test_where_training_stopped_is_told_for_each_level(make_arm):
    found = make_arm("cold", (60.0, 62.0), labels={"a": "low", "b": "none"})
    found += make_arm("warm", (5.0, 6.0), labels={"a": "low", "b": "none"})
    (fold,) = factors.matched({"a": ("low", "high")})(runs.Run("own", found))
    (table,) = fold.blocks
    first = table.lines[0]
    assert first[:3] == ("a", "low", "cold")
    last = [row for row in found if row.last and row.arm == "cold"]
    assert first[4].value == pytest.approx(np.mean([r.loss for r in last]))
    assert first[-1] == "0 of 2"
    assert table.lines[-1][3:] == (None, None, None, "0 of 0")
