"""A sweep on a Ray cluster of several nodes, one of which is lost."""

import dataclasses
import os
import signal
import subprocess
import time

import pytest

from ws_keras.storage import rows

ray = pytest.importorskip("ray")
TIMES = {
    name: 0.0
    for name in (
        "train_seconds",
        "cpu_seconds",
        "trace_seconds",
        "eval_seconds",
    )
}


def untimed(folder):
    return [dataclasses.replace(r, **TIMES) for r in rows.read_workdir(folder)]


@pytest.fixture
def cluster():
    """A head without cores, and two nodes of one core each."""
    from ray import cluster_utils

    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # Beside other processes a nice one would take minutes.
    os.environ.setdefault("RAY_worker_niceness", "0")
    found = cluster_utils.Cluster(
        initialize_head=True,
        head_node_args={"num_cpus": 0, "include_dashboard": False},
    )
    nodes = [found.add_node(num_cpus=1) for _ in range(2)]
    yield found, nodes
    found.shutdown()


@pytest.mark.slow
def test_a_node_is_lost_and_the_rows_are_those_of_this_machine(sweep, cluster):
    cluster, nodes = cluster
    arguments = ("--config.train.epochs=30", "--nodownload")
    process = sweep.start(
        *arguments,
        *("--launcher=ray", f"--address={cluster.address}"),
        workdir="ray",
    )
    path = sweep.folder / "ray"
    while process.poll() is None and not rows.read_workdir(path):
        time.sleep(0.05)
    assert not any(row.last for row in rows.read_workdir(path))
    cluster.remove_node(nodes[0], allow_graceful=False)
    out, err = process.communicate()
    assert (process.returncode, err) == (0, "")
    done = sweep.run(*arguments, "--workers=2", workdir="here")
    assert done.returncode == 0, done.stderr
    assert untimed(path) == untimed(sweep.folder / "here")
    assert len(untimed(path)) == 12


@pytest.mark.slow
def test_an_interruption_ends_the_tasks(sweep):
    process = sweep.start(
        *("--launcher=ray", "--config.train.epochs=5000"), workdir="stopped"
    )
    while process.poll() is None and not list(
        (sweep.folder / "stopped").glob("**/epochs.jsonl")
    ):
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate()
    assert process.returncode == 143
    assert err.startswith("Interrupted by SIGTERM: 3 settings are left.")
    listed = subprocess.run(
        ["ps", "-eo", "args"], capture_output=True, text=True
    )
    assert str(sweep.folder / "stopped") not in listed.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--address=127.0.0.1:1"], "`--address` must be the address of"),
        (["--cpus=1000"], "--cpus=1000"),
    ],
)
def test_mistakes_are_sentences(sweep, arguments, words):
    done = sweep.run("--launcher=ray", *arguments, workdir="no")
    assert done.returncode == 1 and words in done.stderr
    assert done.stderr.count("\n") == 1 and done.stdout == ""


def test_a_node_that_does_not_see_the_workdir_says_so(tmp_path):
    from launch import ray_cluster

    words = ray_cluster._run(["-c", "pass"], {}, "/", str(tmp_path))
    assert words.startswith("`--workdir` must be on storage that all nodes")
    assert str(tmp_path) in words
    (tmp_path / "run.json").touch()
    assert ray_cluster._run(["-c", "pass"], {}, "/", str(tmp_path)) is None


@pytest.mark.slow
def test_a_setting_without_end_has_a_limit(sweep, cluster):
    """Its rows so far stay, and it goes on from there."""
    cluster, _ = cluster
    arguments = ("--settings=warm", "--nodownload")
    where = ("--launcher=ray", f"--address={cluster.address}")
    endless = (
        "--config.train.epochs=1000000",
        *("--timeout=45", "--retries=0", "--checkpoint_epochs=10"),
    )
    done = sweep.run(*arguments, *endless, *where, workdir="late")
    assert done.returncode == 1
    assert done.stderr.startswith("1 of 1 settings failed once."), done.stderr
    words = "own/warm/seed0: did not end in 45 s (--timeout)"
    assert words in done.stderr
    folder = sweep.folder / "late/own/warm/seed0"
    assert list(folder.glob("checkpoint-*.ckpt"))
