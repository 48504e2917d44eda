"""Verdicts on metrics that are no accuracies, in both modes."""

import dataclasses

import numpy as np
import pytest

from ws_keras.report import chance
from ws_keras.report import scale
from ws_keras.report import verdict
from ws_keras.storage import metric as metrics

EXPERIMENT = "own"
MAE = metrics.Metric("mae", "min")
R2 = metrics.Metric("r2_score", "max")


@pytest.fixture
def judge(make_arm):
    """Returns a function for the verdict on levels of arms by seed."""

    def judge(metric, levels, outcomes=None, **arguments):
        found = []
        for arm, some in levels.items():
            passes = 1000 if arm == "cold" else 600
            made = make_arm(arm, [0.0] * len(some), sample_passes=passes)
            found += [
                dataclasses.replace(
                    row,
                    accuracy=float("nan"),
                    labels=metric.labels,
                    measures=metric.measures(0.0, some[row.seed]),
                )
                for row in made
            ]
        return verdict.verdict(found, outcomes, **arguments)

    return judge


COLD = (20.0, 20.1, 19.9)


@pytest.mark.parametrize(
    "metric, gain, word, recommended",
    [
        (MAE, (3.0, 3.1, 2.9), "worse", "cold"),
        (R2, (3.0, 3.1, 2.9), "better", "warm"),
        (MAE, (-3.0, -3.1, -2.9), "better", "warm"),
        (R2, (-3.0, -3.1, -2.9), "worse", "cold"),
        # Within 1 % of cold's 20.
        (MAE, (0.1, 0.11, 0.09), "as good, within 0.2 of mae", "warm"),
        (R2, (-0.1, -0.11, -0.09), "as good, within 0.2 of r2_score", "warm"),
        (MAE, (0.1, 0.9, -0.9), "not decided", None),
    ],
)
def test_better_and_worse_in_both_modes(judge, metric, gain, word, recommended):
    warm = [base + more for base, more in zip(COLD, gain, strict=True)]
    found = judge(metric, {"cold": COLD, "warm": warm})
    assert found.recommended == recommended
    against = found.lines[2]
    assert f": {word}; " in against and f"of {metric.name} " in against
    assert found.lines[0].startswith(f"cold: {metric.name} 20 held out, ")
    if word == "better":
        than = {"min": "lower", "max": "higher"}[metric.mode]
        assert (
            f"It has a {metric.name} that is 3 {than} than that of cold (95 % "
        ) in str(found)
        assert "which is significant" in str(found)
    assert " point" not in str(found) and "%  held" not in str(found)


@pytest.mark.parametrize(
    "metric, better, worse", [(MAE, "cold", "warm"), (R2, "warm", "cold")]
)
def test_the_better_of_two_undecided_arms_is_named_first(
    judge, metric, better, worse
):
    """Warm is 0.033 higher, which is better for a score alone."""
    found = judge(metric, {"cold": COLD, "warm": (20.1, 21.0, 19.0)})
    assert found.recommended is None
    assert f"whether {better} or {worse} is better" in found.recommendation
    gap = {"warm": "+0.03333", "cold": "−0.03333"}[better]
    assert f"{better} minus {worse} is {gap}" in found.recommendation


def test_a_margin_of_ones_own(judge):
    levels = {"cold": COLD, "warm": [v + 0.4 for v in (20.0, 20.1, 20.0)]}
    assert judge(MAE, levels).recommended == "cold"
    found = judge(MAE, levels, margin=1.0)
    assert "as good, within 1 of mae" in found.lines[2]
    assert found.recommended == "warm"


def test_what_is_not_better_than_the_mean_was_not_learned(judge):
    levels = {"cold": COLD, "warm": COLD[::-1]}
    mean = chance.Baseline(np.array([20.0]), "the mean of the training targets")
    found = judge(MAE, levels, baseline=mean)
    assert found.recommended is None
    assert "better than the mean of the training targets" in found.lines[0]
    assert "No start is significantly better" in found.recommendation
    easy = dataclasses.replace(mean, values=np.array([25.0]))
    assert "significantly" not in str(judge(MAE, levels, baseline=easy))
    # Of a score, more is better.
    assert "No start" in str(judge(R2, levels, baseline=easy))


def test_a_mean_over_samples_is_no_measure_of_another_value(judge):
    """Such as the sum of a batch, or a loss with a regularizer.

    The baseline has a value of each sample, and the arms have none.
    """
    levels = {"cold": COLD, "warm": (19.0, 19.2, 18.9)}
    what = "the mean of the training targets"
    each = chance.Baseline(np.full(50, 1.5), what)
    found = judge(metrics.Metric("loss", "min"), levels, baseline=each)
    assert found.recommended == "warm"
    assert what not in str(found)


def test_single_samples_count_as_they_are(judge):
    rng = np.random.default_rng(0)
    errors = rng.exponential(20.0, 400)
    worse = errors + rng.normal(1.0, 3.0, 400)
    outcomes = {
        f"{EXPERIMENT}/{arm}/seed{seed}": some + seed / 100
        for arm, some in (("cold", errors), ("warm", worse))
        for seed in range(3)
    }
    levels = {
        arm: [
            outcomes[f"{EXPERIMENT}/{arm}/seed{seed}"].mean()
            for seed in range(3)
        ]
        for arm in ("cold", "warm")
    }
    (_, _, line, *_) = judge(MAE, levels, outcomes).lines
    assert "against cold" in line and ": worse; " in line
    words = line.split("interval ")[1].split(",")[0].split(" to ")
    # All seeds differ by the same: the error is that of paired samples.
    error = (worse - errors).std(ddof=1) / 20
    gap = (worse - errors).mean()
    expected = [gap - 1.966 * error, gap + 1.966 * error]
    assert [*map(float, words)] == pytest.approx(expected, abs=2e-3)


@pytest.mark.parametrize(
    "value, text",
    [
        (0.0, "0"),
        (12345.678, "12346"),
        (3.14159, "3.142"),
        (-0.0012345, "−0.001234"),
        (20.0, "20"),
        (1.5e-9, "1.500e-09"),
        (-1.5e-9, "−1.500e-09"),
        (float("nan"), "nan"),
    ],
)
def test_numbers_have_four_digits(value, text):
    assert scale.number(value) == text


@pytest.mark.parametrize("margin", [0, -1, "1", float("inf"), float("nan")])
def test_margins_that_are_none(margin):
    with pytest.raises(ValueError, match="margin"):
        scale.check_margin(margin)
