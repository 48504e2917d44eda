"""Another protocol is a config that differs from the recipe's."""

import copy

import pytest

from ws_keras.report import recipe
from ws_keras.report import view

CONFIG = {
    "experiment": "x",
    "seeds": [0, 1],
    "arms": ["cold"],
    "data": {"name": "cifar10", "samples": None},
    "rounds": {"protocol": "two_phase", "limit": None, "step": 1000},
    "model": {"name": "resnet18", "width": 16, "blocks": [2, 2]},
    "train": {"threshold": 0.99, "max_epochs": 500},
    "diagnostics": {"shrunk": [], "measures": []},
}


def changed(name, value):
    found = copy.deepcopy(CONFIG)
    *path, last = name.split(".")
    part = found
    for step in path:
        part = part[step]
    part[last] = value
    return found


RECIPE = view.Recipe(config=CONFIG, defaults=CONFIG)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("model.width", 64, "model.width 64 instead of 16"),
        ("train.threshold", 0.999, "train.threshold 0.999 instead of 0.99"),
        ("data.samples", 5000, "data.samples 5000 instead of None"),
        ("model.blocks", [1, 1], "model.blocks [1, 1] instead of [2, 2]"),
    ],
)
def test_what_a_number_hangs_on(name, value, words):
    assert recipe.differences(changed(name, value), RECIPE) == [words]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("seeds", [7]),
        ("arms", ["warm"]),
        ("rounds.limit", 5),
        ("train.max_epochs", 10),
        ("diagnostics.shrunk", [1.0]),
        ("model.blocks", (2, 2)),
    ],
)
def test_what_it_does_not_hang_on(name, value):
    assert recipe.differences(changed(name, value), RECIPE) == []


def test_fewer_samples_are_fewer_rounds_online():
    online = changed("rounds.protocol", "online")
    fewer = {**online, "data": {"name": "cifar10", "samples": 5000}}
    assert recipe.differences(fewer, view.Recipe(config=online)) == []


def test_an_older_config_has_the_default_of_a_later_field():
    older = copy.deepcopy(CONFIG)
    del older["model"]["width"]
    assert recipe.differences(older, RECIPE) == []
    wider = view.Recipe(config=changed("model.width", 64), defaults=CONFIG)
    assert recipe.differences(older, wider) == ["model.width 16 instead of 64"]


def test_of_an_unknown_config_nothing_may_be_compared():
    for config, known in (({}, RECIPE), (CONFIG, None), ({}, view.Recipe())):
        (words,) = recipe.differences(config, known)
        assert "not known" in words


def test_a_name_in_the_place_of_the_recipes():
    found = recipe.renamed(changed("data.name", "cifar100"), RECIPE)
    assert found == {"dataset": ("cifar100", "cifar10")}
    assert recipe.renamed(CONFIG, RECIPE) == {}


def test_the_command_of_a_run_that_is_older_than_it():
    config = changed("train.threshold", 0.999)
    config["seeds"] = [0, 1, 2]
    config["train"]["expected_epochs"] = {"cold": 9}
    assert recipe.command(config, RECIPE) == [
        "ws-run",
        "--config=x",
        "--config.seeds=(0, 1, 2)",
        "--config.train.threshold=0.999",
    ]
    assert recipe.command({"experiment": "y"}, RECIPE) is None
    assert recipe.command(CONFIG, view.Recipe()) is None
