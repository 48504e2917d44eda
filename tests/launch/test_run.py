"""The command that runs experiments, run as a user runs it."""

import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys

import numpy as np
import pytest

from tests import own_config
from ws_keras.storage import rows

ROOT = pathlib.Path(__file__).parents[2]
FIELDS = {
    **own_config.MLP,
    "rounds.step": 20,
    "train.batch_size": 8,
    "train.epochs": 2,
}


def run(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "launch.run", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A user's folder: arrays and a config, and what the first run left."""
    folder = tmp_path_factory.mktemp("user")
    arrays = own_config.table(60)
    path = own_config.write(folder, arrays, FIELDS)
    content = (folder / "own.npz").read_bytes()
    (folder / "torn.npz").write_bytes(content[:-100])
    np.savez(folder / "negative.npz", x=arrays["x"], y=arrays["y"] - 1)
    text = path.read_text().replace("batch_size = 8", "batch_size = None")
    (folder / "none.py").write_text(text)
    return folder


def usual(folder):
    return f"--config={folder / 'own.py'}", f"--workdir={folder / 'run'}"


@pytest.fixture
def own(nursery, folder):
    """The command on the user's folder, without the seconds of its start."""
    return lambda *arguments: nursery.run(*usual(folder), *arguments)


@pytest.fixture(scope="module")
def first(folder):
    done = run(*usual(folder))
    assert done.returncode == 0, done.stderr
    return done


def read(folder, arm, workdir="run"):
    return rows.read(folder / workdir / "own" / arm / "seed0/rows.jsonl")


def test_rows_record_events_and_report_are_there(folder, first):
    for arm in ("cold", "warm", "shrink_perturb-0.5-0.1"):
        found = read(folder, arm)
        assert [row.num_samples for row in found] == [20, 40]
        assert found[-1].last
        events = folder / "run/own" / arm / "seed0"
        assert list(events.glob("events.out.tfevents*"))
    record = json.loads((folder / "run/run.json").read_text())
    text = json.dumps(record)
    for part in ('"units": 6', '"keras"', '"tensorflow"', "revision"):
        assert part in text
    assert record["config_file"] == str((folder / "own.py").resolve())
    assert (folder / "run/report/report.md").is_file()


def test_what_the_user_sees(folder, first):
    assert first.stderr == ""
    lines = first.stdout.splitlines()
    first_line = "own/cold/seed0  round 1 of 2: 20 samples, 2 epochs, "
    assert lines[0].startswith(first_line)
    assert " CPU-s)" in lines[0]
    assert any(line.startswith("| arm") for line in lines)
    # The answer stands before the table, and both fit a terminal.
    (said,) = (n for n, line in enumerate(lines) if line.startswith("After "))
    table = [n for n, line in enumerate(lines) if line.startswith("|")]
    assert said < min(table)
    assert max(len(line) for line in lines[said : max(table) + 1]) <= 100
    assert str(folder / "run/report/report.md") in lines
    assert lines[-1] == f"tensorboard --logdir={folder / 'run'}"


def test_again_skips_what_is_finished_and_goes_on_with_what_is_not(
    own, folder, first
):
    path = folder / "run/own/warm/seed0/rows.jsonl"
    whole = path.read_text()
    cold = (folder / "run/own/cold/seed0/rows.jsonl").read_bytes()
    # A killed run: one row, and the beginning of the one in the checkpoint.
    lines = whole.splitlines(keepends=True)
    path.write_text(lines[0] + lines[1][:30])
    done = own("--noreport")
    assert done.returncode == 0, done.stderr
    assert "own/cold/seed0  finished before, skipped" in done.stdout
    assert "own/warm/seed0  continues after round 2" in done.stdout
    assert (folder / "run/own/cold/seed0/rows.jsonl").read_bytes() == cold
    assert path.read_text() == whole


@pytest.mark.slow
def test_without_its_checkpoint_a_setting_begins_afresh(own, folder, first):
    path = folder / "run/own/warm/seed0/rows.jsonl"
    whole = read(folder, "warm")
    path.write_text(path.read_text().splitlines(keepends=True)[0])
    (checkpoint,) = path.parent.glob("checkpoint-*.ckpt")
    checkpoint.unlink()
    done = own()
    assert done.returncode == 0, done.stderr
    assert "own/warm/seed0  round 1" in done.stdout
    again = read(folder, "warm")
    assert [r.loss for r in again] == [r.loss for r in whole]
    assert [r.accuracy for r in again] == [r.accuracy for r in whole]


def test_workdir_of_another_config_is_refused_and_overwrite_moves_it(
    own, folder, first
):
    before = (folder / "run/own/cold/seed0/rows.jsonl").read_bytes()
    done = own("--config.train.epochs=1")
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert "epochs" in done.stderr and "--overwrite" in done.stderr
    assert (folder / "run/own/cold/seed0/rows.jsonl").read_bytes() == before
    copy = folder / "copy"
    shutil.copytree(folder / "run", copy)
    done = own(
        f"--workdir={copy}",
        "--settings=cold",
        "--config.train.epochs=1",
        "--overwrite",
        "--noreport",
    )
    assert done.returncode == 0, done.stderr
    assert [row.epochs for row in read(folder, "cold", "copy")] == [1, 1]
    (old,) = folder.glob("copy.old-*")
    assert [row.epochs for row in read(folder, "cold", old.name)] == [2, 2]


def test_a_setting_that_diverges_lets_the_others_go_on(nursery, folder):
    grid = (folder / "own.py").read_text() + (
        "\n\ndef settings(config):\n"
        "    from ws_keras import settings\n"
        '    rates = {"optimizer.learning_rate": (1e30, 0.001)}\n'
        "    return settings.product(config, rates)\n"
    )
    (folder / "grid.py").write_text(grid)
    done = nursery.run(
        f"--config={folder / 'grid.py'}",
        f"--workdir={folder / 'grid'}",
        "--config.optimizer.name=sgd",
        "--settings=cold",
    )
    assert done.returncode == 0, done.stderr
    found = {
        row.setting: row.stopped_by
        for row in rows.read_workdir(folder / "grid")
        if row.last
    }
    assert found == {
        "own/1e+30/cold/seed0": "nan",
        "own/0.001/cold/seed0": "epochs",
    }


@pytest.mark.slow
def test_a_negative_loss_is_said_once_and_is_no_error(nursery, folder):
    done = nursery.run(
        f"--config={folder / 'own.py'}",
        f"--workdir={folder / 'below'}",
        "--settings=cold|warm",
        "--config.penalty.name=confidence",
        "--config.penalty.weight=100.0",
    )
    assert done.returncode == 0
    (said,) = done.stderr.splitlines()  # of two settings
    assert said.startswith(
        "A strong confidence penalty can make the loss negative."
    )
    found = rows.read_workdir(folder / "below")
    assert len(found) == 4 and {row.stopped_by for row in found} == {"epochs"}
    # The cross-entropy alone is never negative.
    assert all(0 < row.loss < 100 and 0 < row.eval_loss < 100 for row in found)


def test_what_follows_a_colon_is_the_argument_of_get_config(nursery, folder):
    text = (
        (folder / "own.py")
        .read_text()
        .replace("def get_config():", 'def get_config(seeds="1"):')
    )
    text = text.replace(
        "return config", "config.seeds = tuple(map(int, seeds)); return config"
    )
    (folder / "argument.py").write_text(text)
    for argument, seeds in (("", "1"), (":04", "04")):
        given = f"--config={folder / 'argument.py'}{argument}"
        done = nursery.run(given, "--list", "--settings=cold")
        assert done.returncode == 0, done.stderr
        lines = done.stdout.splitlines()[1:-1]
        names = [line.split()[0] for line in lines]
        assert names == [f"own/cold/seed{seed}" for seed in seeds]
    refused = nursery.run(f"--config={folder / 'own.py'}:04", "--list")
    assert refused.returncode == 1
    assert f"colon of --config={folder / 'own.py'}:04" in refused.stderr
    assert (
        "Received: get_config() takes 0 positional arguments but 1 was given."
        in refused.stderr
    )


@pytest.mark.slow
def test_the_command_of_a_run_gives_its_config_again(nursery, folder):
    workdir = f"--workdir={folder / 'again'}"
    fields = {
        "seeds": "(3,)",
        "arms": "('cold', 'warm')",
        "train.epochs": "1",
        "train.min_delta": "0.001",
        "model.activation": "tanh",
        "second.epochs": "2",
    }
    given = [f"--config.{name}={value}" for name, value in fields.items()]
    first = nursery.run(f"--config={folder / 'own.py'}", *given, workdir)
    assert first.returncode == 0, first.stderr
    before = (folder / "again/run.json").read_bytes()
    page = (folder / "again/report/report.md").read_text()
    (command,) = re.findall(r"```\n(ws-run .*?) --workdir=FOLDER\n", page, re.S)
    name, *arguments = shlex.split(command.replace("\\\n", ""))
    second = nursery.run(*arguments, workdir, "--noreport")
    assert second.returncode == 0, second.stderr
    assert second.stdout.splitlines() == [
        f"own/{arm}/seed3  finished before, skipped" for arm in ("cold", "warm")
    ]
    assert (folder / "again/run.json").read_bytes() == before


def test_other_data_under_the_same_name_are_refused(nursery, folder):
    """A row would not say which of the two it is from."""
    x, y = np.arange(240, dtype="float32").reshape(60, 4), np.arange(60) % 3
    path = folder / "weekly.npz"
    given = (
        f"--config={folder / 'own.py'}",
        f"--config.data.name=npz:{path}",
        f"--workdir={folder / 'weekly'}",
        "--settings=cold",
        "--noreport",
    )
    np.savez(path, x=x, y=y)
    first = nursery.run(*given)
    assert first.returncode == 0, first.stderr
    before = (folder / "weekly/run.json").read_bytes()
    np.savez(path, x=x, y=(y + 1) % 3)
    second = nursery.run(*given)
    assert second.returncode == 1
    assert re.fullmatch(
        f"`--workdir` .*weekly belongs to another state of the data. "
        f"Received: npz:{path}: '[0-9a-f]{{64}}' -> '[0-9a-f]{{64}}'. Choose "
        "another `--workdir` or pass `--overwrite`.\n",
        second.stderr,
    )
    assert (folder / "weekly/run.json").read_bytes() == before


def test_list_shows_settings_and_costs_without_a_workdir(nursery):
    done = nursery.run("--config=fig2_online", "--list", "--config.seeds=(7,)")
    lines = done.stdout.splitlines()
    assert len(lines) == 6 and done.stderr == ""
    # 19 epochs of 1,000, 2,000, ..., 33,000 and 33,333 samples.
    assert lines[1].split() == ["fig2_online/cold/seed7", "11,292,327"]
    assert lines[-1].startswith("4 settings")


def test_help_shows_the_flags_of_this_project_first():
    done = run("--help")
    assert done.returncode == 0 and done.stderr == ""
    flags = re.findall(r"^  --(\S+)", done.stdout, re.MULTILINE)
    assert flags[:4] == ["config", "workdir", "settings", "[no]list"]
    assert "quickstart" in done.stdout


BAD = {
    "data set": (["--config.data.name=cifar11"], "'cifar11'"),
    "model": (["--config.model.name=vgg"], "model.name='vgg'"),
    "field": (
        ["--config.model.wdith=3"],
        "no field 'wdith'. Received: --config.model.wdith=3. "
        "Did you mean --config.model.width=3?",
    ),
    "element of a field": (
        ["--config.seedz[0]=3"],
        "Received: --config.seedz[0]=3. Did you mean --config.seeds[0]=3?",
    ),
    "element of a tuple": (
        ["--config.seeds[0]=3"],
        "Received: --config.seeds[0]=3. Give all elements with commas",
    ),
    "field of another": (
        ["--config.optimizer.name=sgd", "--config.rounds.name=3"],
        "no field 'name'. Received: --config.rounds.name=3.",
    ),
    "value": (["--config.train.batch_size=many"], "batch_size"),
    "no match": (["--settings=tepid"], "'tepid'"),
    "batch": (["--config.train.batch_size=21"], "batch_size=21"),
    "step": (["--config.rounds.step=41"], "step=41 of 40 samples"),
    "fraction": (
        ["--config.rounds.protocol=two_phase", "--config.rounds.fraction=1.5"],
        "fraction=1.5",
    ),
    "none": (["--config.arms=None"], "arm=None"),
    "file": (
        ["--config={}/none.py"],
        "`config.train.batch_size` must have a value",
    ),
    "name": (["--config.experiment=a/../b"], "setting='a/../b/cold/seed0'"),
    "negative": (["--config.arms=('shrink_perturb--1-0',)"], "shrink=-1.0"),
    "nan": (["--config.arms=('shrink_perturb-nan-0',)"], "shrink=nan"),
    "infinite": (["--config.arms=('shrink_perturb-0-inf',)"], "perturb=inf"),
    "torn": (["--config.data.name=npz:{}/torn.npz"], "torn.npz"),
    "labels": (["--config.data.name=npz:{}/negative.npz"], "-1 to 1"),
    "missing": (["--config.data.name=npz:{}/none.npz"], "no such file"),
    "data_dir": (
        ["--config.data.name=mnist", "--data_dir={}/no", "--nodownload"],
        "`--data_dir`",
    ),
    "workdir": (["--workdir={}/own.npz/run"], "own.npz"),
    "flag": (["--wrokdir=x"], "wrokdir"),
    "stray": (["run"], "'run'"),
    "strategy": (["--strategy=spread"], "spread"),
    "backend": (["--strategy=data_parallel"], "the backend 'tensorflow'"),
    "devices": (["--strategy=mirrored", "--devices=two"], "devices='two'"),
    "no such device": (
        ["--strategy=mirrored", "--devices=cpu:0,cpu:9"],
        "devices='cpu:0,cpu:9'",
    ),
    "no strategy": (["--devices=2"], "strategy='none'"),
    "share": (
        ["--strategy=mirrored", "--devices=3"],
        "batch_size=8, replicas=3",
    ),
    "config": (["--config=fig9"], "fig9"),
    "config and field": (["--config=fig9", "--config.seeds=(0,)"], "fig9.py"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_sentence_and_status_1(own, folder, case):
    arguments, words = BAD[case]
    more = [part.replace("{}", str(folder)) for part in arguments]
    done = own(f"--workdir={folder / 'bad'}", *more)
    assert done.returncode == 1
    assert words in done.stderr
    assert done.stderr.count("\n") == 1 and "Traceback" not in done.stderr
    assert not (folder / "bad").exists()


@pytest.mark.parametrize(
    "arguments, words",
    [
        ([], "`--config` is required"),
        (["--config=quickstart"], "`--workdir` is required"),
    ],
)
def test_what_is_required(nursery, arguments, words):
    done = nursery.run(*arguments)
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert words in done.stderr


def test_a_reader_that_has_seen_enough():
    command = f"{sys.executable} -m launch.run --help | head -n 1"
    done = subprocess.run(
        ["bash", "-c", command], cwd=ROOT, capture_output=True, text=True
    )
    assert done.stdout.startswith("Runs the settings of a config")
    assert done.stderr == ""
