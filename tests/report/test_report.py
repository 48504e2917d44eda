"""A report shows everything readable and says what is not."""

import json
import shutil
import sys
import urllib.parse

import pytest

from ws_keras.report import report
from ws_keras.report.render import drawing
from ws_keras.report.render import html
from ws_keras.storage import rows


def test_online_report(online_rows, make_run):
    folder = make_run(online_rows)
    written = report.write(folder.path)
    text = written.markdown.read_text()
    assert written.markdown == folder.path / "report" / "report.md"
    assert text.startswith("# fig2_online\n")
    assert written.summary in text
    assert "### Held-out accuracy (%) over samples" in text
    assert "### Difference from cold (points)" in text
    assert "### Training seconds of each round" in text
    assert "### What the paper claims" in text
    assert "read from the figure" in text
    assert "| keras " in text
    assert written.problems == []


def test_figures_and_page_lie_beside_the_text(online_rows, make_run):
    pytest.importorskip("matplotlib", reason="needs the extra `report`")
    pytest.importorskip("plotly", reason="needs the extra `report`")
    written = report.write(make_run(online_rows).path)
    names = [path.name for path in written.figures]
    assert names == [
        "online-fig2_online-cifar10-resnet18-adam.png",
        "online-fig2_online-cifar10-resnet18-adam.svg",
    ]
    assert all(path.stat().st_size > 1000 for path in written.figures)
    assert f"({names[0]})" in written.markdown.read_text()
    page = written.html.read_text(encoding="utf8")
    assert written.html == written.markdown.with_name("report.html")
    assert "Difference from cold (points)" in page
    assert str(written.html) in str(written).splitlines()


def test_what_the_config_says_stands_first(online_rows, make_run):
    recipe = (
        "Figure 2: many rounds.\n\nWarm starts fall\nbehind.\n\n"
        "    python -m launch.run --config=x\n\nTwo hours."
    )
    settings = [*dict.fromkeys(row.setting for row in online_rows)]
    folder = make_run(
        online_rows, recipe=recipe, settings=[*settings, "fig2_online/dash-1/s"]
    )
    text = report.write(folder.path).markdown.read_text()
    first = text.index("## Figure 2: many rounds\n\nWarm starts fall behind.")
    assert first < text.index("```\npython -m launch.run") < text.index("Two h")
    assert text.index("Two hours.") < text.index("## Summary")
    assert (
        "Partial: 6 of 7 settings are finished; 1 are not run "
        "(fig2\\_online/dash-1/s)." in text.replace("fig2_", "fig2\\_")
    )


def test_without_libraries_the_text_is_there(
    online_rows, make_run, monkeypatch
):
    for name in ("matplotlib", "plotly"):
        monkeypatch.setitem(sys.modules, name, None)
    html._plotly.cache_clear()
    written = report.write(make_run(online_rows).path)
    assert (written.figures, written.html) == ([], None)
    assert "matplotlib" in written.problems[0]
    assert "plotly" in written.problems[1]
    text = written.markdown.read_text()
    assert "Figures need matplotlib" in text
    assert "![" not in text


def test_two_phase_report_with_curves(two_phase_rows, make_epochs, make_run):
    settings = dict.fromkeys(row.setting for row in two_phase_rows)
    epochs = [epoch for name in settings for epoch in make_epochs(name)]
    written = report.write(make_run(two_phase_rows, epochs).path)
    text = written.markdown.read_text()
    assert "### Last round" in text
    assert "over samples" not in text
    names = {path.stem for path in written.figures}
    assert names <= {"epochs-table1-cifar10-resnet18-sgd", "finals-table1"}


def test_first_round_alone_gives_a_summary(make_row, make_run):
    row = make_row(experiment="own")
    written = report.write(make_run([row]).path)
    assert "0 (+1 unfinished)" in written.summary
    assert written.figures == []


def test_string_is_what_fits_a_terminal(make_row, make_run):
    written = report.write(make_run([make_row()]).path)
    lines = str(written).splitlines()
    assert lines[0].startswith("| experiment")
    assert lines[-1] == str(written.markdown)


def test_data_set_paths_become_file_names(make_row, make_run):
    found = [make_row(dataset="npz:/home/me/x y.npz", round=n) for n in (1, 2)]
    for path in report.write(make_run(found).path).figures:
        assert (
            path.stem == "online-fig2_online-npz-home-me-x-y.npz-resnet18-adam"
        )


