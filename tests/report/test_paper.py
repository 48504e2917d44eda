"""The paper's numbers are found only for what the paper ran."""

import pytest

from ws_keras.report import paper


def test_every_cell_of_table_1_is_there():
    cells = paper.numbers()["table1"]["cells"]
    assert len(cells) == 36
    assert cells["cifar10/resnet18/sgd/cold"] == [56.2, 1.0]
    assert cells["svhn_cropped/mlp/adam/warm"] == [69.4, 0.6]
    assert cells["cifar100/logistic/sgd/warm"] == [16.3, 0.28]


def test_curves_are_as_long_as_their_axes():
    numbers = paper.numbers()
    for name in ("fig2", "fig7"):
        size = len(numbers[name]["num_samples"])
        assert {len(v) for v in numbers[name]["accuracy"].values()} == {size}
    for curve in numbers["fig1"]["curves"].values():
        assert len(curve["epoch"]) == len(curve["value"])


def test_all_numbers_say_where_they_are_from_and_how_exact():
    numbers = paper.numbers()
    names = [name for name in numbers if name != "about"]
    assert names == [
        "table1",
        "fig1",
        "fig2",
        "fig3",
        "fig4",
        "fig5",
        "fig7",
        "fig9",
        "appendix_table3",
        "appendix_table4",
        "replication_table1",
        "fig6",
        "replication_online",
        "replication_fig1",
        "replication_offline",
        "replication_weight_decay",
        "dash_table1",
    ]
    sources = {"figure", "text", "replication", "dash"}
    for name in names:
        assert numbers[name]["source"] in sources
        assert numbers[name]["where"]
        assert paper.precision(name)
        assert all("." in field for field in numbers[name]["protocol"])
    assert "as printed" in paper.precision("table1")
    assert paper.precision("fig2").startswith("read from the figure")


def test_shapes_fit_together():
    numbers = paper.numbers()
    left, right = numbers["fig4"]["half_data"], numbers["fig4"]["difference"]
    assert len(left["epoch"]) == len(left["accuracy"]) == 9
    assert len(right["start_epoch"]) == len(right["value"]) == 18
    norms = numbers["fig5"]["norms"]
    assert len(norms) == 10
    assert {len(v) for v in norms.values()} == {len(numbers["fig5"]["batch"])}
    panels = numbers["fig9"]["panels"]
    assert len(panels) == 6
    for curves in panels.values():
        assert [*curves] == ["cold", "warm", "shrink_perturb"]
        sizes = {len(curve) for curve in curves.values()}
        assert sizes == {len(numbers["fig9"]["fractions"])}
    block = numbers["appendix_table3"]
    assert len(block["cells"]) == 6
    assert {len(v) for v in block["cells"].values()} == {len(block["weights"])}
    block = numbers["appendix_table4"]
    for field in ("accuracy", "minutes"):
        assert len(block[field]) == len(block["perturb"])
    assert len(numbers["replication_table1"]["cells"]) == 54
    curves = numbers["fig6"]["accuracy"]
    assert {len(c) for c in curves.values()} == {len(numbers["fig6"]["shrink"])}
    for series in numbers["replication_online"]["series"].values():
        sizes = {len(series[k]) for k in ("num_samples", "cold", "warm")}
        assert len(sizes) == 1
    assert len(numbers["dash_table1"]["cells"]) == 8


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("fig3/best/cold", [78, 80]),
        ("fig4/half_data/peak_epoch", 75),
        ("fig5/start_ratio/warm", 18),
        ("fig5/start_ratio/0.7", 1.35),
        ("fig7/round_seconds/0.6", [105, 153]),
        ("appendix_table3/cells/l2%cold", [72.7, 4.2]),
        ("appendix_table4/cold/minutes", 34.0),
        ("replication_table1/cells/svhn_cropped%mlp%sgd%cold", [39.4, 7.1]),
        ("replication_table1/cells/cifar100%resnet18%momentum%warm", None),
        ("replication_offline/accuracy/0.1", 81.1),
        ("replication_weight_decay/warm", [81.16, 61.22, 58.63]),
        ("dash_table1/cells/cifar10%dash", None),
    ],
)
def test_some_numbers(path, value):
    found = paper.numbers()
    for part in path.split("/"):
        found = found[part.replace("%", "/")]
    if path.endswith("momentum%warm"):
        value = [30.6, 0.3]
    elif path.endswith("dash"):
        found, value = found["steps"], [6490.0, 399.0]
    elif path.endswith("l2%cold"):
        found = found[0]
    assert found == value


def test_online_curves_of_figures_2_and_7(make_row):
    warm = paper.online(make_row(arm="warm"), "accuracy")
    assert warm.where == "Fig. 2"
    assert (warm.at(1000), warm.at(5000), warm.at(33333)) == (30.6, 43.7, 63.6)
    assert warm.at(4000) is None
    cold = paper.online(make_row(arm="cold"), "train_seconds")
    assert cold.at(33333) == 513
    ours = make_row(arm="shrink_perturb", shrink=0.6, perturb=0.01)
    assert paper.online(ours, "accuracy").at(5000) == 51.6
    assert paper.online(ours, "sample_passes") is None


@pytest.mark.parametrize(
    "change",
    [
        {"dataset": "textures"},
        {"model": "mlp"},
        {"optimizer": "sgd"},
        {"num_samples": 5000},
        {"arm": "shrink_perturb", "shrink": 0.6, "perturb": 0.1},
        {"arm": "shrink_perturb", "shrink": 0.5, "perturb": 0.01},
        {"arm": "dash"},
    ],
)
def test_no_online_curve_for_another_protocol(make_row, change):
    assert paper.online(make_row(**change), "accuracy") is None


def test_epoch_curves_need_rounds_of_the_papers_length(make_row):
    ours = {"optimizer": "sgd", "stopped_by": "epochs"}
    curve = paper.epochs(make_row(**ours, epochs=350), "accuracy")
    assert curve.at(690) == 56.6
    assert paper.epochs(make_row(**ours, epochs=200), "accuracy") is None
    assert paper.epochs(make_row(epochs=350), "accuracy") is None
