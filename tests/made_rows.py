"""Rows, epochs and runs for the tests."""

import copy
import math
import re

import pytest

from ws_keras import settings
from ws_keras.storage import rows
from ws_keras.storage import workdir

_ROW = {
    "setting": "fig2_online/warm/seed0",
    "experiment": "fig2_online",
    "arm": "warm",
    "shrink": 1.0,
    "perturb": 0.0,
    "seed": 0,
    "round": 1,
    "num_samples": 1000,
    "epochs": 10,
    "steps": 80,
    "sample_passes": 10000,
    "train_seconds": 2.5,
    "cpu_seconds": 4.5,
    "trace_seconds": 4.0,
    "eval_seconds": 0.5,
    "train_accuracy": 99.2,
    "accuracy": 30.0,
    "loss": 0.05,
    "eval_loss": 2.5,
    "stopped_by": "threshold",
    "last": False,
    "dataset": "cifar10",
    "model": "resnet18",
    "optimizer": "adam",
}
_ARMS = {"cold": (0.0, 1.0), "warm": (1.0, 0.0)}


def _row(**changes) -> rows.Row:
    arm, seed = changes.get("arm", "warm"), changes.get("seed", 0)
    shrink, perturb = _ARMS.get(arm, (0.6, 0.01))
    experiment = changes.get("experiment", "fig2_online")
    named = {
        "setting": f"{experiment}/{arm}/seed{seed}",
        "shrink": shrink,
        "perturb": perturb,
    }
    return rows.Row(**{**_ROW, **named, **changes})


@pytest.fixture
def make_row():
    return _row


@pytest.fixture
def unsigned():
    """Returns the lines of a file as they were before they had checksums."""
    return lambda path: re.sub(
        r', "crc32": "[0-9a-f]{8}"}', "}", path.read_text()
    )


@pytest.fixture
def online_rows():
    """Three rounds of three arms and two seeds."""
    levels = {"cold": 32.0, "warm": 30.0, "shrink_perturb": 33.0}
    return [
        _row(
            arm=arm,
            seed=seed,
            round=number,
            num_samples=1000 * number,
            accuracy=level + 5 * number + seed,
            last=number == 3,
        )
        for arm, level in levels.items()
        for seed in range(2)
        for number in range(1, 4)
    ]


@pytest.fixture
def two_phase_rows():
    """Two phases of Table 1's sizes, cold and warm, two seeds."""
    return [
        _row(
            experiment="table1",
            arm=arm,
            seed=seed,
            round=number,
            num_samples=16666 * number + number // 2,
            optimizer="sgd",
            accuracy=accuracy + seed,
            stopped_by="epochs",
            epochs=350,
            last=number == 2,
        )
        for arm, accuracy in (("cold", 56.0), ("warm", 40.0))
        for seed in range(2)
        for number in range(1, 3)
    ]


@pytest.fixture
def make_epochs():
    def make(setting, lengths=(3, 2)):
        numbers = [n for n, k in enumerate(lengths, 1) for _ in range(k)]
        return [
            rows.Epoch(
                setting=setting,
                round=number,
                epoch=epoch,
                loss=1.0 / epoch,
                train_accuracy=50.0 + epoch,
                accuracy=40.0 + epoch if epoch % 2 else math.nan,
                learning_rate=1e-3,
                samples_per_second=2800.0,
            )
            for epoch, number in enumerate(numbers, 1)
        ]

    return make


# As `run.json` has it, of the fields that the papers' numbers depend on.
_CONFIG = {
    "data": {"split": "held_out", "normalization": "half"},
    "model": {"width": 16},
    "optimizer": {"learning_rate": 0.001, "momentum": 0.0},
    "rounds": {"protocol": "online", "step": 1000, "fraction": 0.5},
    "train": {
        "batch_size": 128,
        "threshold": 0.99,
        "epochs": None,
        "measured": "epoch",
    },
    "transform": {
        "noise": "fresh",
        "first_round": True,
        "statistics": "reset",
        "optimizer": "reset",
    },
}


@pytest.fixture
def authors_config():
    return copy.deepcopy(_CONFIG)


@pytest.fixture
def make_arm():
    """Returns a function for the last rows of an arm, one for each accuracy.

    `rounds` are the numbers of samples; earlier rounds have an accuracy of 10.
    """

    def make(arm, accuracies, rounds=(16666, 33333), cell="", **fields):
        name, shrink, perturb = settings.parse_arm(arm)
        experiment = fields.pop("experiment", "own")
        last = fields.pop("last_fields", {})
        return [
            _row(
                setting=f"{experiment}/{cell}{arm}/seed{seed}",
                experiment=experiment,
                arm=name,
                shrink=shrink,
                perturb=perturb,
                seed=seed,
                round=number,
                num_samples=size,
                accuracy=accuracy if number == len(rounds) else 10.0,
                last=number == len(rounds),
                **{
                    "optimizer": "sgd",
                    **fields,
                    **(last if number == len(rounds) else {}),
                },
            )
            for seed, accuracy in enumerate(accuracies)
            for number, size in enumerate(rounds, 1)
        ]

    return make


@pytest.fixture
def make_run(tmp_path):
    """Returns a function that writes rows (and epochs) as a run's folder."""

    def make(found, epochs=(), name="run", **notes):
        folder = workdir.Workdir(tmp_path / name)
        folder.prepare({"experiment": "x"}, {"keras": "3.15.1"}, **notes)
        for row in found:
            rows.append(folder.rows_path(row.setting), row)
        for epoch in epochs:
            rows.append_epoch(folder.epochs_path(epoch.setting), epoch)
        return folder

    return make
