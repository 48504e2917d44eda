"""The table of numbers holds all that were read, each with its source."""

import csv
import json
import math
import pathlib

import pytest

from ws_keras.report import formatting
from ws_keras.report import paper

# As they were read: figure by figure, in the figures' own order.
READ = json.loads(
    pathlib.Path(__file__).with_name("paper_as_read.json").read_text()
)
EXPERIMENTS = {
    "table1": "table1_two_phase",
    "fig1": "fig1_curves",
    "fig2": "fig2_online",
    "fig3": "fig3_hyperparameters",
    "fig4": "fig4_checkpoints",
    "fig5": "fig5_gradients",
    "fig6": "fig6_shrinking",
    "fig7": "fig7_shrink_sweep",
    "fig9": "fig9_transfer",
    "appendix_table3": "appendix_table3_penalties",
    "appendix_table4": "appendix_table4_noise",
    "replication_online": "replication_svhn_threshold",
}
# What is no number of a paper, but how a run is to be done.
NOT_READ = ("protocol", "num_samples", "samples_per_round", "num_rounds")
NOT_READ += ("epochs_per_round", "shrink", "perturb", "fractions", "batch")
NOT_READ += ("rough_fractions", "learning_rates", "batch_sizes", "weights")
NOT_READ += ("arms", "epoch", "start_epoch", "std_of_minutes")


def numbers(value):
    """All numbers below a block, without its axes."""
    if isinstance(value, dict):
        for name, part in value.items():
            if name not in NOT_READ:
                yield from numbers(part)
    elif isinstance(value, list):
        for part in value:
            yield from numbers(part)
    elif isinstance(value, int | float):
        yield float(value)


@pytest.mark.parametrize("block", [name for name in READ if name != "about"])
def test_each_number_that_was_read_is_in_the_table(block):
    name = EXPERIMENTS.get(block, block)
    mine = [n for n in paper.table() if n.experiment == name]
    assert {n.source for n in mine} == {READ[block]["where"]}
    known = {n.mean for n in mine} | {n.std for n in mine}
    if block == "fig4":
        known.add(120.0)  # the place of the plateau
    if block == "replication_table1":
        # It prints standard errors of five runs.
        known = {n.mean for n in mine}
        stds = {n.std for n in mine}
        for mean, error in READ[block]["cells"].values():
            assert mean in known
            assert round(error * math.sqrt(5), 1) in stds
        return
    found = list(numbers(READ[block]))
    assert found and not [value for value in found if value not in known]


@pytest.mark.parametrize(
    ("where", "value", "std"),
    [
        (("table1_two_phase", "warm", "cifar10/resnet18/adam"), 74.4, 0.9),
        (("fig2_online", "cold", "cifar10/resnet18/adam", 33333), 75.9, None),
        (
            (
                "fig7_shrink_sweep",
                "shrink_perturb 0.6/0.01",
                "cifar10/resnet18/adam",
                20000,
            ),
            70.6,
            None,
        ),
        (
            (
                "fig9_transfer",
                "shrink_perturb 0.3/0.0001",
                "cifar100/cifar10/resnet18/adam",
                0.5,
            ),
            77.6,
            None,
        ),
        (
            (
                "appendix_table3_penalties",
                "cold",
                "cifar10/resnet18/sgd/l2",
                0.1,
            ),
            72.7,
            4.2,
        ),
        (("fig6_shrinking", "cold", "cifar10/mlp_tanh", 0.1), 25.0, None),
        (
            (
                "replication_svhn_threshold",
                "warm",
                "svhn_cropped/resnet18/adam/0.999",
                48838,
            ),
            92.0,
            None,
        ),
        (("dash_table1", "dash-0.3-0.3", "cifar10/resnet18/sgd"), 84.08, 0.52),
    ],
)
def test_numbers_are_found_by_what_was_run(where, value, std):
    experiment, *rest = where
    found = paper.find((experiment,), *rest)
    assert found.mean == value
    assert found.std == std if std else math.isnan(found.std)


def test_keys_are_unique_and_fields_are_known():
    lines = list(csv.DictReader(open(paper.__file__[:-2] + "csv")))
    assert len(lines) == len(paper.table()) > 700
    for number in paper.table():
        assert number.arm and number.cell and number.source
        assert number.precision.removeprefix("~").strip("±0.5 %2") in (
            "",
            "printed",
            "exact",
        )


def test_margins_and_reading_errors():
    half, share = (
        paper.find(names, arm, "cifar10/resnet18/adam", x, measure)
        for names, arm, x, measure in (
            (("fig2_online",), "warm", 1000.0, "accuracy"),
            (("fig2_online",), "cold", 10000.0, "seconds"),
        )
    )
    assert (half.error, half.tolerance) == (0.5, 2.0)
    assert share.error == pytest.approx(0.05 * 95)
    assert share.tolerance == pytest.approx(0.3 * 95)
    printed = paper.find(("table1_two_phase",), "cold", "cifar10/mlp/sgd", None)
    assert math.isnan(printed.error) and printed.tolerance == 1.0


@pytest.mark.parametrize(
    ("names", "arm", "cell", "x", "text"),
    [
        ("fig2_online", "warm", "cifar10/resnet18/adam", 1000, "30.6 ± 0.5"),
        ("table1_two_phase", "cold", "cifar10/mlp/sgd", None, "39.0 (0.2)"),
        (
            "fig7_shrink_sweep",
            "cold",
            "cifar10/resnet18/adam",
            1000,
            "~36.7 ± 0.5",
        ),
        (
            "fig9_transfer",
            "cold",
            "cifar10/svhn_cropped/resnet18/adam",
            0.04,
            "~78.4 ± 2.0",
        ),
    ],
)
def test_numbers_are_shown_with_what_they_are_exact_to(
    names, arm, cell, x, text
):
    number = paper.find((names,), arm, cell, x)
    assert formatting.text(number.cell_of_table()) == text


def test_a_curve_is_not_mixed_from_two_figures():
    """Fig. 2 has a cold start at 2,000 samples, and Fig. 7 has none."""
    names, cell = ("fig7_shrink_sweep", "fig2_online"), "cifar10/resnet18/adam"
    assert paper.find(names, "cold", cell, 2000.0) is None
    assert paper.find(names[::-1], "cold", cell, 2000.0).mean == 36.3
    assert paper.find(names, "warm", cell, 2000.0).mean == 33.9
