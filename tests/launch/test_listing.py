"""The prices that `--list` shows, in passes and in hours."""

import re

import pytest


def priced(done):
    """Id of each setting, and the total, to its hours."""
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].split()[-1] in ("hours", "CPU-hours")
    return {line.split("  ")[0]: float(line.split()[-1]) for line in lines[1:]}


@pytest.mark.quick(1)
@pytest.mark.parametrize("command", ["launch.run", "launch.sweep"])
def test_both_commands_list_without_a_workdir(nursery, command):
    given = ("--config=quickstart", "--list", "--config.seeds=0,1")
    done = nursery.run(*given, command=command)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(re.findall("^quickstart/", done.stdout, re.M)) == 6
    assert done.stdout == nursery.run(*given).stdout
    catalog = nursery.run("--list", command=command)
    assert "fig2_online (20 settings)" in catalog.stdout


@pytest.mark.slow
def test_hours_come_from_the_rows_of_the_workdir(nursery, sweep, tmp_path):
    given = (f"--config={sweep.config}", f"--workdir={tmp_path / 'run'}")
    # No rows as yet, which is no error and makes no folder.
    before = nursery.run(*given, "--list")
    assert before.returncode == 0 and "hours: --probe" in before.stdout
    assert not (tmp_path / "run").exists()
    done = nursery.run(*given, "--settings=cold", "--noreport")
    assert done.returncode == 0, done.stderr
    found = priced(nursery.run(*given, "--list"))
    # All arms have the network of the one that has rows.
    assert len(found) == 4 and min(found.values()) > 0


def test_a_probe_measures_each_kind_of_network_here(nursery):
    given = (
        "--config=table1_two_phase",
        "--config.seeds=0,",
        "--settings=cifar10-logistic-adam",
        "--settings=svhn_cropped-logistic-adam",
        "--list",
        "--probe",
    )
    found = priced(nursery.run(*given))
    assert len(found) == 5 and min(found.values()) > 0
