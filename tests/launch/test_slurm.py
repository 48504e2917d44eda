"""The script for Slurm, run by bash as Slurm would run its tasks."""

import os
import re
import subprocess

import pytest

from launch import slurm
from ws_keras.storage import rows


def bash(script, task, **options):
    return subprocess.run(
        ["bash", "-c", script],
        env={**os.environ, "SLURM_ARRAY_TASK_ID": str(task)},
        capture_output=True,
        text=True,
        **options,
    )


def options(script):
    return re.findall(r"^#SBATCH (.*)$", script, re.M)


def test_each_task_is_its_command_whatever_is_in_it():
    words = ["a b", "$HOME", "it's", 'say "x"', "two\nlines", "; exit 3", "*"]
    commands = [["printf", "%s", word] for word in words]
    text = slurm.script(
        commands, name="own", environment={"OMP_NUM_THREADS": "2"}
    )
    checked = subprocess.run(["bash", "-n"], input=text, text=True)
    assert checked.returncode == 0
    for number, word in enumerate(words):
        done = bash(text, number)
        assert (done.returncode, done.stdout) == (0, word)
    text = slurm.script([["env"]], name="own", environment={"A": "b c"})
    assert "\nA=b c\n" in bash(text, 0).stdout


def test_a_limit_is_that_of_the_job_in_minutes():
    text = slurm.script([["true"]], name="own", timeout=90)
    assert "--time=2" in options(text)
    assert "--time" not in slurm.script([["true"]], name="own")


def test_a_number_without_a_setting_fails():
    done = bash(slurm.script([["true"]], name="own"), 1)
    assert done.returncode == 1
    assert done.stderr == "No setting has the number '1'.\n"


def test_the_tasks_status_is_that_of_its_command():
    text = slurm.script([["bash", "-c", "kill -TERM $$"]], name="own")
    assert bash(text, 0).returncode == -15


def test_options():
    found = options(
        slurm.script([["true"]] * 5, name="own", at_once=2, cpus=4, gpus=1)
    )
    assert found == [
        "--job-name=own",
        "--array=0-4%2",
        "--ntasks=1",
        "--cpus-per-task=4",
        "--signal=B:TERM@60",
        "--requeue",
        "--open-mode=append",
        "--gpus-per-task=1",
    ]
    assert "--array=0-4%5" in options(slurm.script([["a"]] * 5, name="own"))


@pytest.mark.parametrize(
    ("commands", "gpus", "words"),
    [([], 0, "nothing to run"), ([["true"]], 0.5, "--gpus=0.5")],
)
def test_what_slurm_cannot_do(commands, gpus, words):
    with pytest.raises(ValueError, match=words):
        slurm.script(commands, name="own", gpus=gpus)


@pytest.mark.slow
@pytest.mark.parametrize("flag", ["--dry-run", "--dry_run"])
def test_each_line_runs_its_setting(sweep, flag, monkeypatch):
    workdir = flag.strip("-")
    path = sweep.folder / "argument.py"
    text = sweep.config.read_text()
    path.write_text(text.replace("def get_config()", "def get_config(_)"))
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    monkeypatch.setenv("XLA_FLAGS", "--xla_force_host_platform_device_count=2")
    done = sweep.run(
        *("--launcher=slurm", flag, "--config.train.epochs=1"),
        *("--settings=cold|warm", "--cpus=2"),
        workdir=workdir,
        config=f"{path}:argument",
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert not (sweep.folder / workdir).exists()
    for line in (
        "export KERAS_BACKEND=tensorflow\n",
        "export XLA_FLAGS=--xla_force_host_platform_device_count=2\n",
        "export TF_NUM_INTRAOP_THREADS=2\n",
    ):
        assert line in done.stdout
    found = options(done.stdout)
    assert "--array=0-1%2" in found and "--cpus-per-task=2" in found
    if flag == "--dry_run":
        return
    # Both tasks begin the run at the same moment.
    tasks = [
        subprocess.Popen(
            ["bash", "-c", done.stdout],
            cwd="/",
            env={
                **os.environ,
                "SLURM_ARRAY_TASK_ID": str(number),
            },
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(2)
    ]
    for task in tasks:
        _, err = task.communicate()
        assert task.returncode == 0, err
    finished = {
        row.setting: (row.round, row.epochs)
        for row in rows.read_workdir(sweep.folder / workdir)
        if row.last
    }
    assert finished == {
        "own/cold/seed0": (4, 1),
        "own/warm/seed0": (4, 1),
    }
    again = sweep.run(
        *("--launcher=slurm", flag, "--config.train.epochs=1"),
        "--settings=cold|shrink",
        workdir=workdir,
    )
    assert "--array=0-0%1" in again.stdout
    assert "shrink_perturb-0.5-0.1" in again.stdout
