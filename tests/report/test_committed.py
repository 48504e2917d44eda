"""The committed results: their reports are made from their rows."""

import ast
import json
import pathlib
import re
import shlex
import shutil
import subprocess

import pytest

from launch import plan
from launch import recipes
from ws_keras import settings
from ws_keras.report import recipe
from ws_keras.report import writing
from ws_keras.storage import rows
from ws_keras.storage import sums

RESULTS = pathlib.Path(__file__).parents[2] / "results"
RUNS = sorted(path.parent for path in RESULTS.glob("*/run.json"))
# Other folders that a report reads: of a run that serves two figures, or of the
# run that this one is compared with.
OTHER = {
    "fig2_online_10000": {
        "also": [
            RESULTS / "fig7_shrink_sweep_10000",
            RESULTS / "fig7_shrink_sweep_10000_seed2",
            RESULTS / "fig2_online_10000_seed2",
        ]
    },
    "fig2_online_10000_seed2": {
        "also": RESULTS / "fig7_shrink_sweep_10000_seed2"
    },
    "fig7_shrink_sweep_10000": {
        "also": [
            RESULTS / "fig7_shrink_sweep_10000_seed2",
            RESULTS / "fig2_online_10000_seed2",
        ]
    },
    "which_arm_5000": {"also": RESULTS / "fig2_online"},
    "which_arm_5000_more": {
        "also": [RESULTS / "which_arm_5000", RESULTS / "fig2_online"]
    },
    "table1_bfloat16": {"against": RESULTS / "table1"},
}
MOST = 20e6  # bytes of all results


@pytest.mark.quick(every=3)
@pytest.mark.parametrize("folder", RUNS, ids=lambda path: path.name)
def test_report_is_made_from_the_rows(folder, tmp_path):
    copy = tmp_path / folder.name
    shutil.copytree(folder, copy)
    committed = (folder / "report/report.md").read_text(encoding="utf8")
    writing.write(copy, recipes.find, **OTHER.get(folder.name, {}))
    made = (copy / "report/report.md").read_text(encoding="utf8")
    assert made == committed


@pytest.mark.parametrize("folder", RUNS, ids=lambda path: path.name)
def test_every_setting_has_ended(folder):
    last = {row.setting: row.last for row in rows.read_workdir(folder)}
    assert last and all(last.values())


# Beside those of `recipe.SINCE`, which the report leaves out as well.
SINCE = (*recipe.SINCE, "strategy")
LINES = re.findall(
    r"^\| \[(\w+)\]\(\S+\) \| `(.+)` \| (.+) \| (.+) \| ([\d,]+) \|$",
    (RESULTS / "README.md").read_text(encoding="utf8"),
    re.MULTILINE,
)


def test_the_table_has_each_folder():
    assert sorted(name for name, *_ in LINES) == [p.name for p in RUNS]


@pytest.mark.parametrize("line", LINES, ids=lambda line: line[0])
def test_the_table_says_what_is_there(line):
    name, command, revisions, seeds, passes = line
    run = json.loads((RESULTS / name / "run.json").read_text())
    known = [entry["git_revision"] for entry in revisions_of(run)]
    assert [k[:7] for k in dict.fromkeys(known)] == revisions.split(", ")
    found = rows.read_workdir(RESULTS / name)
    assert sorted({row.seed for row in found}) == [*map(int, seeds.split(","))]
    total = sum(row.sample_passes for row in found)
    assert total == int(passes.replace(",", ""))
    words = shlex.split(command.replace("\\|", "|"))
    config = config_of(words)
    for field, value in flat(run["config"]):
        if not field.startswith(SINCE):
            assert recipe.field_of(config, field) == value, field
    check_settings(words, found)


def revisions_of(run):
    return [run, *run.get("continued", [])]


def config_of(words):
    """The config of a command, as JSON has it."""
    named, *fields = (word for word in words if word.startswith("--config"))
    config = plan.named(named.removeprefix("--config=")).get_config()
    for field in fields:
        name, _, value = field.removeprefix("--config.").partition("=")
        parsed = value if value.isidentifier() else ast.literal_eval(value)
        config.update_from_flattened_dict({name: parsed})
    return json.loads(json.dumps(config.to_dict(), default=str))


def check_settings(words, found):
    """All that is there is what the command names, and nothing else."""
    module = plan.named(words[1].removeprefix("--config="))
    config = module.get_config()
    given = config_of(words)
    own = {name: tuple(given[name]) for name in ("arms", "seeds")}
    config.update_from_flattened_dict(own)
    every = module.settings(config)
    for word in words:
        if word.startswith("--settings="):
            every = settings.select(every, word.partition("=")[2])
    assert {row.setting for row in found} == {one.id for one in every}


def tracked():
    """All files of the results, as git knows them."""
    done = subprocess.run(
        ["git", "ls-files", "-z", "results"],
        cwd=RESULTS.parent,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        pytest.skip("no checkout")
    paths = [RESULTS.parent / p for p in done.stdout.split("\0") if p]
    return [path for path in paths if path.exists()]


def test_nobody_has_touched_a_file():
    """Reports are made anew by another test, and pages are for people."""
    folders = [path.parent for path in sorted(RESULTS.glob("**/SHA256SUMS"))]
    noted = {folder / name for folder in folders for name in sums.read(folder)}
    problems = [one for folder in folders for one in sums.problems(folder)]
    assert problems == []
    free = {RESULTS / "README.md", RESULTS / "benchmarks/README.md"}
    free |= {folder / sums.NAME for folder in folders}
    left = [
        path
        for path in tracked()
        if path not in noted | free and path.parent.name != "report"
    ]
    assert left == [], "note them: sha256sum FILE >> SHA256SUMS"


def test_results_stay_small():
    found = tracked()
    assert sum(path.stat().st_size for path in found) < MOST
    assert not [path for path in found if path.suffix in (".svg", ".html")]


def flat(fields, prefix=""):
    for name, value in fields.items():
        if isinstance(value, dict):
            yield from flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def test_there_are_results():
    assert {path.name for path in RUNS} >= {"fig2_online", "quickstart"}
