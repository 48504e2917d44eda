"""A verdict says no more than its seeds and held-out samples do."""

import numpy as np
import pytest

from ws_keras.report import verdict


@pytest.fixture
def judge(make_arm):
    """Returns a function for the verdict on arms that gain so much on cold.

    Cold ends at 50 %, after 2,000 sample passes in all.
    """

    def judge(margin=1.0, cold=(50.0,) * 3, passes=600, **gains):
        found = make_arm("cold", list(cold), sample_passes=1000)
        for arm, some in gains.items():
            name = {"shrink": "shrink_perturb-0.4-0.1"}.get(arm, arm)
            levels = [
                base + gain for base, gain in zip(cold, some, strict=True)
            ]
            found += make_arm(name, levels, sample_passes=passes)
        return verdict.verdict(found, margin=margin)

    return judge


SHRINK = "shrink_perturb 0.4/0.1"


@pytest.mark.parametrize(
    ("gaps", "word", "recommended"),
    [
        # The t interval of three seeds reaches 4.3 standard errors.
        ((-4.0, -4.5, -5.0), "worse", "cold"),
        ((-0.2, -0.3, -0.4), "as good, within 1 point", "warm"),
        ((-1.0, -2.0, -3.5), "not decided", "cold"),
        ((-2.0, 0.0, 2.0), "not decided", None),
        ((0.4, 0.5, 0.6), "as good, within 1 point", "warm"),
        ((6.5, 7.0, 7.5), "better", "warm"),
        ((-0.1, 0.0, 0.1), "as good, within 1 point", "warm"),
    ],
)
def test_what_the_interval_decides(judge, gaps, word, recommended):
    found = judge(warm=gaps)
    assert f": {word};" in found.lines[2]
    assert found.recommended == recommended


def test_a_gain_is_worth_its_cost(judge):
    """Seven points at 101 % of the passes."""
    found = judge(warm=(6.8, 7.0, 7.2), passes=1010)
    assert found.recommended == "warm"
    # The t interval of three seeds: 4.3027 standard errors of 0.2 / sqrt(3).
    assert (
        "It gains 7.0 points over cold (95 % interval +6.5 to +7.5, 3 seeds), "
        "which is significant, and takes 101 % of cold's sample passes"
    ) in found.recommendation


def test_an_uncertain_gain_is_shown_with_its_interval(judge):
    """Two points and 4.3027 / sqrt(3) around them, at 150 % of the passes."""
    found = judge(shrink=(1.0, 2.0, 3.0), passes=1500)
    assert found.recommended == SHRINK
    assert (
        "It gains 2.0 points over cold (95 % interval −0.5 to +4.5, 3 seeds), "
        "which is not significant, and takes 150 % of cold's sample passes"
    ) in found.recommendation
    # Otherwise the cheaper arm would be recommended.
    assert "cheaper arm (cold) is more than 1 point worse" in str(found)
    cheap = judge(shrink=(1.0, 2.0, 3.0), passes=500)
    assert "cheaper" not in cheap.recommendation


def test_a_loss_within_the_margin_is_shown(judge):
    found = judge(warm=(-0.2, -0.3, -0.4))
    assert (
        "It loses 0.3 points against cold (95 % interval −0.5 to −0.1, 3 "
        "seeds), which counts as equally good, within 1 point, and takes 60 %"
    ) in found.recommendation


def test_an_undecided_comparison_names_the_difference(judge):
    found = judge(warm=(-2.0, 0.0, 2.2)).recommendation
    assert "warm minus cold is +0.1 points (95 % interval −5.2 to +5.3" in found


def test_the_cheaper_of_equals_is_recommended(judge):
    found = judge(shrink=(0.1, -0.1, 0.0), passes=1500)
    assert found.recommended == "cold"
    found = judge(shrink=(0.1, -0.1, 0.0), passes=500)
    assert found.recommended == SHRINK
    assert "50 % of cold's sample passes" in found.recommendation


def test_arms_are_compared_with_warm_too(judge):
    found = judge(warm=(-4.1, -4.2, -4.0), shrink=(0.1, 0.0, -0.1))
    assert found.recommended == SHRINK
    line = next(text for text in found.lines if "against warm" in text)
    assert "+4.1 points (95 % interval " in line and "3 seeds): better" in line


def test_margin_decides_what_is_as_good(judge):
    gaps = (-1.4, -1.5, -1.6)
    assert ": worse;" in judge(warm=gaps).lines[2]
    assert ": as good, within 2 points;" in judge(2.0, warm=gaps).lines[2]


def test_one_seed_gets_no_recommendation(judge):
    found = judge(cold=(50.0,), warm=(9.0,))
    assert found.recommended is None
    assert "One seed cannot separate" in found.recommendation
    assert "+9.0 points (one seed, no interval)" in found.lines[2]


