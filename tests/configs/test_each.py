"""Every config runs, from `launch.run` to `launch.report`, at a small size."""

import importlib
import json
import math
import pathlib
import re
import shlex
import subprocess
import sys

import matplotlib.image
import pytest

from ws_keras import settings as all_settings
from ws_keras.storage import rows

ROOT = pathlib.Path(__file__).parents[2]
NAMES = sorted(
    path.stem
    for path in (ROOT / "configs").glob("*.py")
    if path.stem not in ("__init__", "base")
)
# Two rounds and diagnostics; all others are slow, and test_in_turn.py runs
# them without commands.
FAST = ("fig5_gradients",)
SMALL = {
    "model.width": 2,
    "model.blocks": (1, 1),
    "model.units": 8,
    "rounds.step": 150,
    "rounds.limit": 3,
    "data.normalization": None,
    "train.max_epochs": 2,
    "train.monitor_samples": 30,
    "diagnostics.samples": 150,
}
# Fields whose values are ways through the code.
WAYS = (
    "data.",
    "model.",
    "optimizer.name",
    "penalty.name",
    "rounds.acquisition",
    "rounds.protocol",
    "transform.",
)


def module(name):
    return importlib.import_module(f"ws_keras.configs.{name}")


def every(name):
    found = module(name)
    return found.settings(found.get_config())


def ways(setting):
    fields = {pair for pair in setting.overrides if pair[0].startswith(WAYS)}
    return fields | {("arm", setting.kind)}


def cover(settings):
    """A few settings that together go all ways that there are."""
    # A small part of small data has not every class.
    settings = [
        setting
        for setting in settings
        if dict(setting.overrides).get("rounds.fraction", 1) >= 0.5
    ]
    left, chosen = set().union(*map(ways, settings)), [settings[-1]]
    while left:
        best = max(settings, key=lambda s: len(ways(s) & left))
        chosen.append(best)
        left -= ways(best)
    return list(dict.fromkeys(chosen))


def data_names(name, settings):
    """Returns the names of the data sets that settings read."""
    config = module(name).get_config()
    each = [all_settings.apply(config, setting).data for setting in settings]
    return {name for data in each for name in (data.name, data.source) if name}


def small(config):
    """Fields that make a config small, where it has not its own number."""
    fields = {**SMALL, "data.normalization": config.data.normalization}
    if config.train.epochs is not None:
        fields["train.epochs"] = 2
    if config.train.first_epochs is not None:
        fields["train.first_epochs"] = 2
    if config.second.epochs is not None:
        fields["second.epochs"] = 2
    if config.rounds.fraction < 0.5:
        fields["rounds.fraction"] = 0.5  # has every class
    if any("first_layers" in arm for arm in config.arms):
        fields["model.blocks"] = (1, 1, 1, 1)  # as many as there are to keep
    if config.data.samples is not None:
        fields["data.samples"] = 400
    if config.rounds.limit is not None:
        fields["rounds.limit"] = min(config.rounds.limit, 3)
    if config.rounds.protocol not in ("online", "active"):
        del fields["rounds.limit"]
    return fields


@pytest.mark.parametrize("name", NAMES)
def test_settings_are_unique_and_their_fields_exist(name):
    found = every(name)
    assert len({setting.id for setting in found}) == len(found)
    config = module(name).get_config()
    assert config.experiment == name and config.is_locked
    for setting in found:
        assert setting.id.startswith(f"{name}/")
        all_settings.apply(config, setting)


@pytest.mark.parametrize("name", NAMES)
def test_recipes_say_claim_and_command(name):
    text = module(name).__doc__
    title, *_ = text.split("\n\n")
    assert len(title.splitlines()) == 1 and title.endswith((".", "?"))
    assert f"--config={name}" in text
    assert "sample passes" in " ".join(text.split())
    # Questions of this project's own claim nothing.
    own = ("quickstart", "factorial")
    is_own = name in own or name.startswith("which_arm")
    assert is_own or "Claim" in text


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name in FAST else pytest.mark.slow)
        for name in NAMES
    ],
)
def test_runs_and_is_reported(name, nursery, prepared, tmp_path):
    chosen = cover(every(name))
    workdir = tmp_path / name
    out = tmp_path / "out"
    fields = small(module(name).get_config())
    flags = [f"--config.{key}={value}" for key, value in fields.items()]
    nursery.start(
        f"--config={name}",
        f"--workdir={workdir}",
        f"--data_dir={prepared(data_names(name, chosen))}",
        "--nodownload",
        "--noreport",
        f"--settings={','.join(setting.id for setting in chosen)}",
        *flags,
        out=out,
    )
    assert nursery.wait() == 0, out.read_text()
    found = rows.read_workdir(workdir)
    check_rows(found, chosen)
    told = report(workdir)
    check_report(workdir, told, found)


def check_rows(found, chosen):
    lives = {}
    for row in found:
        lives.setdefault(row.setting, []).append(row)
    assert lives.keys() == {setting.id for setting in chosen}
    for life in lives.values():
        assert [row.round for row in life] == [*range(1, len(life) + 1)]
        assert [row.last for row in life] == [False] * (len(life) - 1) + [True]
    for row in found:
        assert 0 <= row.accuracy <= 100 and 0 <= row.train_accuracy <= 100
        numbers = (row.loss, row.eval_loss, row.train_seconds)
        assert all(map(math.isfinite, (*numbers, *row.measures.values())))


def report(workdir):
    done = subprocess.run(
        [sys.executable, "-m", "launch.report", f"--workdir={workdir}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def check_report(workdir, told, found):
    text = (workdir / "report/report.md").read_text(encoding="utf8")
    assert "Not shown" not in text and "nan" not in text.split()
    run = json.loads((workdir / "run.json").read_text())
    assert run["recipe"]
    named = f"--config={run['config']['experiment']}"
    assert run["command"][:2] == ["ws-run", named]
    assert all(shlex.quote(word) in text for word in run["command"])
    pictures = list((workdir / "report").glob("*.png"))
    assert pictures
    for picture in pictures:
        assert matplotlib.image.imread(picture)[..., :3].std() > 0.01, picture
    page = (workdir / "report/report.html").read_text(encoding="utf8")
    assert len(points(page)) >= len(pictures) and all(points(page))
    assert str(workdir / "report") in told


def points(page):
    """How many values of ours each chart of a page has."""
    charts = re.findall(
        r'<script type="application/json">(.*?)</script>', page, re.DOTALL
    )
    figures = map(json.loads, charts)
    return [
        sum(values(trace) for panel in panels for trace in panel["data"])
        for panels in figures
    ]


def values(trace):
    """How many numbers a trace has, if it is no band and not the paper's."""
    if "open" in str(trace.get("marker", {}).get("symbol")):
        return 0
    numbers = [*trace.get("y", ()), *sum(trace.get("z", ()), [])]
    return sum(isinstance(number, (int, float)) for number in numbers)
