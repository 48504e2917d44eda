"""Settings: arms, seeds and grids as runs with stable ids."""

import dataclasses

import pytest
from ws_keras.configs import base

from ws_keras import settings


def config(**changes):
    found = base.get_config()
    found.experiment = "own"
    found.arms, found.seeds = ("cold", "warm"), (0, 1)
    found.update(changes)
    return found


def test_seeds_vary_slowest_so_that_pairs_are_complete():
    assert [s.id for s in settings.product(config())] == [
        "own/cold/seed0",
        "own/warm/seed0",
        "own/cold/seed1",
        "own/warm/seed1",
    ]


def test_a_pair_differs_in_the_arm_alone():
    arms = ("cold", "warm", "shrink_perturb-0.6-0.01")
    found = settings.product(config(arms=arms))
    assert [s.pair for s in found] == ["own/seed0"] * 3 + ["own/seed1"] * 3
    assert [(s.arm, s.shrink, s.perturb) for s in found[:3]] == [
        ("cold", 0.0, 1.0),
        ("warm", 1.0, 0.0),
        ("shrink_perturb", 0.6, 0.01),
    ]


def test_a_grid_makes_cells():
    found = settings.product(
        config(seeds=(4,)),
        {"model.name": ("mlp", "logistic"), "optimizer.momentum": (0.5,)},
    )
    assert [s.id for s in found] == [
        "own/mlp-0.5/cold/seed4",
        "own/mlp-0.5/warm/seed4",
        "own/logistic-0.5/cold/seed4",
        "own/logistic-0.5/warm/seed4",
    ]
    assert [dict(s.overrides)["model.name"] for s in found] == [
        *["mlp"] * 2,
        *["logistic"] * 2,
    ]
    assert [s.pair for s in found[:2]] == ["own/mlp-0.5/seed4"] * 2


def test_overrides_reach_a_copy_of_the_config():
    given = config()
    (one, *_) = settings.product(given, {"model.name": ("mlp",)})
    found = settings.apply(given, one)
    assert found.model.name == "mlp" and given.model.name == "resnet18"
    with pytest.raises(AttributeError):
        found.model.wdith = 3  # still locked


@pytest.mark.parametrize(
    "arm, parsed",
    [
        ("cold", ("cold", 0.0, 1.0)),
        ("warm", ("warm", 1.0, 0.0)),
        ("shrink_perturb-0.6-0.01", ("shrink_perturb", 0.6, 0.01)),
        ("shrink_perturb-0-0", ("shrink_perturb", 0.0, 0.0)),
        ("shrink_perturb-0.6-1e-2", ("shrink_perturb", 0.6, 0.01)),
    ],
)
def test_arms(arm, parsed):
    assert settings.parse_arm(arm) == parsed


@pytest.mark.parametrize(
    "arm, kind, numbers",
    [
        ("warm_reset", "warm_reset", ()),
        ("head_reset", "head_reset", ()),
        ("last_layer-0.5-0.1", "last_layer", (0.5, 0.1)),
        ("first_layers-2", "first_layers", (2.0,)),
        ("dash-0.3-0.2", "dash", (0.3, 0.2)),
        ("l2_init-1e-2", "l2_init", (0.01,)),
        ("shrink_perturb-0.6-0.01", "shrink_perturb", (0.6, 0.01)),
    ],
)
def test_relatives_have_their_numbers_in_their_names(arm, kind, numbers):
    (setting,) = settings.product(config(arms=(arm,), seeds=(3,)))
    assert setting.kind == setting.method.name == kind
    assert dataclasses.astuple(setting.method) == numbers
    assert setting.id == f"own/{arm}/seed3"


def test_an_axis_of_words_sets_several_fields():
    models = {
        "mlp": {"model.name": "mlp"},
        "mlp_tanh": {"model.name": "mlp", "model.activation": "tanh"},
    }
    found = settings.product(
        config(seeds=(0,)),
        {"model": models, "train.batch_size": (16, 32)},
        arms=("cold",),
    )
    assert [setting.id for setting in found] == [
        "own/mlp-16/cold/seed0",
        "own/mlp-32/cold/seed0",
        "own/mlp_tanh-16/cold/seed0",
        "own/mlp_tanh-32/cold/seed0",
    ]
    # What has a field of its own in a row is no label.
    assert found[0].labels == (("train.batch_size", 16),)
    assert found[3].labels == (("model", "mlp_tanh"), ("train.batch_size", 32))
    assert settings.apply(base.get_config(), found[3]).model.activation == (
        "tanh"
    )


