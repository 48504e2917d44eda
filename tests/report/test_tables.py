"""Tables are exact text."""

import math

from ws_keras.report import tables


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
        "| training % | epochs | sample passes | train s | CPU s "
        "|             seeds | stopped by         |\n"
        "| ----------- | ---- | ---------: | ---------: | ------------: "
        "| ---------: | -----: | ------------: | ------: | ----: "
        "| ----------------: | ------------------ |\n"
        "| fig2_online | cold |       52.0 |          — |             — "
        "|       99.2 |   10.0 |        10,000 |     2.5 |   4.5 "
        "|                 1 | threshold          |\n"
        "| fig2_online | warm |       48.2 |       −3.8 |             — "
        "|       99.2 |   10.0 |        10,000 |     2.5 |   4.5 "
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
        "13.5",
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
    assert line[10] == "0 (+1 unfinished, +1 ended by nan)"
    assert line[2:10] == ("—",) * 8
    assert line[11] == "nan 1, threshold 1"


def test_cpu_seconds_have_a_column_where_they_were_measured(make_row):
    """Rows of an earlier version have none, and show that they have none."""
    old = [
        make_row(arm="cold", last=True, cpu_seconds=math.nan),
        make_row(arm="warm", last=True, cpu_seconds=math.nan),
    ]
    table = tables.summary(old)
    assert "CPU s" not in table.header and "CPU" not in table.note
    assert {len(line) for line in table.lines} == {len(table.header)}
    new = make_row(arm="warm", seed=1, last=True, cpu_seconds=250.4)
    table = tables.summary([*old, new])
    place = table.header.index("CPU s")
    assert [line[place] for line in table.lines] == ["—", "250"]
    # A setting that an earlier version has begun has no sum.
    half = [
        make_row(arm="warm", round=1, cpu_seconds=math.nan),
        make_row(arm="warm", round=2, last=True, cpu_seconds=5.0),
        make_row(arm="cold", last=True, cpu_seconds=5.0),
    ]
    cold, warm = tables.summary(half).lines
    assert (cold[place], warm[place]) == ("5.0", "—")


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
