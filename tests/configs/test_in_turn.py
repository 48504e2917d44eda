"""Every config trains and is shown, one after the other in this process."""

import json
import math

import numpy as np
import pytest

from launch import recipes
from ws_keras import experiment
from ws_keras import reuse
from ws_keras import settings as all_settings
from ws_keras.data import datasets
from ws_keras.report import assembling
from ws_keras.report.render import markdown

from .test_each import NAMES
from .test_each import cover
from .test_each import every
from .test_each import module
from .test_each import small
from .test_each import ways

# On top of `small`: no commands are started here.
TINY = {
    "model.blocks": (1,),
    "rounds.step": 60,
    "train.batch_size": 32,
    # The loop of several steps takes longer to trace.
    "train.steps_per_execution": 1,
    "diagnostics.samples": 60,
}
SAMPLES = 120  # where not all are fitted
# Whatever the setting says.
ONE_EPOCH = {"train.epochs": 1, "train.first_epochs": 1}
# Next to each other, experiments of the same optimizer share networks.
IN_TURN = sorted(NAMES, key=lambda n: module(n).get_config().optimizer.name)


def images(count):
    """Images in the shape of CIFAR-10, with a brightness for each class."""
    rng = np.random.default_rng(count)
    y = np.arange(count) % 10
    x = rng.integers(0, 156, (count, 32, 32, 3)) + 11 * y[:, None, None, None]
    return x.astype("uint8"), y.astype("int32")


TRAIN, TEST = images(420), images(60)


def data(name):
    """The same images under any name, so that networks fit all of them."""
    return None if name is None else datasets.Dataset(name, *TRAIN, 10, *TEST)


def tiny(name):
    """Returns the config of an experiment with tiny networks and data."""
    config = module(name).get_config()
    fields = {**small(config), **TINY}
    if any("first_layers" in arm for arm in config.arms):
        fields["model.blocks"] = (1, 1, 1, 1)  # as many as there are to keep
    if config.second.epochs is not None:
        fields["second.epochs"] = 1
    if config.data.samples is not None:
        fields["data.samples"] = SAMPLES
    if config.rounds.limit is not None or "rounds.limit" in fields:
        fields["rounds.limit"] = 2
    config.update_from_flattened_dict(fields)
    return config


def chosen():
    """Yields each experiment with a setting, and whether that goes a new way.

    It is the setting that goes most ways not gone before. One of each, because
    each may need a network of its own, whose trace is nearly all of the time.
    """
    gone = set()
    for name in IN_TURN:
        settings = cover(every(name))
        best = max(settings, key=lambda s: len(ways(s) - gone))
        yield name, best, bool(ways(best) - gone)
        gone |= ways(best)


@pytest.fixture(scope="module")
def networks():
    """Networks that all experiments share, as those of a command do."""
    return reuse.Networks()


@pytest.mark.quick(every=4)
@pytest.mark.parametrize(
    ("name", "setting"),
    [
        pytest.param(
            name, setting, id=name, marks=[pytest.mark.slow] * (not is_new)
        )
        for name, setting, is_new in chosen()
    ],
)
def test_trains_and_is_shown(name, setting, networks):
    """One of its settings; where slow tests run, test_each.py runs more."""
    life = []
    config = all_settings.apply(tiny(name), setting)
    config.update_from_flattened_dict(ONE_EPOCH)
    if config.data.samples is not None:  # a setting may have its own
        config.data.samples = min(config.data.samples, SAMPLES)
    rows = list(
        experiment.run(
            config,
            setting,
            data(config.data.name),
            source=data(config.data.source),
            on_epoch=life.append,
            networks=networks,
        )
    )
    assert [row.last for row in rows] == [False] * (len(rows) - 1) + [True]
    assert all(math.isfinite(row.loss) for row in rows)
    assert {one.setting for one in (*rows, *life)} == {setting.id}
    text = shown(name, tiny(name), rows, life)
    assert setting.kind.replace("_", "-") in text.replace("_", "-")


def shown(name, config, found, life):
    """Returns what the experiment's `VIEW` makes of rows, as text."""
    run = {
        "config": json.loads(json.dumps(config.to_dict(), default=str)),
        "settings": [setting.id for setting in every(name)],
    }
    (one,) = assembling.experiments(run, found, life, recipes.find)
    assembling.blocks(one)  # raises what a page says in a banner
    parts = assembling.sections_of(run, [one])
    return markdown.render(assembling.title(run, [one]), parts)
