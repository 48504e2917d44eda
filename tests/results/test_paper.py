"""The paper's numbers are found only for what the paper ran."""

import pytest

from ws_keras.results import paper
from ws_keras.results import statistics


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


def test_all_numbers_say_how_exact_they_are():
    numbers = paper.numbers()
    names = [name for name in numbers if name != "about"]
    assert names == ["table1", "fig1", "fig2", "fig7"]
    assert "as printed" in paper.precision("table1")
    for name in names[1:]:
        assert paper.precision(name).startswith("read from the figure")


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


def test_table_1_needs_the_papers_sizes(two_phase_rows, make_row):
    ((cell, arms),) = statistics.cells(two_phase_rows).items()
    runs = statistics.runs(arms["warm"])
    assert paper.table1(cell, "warm", runs) == (51.7, 0.9)
    small = statistics.runs([make_row(num_samples=4000, last=True)])
    assert paper.table1(cell, "warm", small) is None
    nothing = statistics.runs([])
    assert paper.table1(cell, "warm", nothing) is None
    assert paper.table1(cell._replace(dataset="x"), "warm", nothing) is None
