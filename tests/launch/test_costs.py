"""What settings cost, by the epochs that are expected or given."""

import json
import pathlib
import re

import numpy as np
import pytest
from ws_keras.configs import base

from launch import costs
from launch import plan
from launch import prepare
from launch import speed
from ws_keras import allocation
from ws_keras import settings as all_settings
from ws_keras.data import datasets
from ws_keras.storage import rows

RESULTS = pathlib.Path(__file__).parents[2] / "results"
# Recipes of many methods have no estimate of their own: `--list` counts them as
# their nearest relatives, which is too low or too high by more. The estimate of
# the factorial is right as a sum, not for each cell.
_ROUGH = (
    "dash_table1_small",
    "factorial",
    "factorial_cifar10",
    "which_arm_5000_more",
    "which_arm_textures",
    "which_arm_textures_more",
    "which_arm_textures_slow_copy",
)
RUNS = sorted(
    path.parent
    for path in RESULTS.glob("*/run.json")
    if path.parent.name not in _ROUGH
)


def _passes(arm, fields, sizes):
    config = base.get_config().unlock()
    config.arms = (arm,)
    (setting, *_) = all_settings.product(config, fixed=fields)
    return costs.passes(setting, all_settings.apply(config, setting), sizes)


@pytest.mark.parametrize(
    ("fields", "epochs"),
    [
        ({}, (19, 10)),  # the first round starts from scratch
        ({"train.epochs": 5}, (5, 5)),
        ({"train.epochs": 5, "second.epochs": 2}, (5, 2)),
        ({"train.first_epochs": 3}, (3, 10)),
        ({"train.expected_epochs.cold": 160}, (160, 10)),
        ({"train.max_epochs": 12}, (12, 10)),
        ({"optimizer.name": "sgd"}, (160, 80)),
    ],
)
def test_a_warm_start_costs_a_cold_one_first(fields, epochs):
    first, later = epochs
    assert _passes("warm", fields, [1000, 2000, 3000]) == [
        1000 * first,
        2000 * later,
        3000 * later,
    ]


@pytest.mark.parametrize(
    ("arm", "epochs"),
    [
        ("cold", 19),
        ("warm_reset", 10),
        ("head_reset", 18),
        ("last_layer-0.4-0", 14),
        # By what is left of the weights.
        ("shrink_perturb-1-0.01", 10),
        ("shrink_perturb-0.5-0.1", 18),
        ("shrink_perturb-0.25-0.1", 22),
    ],
)
def test_relatives_cost_what_they_are_like(arm, epochs):
    assert _passes(arm, {}, [1000, 2000]) == [19000, 2000 * epochs]


def test_what_a_config_expects_goes_for_all_shrinks():
    fields = {"train.expected_epochs.shrink_perturb": 7}
    for shrink in ("1", "0.2"):
        found = _passes(f"shrink_perturb-{shrink}-0.1", fields, [1000, 2000])
        assert found == [19000, 14000]


def _as_run(folder, seeds):
    """The config of committed rows, with the estimates of today."""
    run = json.loads((folder / "run.json").read_text())
    module = plan.named(run["config"]["experiment"])
    config = module.get_config().unlock()
    old = run["config"]
    for part in ("data", "rounds", "second"):
        config[part].update(
            {k: v for k, v in old.get(part, {}).items() if k in config[part]}
        )
    for name in ("epochs", "first_epochs", "max_epochs"):
        if name in old["train"]:
            config.train[name] = old["train"][name]
    config.optimizer.name = old["optimizer"]["name"]
    config.arms, config.seeds = tuple(old["arms"]), tuple(seeds)
    return config, module.settings(config)


# Further seeds of a run count together with it.
WHOLE = [run for run in RUNS if not re.search(r"_seed\d+$", run.name)]


