"""Experiments of many rounds."""

import math

import pytest

SIZES = (5000, 33333)


def _online(make_arm, levels, experiment="fig2_online", early=None, **fields):
    fields = {"optimizer": "adam", **fields}
    found = []
    for arm, level in levels.items():
        rows = make_arm(
            arm, (level, level + 1), SIZES, experiment=experiment, **fields
        )
        for row in rows:
            changes = {"round": 5} if row.num_samples == 5000 else {"round": 34}
            if row.num_samples == 5000 and early:
                changes["accuracy"] = early[arm] + row.seed
            object.__setattr__(row, "round", changes["round"])
            for name, value in changes.items():
                object.__setattr__(row, name, value)
            found.append(row)
    return found


def test_fig_2(show, make_arm):
    levels = {"cold": 75.0, "warm": 63.0}
    early = {"cold": 50.0, "warm": 44.0}
    found = _online(make_arm, levels, early=early)
    for row in found:
        steps = 500 if row.arm == "cold" else 100
        object.__setattr__(row, "steps", steps)
    shown = show(found)
    accuracy = next(t for t in shown.tables if t.startswith("Held-out"))
    lines = {line[0]: line[1:] for line in shown.tables[accuracy].lines}
    assert lines["5,000"] == (
        "50.5 ± 0.5",
        "50.4 inconclusive",
        "44.5 ± 0.5",
        "43.7 inconclusive",
    )
    assert lines["33,333"][1] == "75.9 inconclusive"
    gaps = next(t for t in shown.tables if t.startswith("Difference"))
    assert shown.tables[gaps].lines[1] == (
        "33,333",
        "−12.0 ± 0.0",
        "−12.0 to −12.0",
    )
    assert list(shown.claims.values()) == ["holds"] * 3
    (chart,) = shown.charts.values()
    assert [panel.y_label for panel in chart.panels] == [
        "Held-out accuracy (%)",
        "Training time per round (s)",
        "Passes per round (thousands)",
    ]
    last = shown.tables["Last round of each arm"]
    assert last.lines[1][5:] == ("63.6", "inconclusive", "−12.3", "match")


def test_a_part_of_fig_2_decides_no_more_than_it_shows(show, make_arm):
    early = {"cold": 50.0, "warm": 44.0}
    found = _online(make_arm, {"cold": 75.0, "warm": 63.0}, early=early)
    found = [row for row in found if row.num_samples == 5000]
    for row in found:
        object.__setattr__(row, "last", True)
    shown = show(found)
    assert set(shown.claims.values()) == {"not decided"}
    for because in shown.reasons.values():
        assert "the last round has 5,000 samples, not 33,333" in because
    accuracy = next(t for t in shown.tables if t.startswith("Held-out"))
    assert shown.tables[accuracy].lines[-1] == (
        "33,333",
        "—",
        "75.9 not run",
        "—",
        "63.6 not run",
    )


def test_another_threshold_is_another_protocol(show, make_arm, authors_config):
    authors_config["train"]["threshold"] = 0.999
    found = _online(make_arm, {"cold": 75.9})
    shown = show(found, config=authors_config)
    accuracy = next(t for t in shown.tables if t.startswith("Held-out"))
    assert shown.tables[accuracy].lines[-1][2] == "75.9 other protocol"
    note = shown.tables[accuracy].note
    assert "train.threshold 0.999, not 0.99" in note


