"""Charts hold means, bands and the paper's numbers."""

import math

import pytest

from ws_keras.report import charts
from ws_keras.report import epochs
from ws_keras.report import frontier
from ws_keras.report import per_round
from ws_keras.report import runs
from ws_keras.report import view
from ws_keras.storage import rows


def run_of(found, epochs=None, **options):
    recipe = view.Recipe(view=view.View(**options))
    return runs.Run("own", found, epochs or {}, recipe=recipe)


def test_a_curve_of_means_with_the_papers_points(online_rows):
    run = run_of(online_rows, paper=("fig2_online",), x=view.SAMPLES)
    chart = charts.curve(run)
    assert chart.is_main
    (panel,) = chart.panels
    ours = [s for s in panel.series if not s.is_paper]
    assert [s.name for s in ours] == [
        "cold",
        "warm",
        "shrink_perturb 0.6/0.01",
    ]
    assert ours[0].x == (1.0, 2.0, 3.0)
    assert ours[0].y == (37.5, 42.5, 47.5)
    assert ours[0].error == pytest.approx((0.5, 0.5, 0.5))
    theirs = [s for s in panel.series if s.is_paper]
    assert [(s.arm, s.name) for s in theirs] == [
        ("cold", "paper (Fig. 2)"),
        ("warm", "paper (Fig. 2)"),
    ]
    # Read off with half a point.
    assert (theirs[0].y, theirs[0].error) == (
        (31.5, 36.3, 42.0),
        (0.5, 0.5, 0.5),
    )


def test_begun_seeds_are_in_the_curve(make_row):
    chart = charts.curve(run_of([make_row(accuracy=31.0)]))
    (series,) = chart.panels[0].series
    assert (series.x, series.y) == ((1.0,), (31.0,))


def test_over_a_label_and_the_gap(make_arm):
    found = []
    for weight, level in ((0.001, 50), (0.1, 60)):
        labels = {"penalty.weight": weight}
        fields = {"labels": labels, "cell": f"{weight}/"}
        found += make_arm("cold", (level, level + 2), **fields)
        found += make_arm("warm", (level - 5, level - 3), **fields)
    chart = charts.over(run_of(found, x="penalty.weight"))
    accuracy, gaps = chart.panels
    assert accuracy.x_label == "Weight" and accuracy.is_log
    assert {s.name: s.y for s in accuracy.series} == {
        "cold": (51.0, 61.0),
        "warm": (46.0, 56.0),
    }
    (gap,) = gaps.series
    assert (gap.x, gap.y) == ((0.001, 0.1), (-5.0, -5.0))


def test_a_cold_start_without_a_place_is_a_level_line(make_arm):
    found = make_arm("cold", (50, 52), (33333,))
    for start in (5, 25):
        labels = {"train.first_epochs": start}
        cell = f"{start}/"
        found += make_arm("warm", (45, 47), labels=labels, cell=cell)
    accuracy = charts.over(run_of(found, x="train.first_epochs")).panels[0]
    assert {s.name: (s.x, s.y) for s in accuracy.series} == {
        "cold": ((5.0, 25.0), (51.0, 51.0)),
        "warm": ((5.0, 25.0), (46.0, 46.0)),
    }


def test_several_cells_have_a_panel_each(make_arm):
    found = []
    for name in ("l2", "confidence"):
        for weight in (0.1, 0.01):
            labels = {"penalty.name": name, "penalty.weight": weight}
            cell = f"{name}{weight}/"
            found += make_arm("cold", (50, 52), labels=labels, cell=cell)
    chart = charts.over(run_of(found, x="penalty.weight"))
    assert [panel.title for panel in chart.panels] == ["confidence", "l2"]


def test_last_rounds_are_dots_row_by_row(make_arm):
    found = [*make_arm("cold", (50, 52)), *make_arm("warm", (45, math.nan))]
    (panel,) = charts.last(run_of(found)).panels
    assert (panel.kind, panel.words) == ("dots", ("cold", "warm"))
    assert {s.name: (s.x, s.y) for s in panel.series} == {
        "cold": ((51.0,), (0,)),
        "warm": ((45.0,), (1,)),
    }
    cells = [
        row
        for model in ("mlp", "logistic")
        for row in make_arm("cold", (50,), model=model)
    ]
    (panel,) = charts.last(run_of(cells)).panels
    assert panel.words == ("logistic", "mlp")