def test_two_seeds_get_no_recommendation(make_arm):
    """They may agree by chance, whatever the held-out samples say."""
    labels = [0, 1] * 500
    good, bad = [labels] * 2, [[0, 0] * 500] * 2
    found = Guesses(make_arm, labels, cold=good, warm=bad).verdict()
    assert found.recommended is None
    assert "Two seeds cannot separate" in found.recommendation
    line = found.lines[2]
    assert "(2 seeds, 95 % interval" in line
    assert ": not decided with two seeds;" in line


def test_seeds_without_their_pair_decide_nothing(make_arm):
    cold = make_arm("cold", [50.0, 50.0])
    warm = [row for row in make_arm("warm", [0, 0, 60.0]) if row.seed == 2]
    found = verdict.verdict(cold + warm)
    assert "no seed of both has finished" in found.lines[2]
    assert found.recommended is None


def test_arm_without_another_has_its_numbers(make_arm):
    found = verdict.verdict(make_arm("warm", [60.0], sample_passes=500))
    assert found.lines == (
        "warm: 60.0 % held out, 1,000 sample passes in 20 epochs.",
    )
    assert "no other arm" in found.recommendation


def test_costs_are_those_of_pairs(make_arm):
    """Of two warm seeds the dear one is cold's pair."""
    cold = make_arm("cold", [50.0], sample_passes=1000)
    warm = make_arm("warm", [51.0, 51.0], sample_passes=1100)
    for row in warm:
        if row.seed == 1:
            object.__setattr__(row, "sample_passes", 100)
    assert (
        "110 % of cold's sample passes" in verdict.verdict(cold + warm).lines[2]
    )


def test_cold_that_took_no_pass_has_no_share(judge, make_arm):
    cold = make_arm("cold", [50.0, 50.0], sample_passes=0)
    warm = make_arm("warm", [50.0, 50.0], sample_passes=600)
    line = verdict.verdict(cold + warm).lines[2]
    assert line.endswith("1,200 sample passes, not 0.")


def test_withheld_verdict_keeps_the_numbers(make_arm):
    found = verdict.verdict(
        make_arm("cold", [50.0] * 3) + make_arm("warm", [70.0] * 3),
        withheld="The model has seen them.",
    )
    assert found.recommended is None
    assert found.recommendation.endswith("The model has seen them.")
    assert len(found.lines) == 2 and "70.0 % held out" in found.lines[1]


def test_diverged_seeds_are_counted(make_arm):
    ends = {"last_fields": {"stopped_by": "nan"}}
    warm = make_arm("warm", [50.0] * 2, **ends)
    found = verdict.verdict(make_arm("cold", [50.0] * 2) + warm)
    assert "2 of 2 seeds diverged" in found.lines[1]
    assert found.recommended is None


def test_an_arm_that_may_diverge_is_not_recommended(make_arm):
    """However good it is where it does not."""
    broken = make_arm("warm", [90.0] * 3)
    last = [row for row in broken if row.seed == 1 and row.last]
    for row in last:
        object.__setattr__(row, "stopped_by", "nan")
    assert last
    sound = make_arm("cold", [50.0] * 3)
    shrunk = make_arm("shrink_perturb-0.4-0.1", [70.0, 70.1, 70.2])
    found = verdict.verdict(sound + broken + shrunk)
    assert found.recommended == SHRINK
    assert "1 of 3 seeds diverged" in found.lines[1]
    alone = verdict.verdict(sound + broken)
    assert alone.recommended is None
    assert "1 of 2 arms have seeds that diverged" in alone.recommendation
    assert "missing values (NaN)" in alone.recommendation


def measured(make_arm, arm, values, mode="max"):
    """Rows of an arm with an AUC for each seed."""
    labels = {"monitor": "auc", "mode": mode}
    found = make_arm(arm, [np.nan] * len(values), labels=labels)
    for row in found:
        value = values[row.seed] if row.last else 0.5
        object.__setattr__(row, "measures", {"auc": value})
    return found


