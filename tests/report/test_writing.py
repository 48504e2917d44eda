"""A report shows everything readable and says what is not."""

import dataclasses
import math
import pathlib
import shutil
import sys
import urllib.parse

import pytest

from ws_keras.report import sections
from ws_keras.report import terminal
from ws_keras.report import view
from ws_keras.report import writing
from ws_keras.report.render import drawing
from ws_keras.report.render import html
from ws_keras.storage import metric as metrics
from ws_keras.storage import record
from ws_keras.storage import rows


def test_a_small_report_word_by_word(online_rows, make_run, monkeypatch):
    """The one golden file; all else asserts numbers."""
    monkeypatch.setattr(record, "git_revision", lambda: "abc")
    folder = make_run(online_rows, command=["ws-run", "--config=fig2_online"])
    made = writing.write(folder.path).markdown.read_text(encoding="utf8")
    golden = pathlib.Path(__file__).with_name("small_report.md")
    assert made == golden.read_text(encoding="utf8")


def test_the_answer_comes_first(online_rows, make_run):
    text = writing.write(make_run(online_rows).path).markdown.read_text()
    order = [
        "# fig2_online\n",
        "After 3,000 samples, warm is 2.0 points",
        "![Accuracy after each round]",
        "| arm ",
        "<details><summary>Accuracy against cost</summary>",
        "<details><summary>Accuracy after each round</summary>",
        "<details><summary>Command, cost and versions</summary>",
    ]
    places = [text.index(part) for part in order]
    assert places == sorted(places)
    # Nothing but the first table is open.
    assert text.partition("<details>")[0].count("\n| ---") == 1


def test_figure_and_page_lie_beside_the_text(online_rows, make_run):
    pytest.importorskip("matplotlib", reason="needs the extra `report`")
    pytest.importorskip("plotly", reason="needs the extra `report`")
    written = writing.write(make_run(online_rows).path)
    (path,) = written.figures
    assert path.name == "curve-fig2_online.png"
    assert path.stat().st_size > 1000
    assert f"({path.name})" in written.markdown.read_text()
    page = written.html.read_text(encoding="utf8")
    assert written.html == written.markdown.with_name("report.html")
    assert "Difference from cold after each round" in page
    assert str(written.html) in str(written).splitlines()


RECIPE = """Figure 2: many rounds.

Warm starts fall
behind.

    python -m launch.run --config=x

Two hours.
"""


def test_command_banner_and_recipe(online_rows, make_run):
    settings = [*dict.fromkeys(row.setting for row in online_rows)]
    options = {
        "recipe": RECIPE,
        "settings": [*settings, "fig2_online/dash-1/s"],
    }
    words = ["ws-run", "--config=fig2_online"]
    folder = make_run(online_rows, command=words, **options)
    text = writing.write(folder.path).markdown.read_text()
    assert text.startswith("# Figure 2: many rounds\n\nAfter 3,000 samples, ")
    *_, made_with = text.split("<details>")
    assert (
        "Command, cost and versions</summary>\n\n```\nws-run --config=fig2"
        in made_with
    )
    assert (
        "> This run is incomplete: 6 of 7 settings are finished; 1 not run"
        in text
    )
    assert "python -m launch" not in text
    assert text.index("Warm starts fall behind.") > text.index("</details>")
    words.append("--config.rounds.limit=3")
    other = make_run(online_rows, name="other", command=words, **options)
    text = writing.write(other.path).markdown.read_text()
    assert "--config.rounds.limit=3" in text
    # The prose speaks of another run.
    assert "Warm starts fall behind." not in text


def test_an_unfinished_run_of_another_metric_says_so(online_rows, make_run):
    mae = metrics.Metric("mae", "min")
    some = [
        dataclasses.replace(
            row,
            accuracy=math.nan,
            labels=mae.labels,
            measures=mae.measures(0.0, row.accuracy),
        )
        for row in online_rows[:-1]
    ]
    text = writing.write(make_run(some).path).markdown.read_text()
    banner = "incomplete: 5 of 6 settings are finished; 1 unfinished.\n"
    assert f"> This run is {banner}" in text


@pytest.mark.parametrize("name", ["matplotlib", "plotly", "jinja2"])
def test_without_a_library_the_text_is_there(
    online_rows, make_run, monkeypatch, name
):
    monkeypatch.setitem(sys.modules, name, None)
    html._plotly.cache_clear()
    html._environment.cache_clear()
    written = writing.write(make_run(online_rows).path)
    assert (written.html is None) == (name != "matplotlib")
    assert bool(written.figures) == (name != "matplotlib")
    (problem,) = written.problems
    assert name in problem
    text = written.markdown.read_text()
    assert problem.partition(" Install")[0] in text
    assert ("![" in text) == (name != "matplotlib")


