"""Statistics agree with numbers computed by hand and with printed tables."""

import math

import pytest

from ws_keras.report import statistics


def test_summary_of_three_seeds():
    summary = statistics.summarize([1.0, 2.0, 6.0])
    assert summary.count == 3
    assert summary.mean == pytest.approx(3.0)
    assert summary.std == pytest.approx(math.sqrt(7.0))
    assert summary.error == pytest.approx(math.sqrt(7.0 / 3.0))


def test_one_seed_has_no_error_and_none_has_no_mean():
    one = statistics.summarize([5.0, math.nan])
    assert (one.mean, one.count) == (5.0, 1)
    assert math.isnan(one.error)
    none = statistics.summarize([])
    assert none.count == 0
    assert math.isnan(none.mean)


@pytest.mark.parametrize(
    ("freedom", "quantile"),
    [
        (1, 12.7062047),
        (2, 4.30265273),
        (3, 3.18244631),
        (4, 2.77644511),
        (5, 2.57058184),
        (9, 2.26215716),
        (30, 2.04227246),
        (100, 1.98397152),
    ],
)
def test_t_quantiles_agree_with_printed_tables(freedom, quantile):
    assert statistics.t_quantile(freedom) == pytest.approx(quantile, rel=1e-7)


def test_t_quantile_of_another_confidence():
    assert statistics.t_quantile(4, 0.99) == pytest.approx(4.60409487)


def test_paired_difference_uses_common_seeds_only():
    ours = {0: 50.0, 1: 54.0, 2: 57.0, 9: 0.0}
    theirs = {0: 51.0, 1: 52.0, 2: 54.0, 8: 99.0}
    gap = statistics.paired(ours, theirs)
    assert gap.count == 3
    assert gap.mean == pytest.approx(4 / 3)
    error = math.sqrt(13 / 3) / math.sqrt(3)
    assert gap.error == pytest.approx(error)
    assert gap.low == pytest.approx(4 / 3 - 4.30265273 * error)
    assert gap.high == pytest.approx(4 / 3 + 4.30265273 * error)


def test_paired_difference_of_one_seed_has_no_interval():
    gap = statistics.paired({0: 2.0}, {0: 1.0})
    assert (gap.mean, gap.count) == (1.0, 1)
    assert math.isnan(gap.low)


def test_runs_count_what_is_not_finished(make_row):
    rows = [
        make_row(seed=0, round=2, last=True),
        make_row(seed=0, round=1),
        make_row(seed=1, round=1),
        make_row(seed=2, round=1, last=True, stopped_by="nan"),
    ]
    runs = statistics.runs(rows)
    assert [row.round for row in runs.finished[0]] == [1, 2]
    assert list(runs.finished) == [0]
    assert (runs.unfinished, runs.broken) == (1, 1)


def test_arms_are_ordered_and_labelled(make_row):
    rows = [
        make_row(arm="l2_init", shrink=math.nan, perturb=math.nan),
        make_row(arm="shrink_perturb", shrink=0.4, perturb=0.1),
        make_row(arm="shrink_perturb", shrink=0.6, perturb=0.01),
        make_row(arm="warm"),
        make_row(arm="cold"),
    ]
    (arms,) = statistics.cells(rows).values()
    assert list(arms) == [
        "cold",
        "warm",
        "l2_init",
        "shrink_perturb 0.6/0.01",
        "shrink_perturb 0.4/0.1",
    ]


def test_protocol_is_recognized_by_rounds(
    make_row, online_rows, two_phase_rows
):
    assert statistics.is_online(online_rows)
    assert not statistics.is_two_phase(online_rows)
    assert statistics.is_two_phase(two_phase_rows)
    assert not statistics.is_online(two_phase_rows)
    started = [make_row(round=1), make_row(round=2, num_samples=2000)]
    assert statistics.is_online(started)
    assert not statistics.is_two_phase([make_row()])


def test_another_network_is_not_compared_with_this_ones_cold(make_arm):
    """A label of the second phase is no matter of a cold start; this is."""
    cold = make_arm("cold", (50.0,), model="mlp")
    for labels, is_paired in (
        ({"second.batch_size": 16}, True),
        ({"model": "mlp_tanh"}, False),
        ({"optimizer": "momentum"}, False),
    ):
        warm = make_arm("warm", (40.0,), model="mlp", labels=labels)
        grouped = statistics.cells([*cold, *warm])
        (key,) = (k for k, arms in grouped.items() if "warm" in arms)
        assert bool(statistics.colds(grouped)[key]) == is_paired


def test_a_second_phase_is_compared_with_its_own_rate_and_batch(make_arm):
    """The first phase of a warm start has others, which no cold one had."""
    first = {"optimizer.learning_rate": 0.001, "train.batch_size": 16}
    last = {"optimizer.learning_rate": 0.1, "train.batch_size": 128}
    second = {"second.learning_rate": 0.1, "second.batch_size": 128}
    found = [
        *make_arm("cold", (50.0,), labels=first),
        *make_arm("cold", (60.0,), labels=last),
        *make_arm("warm", (55.0,), labels=first | second),
    ]
    grouped = statistics.cells(found)
    (key,) = (k for k, arms in grouped.items() if "warm" in arms)
    cold = statistics.colds(grouped)[key]
    assert cold[-1].accuracy == 60.0
