"""Tables are exact text."""

import math

from ws_keras.results import statistics
from ws_keras.results import tables


def _arms(rows):
    (arms,) = statistics.cells(rows).values()
    return arms


def test_summary_of_three_rows(make_row):
    rows = [
        make_row(arm="cold", accuracy=52.0, last=True),
        make_row(arm="warm", accuracy=48.25, last=True, stopped_by="cap"),
        make_row(arm="warm", seed=1, round=1),
    ]
    assert tables.summary(rows) == (
        "| experiment  | arm  | accuracy % | minus cold | training % | epochs "
        "| sample passes | train s |             seeds | stopped by         |\n"
        "| ----------- | ---- | ---------: | ---------: | ---------: | -----: "
        "| ------------: | ------: | ----------------: | ------------------ |\n"
        "| fig2_online | cold |       52.0 |          — |       99.2 |   10.0 "
        "|        10,000 |     2.5 |                 1 | threshold          |\n"
        "| fig2_online | warm |       48.2 |       −3.8 |       99.2 |   10.0 "
        "|        10,000 |     2.5 | 1 (+1 unfinished) | cap 1, threshold 1 |\n"
    )


def test_summary_sums_rounds_and_pairs_seeds(online_rows):
    lines = tables.summary(online_rows).splitlines()
    cold, warm, shrunk = (line.split("|")[2:-1] for line in lines[2:])
    assert [part.strip() for part in warm] == [
        "warm",
        "45.5 ± 0.5",
        "−2.0 ± 0.0",
        "99.2",
        "30.0",
        "30,000",
        "7.5",
        "2",
        "threshold",
    ]
    assert cold[1].strip() == "47.5 ± 0.5"
    assert shrunk[2].strip() == "+1.0 ± 0.0"


def test_summary_without_a_finished_seed_shows_none(make_row):
    rows = [
        make_row(seed=0),
        make_row(seed=1, last=True, stopped_by="nan", loss=math.nan),
    ]
    line = tables.summary(rows).splitlines()[2]
    assert "| 0 (+1 unfinished, +1 ended by nan) |" in line
    assert line.count(" — ") == 6
    assert "nan 1, threshold 1" in line


def test_summary_names_cells_where_an_experiment_has_several(make_row):
    rows = [make_row(model=model, last=True) for model in ("mlp", "logistic")]
    text = tables.summary(rows)
    assert "fig2_online (cifar10, logistic, adam)" in text
    assert "fig2_online (cifar10, mlp, adam)" in text


def test_online_accuracy_beside_the_paper(online_rows):
    assert tables.online(_arms(online_rows), "accuracy") == (
        "| samples |       cold | paper, Fig. 2 |       warm | paper, Fig. 2 "
        "| shrink_perturb 0.6/0.01 | paper, Fig. 7 |\n"
        "| ------: | ---------: | ------------: | ---------: | ------------: "
        "| ----------------------: | ------------: |\n"
        "|   1,000 | 37.5 ± 0.5 |          31.5 | 35.5 ± 0.5 |          30.6 "
        "|              38.5 ± 0.5 |          35.2 |\n"
        "|   2,000 | 42.5 ± 0.5 |          36.3 | 40.5 ± 0.5 |          33.9 "
        "|              43.5 ± 0.5 |             — |\n"
        "|   3,000 | 47.5 ± 0.5 |          42.0 | 45.5 ± 0.5 |          37.0 "
        "|              48.5 ± 0.5 |             — |\n"
    )


def test_online_counts_seeds_where_some_are_missing(online_rows):
    partial = [r for r in online_rows if r.seed == 0 or r.round < 3]
    lines = tables.online(_arms(partial), "accuracy").splitlines()
    assert "45.0 (1)" in lines[-1]
    assert "(1)" not in lines[-2]


def test_online_without_the_paper_has_no_such_column(online_rows, make_row):
    own = [make_row(dataset="textures", round=n) for n in (1, 2)]
    assert "paper" not in tables.online(_arms(own), "accuracy")
    assert "paper" not in tables.online(_arms(online_rows), "sample_passes")
    assert "paper" in tables.online(_arms(online_rows), "train_seconds")


def test_two_phase_cells_and_verdicts(two_phase_rows):
    found = statistics.cells(two_phase_rows)
    lines = tables.two_phase(found).splitlines(keepends=True)
    assert "".join(lines[2:]) == (
        "| cifar10 | resnet18 | sgd       | cold | 56.5 (0.7) |     2 "
        "| 56.2 (1.0) | match   |\n"
        "| cifar10 | resnet18 | sgd       | warm | 40.5 (0.7) |     2 "
        "| 51.7 (0.9) | differs |\n"
    )


def test_two_phase_of_another_size_has_no_verdict(make_row):
    rows = [
        make_row(round=1, num_samples=500),
        make_row(round=2, num_samples=1000, last=True),
    ]
    line = tables.two_phase(statistics.cells(rows)).splitlines()[2]
    assert line.endswith("|     1 |       — |       — |")
