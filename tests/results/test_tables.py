"""Tables are exact text."""

import math

from ws_keras.results import tables


def test_summary_of_three_rows(make_row):
    rows = [
        make_row(arm="cold", accuracy=52.0, last=True),
        make_row(arm="warm", accuracy=48.25, last=True, stopped_by="cap"),
        make_row(arm="warm", seed=1, round=1),
    ]
    table = tables.summary(rows)
    assert "95 % t interval" in table.note
    assert tables.markdown(table.header, table.lines) == (
        "| experiment  | arm  | accuracy % | minus cold | 95 % interval "
        "| training % | epochs | sample passes | train s "
        "|             seeds | stopped by         |\n"
        "| ----------- | ---- | ---------: | ---------: | ------------: "
        "| ---------: | -----: | ------------: | ------: "
        "| ----------------: | ------------------ |\n"
        "| fig2_online | cold |       52.0 |          — |             — "
        "|       99.2 |   10.0 |        10,000 |     2.5 "
        "|                 1 | threshold          |\n"
        "| fig2_online | warm |       48.2 |       −3.8 |             — "
        "|       99.2 |   10.0 |        10,000 |     2.5 "
        "| 1 (+1 unfinished) | cap 1, threshold 1 |\n"
    )


def test_summary_sums_rounds_and_pairs_seeds(online_rows):
    cold, warm, shrunk = tables.summary(online_rows).lines
    assert warm[1:] == (
        "warm",
        "45.5 ± 0.5",
        "−2.0 ± 0.0",
        "−2.0 to −2.0",
        "99.2",
        "30.0",
        "30,000",
        "7.5",
        "2",
        "threshold",
    )
    assert cold[2] == "47.5 ± 0.5"
    assert shrunk[3] == "+1.0 ± 0.0"


def test_summary_without_a_finished_seed_shows_none(make_row):
    rows = [
        make_row(seed=0),
        make_row(seed=1, last=True, stopped_by="nan", loss=math.nan),
    ]
    (line,) = tables.summary(rows).lines
    assert line[9] == "0 (+1 unfinished, +1 ended by nan)"
    assert line[2:9] == ("—",) * 7
    assert line[10] == "nan 1, threshold 1"


def test_summary_names_cells_where_an_experiment_has_several(make_row):
    rows = [make_row(model=model, last=True) for model in ("mlp", "logistic")]
    names = [line[0] for line in tables.summary(rows).lines]
    assert names == [
        "fig2_online (cifar10, logistic, adam)",
        "fig2_online (cifar10, mlp, adam)",
    ]


def test_a_cold_arm_with_fewer_labels_is_paired(make_row):
    rows = [
        make_row(arm="cold", accuracy=50.0, last=True),
        make_row(
            setting="w", accuracy=47.0, last=True, labels={"second.rate": 0.1}
        ),
    ]
    _, warm = tables.summary(rows).lines
    assert warm[3] == "−3.0"