def test_half_written_run_shows_what_is_readable(online_rows, make_run):
    folder = make_run(online_rows)
    with open(folder.rows_path("fig2_online/warm/seed1"), "a") as file:
        file.write('{"setting": "fig2')
    cold = folder.rows_path("fig2_online/cold/seed0")
    cold.write_text("garbage\n" + cold.read_text())
    (folder.path / "run.json").write_text('{"config": {')
    written = report.write(folder.path)
    text = written.markdown.read_text()
    assert "## Not shown" in text
    assert "run.json cannot be read" in text
    assert "seed0/rows.jsonl, line 1: not a JSON line" in text
    assert "seed1/rows.jsonl: the last line has no end" in text
    assert len(written.problems) == 3
    assert "47.5 ± 0.5" in written.summary


def test_rows_of_another_schema_are_named(make_row, make_run, unsigned):
    folder = make_run([make_row(seed=0, last=True), make_row(seed=1)])
    path = folder.rows_path("fig2_online/warm/seed1")
    path.write_text(unsigned(path).replace('"schema": 3', '"schema": 4'))
    written = report.write(folder.path)
    assert "schema=4" in written.problems[0]
    assert "| fig2_online | warm |" in written.summary


def test_foreign_and_empty_folders_are_refused(tmp_path, make_row, make_run):
    for path in (tmp_path, tmp_path / "missing"):
        with pytest.raises(ValueError, match="must be the folder of a run"):
            report.write(path)
    folder = make_run([])
    with pytest.raises(ValueError, match="must hold at least one row"):
        report.write(folder.path)
    rows.append(folder.rows_path("a/seed0"), make_row())
    folder.rows_path("a/seed0").write_text("garbage\n")
    with pytest.raises(ValueError, match="at least one row.*not a JSON line"):
        report.write(folder.path)
    assert not (folder.path / "report").exists()
    (folder.path / "run.json").unlink()
    with pytest.raises(ValueError, match="run.json: missing.*not a JSON line"):
        report.write(folder.path)


def test_rows_without_their_run_are_shown(online_rows, make_run):
    folder = make_run(online_rows)
    (folder.path / "run.json").unlink()
    written = report.write(folder.path)
    assert written.problems == [
        f"{folder.path}/run.json: missing; config and versions are not known."
    ]
    assert "47.5 ± 0.5" in written.summary


def test_setting_without_one_of_its_rounds_is_unfinished(online_rows, make_run):
    gap = [r for r in online_rows if (r.seed, r.round) != (0, 2)]
    whole = [r for r in online_rows if r.seed]
    written = report.write(make_run(gap).path)
    assert written.problems == [
        f"fig2_online/{arm}/seed0: round 2 is missing; what it has cost is not "
        "known, so the later rounds and their accuracies are left out."
        for arm in ("cold", "shrink_perturb", "warm")
    ]
    alone = report.write(make_run(whole, name="whole").path)
    for one, other in zip(_cells(written), _cells(alone), strict=True):
        assert one["accuracy %"] == other["accuracy %"]
        assert one["sample passes"] == other["sample passes"] == "30,000"
        assert one["seeds"] == "1 (+1 unfinished)"
    assert "Partial: 3 of 6 settings are finished; 3 are unfinished." in (
        written.markdown.read_text()
    )


def test_rounds_in_another_order_are_the_same_rounds(online_rows, make_run):
    written = report.write(make_run(online_rows[::-1]).path)
    assert written.problems == []
    assert "Partial" not in written.markdown.read_text()
    assert {line["seeds"] for line in _cells(written)} == {"2"}


def test_a_round_counts_once(online_rows, make_epochs, make_run):
    name = "fig2_online/warm/seed0"
    folder = make_run(online_rows, make_epochs(name))
    once = report.write(folder.path)
    page = once.markdown.read_text()
    path, epochs = folder.rows_path(name), folder.epochs_path(name)
    copy = folder.folder("fig2_online/warm/seed0.bak")
    shutil.copytree(path.parent, copy)
    path.write_text(path.read_text() + path.read_text().splitlines()[2] + "\n")
    twice = report.write(folder.path)
    assert twice.summary == once.summary
    again = "of a setting that is there already; left out."
    assert twice.problems == [
        f"{path}: 1 row is {again}",
        f"{copy / path.name}: 3 rows are {again}",
        f"{copy / epochs.name}: 5 epochs are {again}",
    ]
    _, _, rest = twice.markdown.read_text().partition("## Summary")
    assert rest == page.partition("## Summary")[2]