def test_accuracy_against_cost(make_row):
    found = [
        make_row(arm="cold", last=True, accuracy=60.0, sample_passes=20_000),
        make_row(arm="warm", last=True, accuracy=50.0, sample_passes=5_000),
    ]
    passes, cpu = charts.cost(run_of(found)).panels
    assert {s.name: (s.x, s.y) for s in passes.series} == {
        "cold": ((20.0,), (60.0,)),
        "warm": ((5.0,), (50.0,)),
    }
    assert "CPU" in cpu.x_label
    old = [make_row(last=True, cpu_seconds=math.nan)]
    (only,) = charts.cost(run_of(old)).panels
    assert "passes" in only.x_label
    # Costs of some arms alone would compare nothing.
    some = [make_row(arm="fire", last=True, cpu_seconds=math.nan), *found]
    (only,) = charts.cost(run_of(some)).panels
    assert {s.name for s in only.series} == {"cold", "warm", "fire"}
    # A mean of fewer seeds is marked.
    more = [make_row(arm="cold", seed=1, last=True, accuracy=64.0), *found]
    for chart in (charts.cost(run_of(more)), frontier.chart(run_of(more))):
        drawn = {s.name: (s.arm, *s.y) for s in chart.panels[0].series}
        drawn.pop("frontier", None)
        assert drawn == {"cold": ("cold", 62), "warm (n = 1)": ("warm", 50)}


def test_grid(make_arm):
    cells = {(0, 1): 75.0, (1, 0): 63.0, (0.4, 0): 70.0}
    found = [
        row
        for (shrink, perturb), level in cells.items()
        for row in make_arm(f"shrink_perturb-{shrink}-{perturb}", (level,))
    ]
    panel, *_ = charts.grid(run_of(found)).panels
    assert (panel.columns, panel.words) == (("0", "0.4", "1"), ("0", "1"))
    assert panel.values[0][1:] == (70.0, 63.0)
    assert panel.values[1][0] == 75.0 and math.isnan(panel.values[1][1])


def test_nothing_is_no_chart(make_arm):
    found = make_arm("cold", (math.nan,), last_fields={"stopped_by": "nan"})
    run = run_of(found[1:])
    for make in (charts.last, charts.cost, charts.grid):
        assert make(run) is None


def _life(setting, lengths, levels):
    numbers = [n for n, k in enumerate(lengths, 1) for _ in range(k)]
    return [
        rows.Epoch(
            setting=setting,
            round=number,
            epoch=epoch,
            loss=1.0,
            train_accuracy=levels[epoch - 1],
            accuracy=math.nan,
            learning_rate=1e-3,
            samples_per_second=1.0,
            measures={"width": levels[epoch - 1]},
        )
        for epoch, number in enumerate(numbers, 1)
    ]


def test_equal_rounds_are_a_mean_over_epochs(make_arm):
    found = make_arm("warm", (50, 52))
    names = [*dict.fromkeys(row.setting for row in found)]
    lives = {
        name: _life(name, (2, 1), [10.0 + n, 20.0 + n, 30.0 + n])
        for n, name in enumerate(names)
    }
    (chart,) = epochs.curves(run_of(found, lives))
    (panel,) = chart.panels
    assert panel.x_label == "Epoch"
    (series,) = panel.series
    assert (series.x, series.y) == ((1, 2, 3), (10.5, 20.5, 30.5))
    (measured,) = epochs.measures(run_of(found, lives))
    assert measured.panels[0].y_label == "width"


def test_unequal_rounds_are_one_mean_over_rounds(make_arm):
    """Not a line for each of fifteen seeds."""
    found = make_arm("warm", (50, 52))
    names = [*dict.fromkeys(row.setting for row in found)]
    lives = {
        names[0]: _life(names[0], (2, 2), [10.0, 20.0, 10.0, 20.0]),
        names[1]: _life(names[1], (4, 1), [5.0, 10.0, 15.0, 20.0, 20.0]),
    }
    (chart,) = epochs.curves(run_of(found, lives))
    (panel,) = chart.panels
    assert panel.x_label.startswith("Round")
    (series,) = panel.series
    at = dict(zip(series.x, series.y, strict=True))
    # The ends of both rounds, and the middle of the first.
    assert (at[0.5], at[1.0], at[2.0]) == (10.0, 20.0, 20.0)
    assert series.x[-1] == 2.0


def test_only_so_many_cells_have_curves(make_arm, make_epochs):
    found = [
        row
        for number in range(14)
        for row in make_arm(
            "warm", (50,), cell=f"{number}/", labels={"x": number}
        )
    ]
    lives = {row.setting: make_epochs(row.setting) for row in found}
    *drawn, text = epochs.curves(run_of(found, lives))
    assert len(drawn) == 12 and "first 12 of 14 cells" in text.text


def test_tables_after_each_round(online_rows):
    run = run_of(online_rows, paper=("fig2_online",), x=view.SAMPLES)
    accuracy, gaps, cost = per_round.samples(run)
    (table,) = accuracy.blocks
    assert table.header[:3] == ("samples", "cold (n = 2)", "paper, Fig. 2")
    assert [line[0] for line in table.lines] == [1000, 2000, 3000]
    assert table.lines[2][1].value == 47.5
    assert table.lines[2][2].value == 42.0
    assert gaps.blocks[-1].lines[0][1].value == -2.0
    assert [block.title for block in cost.blocks] == [
        "Sample passes",
        "CPU-seconds",
    ]