def test_two_phase_report_with_curves(two_phase_rows, make_epochs, make_run):
    settings = dict.fromkeys(row.setting for row in two_phase_rows)
    epochs = [epoch for name in settings for epoch in make_epochs(name)]
    written = writing.write(make_run(two_phase_rows, epochs).path)
    text = written.markdown.read_text()
    assert "![Accuracy after the last round](last-table1.png)" in text
    assert "each round" not in text
    assert [path.stem for path in written.figures] == ["last-table1"]
    page = written.html.read_text(encoding="utf8")
    assert "Curves over epochs" in page


def test_first_round_alone_is_shown(make_row, make_run):
    row = make_row(experiment="own", accuracy=31.5)
    written = writing.write(make_run([row]).path)
    assert "Accuracy after up to 1,000 samples: warm 31.5 % (one seed)." in (
        written.summary
    )
    assert "31.5 (round 1 so far)" in written.summary
    assert "0 (+1 unfinished)" in written.summary
    assert len(written.figures) == 1


def test_string_is_what_fits_a_terminal(make_row, make_run):
    found = [
        make_row(arm="cold", last=True),
        make_row(last=True, accuracy=28.0),
    ]
    lines = str(writing.write(make_run(found).path)).splitlines()
    assert lines[0].startswith("After 1,000 samples, warm is 2.0 points")
    assert max(map(len, lines[:-2])) <= 100
    assert lines[-1].endswith("report.md")


def test_a_view_that_fails_costs_itself_alone(online_rows, make_run):
    def fail(run):
        raise KeyError("of a user's file")

    def recipes(experiment, run):
        if experiment == "fig2_online":
            return view.Recipe(view=view.View(claims=(fail,)))
        return None

    written = writing.write(make_run(online_rows).path, recipes)
    text = written.markdown.read_text()
    assert "The VIEW of fig2_online has failed (KeyError" in text
    assert "45.5 ± 0.5" in text


def test_a_config_file_that_fails_is_named(online_rows, make_run):
    def recipes(experiment, run):
        raise ValueError("mine.py, line 3 (ZeroDivisionError)")

    written = writing.write(make_run(online_rows).path, recipes)
    assert written.problems == ["mine.py, line 3 (ZeroDivisionError)"]
    assert "45.5 ± 0.5" in written.summary


def test_names_become_file_names(make_row, make_run):
    name = "own/x y:z"
    found = [make_row(experiment=name, setting="a/b", round=n) for n in (1, 2)]
    (path,) = writing.write(make_run(found).path).figures
    assert path.stem == "curve-own-x-y-z"


def test_half_written_run_shows_what_is_readable(online_rows, make_run):
    folder = make_run(online_rows)
    with open(folder.rows_path("fig2_online/warm/seed1"), "a") as file:
        file.write('{"setting": "fig2')
    cold = folder.rows_path("fig2_online/cold/seed0")
    cold.write_text("garbage\n" + cold.read_text())
    (folder.path / "run.json").write_text('{"config": {')
    written = writing.write(folder.path)
    text = written.markdown.read_text()
    assert "## Not shown" in text
    assert "run.json cannot be read" in text
    assert "seed0/rows.jsonl, line 1: not a JSON line" in text
    assert "seed1/rows.jsonl: the last line is incomplete" in text
    assert len(written.problems) == 3
    assert "47.5 ± 0.5" in written.summary


def test_rows_of_another_schema_are_named(make_row, make_run, unsigned):
    folder = make_run([make_row(seed=0, last=True), make_row(seed=1)])
    path = folder.rows_path("fig2_online/warm/seed1")
    path.write_text(unsigned(path).replace('"schema": 3', '"schema": 4'))
    written = writing.write(folder.path)
    assert "schema=4" in written.problems[0]
    assert "| warm |" in written.summary


def test_foreign_and_empty_folders_are_refused(tmp_path, make_row, make_run):
    for path in (tmp_path, tmp_path / "missing"):
        with pytest.raises(ValueError, match="must be the folder of a run"):
            writing.write(path)
    folder = make_run([])
    with pytest.raises(ValueError, match="must hold at least one row"):
        writing.write(folder.path)
    rows.append(folder.rows_path("a/seed0"), make_row())
    folder.rows_path("a/seed0").write_text("garbage\n")
    with pytest.raises(ValueError, match="at least one row.*not a JSON line"):
        writing.write(folder.path)
    assert not (folder.path / "report").exists()
    (folder.path / "run.json").unlink()
    with pytest.raises(
        ValueError, match="run.json is missing.*not a JSON line"
    ):
        writing.write(folder.path)


def test_rows_without_their_run_are_shown(online_rows, make_run):
    folder = make_run(online_rows)
    (folder.path / "run.json").unlink()
    written = writing.write(folder.path)
    assert written.problems == [
        f"{folder.path}/run.json is missing, so that config and versions are "
        "unknown."
    ]
    assert "47.5 ± 0.5" in written.summary