def test_fig_7(show, make_arm):
    shrinks = {1: 65, 0.8: 73, 0.6: 76, 0.4: 78, 0.2: 80}
    levels = {f"shrink_perturb-{s}-0.01": a for s, a in shrinks.items()}
    found = _online(make_arm, {"cold": 76, **levels}, "fig7_shrink_sweep")
    cost = {1.0: 15, 0.8: 25, 0.6: 33, 0.4: 55, 0.2: 62, 0.0: 100}
    for row in found:
        passes = cost[row.shrink]
        object.__setattr__(row, "sample_passes", passes)
    shown = show(found)
    assert set(shown.claims.values()) == {"holds"}
    assert len(shown.claims) == 6
    column = shown.column("Cost of the last round", "paper")
    assert column["shrink_perturb 0.6/0.01"] == "0.33 match"
    partial = show(found, planned=("fig7_shrink_sweep/x/seed0",))
    costs = [c for c in partial.claims if c.startswith("the last round costs")]
    assert partial.claims[costs[0]] == "not decided"
    assert "1 settings are not finished" in partial.reasons[costs[0]]


def test_cost_in_cpu_seconds_where_they_were_measured(show, make_arm):
    levels = {"cold": 76, "shrink_perturb-0.6-0.01": 76}
    found = _online(make_arm, levels, "fig7_shrink_sweep")
    for row in found:
        object.__setattr__(row, "cpu_seconds", 8.0 if row.shrink else 10.0)
    title, header = "Cost of the last round", "CPU-seconds / cold"
    shown = show(found)
    cells = shown.column(title, header).values()
    assert any(cell.startswith("0.80") for cell in cells)
    for row in found:
        object.__setattr__(row, "cpu_seconds", math.nan)
    assert header not in show(found).tables[title].header


def test_fig_8(show, make_arm):
    cells = {(0, 1): 75.0, (1, 0): 63.0, (0.4, 0): 70.0, (0.4, 0.1): 74.0}
    levels = {f"shrink_perturb-{s}-{p}": a for (s, p), a in cells.items()}
    shown = show(_online(make_arm, levels, "fig8_grid"))
    (chart,) = shown.charts.values()
    accuracy = chart.panels[0]
    assert (accuracy.x, accuracy.y) == (("0", "0.4", "1"), ("0", "0.1", "1"))
    assert accuracy.values[0][1:] == (70.5, 63.5)
    assert accuracy.values[2][0] == 75.5
    assert accuracy.values[2][1] != accuracy.values[2][1]
    claims = shown.claims
    assert claims["at shrink 0.4 some noise is no worse than none"] == "holds"
    assert claims["at shrink 0.2 some noise is no worse than none"] == (
        "not decided"
    )
    # Two seeds that lie a point apart show no equivalence.
    corner = "the corner 1/0 is warm of Fig. 2"
    assert claims[corner] == "not decided"
    equal = _online(make_arm, levels, "fig8_grid")
    for row in equal:
        object.__setattr__(row, "accuracy", row.accuracy - row.seed)
    assert show(equal).claims[corner] == "holds"
    # The corner that starts anew is what the others are compared with.
    gaps = shown.column("Last round of each cell", "minus cold")
    assert gaps["shrink_perturb 0/1"] == "—"
    assert gaps["shrink_perturb 1/0"] == "−12.0 ± 0.0"
    alone = [r for r in _online(make_arm, levels, "fig8_grid") if not r.seed]
    alone = show(alone)
    claim = "the corner 0/1 is cold of Fig. 2"
    assert alone.claims[claim] == "not decided"
    assert alone.reasons[claim] == "inconclusive: ours 75.0, 75.9, n = 1"


def test_last_layer(show, make_arm):
    levels = {"cold": 75.0, "last_layer-0.5-0": 60.0}
    found = _online(make_arm, levels, "appendix_fig14_last_layer")
    claim = "last_layer-0.5-0 ends below cold by more than two deviations"
    assert show(found).claims == {claim: "holds"}


DASH = {
    "data": {"split": "official_test", "normalization": "channel"},
    "model": {"width": 64, "max_pool": True},
    "optimizer": {"learning_rate": 0.001, "momentum": 0.9},
    "rounds": {"protocol": "online", "step": 1000},
    "train": {"batch_size": 128, "threshold": 0.999},
    "transform": {
        "noise": "gaussian",
        "first_round": False,
        "norms": "keep",
        "statistics": "keep",
        "optimizer": "keep",
    },
}