@pytest.mark.parametrize("lost", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("mode", ["max", "min"])
def test_a_metric_that_is_no_number_decides_nothing(make_arm, lost, mode):
    """Whichever arm has it, also if it is the best or the worst one."""
    cold = measured(make_arm, "cold", [0.80, 0.81, 0.82], mode)
    warm = measured(make_arm, "warm", [0.90, 0.93, lost, 0.93], mode)
    found = verdict.verdict(cold + warm)
    assert "warm: auc 0.92 held out" in found.lines[1]
    assert "After round 2 the auc of seed 2 is nan" in found.lines[1]
    assert "seed 2 is left out" in found.lines[1]
    # Two seeds are common to both.
    assert "+0.11 of auc (2 seeds" in found.lines[2]
    assert found.recommended is None
    assert "1 of 2 arms have seeds whose auc is nan" in found.recommendation
    turned = verdict.verdict(
        measured(make_arm, "cold", [lost] * 3, mode) + warm
    )
    assert "no seed ended with a finite metric" in turned.lines[0]
    assert "seeds 0, 1, 2 are left out" in turned.lines[0]
    assert turned.recommended is None
    # An interval or a margin of nan would say that all arms are alike.
    assert "nan " not in "".join(turned.lines).replace("is nan ", "")


def test_an_arm_without_a_number_is_not_recommended(make_arm):
    cold = measured(make_arm, "cold", [0.80, 0.81, 0.82])
    warm = measured(make_arm, "warm", [0.90, 0.91, np.nan])
    fire = measured(make_arm, "fire", [0.86, 0.87, 0.88])
    found = verdict.verdict(cold + warm + fire)
    assert found.recommended == "fire"
    assert "of warm" not in found.recommendation


class Guesses:
    """Rows and outcomes of networks, by what they say of each sample."""

    def __init__(self, make_arm, labels, **arms):
        self.labels = np.array(labels)
        self.rows, self.outcomes = [], {}
        for arm, says in arms.items():
            right = [100.0 * (np.array(s) == self.labels) for s in says]
            found = make_arm(arm, [r.mean() for r in right])
            self.rows += found
            for seed, values in enumerate(right):
                self.outcomes[f"own/{arm}/seed{seed}"] = values

    def verdict(self):
        return verdict.verdict(self.rows, self.outcomes, self.labels)


def test_the_majority_class_is_no_learning(make_arm):
    labels = [0] * 990 + [1] * 10
    always = [[0] * 1000] * 3
    found = Guesses(make_arm, labels, cold=always, warm=always).verdict()
    assert found.recommended is None
    assert "better than chance" in found.recommendation
    assert "99.0 % held out, balanced accuracy 50.0 %" in found.lines[0]
    assert len(found.lines) == 2  # and none that calls one better
    assert "chance level" in found.lines[0]


def test_balanced_accuracy_is_the_mean_of_recalls(make_arm):
    labels = [0] * 80 + [1] * 20
    # Three quarters of the first class, half of the second.
    says = [0] * 60 + [1] * 30 + [0] * 10
    found = Guesses(make_arm, labels, cold=[says], warm=[says]).verdict()
    assert "70.0 % held out, balanced accuracy 62.5 %" in found.lines[0]
    even = Guesses(make_arm, [0, 1] * 50, cold=[[0, 1] * 50]).verdict()
    assert "balanced" not in even.lines[0]


def test_rare_class_that_is_found_is_learning(make_arm):
    """Accuracy below that of the majority class, but recalls above chance."""
    labels = [0] * 900 + [1] * 100
    says = [0] * 780 + [1] * 120 + [1] * 80 + [0] * 20
    found = Guesses(make_arm, labels, cold=[says] * 3, warm=[says] * 3)
    assert found.verdict().recommended is not None


def test_all_alike_at_the_cap_is_no_equivalence(make_arm):
    ends = {"last_fields": {"stopped_by": "cap"}}
    found = verdict.verdict(
        make_arm("cold", [60.0] * 3, **ends)
        + make_arm("warm", [60.0] * 3, **ends)
    )
    assert found.recommended is None
    assert "limit of epochs" in found.recommendation


def test_seeds_that_agree_by_chance_are_no_certainty(make_arm):
    """Without the outcomes of single samples."""
    found = verdict.verdict(
        make_arm("cold", [60.0] * 3) + make_arm("warm", [66.0] * 3)
    )
    assert found.recommended is None
    assert ": not decided;" in found.lines[2]


def test_few_samples_decide_nothing(make_arm):
    """Three seeds that agree on twenty samples, of which one differs."""
    labels = [0, 1] * 10
    good, other = list(labels), [1, *labels[1:]]
    found = Guesses(make_arm, labels, cold=[good] * 3, warm=[other] * 3)
    assert ": not decided;" in found.verdict().lines[2]
    assert "more held-out samples" in found.verdict().recommendation


def test_one_seed_far_above_chance_is_not_at_chance_level(make_arm):
    """The samples tell it, even where seeds do not."""
    labels = [0, 1] * 50
    good = [1, *labels[1:]]
    alone = Guesses(make_arm, labels, warm=[good]).verdict()
    assert "99.0 % held out" in alone.lines[0]
    assert "chance level" not in alone.lines[0]
    pair = Guesses(make_arm, labels, cold=[good], warm=[good]).verdict()
    assert "One seed cannot separate" in pair.recommendation
    coin = Guesses(make_arm, labels, warm=[[0, 1, 1, 0] * 25]).verdict()
    assert "chance level" in coin.lines[0]


def test_one_class_tells_nothing(make_arm):
    found = Guesses(
        make_arm, [1] * 50, cold=[[1] * 50] * 2, warm=[[0] * 50] * 2
    )
    assert found.verdict().recommended is None
    assert "of one class" in found.verdict().recommendation