def test_setting_without_one_of_its_rounds_is_unfinished(online_rows, make_run):
    gap = [r for r in online_rows if (r.seed, r.round) != (0, 2)]
    whole = [r for r in online_rows if r.seed]
    written = writing.write(make_run(gap).path)
    assert written.problems == [
        f"fig2_online/{arm}/seed0: round 2 is missing, so that its cost "
        "is unknown. The later rounds are left out."
        for arm in ("cold", "shrink_perturb", "warm")
    ]
    alone = writing.write(make_run(whole, name="whole").path)
    for one, other in zip(_cells(written), _cells(alone), strict=True):
        assert one["accuracy %"] == other["accuracy %"]
        assert one["seeds"] == "1 (+1 unfinished)"
    assert "incomplete: 3 of 6 settings are finished; 3 unfinished." in (
        written.markdown.read_text()
    )


def test_rounds_in_another_order_are_the_same_rounds(online_rows, make_run):
    written = writing.write(make_run(online_rows[::-1]).path)
    assert written.problems == []
    assert "Partial" not in written.markdown.read_text()
    assert {line["seeds"] for line in _cells(written)} == {"2"}


def test_a_round_counts_once(online_rows, make_epochs, make_run):
    name = "fig2_online/warm/seed0"
    folder = make_run(online_rows, make_epochs(name))
    once = writing.write(folder.path)
    page = once.markdown.read_text()
    path, epochs = folder.rows_path(name), folder.epochs_path(name)
    copy = folder.folder("fig2_online/warm/seed0.bak")
    shutil.copytree(path.parent, copy)
    path.write_text(path.read_text() + path.read_text().splitlines()[2] + "\n")
    twice = writing.write(folder.path)
    assert twice.summary == once.summary
    again = "left out, because the setting was read before."
    assert twice.problems == [
        f"{path}: 1 row is {again}",
        f"{copy / path.name}: 3 rows are {again}",
        f"{copy / epochs.name}: 5 epochs are {again}",
    ]
    assert twice.markdown.read_text().endswith(page.partition("\n")[2])


def test_rounds_of_another_training_are_no_part(online_rows, make_run):
    """A copy that went on must not be spliced to what it was copied from."""
    name = "fig2_online/warm/seed0"
    folder = make_run(online_rows)
    path = folder.rows_path(name)
    copy = folder.folder("fig2_online/warm/seed0.bak") / path.name
    copy.parent.mkdir()
    shutil.copy(path, copy)
    path.write_text("".join(path.read_text().splitlines(True)[:2]))
    written = writing.write(folder.path)
    assert written.problems == [
        f"{copy}: 3 rows are left out, because the setting was read before."
    ]
    (line,) = [c for c in _cells(written) if c["arm"] == "warm"]
    assert line["seeds"] == "1 (+1 unfinished)"


def test_lines_of_one_file_share_a_sentence(online_rows, make_run):
    folder = make_run(online_rows)
    path = folder.rows_path("fig2_online/warm/seed0")
    path.write_text("oops\n\n[]\n")
    (problem,) = writing.write(folder.path).problems
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
        written = writing.write(folder.path)
        assert words in written.problems[0]
        assert [cell["arm"] for cell in _cells(written)] == ["cold"]


def _cells(written):
    """Returns the lines of a table on a terminal as dictionaries."""
    header, _, *lines = (
        [part.strip() for part in line.strip("|").replace("\\", "").split("|")]
        for line in written.summary.splitlines()
        if line.startswith("|")
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
    written = writing.write(make_run(found).path)
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
    written = writing.write(make_run(found).path)
    (problem,) = written.problems
    assert "FloatingPointError: no room for labels" in problem
    text = written.markdown.read_text()
    assert f"({failing[0]}.png)" not in text
    assert "Not shown" in text and written.html.exists()


def test_messages_hold_nothing_that_a_terminal_obeys(make_row, make_run):
    folder = make_run([make_row(last=True)], name="a\x1b[31m\u202eb")
    (folder.path / "fig2_online/warm/seed0/epochs.jsonl").write_text("torn")
    written = writing.write(folder.path)
    (problem,) = written.problems
    assert "incomplete" in problem and not set(problem) & set("\x1b\u202e")


@pytest.mark.parametrize(
    ("columns", "shown"), [(1, "shrink_perturb 0.4/0.1"), (9, "shrin … /0.1")]
)
def test_names_are_cut_only_where_the_table_then_fits(columns, shown):
    header = ("arm", *(f"column {n}" for n in range(columns)))
    lines = (("shrink_perturb 0.4/0.1", *range(columns)),)
    table = sections.Table("", header, lines)
    assert shown in terminal.fitted(table, 122)
    assert "shrink_perturb 0.4/0.1" in terminal.fitted(table, 20)