def test_dash(show, make_arm):
    levels = {
        "dash-0.3-0.3": 84.0,
        "shrink_perturb-0.3-0.01": 81.0,
        "cold": 67.0,
        "warm": 63.5,
        "head_reset": 60.0,
    }
    steps = {"dash-0.3-0.3": 6500, "cold": 5000, "warm": 3000}
    found = [
        row
        for arm, level in levels.items()
        for row in make_arm(
            arm,
            (level, level),
            tuple(range(1000, 51000, 1000)),
            experiment="dash_table1",
            steps=steps.get(arm, 5500),
        )
    ]
    shown = show(found, config=DASH)
    assert set(shown.claims.values()) == {"holds"}
    assert "head_reset ends no higher than cold, resnet18" in shown.claims
    cheapest = shown.reasons["warm has the fewest steps, resnet18"]
    assert cheapest == "3 of 3 hold"
    verdicts = shown.column("Last chunk, ours and DASH's", "verdict")
    assert verdicts.pop("head_reset") == "—"
    assert set(verdicts.values()) == {"match"}
    verdicts = shown.column("Steps of the last chunk", "verdict")
    assert verdicts["cold"] == "match"
    assert verdicts["warm"] == "differs"
    # Forty-nine chunks of 10 % and a last one of 67 %.
    means = shown.tables["Means over the chunks"]
    (cold,) = [line for line in means.lines if line[1] == "cold"]
    assert cold[3:] == (
        "11.1 ± 0.0",
        "57.66 (0.11)",
        "differs",
        "5,000 ± 0",
        "2,916",
        "differs",
    )


def test_before_the_last_chunk_dash_decides_nothing(show, make_arm):
    levels = {"cold": 67.0, "warm": 63.5, "shrink_perturb-0.3-0.01": 81.0}
    found = [
        row
        for arm, level in levels.items()
        for row in make_arm(
            arm, (level, level), (1000, 2000, 3000), experiment="dash_table1"
        )
    ]
    shown = show(found, config=DASH)
    assert set(shown.claims.values()) == {"not decided"}
    because = shown.reasons["cold ends above warm, resnet18"]
    assert because.startswith("the last round is 3, not 50; difference +3.5")
    note = shown.tables["What the paper claims"].note
    assert "not the protocol of DASH, Table 1: 3 rounds, not 50." in note


def test_before_the_last_round_fig_7_decides_nothing(show, make_arm):
    found = [
        row
        for arm, level in {
            "cold": 60.0,
            "shrink_perturb-0.6-0.01": 60.0,
        }.items()
        for row in make_arm(
            arm,
            (level, level),
            (1000, 2000, 3000),
            experiment="fig7_shrink_sweep",
            optimizer="adam",
        )
    ]
    shown = show(found)
    assert set(shown.claims.values()) == {"not decided"}
    because = shown.reasons["shrink 0.6 ends within 2 points of cold"]
    assert because.startswith("the last round has 3,000 samples, not 33,333; ")
    # What was not run says no more than that.
    assert shown.reasons["shrink 0.8 ends above 1"] == "not run"
    assert "protocol" not in shown.tables["What the paper claims"].note


@pytest.mark.parametrize(
    "name",
    [
        "replication_online",
        "replication_svhn_threshold",
        "appendix_active_learning",
        "appendix_fig14_last_layer",
    ],
)
def test_rounds_that_were_limited_are_not_the_end(
    show, make_arm, authors_config, name
):
    levels = {"cold": 92.0, "warm": 80.0, "last_layer-0.5-0": 70.0}
    levels["shrink_perturb-0.6-0.01"] = 85.0
    found = _online(make_arm, levels, name)
    whole = show(found).claims
    assert set(whole.values()) & {"holds", "does not hold"}
    for rounds in (None, [], {"limit": 40}):
        config = {**authors_config, "rounds": rounds}
        assert show(found, config=config).claims == whole
    limited = {**authors_config, "rounds": {"limit": 34}}
    shown = show(found, config=limited)
    assert set(shown.claims.values()) == {"not decided"}
    reasons = {b.partition(";")[0] for b in shown.reasons.values()}
    assert reasons <= {"rounds.limit is 34", "not run"}
    assert "rounds.limit is 34" in reasons


