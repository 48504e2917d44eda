"""The committed results: their reports are made from their rows."""

import ast
import json
import pathlib
import shutil

import pytest

from launch import plan
from launch import recipes
from ws_keras.report import recipe
from ws_keras.report import writing
from ws_keras.storage import rows

RESULTS = pathlib.Path(__file__).parents[2] / "results"
RUNS = sorted(path.parent for path in RESULTS.glob("*/run.json"))


@pytest.mark.parametrize("folder", RUNS, ids=lambda path: path.name)
def test_report_is_made_from_the_rows(folder, tmp_path):
    copy = tmp_path / folder.name
    shutil.copytree(folder, copy)
    committed = (folder / "report/report.md").read_text(encoding="utf8")
    writing.write(copy, recipes.find)
    made = (copy / "report/report.md").read_text(encoding="utf8")
    assert made == committed


@pytest.mark.parametrize("folder", RUNS, ids=lambda path: path.name)
def test_every_setting_has_ended(folder):
    last = {row.setting: row.last for row in rows.read_workdir(folder)}
    assert last and all(last.values())


# Of the recipes, since: what an epoch is expected to cost, and fields that now
# stand elsewhere or have another default with the same rows.
SINCE = (
    "train.expected_epochs",
    "train.min_delta",
    "train.patience",
    "train.steps_per_execution",
    "strategy",
)


@pytest.mark.parametrize("folder", RUNS, ids=lambda path: path.name)
def test_the_command_gives_the_config(folder):
    run = json.loads((folder / "run.json").read_text())
    _, named, *fields = run["command"]
    config = plan.named(named.removeprefix("--config=")).get_config()
    for field in fields:
        name, _, value = field.removeprefix("--config.").partition("=")
        parsed = value if value.isalpha() else ast.literal_eval(value)
        config.update_from_flattened_dict({name: parsed})
    found = json.loads(json.dumps(config.to_dict(), default=str))
    for name, value in flat(run["config"]):
        if not name.startswith(SINCE):
            assert recipe.field_of(found, name) == value, name


def flat(fields, prefix=""):
    for name, value in fields.items():
        if isinstance(value, dict):
            yield from flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def test_there_are_results():
    assert {path.name for path in RUNS} >= {"fig2_online", "quickstart"}
