"""Cells of a paper that ours lack have a line of their own."""

import pytest

LAST = "Last round of each arm"


def _not_run(shown, title, keys=("arm",)):
    """Returns what names each cell that was not run, to its number."""
    table = shown.tables[title]
    places = [table.header.index(key) for key in keys]
    paper, verdict = map(table.header.index, ("paper %", "verdict"))
    return {
        tuple(line[place] for place in places): line[paper]
        for line in table.lines
        if line[verdict] == "not run"
    }


def _rows(make_arm, experiment, arms, rounds=(1000, 33333), **fields):
    return [
        row
        for arm in arms
        for row in make_arm(
            arm, (60.0, 61.0), rounds, experiment=experiment, **fields
        )
    ]


def test_the_replications_halves(show, make_arm):
    arms = ("cold", "shrink_perturb-0.3-0.01")
    found = _rows(make_arm, "replication_offline", arms, optimizer="sgd")
    shown = show(found)
    assert _not_run(shown, "Last round, ours and the paper's") == {
        ("warm",): "58.6",
        ("shrink_perturb 0.6/0.01",): "59.6",
        ("shrink_perturb 0.1/0.01",): "81.1",
    }


def test_thresholds_of_svhn(show, make_arm):
    found = _rows(
        make_arm,
        "replication_svhn_threshold",
        ("cold", "warm"),
        dataset="svhn_cropped",
        optimizer="adam",
        labels={"train.threshold": 0.99},
    )
    keys = ("train.threshold", "arm")
    assert _not_run(show(found), LAST, keys) == {
        ("0.999", "cold"): "93.1",
        ("0.999", "warm"): "92.0",
    }


def test_the_grid_has_the_numbers_of_fig_7(show, make_arm):
    arms = ("shrink_perturb-0.6-0.01", "shrink_perturb-0.6-0.1", "cold")
    found = _rows(make_arm, "fig8_grid", arms, optimizer="adam")
    assert _not_run(show(found), "Last round of each cell") == {
        ("shrink_perturb 0.8/0.01",): "73.7",
        ("shrink_perturb 0.4/0.01",): "77.9",
        ("shrink_perturb 0.2/0.01",): "80.2",
        ("shrink_perturb 0/0.01",): "76.1",
    }


@pytest.mark.parametrize("label", ["resnet18", "mlp"])
def test_dash(show, make_arm, label):
    found = _rows(
        make_arm,
        "dash_table1",
        ("cold", "dash-0.3-0.3"),
        model=label,
        optimizer="sgd",
        labels={"model": label},
    )
    missing = _not_run(show(found), "Last chunk, ours and DASH's")
    rest = {
        ("warm",): "63.53 (0.56)",
        ("shrink_perturb 0.3/0.01",): "81.25 (0.14)",
    }
    if label == "mlp":
        # DASH prints numbers of the ResNet only.
        rest |= {
            ("cold",): "67.32 (0.51)",
            ("dash-0.3-0.3",): "84.08 (0.52)",
        }
    assert missing == rest


def test_curves_of_many_rounds(show, make_arm):
    found = _rows(make_arm, "fig2_online", ("cold",), optimizer="adam")
    assert _not_run(show(found), LAST) == {("warm",): "63.6"}
    arms = ("cold", "shrink_perturb-0.6-0.01")
    found = _rows(make_arm, "fig7_shrink_sweep", arms, optimizer="adam")
    assert _not_run(show(found), LAST) == {
        ("shrink_perturb 1/0.01",): "65.1",
        ("shrink_perturb 0.8/0.01",): "73.7",
        ("shrink_perturb 0.4/0.01",): "77.9",
        ("shrink_perturb 0.2/0.01",): "80.2",
        ("shrink_perturb 0/0.01",): "76.1",
    }


def test_curves_of_two_phases(show, make_arm):
    found = _rows(make_arm, "fig1_curves", ("cold",), optimizer="sgd")
    title = "Where the curves end"
    assert _not_run(show(found), title) == {("warm",): "56.6"}


def test_the_replications_decay(show, make_arm):
    found = _rows(
        make_arm,
        "replication_weight_decay",
        ("cold", "warm"),
        optimizer="sgd",
        labels={"penalty.weight": 0.1},
    )
    keys = ("penalty.weight", "arm")
    title = "Last round, ours and the paper's"
    assert _not_run(show(found), title, keys) == {
        ("0.01", "cold"): "62.73",
        ("0.01", "warm"): "61.22",
        ("0.001", "cold"): "60.42",
        ("0.001", "warm"): "58.63",
    }


def test_networks_that_were_not_shrunk(show, make_arm):
    measures = {"shrunk/0.8/accuracy": 47.0, "shrunk/0.8/entropy": 1.0}
    found = make_arm(
        "cold",
        (49.0, 49.0),
        experiment="fig6_shrinking",
        labels={"model": "mlp_relu"},
        measures=measures,
    )
    shown = show(found)
    assert list(shown.claims.values()) == ["not decided"] * 3
    assert list(shown.reasons.values()) == ["not run"] * 3
    table = shown.tables["Accuracy"]
    assert table.header[1] == "mlp_relu (n = 2)"
    line = dict(zip(table.header, table.lines[0], strict=True))
    assert line["mlp_relu (n = 2)"] == "47.0 ± 0.0"
    assert line["resnet18 (n = 0)"] == "—"
    place = table.header.index("resnet18 (n = 0)")
    assert table.lines[0][place + 1] == "77.9 not run"
    assert len(table.header) == 11


def test_two_cells_of_one_start_both_have_the_papers_number(show, make_arm):
    found = [
        row
        for width in (16, 32)
        for row in make_arm(
            "warm",
            (50.0, 51.0),
            experiment="fig4_checkpoints",
            cell=f"{width}/",
            labels={"train.first_epochs": 5, "model.width": width},
        )
    ]
    lines = show(found).tables["By start epoch"].lines
    fives = [line for line in lines if line[0] == "5"]
    assert [line[2:3] + line[5:7] for line in fives] == [
        ("50.5 ± 0.5", "2", "0.0")
    ] * 2
    assert len(lines) == 19