@pytest.mark.parametrize(
    "arm, words",
    [
        ("dash-0.3-0", "alpha of an arm must be in (0, 1]"),
        ("dash-1.3-0.3", "Received: shrink=1.3"),
        ("l2_init-inf", "strength of an arm must be finite"),
        ("first_layers-1.5", "layers of an arm must be a whole"),
        ("warm_reset-1", "arm='warm_reset-1'"),
        ("tepid", "arm='tepid'"),
        ("shrink_perturb", "arm='shrink_perturb'"),
        ("shrink_perturb-0.6", "arm='shrink_perturb-0.6'"),
        ("shrink_perturb-1.4-0.1", "Received: shrink=1.4"),
        ("shrink_perturb--0.4-0.1", "Received: shrink=-0.4"),
        ("shrink_perturb-0.4--0.1", "Received: perturb=-0.1"),
        ("shrink_perturb-nan-0.1", "Received: shrink=nan"),
        ("shrink_perturb-0.4-inf", "Received: perturb=inf"),
    ],
)
def test_bad_arms(arm, words):
    with pytest.raises(ValueError) as error:
        settings.parse_arm(arm)
    assert words in str(error.value)


@pytest.mark.parametrize(
    "pattern, seeds",
    [
        (None, [0, 0, 1, 1]),
        ("warm", [0, 1]),
        ("seed1$", [1, 1]),
        ("own/warm/seed1, own/cold/seed0", [0, 1]),
    ],
)
def test_select(pattern, seeds):
    found = settings.select(settings.product(config()), pattern)
    assert [setting.seed for setting in found] == seeds


@pytest.mark.parametrize("pattern", ["tepid", "("])
def test_select_nothing_or_no_expression(pattern):
    with pytest.raises(ValueError, match="Received: '"):
        settings.select(settings.product(config()), pattern)


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"arms": ()}, "arms=[]"),
        ({"seeds": ()}, "seeds=[]"),
        ({"seeds": (-1,)}, "seeds=[-1]"),
        ({"seeds": (True,)}, "seeds=[True]"),
        ({"seeds": (0.5,)}, "seeds=[0.5]"),
        ({"arms": ("cold", "tepid")}, "arm='tepid'"),
        ({"arms": (1,)}, "arm=1"),
        ({"seeds": (0, 0)}, "seeds=[0, 0]"),
        ({"arms": ("cold", "cold")}, "must not contain duplicates"),
    ],
)
def test_bad_arms_and_seeds_of_a_config(changes, words):
    with pytest.raises(ValueError) as error:
        settings.product(config(**changes))
    assert words in str(error.value)


@pytest.mark.parametrize(
    "grid",
    [
        {"model.width": (16, 16)},
        {"model.width": ()},
        {"model.name": ("a", "a-b"), "data.name": ("b-c", "c")},
    ],
    ids=["twice", "empty", "one id of two"],
)
def test_bad_grids(grid):
    with pytest.raises(ValueError, match="Received: "):
        settings.product(config(), grid)


def test_underscores_are_no_decimal_points():
    with pytest.raises(ValueError, match="arm='shrink_perturb-0_1-0.1'"):
        settings.parse_arm("shrink_perturb-0_1-0.1")


@pytest.mark.parametrize(
    ("grid", "words"),
    [
        ({"model.units": 50}, r"model.units=50.*\(50,\)"),
        ({"optimizer.name": "sgd"}, r"optimizer.name='sgd'.*\('sgd',\)"),
        ({"model": {"small": 3}}, "model={'small': 3}.*'FIELD': 3"),
    ],
)
def test_a_grid_has_several_values(grid, words):
    with pytest.raises(ValueError, match=f"`grid` must map.*{words}"):
        settings.product(config(), grid)
