"""A small experiment and its command, for the tests of sweeps."""

import os
import pathlib
import subprocess
import sys

import pytest

from tests import own_config

ROOT = pathlib.Path(__file__).parents[2]
# Four rounds.
FIELDS = {
    **own_config.MLP,
    "rounds.step": 10,
    "train.batch_size": 5,
    "train.epochs": 8,
}


class Sweep:
    """The command on the small experiment, in a folder of its own."""

    def __init__(self, folder):
        self.folder = folder
        self.config = folder / "own.py"

    def command(self, *arguments, workdir="run", config=None):
        return [
            sys.executable,
            *("-m", "launch.sweep"),
            f"--config={config or self.config}",
            f"--workdir={self.folder / workdir}",
            *arguments,
        ]

    def start(self, *arguments, **options):
        return subprocess.Popen(
            self.command(*arguments, **options),
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments, **options):
        process = self.start(*arguments, **options)
        out, err = process.communicate()
        return subprocess.CompletedProcess(
            process.args, process.returncode, out, err
        )


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    """The small experiment: its folder, and its command."""
    folder = tmp_path_factory.mktemp("sweep")
    own_config.write(folder, own_config.table(60), FIELDS)
    return Sweep(folder)
