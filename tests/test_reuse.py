"""One network for one setting after the other: no row tells it from its own."""

import dataclasses

import keras
import numpy as np
import pytest
from ws_keras.configs import base

import ws_keras
from ws_keras import arms
from ws_keras import experiment
from ws_keras import reuse
from ws_keras import settings
from ws_keras.data import datasets

RNG = np.random.default_rng(4)
Y = (np.arange(150) % 3).astype("int32")
FLAT = (Y[:, None] + RNG.normal(0, 1, (150, 5))).astype("float32")
IMAGES = RNG.integers(0, 256, (150, 8, 8, 3)).astype("uint8")
TIMES = ("train_seconds", "cpu_seconds", "trace_seconds", "eval_seconds")
ARMS = (
    "cold",
    "warm",
    "shrink_perturb-0.4-0.1",
    "last_layer-0.4-0.1",
    "dash-0.3-0.3",
    "head_reset",
)
# What leaves a mark on a network beside its weights.
CASES = {
    "plain": {},
    "augmented": {
        "model.name": "resnet18",
        "model.width": 4,
        "model.blocks": (1, 1),
        "data.name": "images",
        "data.augmentation": "standard",
    },
    "active": {"rounds.protocol": "active"},
    "measured": {
        "diagnostics.measures": ("weight_correlation", "gradient_norm"),
        "diagnostics.shrunk": (0.5,),
    },
    "second": {"second.learning_rate": 1e-4, "second.batch_size": 4},
    "transfer": {
        "rounds.protocol": "transfer",
        "rounds.fraction": 1.0,
        "data.source": "ten",
    },
    "momentum": {"optimizer.name": "sgd", "optimizer.momentum": 0.9},
    "kept": {"transform.optimizer": "keep", "transform.statistics": "keep"},
}
DATA = {
    "own": datasets.Dataset("own", FLAT, Y, 3),
    "images": datasets.Dataset("images", IMAGES, Y, 3),
    "ten": datasets.Dataset("ten", FLAT + 1, (np.arange(150) % 5), 5),
}


class Count:
    """How often the steps of models are traced."""

    def __init__(self, monkeypatch):
        self.training = self.evaluation = 0
        for name, counted in (
            ("train_step", "training"),
            ("test_step", "evaluation"),
        ):
            monkeypatch.setattr(
                keras.Model, name, self._counting(name, counted)
            )

    def _counting(self, name, counted):
        original = getattr(keras.Model, name)

        def step(model, *arguments, **keywords):
            setattr(self, counted, getattr(self, counted) + 1)
            return original(model, *arguments, **keywords)

        return step


@pytest.fixture
def count(monkeypatch):
    return Count(monkeypatch)


def config(**changes):
    found = base.get_config()
    found.experiment = "own"
    found.data.name = "own"
    found.data.normalization = "none"
    found.model.name = "mlp"
    found.model.units = 6
    found.rounds.step = 40
    found.rounds.limit = 2
    found.train.batch_size = 16
    found.train.epochs = 2
    # The loop of several steps takes longer to trace.
    found.train.steps_per_execution = 1
    found.train.monitor_samples = 10
    found.seeds = (0, 1)
    found.arms = ARMS
    found.deterministic = False
    found.update_from_flattened_dict(changes)
    return found


def run(given, setting, networks):
    source = given.data.source and DATA[given.data.source]
    found = experiment.run(
        given, setting, DATA[given.data.name], source=source, networks=networks
    )
    return [dataclasses.replace(r, **dict.fromkeys(TIMES, 0.0)) for r in found]


def chosen(given, *parts):
    """The settings whose ids end like this, in this order."""
    every = settings.product(given)
    return [s for part in parts for s in every if s.id.endswith(part)]


SLOW = ("second", "momentum", "kept", "active", "transfer")


@pytest.mark.quick(1)
@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=[pytest.mark.slow] * (n in SLOW)) for n in CASES],
)
def test_rows_are_those_of_a_network_of_its_own(name):
    given, shared = config(**CASES[name]), reuse.Networks()
    some = chosen(given, "warm/seed1", "shrink_perturb-0.4-0.1/seed0")
    alone = [run(given, setting, reuse.Networks()) for setting in some]
    # The first one begins on a new network, and later on a used one.
    for place in (0, 1, 0):
        assert run(given, some[place], shared) == alone[place]


def test_all_arms_and_seeds_trace_once(count):
    given, shared = config(), reuse.Networks()
    for setting in chosen(
        given, *(f"{arm}/seed0" for arm in ARMS), "warm/seed1"
    ):
        run(given, setting, shared)
    # Rates are variables, and a batch may have any size.
    for changes in (
        {"optimizer.learning_rate": 0.1},
        {"train.batch_size": 8, "second.batch_size": 5},
        {"rounds.protocol": "two_phase"},
    ):
        given = config(**changes)
        run(given, settings.product(given)[0], shared)
    assert (count.training, count.evaluation) == (1, 1)


@dataclasses.dataclass(frozen=True)
class Kept(arms.Arm):
    """Has the first weights in its graph, and says nothing of them."""

    def losses(self, model):
        ws_keras.l2_init(model, 0.1)


