"""A setting goes on on other devices than those on which it was begun."""

import dataclasses
import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).parents[2]
# One process of a run: it stops after an epoch, or runs to the end.
LEG = """
import dataclasses, json, sys
folder, devices, stop_after = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
import numpy as np
from ws_keras import experiment, settings
from ws_keras.configs import base
from ws_keras.data import datasets
from ws_keras.training import keeper as keepers, stop as stops

config = base.get_config()
config.arms, config.seeds = ("shrink_perturb-0.5-0.1",), (0,)
config.model.name, config.model.units = "mlp", 6
config.data.normalization = "none"
config.rounds.step, config.train.batch_size = 21, 8
config.train.epochs = 3
rng = np.random.default_rng(0)
y = rng.integers(0, 3, 63)
x = (y[:, None] + rng.normal(0, 1, (63, 4))).astype("float32")
data = datasets.Dataset("d", x, y.astype("int32"), 3)
where = {"strategy": "mirrored", "devices": devices} if devices > 1 else {}
experiment.start(config, **where)
stop = stops.Stop()
keeper = keepers.Keeper(
    folder, minutes=None, stop=stop, replicas=experiment.replicas(**where)
)
found = keeper.newest()
epochs, rows = [], []

def on_epoch(epoch):
    epochs.append((epoch.epoch, epoch.loss, epoch.train_accuracy))
    if epoch.epoch == stop_after:
        stop.want()

try:
    for row in experiment.run(
        config, settings.product(config)[0], data, **where,
        on_epoch=on_epoch, keeper=keeper, checkpoint=found,
    ):
        rows.append(dataclasses.asdict(row))
except stops.Interrupted:
    pass
print(json.dumps([epochs, rows]))
"""


def leg(folder, devices, stop_after=0):
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            LEG,
            str(folder),
            *map(str, (devices, stop_after)),
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@dataclasses.dataclass
class Life:
    epochs: list
    rows: list


@pytest.mark.slow
def test_from_one_device_to_two_and_back(tmp_path):
    whole = Life(*leg(tmp_path / "whole", 1))
    life = Life([], [])
    # Inside the first round, and inside the second.
    for devices, stop_after in ((1, 2), (2, 4), (1, 0)):
        epochs, rows = leg(tmp_path / "changed", devices, stop_after)
        assert len(epochs) == 2
        life.epochs += epochs
        life.rows += rows
    np.testing.assert_allclose(life.epochs, whole.epochs, rtol=1e-5)
    assert [n for n, *_ in life.epochs] == [1, 2, 3, 4, 5, 6]
    for row, other in zip(life.rows, whole.rows, strict=True):
        for name in ("accuracy", "train_accuracy", "loss", "eval_loss"):
            assert row[name] == pytest.approx(other[name], rel=1e-5)
        assert row["steps"] == other["steps"]
