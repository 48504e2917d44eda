"""What `run.json` tells is shown; what it lacks is let pass."""

import math

from ws_keras.report import recipe
from ws_keras.report import sections

TEXT = """Figure 2: many rounds.

Warm starts
fall behind.

    ws-run --config=x \\
        --workdir=y

Two hours.
"""


def test_paragraphs_and_commands():
    run = {"recipe": TEXT}
    assert recipe.title(run) == "Figure 2: many rounds"
    assert recipe.blocks(run) == [
        sections.Text("Warm starts fall behind."),
        sections.Code("ws-run --config=x \\\n    --workdir=y"),
        sections.Text("Two hours."),
    ]


def test_older_and_damaged_runs_have_none():
    for run in ({}, {"recipe": None}, {"recipe": ["x"]}, {"recipe": ""}):
        assert (recipe.title(run), recipe.blocks(run)) == ("", [])
    for run in ({}, {"settings": "abc"}, {"settings": [1, None]}):
        assert recipe.planned(run) == ()
    assert recipe.planned({"settings": ["a", "b"]}) == ("a", "b")


def test_progress(make_row):
    done = make_row(setting="a", last=True)
    begun = make_row(setting="b")
    assert recipe.progress(("a",), [done]) is None
    assert recipe.progress((), [done]) is None
    assert recipe.progress(("a", "b", "c"), [done, begun]).text == (
        "Partial: 1 of 3 settings are finished; 1 are unfinished; 1 are not "
        "run (c)."
    )
    many = tuple("abcdefgh")
    assert (
        "7 are not run (b, c, d, e, f, ...)"
        in recipe.progress(many, [done]).text
    )


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
    (table,) = recipe.made_with(run, found)
    # Training, 4 s of tracing and 0.5 s of evaluation, twice.
    assert table.lines == (
        ("seeds", "0, 2"),
        ("settings with rows", "2"),
        ("rows", "2"),
        ("hours of all settings, one after the other", "2.00"),
        ("sample passes", "3,000"),
        ("keras", "3.15.1"),
        ("revision", "abc"),
        ("continued with", "other versions: keras 3.16"),
    )
    assert recipe.made_with({"versions": 3}, found)[0].lines[-1] == (
        "revision",
        "unknown",
    )


def test_the_command_that_gives_the_config_again(make_row):
    found = [make_row()]
    words = ["ws-run", "--config=fig2_online"]
    code, table = recipe.made_with({"command": words}, found)
    assert code.text == "ws-run --config=fig2_online --workdir=FOLDER"
    words += ["--config.seeds=(0, 1)", "--config.rounds.limit=5"]
    code, _ = recipe.made_with({"command": words}, found)
    assert code.text == (
        "ws-run \\\n    --config=fig2_online \\\n    '--config.seeds=(0, 1)' "
        "\\\n    --config.rounds.limit=5 \\\n    --workdir=FOLDER"
    )
    for older in ({}, {"command": None}, {"command": "x"}, {"command": [1]}):
        assert recipe.made_with(older, found) == [table]


def test_hours_that_are_not_known_are_no_hours(make_row):
    found = [
        make_row(train_seconds=seconds, trace_seconds=0.0, eval_seconds=1800.0)
        for seconds in (3600.0, math.nan)
    ]
    (table,) = recipe.made_with({}, found)
    assert dict(table.lines)["hours of all settings, one after the other"] == (
        "at least 2.00"
    )


def test_config_is_that_of_its_own_experiment():
    run = {"config": {"experiment": "a", "seeds": [0]}}
    assert recipe.config(run, "a") == run["config"]
    assert recipe.config(run, "b") == {}
    assert recipe.config({"config": {"seeds": [0]}}, "b") == {"seeds": [0]}
    assert recipe.config({}, "b") == {}
