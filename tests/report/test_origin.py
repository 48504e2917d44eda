"""What `run.json` tells is shown; what it lacks is let pass."""

import math
import shlex

import pytest

from ws_keras.report import origin
from ws_keras.report import sections
from ws_keras.report import view

TEXT = """Figure 2: many rounds.

Warm starts
fall behind.

    ws-run --config=x \\
        --workdir=y

Two hours.
"""


def test_paragraphs_without_the_command():
    """The command stands at the top of a report, as it was given."""
    run = {"recipe": TEXT, "command": ["ws-run", "--config=x"]}
    assert origin.title(run) == "Figure 2: many rounds"
    assert origin.prose(run) == [
        sections.Text("Warm starts fall behind."),
        sections.Text("Two hours."),
    ]
    table = TEXT.replace("ws-run --config", "expected: ")
    blocks = origin.prose({"recipe": table})
    assert isinstance(blocks[1], sections.Code)


def test_prose_is_that_of_an_unmodified_config():
    words = ["ws-run", "--config=x", "--config.rounds.limit=5"]
    assert origin.prose({"recipe": TEXT, "command": words}) == []
    assert origin.is_modified({"command": words})
    assert not origin.is_modified({"command": words[:2]})


def test_older_and_damaged_runs_have_none():
    for run in ({}, {"recipe": None}, {"recipe": ["x"]}, {"recipe": ""}):
        assert (origin.title(run), origin.prose(run)) == ("", [])
    for run in ({}, {"settings": "abc"}, {"settings": [1, None]}):
        assert origin.planned(run) == ()
    assert origin.planned({"settings": ["a", "b"]}) == ("a", "b")


def test_progress(make_row):
    done = make_row(setting="a", last=True)
    begun = make_row(setting="b")
    assert origin.progress(("a",), [done]) == ""
    assert origin.progress((), [done]) == ""
    assert origin.progress(("a", "b", "c"), [done, begun]) == (
        "1 of 3 settings are finished; 1 unfinished; 1 not run (c)."
    )
    many = tuple("abcdefgh")
    assert "7 not run (b, c, d, ...)" in origin.progress(many, [done])


def test_seeds_cost_and_versions(make_row):
    found = [
        make_row(seed=seed, train_seconds=3595.5, sample_passes=1500)
        for seed in (0, 2)
    ]
    run = {
        "versions": {"keras": "3.15.1"},
        "git_revision": "abc",
        "continued": [{"versions": {"keras": "3.16"}}, "garbage"],
    }
    table = origin.made_with(run, found)
    # Training, 4 s of tracing and 0.5 s of evaluation, twice.
    assert table.lines == (
        ("seeds", "0, 2"),
        ("settings with rows", "2"),
        ("rows", "2"),
        ("hours of all settings together", "2.00"),
        ("sample passes", "3,000"),
        ("keras", "3.15.1"),
        ("revision", "abc"),
        ("continued with", "other versions: keras 3.16"),
    )
    assert origin.made_with({"versions": 3}, found).lines[-1] == (
        "revision",
        "unknown",
    )


def test_the_command_that_gives_the_config_again():
    words = ["ws-run", "--config=fig2_online"]
    (code,) = origin.command({"command": words})
    assert code.text == "ws-run --config=fig2_online --workdir=FOLDER"
    words += ["--config.seeds=(0, 1)", "--config.rounds.limit=5"]
    (code,) = origin.command({"command": words})
    assert code.text == (
        "ws-run \\\n    --config=fig2_online \\\n    '--config.seeds=(0, 1)' "
        "\\\n    --config.rounds.limit=5 \\\n    --workdir=FOLDER"
    )
    words = ["ws-run", "--config.arms=('cold', 'warm')"]
    (code,) = origin.command({"command": words})
    assert code.text.startswith("ws-run \"--config.arms=('cold', 'warm')\" ")
    for older in ({}, {"command": None}, {"command": "x"}, {"command": [1]}):
        assert origin.command(older) == []


@pytest.mark.parametrize(
    "word", ["it's", "it's $HOME", "it's `id`", 'it\'s "it"', "it's \\ !", ""]
)
def test_a_shell_reads_the_words_of_the_command(word):
    (code,) = origin.command({"command": ["ws-run", f"--config.name={word}"]})
    assert shlex.split(code.text)[1] == f"--config.name={word}"


def test_hours_that_are_not_known_are_no_hours(make_row):
    found = [
        make_row(train_seconds=seconds, trace_seconds=0.0, eval_seconds=1800.0)
        for seconds in (3600.0, math.nan)
    ]
    table = origin.made_with({}, found)
    assert dict(table.lines)["hours of all settings together"] == (
        "at least 2.00"
    )


def test_config_is_that_of_its_own_experiment():
    run = {"config": {"experiment": "a", "seeds": [0]}}
    assert origin.config(run, "a") == run["config"]
    assert origin.config(run, "b") == {}
    assert origin.config({"config": {"seeds": [0]}}, "b") == {"seeds": [0]}
    assert origin.config({}, "b") == {}


def test_an_old_run_has_title_and_command_of_its_recipe():
    config = {"experiment": "x", "seeds": [0]}
    known = view.Recipe(config=config, defaults=config, text="A title.\n\nMore")
    old = {"config": {"experiment": "x", "seeds": [0, 1]}}
    found = origin.completed(old, known)
    assert origin.title(found) == "A title"
    assert found["command"] == ["ws-run", "--config=x", "--config.seeds=(0, 1)"]
    assert "recipe" not in old and origin.prose(found) == []
    own = {**old, "recipe": "Its own.", "command": ["ws-run"]}
    assert origin.completed(own, known) == own