def test_rounds_of_another_training_are_no_part(online_rows, make_run):
    """A copy that went on must not be spliced to what it was copied from."""
    name = "fig2_online/warm/seed0"
    folder = make_run(online_rows)
    path = folder.rows_path(name)
    copy = folder.folder("fig2_online/warm/seed0.bak") / path.name
    copy.parent.mkdir()
    shutil.copy(path, copy)
    path.write_text("".join(path.read_text().splitlines(True)[:2]))
    written = report.write(folder.path)
    assert written.problems == [
        f"{copy}: 3 rows are of a setting that is there already; left out."
    ]
    (line,) = [c for c in _cells(written) if c["arm"] == "warm"]
    assert line["seeds"] == "1 (+1 unfinished)"


def test_lines_of_one_file_share_a_sentence(online_rows, make_run):
    folder = make_run(online_rows)
    path = folder.rows_path("fig2_online/warm/seed0")
    path.write_text("oops\n\n[]\n")
    (problem,) = report.write(folder.path).problems
    assert problem == (
        f"{path}: 3 lines cannot be read; the first: line 1: not a JSON line. "
        "Received: b'oops'."
    )


def test_odd_values_cost_their_line_alone(make_row, make_run, unsigned):
    found = [make_row(arm=arm, last=True) for arm in ("cold", "warm")]
    folder = make_run(found)
    path = folder.rows_path("fig2_online/warm/seed0")
    line = unsigned(path)
    for other, words in (
        (line.replace('"steps": 80', f'"steps": {10**400}'), "smaller than"),
        (line.replace('"measures": {}', '"measures": {"a": "b"}'), "numbers"),
    ):
        path.write_text(other)
        written = report.write(folder.path)
        assert words in written.problems[0]
        assert [cell["arm"] for cell in _cells(written)] == ["cold"]


def test_config_of_another_experiment_judges_nothing(
    online_rows, make_run, authors_config
):
    folder = make_run(online_rows)
    path = folder.path / "run.json"
    for experiment, is_known in (("fig2_online", True), ("other", False)):
        config = {**authors_config, "experiment": experiment}
        path.write_text(json.dumps({"config": config}))
        text = report.write(folder.path).markdown.read_text()
        assert ("model.width not known" in text) is not is_known


def _cells(written):
    """Returns the lines of a summary as dictionaries."""
    header, _, *lines = (
        [part.strip() for part in line.strip("|").replace("\\", "").split("|")]
        for line in written.summary.splitlines()
    )
    return [dict(zip(header, line, strict=True)) for line in lines]


def test_long_names_cost_neither_the_page_nor_its_size(make_row, make_run):
    """Of a data set in deep folders, and of somebody who wants it all."""
    long = "npz:/" + "/".join(["d" * 70] * 3) + "/own.npz"
    found = [
        make_row(arm=arm, seed=seed, last=True, dataset=name)
        for arm in ("cold", "warm")
        for seed, name in enumerate((long, "x" * 100_000, "y" * 100_000))
    ]
    written = report.write(make_run(found).path)
    assert written.problems == []
    assert written.figures
    for path in written.figures:
        assert path.exists() and len(path.name) < 160
        assert path.stat().st_size < 1_000_000
    text = written.markdown.read_text()
    assert len(text) < 50_000
    assert len(written.html.read_text()) < 6_000_000
    for path in written.figures[::2]:
        assert f"]({urllib.parse.quote(path.name)})" in text


def test_a_figure_that_fails_costs_itself_alone(
    make_row, make_run, monkeypatch
):
    """Whatever a library of figures may raise."""
    draw, failing = drawing.draw, []

    def fails_once(chart, *arguments):
        if not failing:
            failing.append(chart.name)
            raise FloatingPointError("no room for\n labels")
        return draw(chart, *arguments)

    monkeypatch.setattr(drawing, "draw", fails_once)
    found = [
        make_row(arm=arm, round=number, num_samples=1000 * number)
        for arm in ("cold", "warm")
        for number in (1, 2, 3)
    ]
    written = report.write(make_run(found).path)
    (problem,) = written.problems
    assert "FloatingPointError: no room for labels" in problem
    text = written.markdown.read_text()
    assert f"({failing[0]}.png)" not in text
    assert "Not shown" in text and written.html.exists()


def test_messages_hold_nothing_that_a_terminal_obeys(make_row, make_run):
    folder = make_run([make_row(last=True)], name="a\x1b[31m\u202eb")
    (folder.path / "fig2_online/warm/seed0/epochs.jsonl").write_text("torn")
    written = report.write(folder.path)
    (problem,) = written.problems
    assert "no end" in problem and not set(problem) & set("\x1b\u202e")
