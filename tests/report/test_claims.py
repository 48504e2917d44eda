"""Claims are decided by intervals and equivalence, on settled arms alone."""

import pytest

from ws_keras.report import claims
from ws_keras.report import comparison
from ws_keras.report import runs
from ws_keras.report import view


def seeds(*values):
    return dict(enumerate(values))


ZERO = seeds(0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("ours", "expected"),
    [
        (seeds(1.0, 1.1, 0.9), "holds"),
        (seeds(-1.0, -1.1, -0.9), "does not hold"),
        (seeds(1.0, -1.0, 0.5), "inconclusive"),
        (seeds(5.0, 5.0), "inconclusive"),
        (seeds(5.0), "inconclusive"),
        ({}, "inconclusive"),
    ],
)
def test_above(ours, expected):
    assert claims.above("c", ours, ZERO).answer.value == expected


def test_no_difference_is_no_lower():
    same = seeds(1.0, 1.0, 1.0)
    assert claims.above("c", same, same).answer is claims.Answer.FAILS
    assert claims.above("c", same, same, -1e-9).answer is claims.Answer.HOLDS


@pytest.mark.parametrize(
    ("ours", "expected"),
    [
        (seeds(0.1, -0.1, 0.0), "holds"),
        (seeds(2.0, 2.1, 1.9), "does not hold"),
        # A wide interval around zero shows no equivalence.
        (seeds(3.0, -3.0, 0.1), "inconclusive"),
        (seeds(0.9, 0.8, 1.3), "inconclusive"),
        (seeds(0.0, 0.0), "inconclusive"),
        (seeds(9.0, 9.0), "inconclusive"),
        (seeds(0.0), "inconclusive"),
    ],
)
def test_alike_can_fail(ours, expected):
    found = claims.alike("c", ours, ZERO, margin=1.0)
    assert found.answer.value == expected
    assert "margin 1" in found.because


def test_between_and_its_words():
    found = claims.between("c", seeds(2.0, 2.2, 2.1), ZERO, 1.0, 3.0)
    assert found.answer is claims.Answer.HOLDS
    assert found.because == ("n = 3: +2.1 points, 95 % interval +1.9 to +2.3")
    # The interval of three seeds reaches 0.25 to each side.
    for bounds, expected in (
        ((2.2, 3.0), "inconclusive"),
        ((2.5, 3.0), "does not hold"),
        ((1.0, 1.7), "does not hold"),
    ):
        found = claims.between("c", seeds(2.0, 2.2, 2.1), ZERO, *bounds)
        assert found.answer.value == expected
        found = claims.measured("c", seeds(2.0, 2.2, 2.1), *bounds)
        assert found.answer.value == expected
    large = claims.above("c", seeds(1000.0, 1000.0), ZERO, unit="steps")
    assert large.because.startswith("n = 2: +1,000 steps")


def test_every_part_must_hold():
    holds, fails, open_ = (
        claims.above(name, seeds(*values), ZERO)
        for name, values in (
            ("a", (1.0, 1.1, 1.2)),
            ("b", (-1.0, -1.1, -1.2)),
            ("c", (1.0, -1.0, 0.0)),
        )
    )
    (found,) = claims.every("all", [holds, open_])
    assert found.answer is claims.Answer.INCONCLUSIVE
    assert found.because.startswith("1 of 2 hold; 1 inconclusive: c (")
    (found,) = claims.every("all", [holds, fails, open_])
    assert found.answer is claims.Answer.FAILS
    (found,) = claims.every("all", [holds])
    assert found.because == holds.because
    assert list(claims.every("all", [])) == []


def test_a_match_with_a_number_holds():
    kinds = comparison.Comparison
    found = [claims.equivalent(kind) for kind in kinds]
    assert claims.equivalent(kinds.MATCH) is claims.Answer.HOLDS
    assert claims.equivalent(kinds.DIFFERS) is claims.Answer.FAILS
    assert found.count(claims.Answer.INCONCLUSIVE) == len(kinds) - 2


@pytest.fixture
def pair(make_arm):
    return [*make_arm("cold", (60, 61, 62)), *make_arm("warm", (50, 51, 52))]


def test_cold_above(pair):
    (found,) = claims.cold_above("warm")(runs.Run("own", pair))
    assert (found.claim, found.answer.value) == (
        "cold ends above warm",
        "holds",
    )


@pytest.mark.parametrize("arm", ["cold", "warm"])
def test_unfinished_arms_are_not_judged(pair, arm):
    planned = (*{r.setting for r in pair}, f"own/{arm}/seed3")
    run = runs.Run("own", pair, planned=planned)
    assert list(claims.cold_above("warm")(run)) == []
    begun = [r for r in pair if (r.arm, r.seed, r.last) != (arm, 1, True)]
    assert list(claims.cold_above("warm")(runs.Run("own", begun))) == []


def test_an_arm_that_is_to_come_undecides_no_other(pair):
    planned = (*{r.setting for r in pair}, "own/dash-0.3-0.3/seed0")
    run = runs.Run("own", pair, planned=planned)
    assert list(claims.cold_above("warm")(run))


def test_networks_that_have_not_fitted_are_not_judged(make_arm):
    found = [
        *make_arm("cold", (60, 61)),
        *make_arm("warm", (50, 51), last_fields={"stopped_by": "cap"}),
    ]
    assert list(claims.cold_above("warm")(runs.Run("own", found))) == []


def test_a_run_that_was_limited_is_not_the_end(pair):
    recipe = view.Recipe(config={"rounds": {"limit": 3}})
    for limit, is_judged in ((3, True), (None, True), (2, False)):
        config = {"rounds": {"limit": limit}}
        run = runs.Run("own", pair, config=config, recipe=recipe)
        assert bool(list(claims.cold_above("warm")(run))) == is_judged
    # Of a recipe that is not known nobody can tell.
    unknown = runs.Run("own", pair, config={"rounds": {"limit": 2}})
    assert list(claims.cold_above("warm")(unknown))


def test_claims_of_strengths(make_arm):
    levels = {"0.8": 55, "0.6": 60, "0.4": 58}
    found = [
        row
        for number, (shrink, level) in enumerate(levels.items(), 1)
        for row in make_arm(
            f"shrink_perturb-{shrink}-0.01",
            (level, level + 1, level + 2),
            sample_passes=100 * number,
            steps=100 * number,
        )
    ]
    found += make_arm("cold", (60, 61, 62), sample_passes=500, steps=350)
    run = runs.Run("own", found)
    results = claims.ordered("shrink_perturb", values=(0.8, 0.6, 0.4))(run)
    answers = {r.claim: r.answer.value for r in results}
    assert answers == {
        "shrink 0.6 ends above 0.8": "holds",
        "shrink 0.4 ends above 0.6": "does not hold",
    }
    (dear,) = claims.dearer("shrink_perturb")(run)
    assert dear.answer is claims.Answer.HOLDS
    (near,) = claims.near_cold("shrink_perturb", margin=2.0, shrink=0.6)(run)
    assert near.answer is claims.Answer.HOLDS
    below = claims.not_below_cold("shrink_perturb", margin=1.0)(run)
    answers = [result.answer.value for result in below]
    assert answers == ["does not hold", "holds", "does not hold"]
    (steps,) = claims.dearer_than_cold("shrink_perturb", shrink=0.4)(run)
    assert steps.answer is claims.Answer.FAILS
