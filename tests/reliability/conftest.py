"""A small online run that is disturbed in many ways, and its whole life."""

import dataclasses
import pathlib

import numpy as np
import pytest
from tensorboard.backend.event_processing import event_accumulator

from tests import own_config
from ws_keras.storage import checkpoint
from ws_keras.storage import rows

ARMS = own_config.ARMS
# A small convolutional network.
FIELDS = {
    "rounds.step": 24,
    "model.width": 2,
    "model.blocks": (1,),
    "train.batch_size": 8,
    "train.patience": 2,
    "rounds.limit": 2,
    "train.max_epochs": 4,
}


@dataclasses.dataclass(frozen=True)
class Result:
    """All that a run leaves, without its times."""

    rows: dict
    epochs: dict
    points: dict
    weights: dict

    @classmethod
    def of(cls, workdir: pathlib.Path) -> "Result":
        """Reads a finished workdir."""
        folders = {arm: workdir / "own" / arm / "seed0" for arm in ARMS}
        return cls(
            {
                a: _timeless(rows.read(f / rows.ROWS))
                for a, f in folders.items()
            },
            {
                a: _timeless(rows.read_epochs(f / rows.EPOCHS))
                for a, f in folders.items()
            },
            {a: _points(f) for a, f in folders.items()},
            {a: _weights(f) for a, f in folders.items()},
        )


def _rows(folder: pathlib.Path) -> list[dict]:
    return _timeless(rows.read(folder / rows.ROWS))


def _epochs(folder: pathlib.Path) -> list[dict]:
    return _timeless(rows.read_epochs(folder / rows.EPOCHS))


def _timeless(records: list) -> list[dict]:
    dicts = [dataclasses.asdict(record) for record in records]
    return [
        {k: v for k, v in values.items() if "second" not in k}
        for values in dicts
    ]


def _points(folder: pathlib.Path) -> dict:
    found = event_accumulator.EventAccumulator(str(folder))
    found.Reload()
    return {
        tag: [(event.step, event.value) for event in found.Scalars(tag)]
        for tag in found.Tags()["scalars"]
        if "second" not in tag
    }


def _weights(folder: pathlib.Path) -> list[bytes]:
    path, *_ = checkpoint.paths(folder)
    return [bytes(array) for array in checkpoint.load(path).arrays]


@pytest.fixture(scope="session")
def user(tmp_path_factory):
    """A user's folder with images and a config."""
    folder = tmp_path_factory.mktemp("user")
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 90)
    x = rng.integers(0, 256, (90, 4, 4, 3)) // (1 + y[:, None, None, None])
    own_config.write(folder, {"x": x.astype("uint8"), "y": y}, FIELDS)
    return folder


@pytest.fixture(scope="session")
def whole(nursery, user):
    """What the undisturbed run gives."""
    workdir = user / "whole"
    nursery.start(*command(user, workdir), out=user / "whole.out")
    assert nursery.wait() == 0, (user / "whole.out").read_text()
    return Result.of(workdir)


def command(user, workdir, *more) -> list[str]:
    """Returns the arguments of the run."""
    return [
        f"--config={user / 'own.py'}",
        f"--workdir={workdir}",
        "--checkpoint_epochs=2",
        *more,
    ]