def check_seeds(given, some, count, graphs):
    """Rows of two seeds in turn are those of networks of their own."""
    alone = [run(given, setting, reuse.Networks()) for setting in some]
    assert alone[0][-1].loss != alone[1][-1].loss
    shared, before = reuse.Networks(), count.training
    for place in (0, 1, 0):
        assert run(given, some[place], shared) == alone[place]
    assert count.training - before == graphs


@pytest.mark.slow
@pytest.mark.parametrize(
    "arm",
    [
        "l2_init-0.1",
        pytest.param("distill-0.5-2", marks=pytest.mark.slow),
        pytest.param("parseval-0.01", marks=pytest.mark.slow),
    ],
)
def test_the_loss_of_an_arm_is_traced_once_for_all_seeds(count, arm):
    given = config(arms=(arm,))
    check_seeds(given, settings.product(given), count, 1)


@pytest.mark.slow
def test_the_loss_of_an_arm_that_cannot_restart_is_that_of_its_seed(
    count, monkeypatch
):
    given = config(arms=("warm",))
    monkeypatch.setattr(settings.Setting, "method", Kept())
    check_seeds(given, settings.product(given), count, 2)


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes",
    [
        {},
        pytest.param(
            {"arms": ("distill-0.5-2",)},
            marks=pytest.mark.slow,  # a teacher of the same moments
        ),
        pytest.param(
            {**CASES["augmented"], "arms": ("warm",)}, marks=pytest.mark.slow
        ),
    ],
)
def test_moments_of_samples_are_those_of_the_seed(count, changes):
    given = config(
        **{"arms": ("warm",), "data.normalization": "channel", **changes}
    )
    check_seeds(given, settings.product(given), count, 1)


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes",
    [
        {"model.units": 7},
        pytest.param(
            {"penalty.name": "l2", "penalty.weight": 0.1},
            marks=pytest.mark.slow,
        ),
        pytest.param({"optimizer.epsilon": 1e-3}, marks=pytest.mark.slow),
        pytest.param({"data.normalization": "half"}, marks=pytest.mark.slow),
    ],
)
def test_what_changes_a_graph_traces_anew(count, changes):
    shared = reuse.Networks()
    for given in (config(), config(**changes)):
        setting = settings.product(given)[0]
        assert run(given, setting, shared) == run(
            given, setting, reuse.Networks()
        )
    assert count.training == 4


@pytest.mark.slow
def test_settings_that_run_in_turn_have_networks_of_their_own():
    given, shared = config(), reuse.Networks()
    some = chosen(given, "warm/seed1", "cold/seed0")
    alone = [run(given, setting, reuse.Networks()) for setting in some]
    both = [
        experiment.run(given, setting, DATA["own"], networks=shared)
        for setting in some
    ]
    for number, rows in enumerate(zip(*both, strict=True)):
        for row, wanted in zip(rows, alone, strict=True):
            assert row.loss == wanted[number].loss
            assert row.accuracy == wanted[number].accuracy


@pytest.mark.slow
def test_a_setting_that_is_left_or_has_diverged_leaves_nothing_behind():
    given, shared = config(), reuse.Networks()
    setting, other = chosen(given, "warm/seed1", "cold/seed0")
    alone = run(given, setting, reuse.Networks())
    left = experiment.run(given, other, DATA["own"], networks=shared)
    next(left)
    left.close()
    assert run(given, setting, shared) == alone
    far = config(**{"optimizer.learning_rate": 1e30})
    assert run(far, other, shared)[-1].stopped_by == "nan"
    assert run(given, setting, shared) == alone


@dataclasses.dataclass(frozen=True)
class Frozen(arms.Arm):
    """Freezes the first layer, and says nothing of it."""

    def begin(self, model, round):
        model.layers[2].trainable = False


@pytest.mark.slow
def test_a_network_that_an_arm_has_changed_for_good_is_not_kept(monkeypatch):
    given, shared = config(), reuse.Networks()
    setting, other = chosen(given, "warm/seed1", "cold/seed1")
    alone = run(given, setting, reuse.Networks())
    with monkeypatch.context() as patch:
        patch.setattr(settings.Setting, "method", Frozen())
        run(given, other, shared)
    assert run(given, setting, shared) == alone


class Size:
    """What is asked of a network that is kept."""

    def __init__(self, size):
        self.size = size

    def is_as_built(self):
        return True


def test_few_networks_are_kept_and_the_oldest_go():
    dropped = []
    shared = reuse.Networks(on_drop=lambda: dropped.append(1))
    made = {}
    for name in ("a", "b", "c", "a", "d", "e"):
        with shared.lent(name, lambda: Size(1)) as found:
            assert made.setdefault(name, found) is found
    assert len(dropped) == 1
    with shared.lent("b", lambda: Size(2**28)) as found:  # the oldest one
        assert made["b"] is not found
    # A large one is not kept beside another.
    with shared.lent("f", lambda: Size(1)):
        with shared.lent("b", lambda: Size(1)) as again:
            assert again is not found


def test_a_network_that_failed_is_not_kept():
    shared = reuse.Networks()
    with pytest.raises(OSError), shared.lent("a", lambda: Size(1)) as found:
        raise OSError
    with shared.lent("a", lambda: Size(1)) as again:
        assert again is not found