@pytest.mark.parametrize("folder", WHOLE, ids=lambda path: path.name)
def test_estimates_are_near_what_our_rows_took(folder):
    """All of a recipe within a sixth, each of its settings within half."""
    taken, seeds = {}, set()
    for part in (folder, *folder.parent.glob(f"{folder.name}_seed*")):
        for row in rows.read_workdir(part):
            taken.setdefault(row.setting, []).append(row.sample_passes)
            seeds.add(row.seed)
    config, settings = _as_run(folder, sorted(seeds))
    ratios, expected, measured = {}, 0, 0
    for setting in settings:
        if setting.id not in taken:
            continue
        own = all_settings.apply(config, setting)
        count = datasets.num_train(own.data.name)
        sizes = allocation.sizes(own, count)
        guess = sum(costs.passes(setting, own, sizes)[: len(taken[setting.id])])
        expected, measured = expected + guess, measured + sum(taken[setting.id])
        name = setting.id.rpartition("/")[0]
        ratios.setdefault(name, []).append(guess / sum(taken[setting.id]))
    assert measured and 5 / 6 < expected / measured < 7 / 6
    for name, found in ratios.items():
        assert 0.6 < np.mean(found) < 1.5, name


def test_shrinks_are_of_different_kinds():
    """A sweep asks once for each kind what it costs."""
    config = base.get_config().unlock()
    config.arms = ("shrink_perturb-0.2-0.1", "shrink_perturb-0.8-0.1", "cold")
    config.arms += ("dash-0.3-0.1", "first_layers-2")
    kinds = [prepare.kind(s) for s in all_settings.product(config)]
    assert len(set(kinds)) == 5


def test_a_table_with_hours_adds_up():
    fast = speed.Speed(wall=0.001, cpu=0.002, by_cpu=False)
    passes = {"a": 3_600_000.0, "b": 7_200_000.0}
    lines = costs.table(passes, speed=dict.fromkeys("ab", fast)).splitlines()
    assert lines[0].split()[-1] == "hours"
    assert [line.split()[-1] for line in lines[1:]] == ["1.00", "2.00", "3.00"]
    # One setting whose wall clock means nothing is enough: one unit for all.
    shared = speed.Speed(wall=0.1, cpu=0.002, by_cpu=True)
    lines = costs.table(passes, speed={"a": fast, "b": shared}).splitlines()
    assert lines[0].split()[-1] == "CPU-hours"
    assert [line.split()[-1] for line in lines[1:]] == ["2.00", "4.00", "6.00"]
    assert "--probe" in costs.table(passes).splitlines()[0]


def _row(passes, wall, cpu):
    return rows.Row(
        **dict.fromkeys(("seed", "steps", "epochs", "num_samples"), 1),
        **dict.fromkeys(("experiment", "arm", "dataset", "model"), "own"),
        **dict.fromkeys(("shrink", "perturb", "eval_loss", "loss"), 0.0),
        **dict.fromkeys(("train_accuracy", "accuracy"), 90.0),
        **dict.fromkeys(("trace_seconds", "eval_seconds"), 1.0),
        setting="own/cold/seed0",
        round=1,
        sample_passes=passes,
        train_seconds=wall,
        cpu_seconds=cpu,
        stopped_by="threshold",
        last=True,
        optimizer="adam",
    )


def test_rows_tell_the_speed_by_cpu_seconds_where_the_machine_was_shared():
    idle = speed.of_rows([_row(1000, 10.0, 18.0), _row(3000, 30.0, 54.0)])
    assert idle == speed.Speed(0.01, 0.018, by_cpu=False)
    shared = speed.of_rows([_row(1000, 100.0, 18.0)])
    assert shared == speed.Speed(0.1, 0.018, by_cpu=True)


def test_rows_without_cpu_seconds_tell_nothing():
    """Nor do rows of an earlier version, whose machine may have been shared."""
    assert speed.of_rows([]) is None
    assert speed.of_rows([_row(1000, 10.0, float("nan"))]) is None
    mixed = [_row(1000, 10.0, float("nan")), _row(1000, 20.0, 30.0)]
    assert speed.of_rows(mixed) == speed.Speed(0.02, 0.03, by_cpu=False)
