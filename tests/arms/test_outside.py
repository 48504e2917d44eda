"""An arm, a network, a data set and an optimizer of a user's, in a config."""

import pytest

from ws_keras.storage import rows

NETWORK = """
import keras

def build(input_shape, num_classes):
    return keras.Sequential([
        keras.Input(input_shape),
        keras.layers.Dense(5, "relu"),
        keras.layers.Dense(num_classes),
    ])

def wrong(input_shape, num_classes):
    return build(input_shape, num_classes + 1)

def broken(input_shape):
    return 1 / 0

def optimizer(learning_rate):
    return keras.optimizers.RMSprop(learning_rate)
"""
CONFIG = '''
"""An experiment of a user's."""
import numpy as np

import ws_keras
from ws_keras.configs import base


@ws_keras.register_arm("halved")
class Halved(ws_keras.Arm):
    """All weights become smaller."""

    factor: float = ws_keras.number("[0, 1]", default=0.5)

    def begin(self, model, round):
        x, y = round.new
        old = 0 if round.old is None else len(round.old[0])
        assert len(x) == len(y) == 20 and old == 20 * (round.number - 1)
        round.apply(ws_keras.shrink_perturb, model, self.factor, 0.0)


@ws_keras.register_dataset("blobs")
def blobs():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 60)
    return (y[:, None] + rng.normal(0, 1, (60, 4))), y


def get_config():
    config = base.get_config()
    config.experiment = "own"
    config.arms = ("cold", "shrink_perturb-0.5-0", "halved", "halved-0.25")
    config.seeds = (0,)
    config.data.name = "blobs"
    config.data.normalization = "none"
    config.rounds.step = 20
    config.model.name = "mine_for_a_test:build"
    config.optimizer.name = "mine_for_a_test:optimizer"
    config.train.batch_size = 8
    config.train.epochs = 2
    return config
'''


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("user")
    (folder / "mine_for_a_test.py").write_text(NETWORK)
    (folder / "own.py").write_text(CONFIG)
    return folder


@pytest.fixture(scope="module")
def found(nursery, folder):
    workdir = f"--workdir={folder / 'run'}"
    done = nursery.run(f"--config={folder / 'own.py'}", workdir)
    assert done.returncode == 0, done.stderr
    return rows.read_workdir(folder / "run")


def test_all_of_it_runs_and_is_reported(folder, found):
    assert len(found) == 8
    named = {(row.dataset, row.model, row.optimizer) for row in found}
    module = "mine_for_a_test"
    assert named == {("blobs", f"{module}:build", f"{module}:optimizer")}
    page = (folder / "run/report/report.md").read_text()
    assert "halved-0.25" in page and "An experiment of a user's" in page


def test_an_own_arm_does_what_it_says(found):
    """Halving is shrink 0.5 without noise."""
    arms = {}
    for row in found:
        arms.setdefault(row.setting.split("/")[1], []).append(row)
    ours, known = arms["halved"], arms["shrink_perturb-0.5-0"]
    values = [[(r.loss, r.eval_loss) for r in each] for each in (ours, known)]
    assert values[0] == values[1]
    assert arms["halved-0.25"][1].loss != ours[1].loss
    assert ours[0].arm == "halved" and ours[0].shrink != ours[0].shrink


@pytest.mark.parametrize(
    "change, words",
    [
        ("model.name=mine_for_a_test:wrong", ["(None, 3)", "(None, 4)"]),
        ("model.name=mine_for_a_test:broken", ["TypeError"]),
        ("model.name=mine_for_a_test:nothing", ["no function 'nothing'"]),
        ("model.name=nonesuch:build", ["No module named 'nonesuch'"]),
        ("optimizer.name=math:sqrt", ["optimizer.name", "math:sqrt"]),
        ("data.name=squares", ["'squares'", "'blobs'"]),
        ("arms=halved-1.5", ["factor=1.5", "in [0, 1]"]),
    ],
)
def test_what_is_wrong_has_a_sentence(folder, nursery, change, words):
    workdir = f"--workdir={folder / 'wrong'}"
    config = f"--config={folder / 'own.py'}"
    done = nursery.run(config, workdir, f"--config.{change}")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr
