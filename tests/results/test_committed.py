"""The committed results: their reports are made from their rows."""

import pathlib
import shutil

import pytest

from ws_keras.results import report
from ws_keras.results import rows

RESULTS = pathlib.Path(__file__).parents[2] / "results"
RUNS = sorted(path.parent for path in RESULTS.glob("*/run.json"))


@pytest.mark.parametrize("folder", RUNS, ids=lambda path: path.name)
def test_report_is_made_from_the_rows(folder, tmp_path):
    copy = tmp_path / folder.name
    shutil.copytree(folder, copy)
    committed = (folder / "report/report.md").read_text(encoding="utf8")
    report.write(copy)
    made = (copy / "report/report.md").read_text(encoding="utf8")
    assert made == committed


@pytest.mark.parametrize("folder", RUNS, ids=lambda path: path.name)
def test_every_setting_has_ended(folder):
    last = {row.setting: row.last for row in rows.read_workdir(folder)}
    assert last and all(last.values())


def test_there_are_results():
    assert {path.name for path in RUNS} >= {"fig2_online", "quickstart"}
