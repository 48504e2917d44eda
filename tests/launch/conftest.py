"""A small experiment and its command, for the tests of sweeps."""

import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).parents[2]
CONFIG = '''
"""Three arms of a small MLP, four rounds each."""
from ws_keras.configs import base


def get_config():
    config = base.get_config()
    config.experiment = "own"
    config.arms = ("cold", "warm", "shrink_perturb-0.5-0.1")
    config.seeds = (0,)
    config.data.name = "npz:{}"
    config.data.normalization = "none"
    config.rounds.step = 10
    config.model.name = "mlp"
    config.model.units = 6
    config.train.batch_size = 5
    config.train.epochs = 8
    return config
'''


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
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 60)
    x = (y[:, None] + rng.normal(0, 1, (60, 4))).astype("float32")
    np.savez(folder / "own.npz", x=x, y=y)
    (folder / "own.py").write_text(CONFIG.format(folder / "own.npz"))
    return Sweep(folder)