def test_an_arm_that_was_broken_off_undecides_no_other(show, make_arm):
    levels = {"shrink_perturb-0.6-0.01": 60.0, "shrink_perturb-0.8-0.01": 50.0}
    found = _online(make_arm, levels, "fig7_shrink_sweep")
    (begun, *_) = make_arm(
        "shrink_perturb-0-0.01",
        (30,),
        (1000, 2000),
        experiment="fig7_shrink_sweep",
        optimizer="adam",
    )
    lost = make_arm(
        "shrink_perturb-0.2-0.01",
        (30,),
        (1000, 2000),
        experiment="fig7_shrink_sweep",
        optimizer="adam",
        last_fields={"stopped_by": "nan"},
    )
    claims = show([*found, begun, *lost]).claims
    assert claims["shrink 0.6 ends above 0.8"] == "holds"


@pytest.mark.parametrize(
    "level, verdict",
    [
        (68.8, "match"),
        (65.9, "match"),
        (69.1, "inconclusive"),
        (69.8, "differs"),
    ],
)
def test_two_points_are_near_enough_to_dash(show, make_arm, level, verdict):
    found = make_arm(
        "cold",
        (level, level),
        tuple(range(1000, 51000, 1000)),
        experiment="dash_table1",
    )
    shown = show(found, config=DASH)
    verdicts = shown.column("Last chunk, ours and DASH's", "verdict")
    # DASH has 67.32 with a deviation of 0.51.
    assert verdicts["cold"] == verdict


@pytest.mark.parametrize(
    "threshold, gap, claim",
    [
        (0.99, 0.2, "cold and warm end alike"),
        (0.999, 1.0, "cold ends above warm"),
    ],
)
def test_svhn(show, make_arm, threshold, gap, claim):
    labels = {"train.threshold": threshold}
    levels = {"cold": 92.0, "warm": 92.0 - gap}
    fields = {"labels": labels, "dataset": "svhn_cropped"}
    name = "replication_svhn_threshold"
    shown = show(_online(make_arm, levels, name, **fields))
    claim = f"{claim}, stopping at {threshold}"
    assert shown.claims == {claim: "holds"}


def test_a_gap_is_not_taken_across_two_figures(show, make_arm):
    """Shrink-perturb is of Fig. 7, whose random start is another one."""
    levels = {"cold": 76.0, "warm": 63.6, "shrink_perturb-0.6-0.01": 76.6}
    shown = show(_online(make_arm, levels))
    last = "Last round of each arm"
    gaps = shown.column(last, "paper's gap")
    assert gaps == {
        "cold": "—",
        "warm": "−12.3",
        "shrink_perturb 0.6/0.01": "—",
    }
    assert shown.column(last, "paper %")["shrink_perturb 0.6/0.01"] == "76.6"


def test_unfinished_runs_of_another_protocol_have_no_verdict(
    show, make_arm, authors_config
):
    found = make_arm(
        "cold", (50.4,), SIZES, experiment="fig2_online", optimizer="adam"
    )[:1]
    for name, value in (("accuracy", 50.4), ("round", 5)):
        object.__setattr__(found[0], name, value)
    text = {True: "50.4 inconclusive", False: "50.4 other protocol"}
    for is_same, words in text.items():
        config = authors_config
        if not is_same:
            config["model"]["width"] = 64
        shown = show(found, config=config)
        accuracy = next(t for t in shown.tables if t.startswith("Held-out"))
        assert shown.tables[accuracy].lines[0][2] == words
        assert shown.tables[accuracy].header[1] == "cold (n = 1)"
