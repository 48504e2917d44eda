"""Each arm does to the weights what its name says."""

import keras
import numpy as np
import pytest
from keras import ops
from ws_keras.configs import base

from ws_keras import allocation
from ws_keras import models
from ws_keras import round_view
from ws_keras import settings
from ws_keras.data import datasets
from ws_keras.transforms import dash
from ws_keras.transforms import stages

RNG = np.random.default_rng(0)
Y = (np.arange(90) % 3).astype("int32")
X = RNG.integers(0, 256, (90, 8, 8, 3), dtype="uint8")
DATA = datasets.Dataset("own", X, Y, 3)


def given(**changes):
    found = base.get_config()
    found.rounds.step = 20
    found.seeds = (0,)
    found.update_from_flattened_dict(changes)
    return found


@pytest.fixture(scope="module")
def model():
    found = models.resnet18((8, 8, 3), 3, width=2, blocks=(1, 1))
    found.compile(keras.optimizers.SGD(0.1, momentum=0.9))
    found.optimizer.build(found.trainable_variables)
    return found


@pytest.fixture(autouse=True)
def used(model):
    """Weights, statistics and momentum as after some training."""
    for number, variable in enumerate(values_of(model)):
        if variable.dtype == "float32" and "rate" not in variable.path:
            rng = np.random.default_rng(number)
            variable.assign(rng.uniform(0.5, 1.5, variable.shape))


def values_of(model):
    return [*model.variables, *model.optimizer.variables]


def after(model, arm, number=2, **changes):
    """Path to value before and after what an arm does."""
    config = given(**changes)
    (setting,) = settings.product(config, arms=(arm,))
    samples = allocation.samples(config, DATA, 0)
    before = {v.path: np.array(v) for v in values_of(model)}
    views = round_view.Views(config, setting, samples, samples.rounds)
    views.begin(model, number)
    return {v.path: (before[v.path], np.array(v)) for v in values_of(model)}


def changed(found):
    return {
        path.split("/")[0]
        for path, (old, new) in found.items()
        if not np.array_equal(old, new) and "momentum" not in path
    }


KEEP = {"transform.statistics": "keep", "transform.optimizer": "keep"}
HEAD = {"logits"}


def test_warm_changes_nothing_but_the_state_beside_the_weights(model):
    assert changed(after(model, "warm", **KEEP)) == set()
    found = after(model, "warm")
    weights = {v.path for v in model.trainable_variables}
    for path in weights:
        np.testing.assert_array_equal(*found[path])
    moving = [pair for path, pair in found.items() if "moving_mean" in path]
    momenta = [pair for path, pair in found.items() if "momentum" in path]
    assert moving and momenta
    for old, new in moving + momenta:
        assert old.any() and not new.any()


def test_warm_reset_resets_the_momentum_alone(model):
    found = after(model, "warm_reset", **KEEP)
    assert changed(found) == set()
    momenta = [pair for path, pair in found.items() if "momentum" in path]
    assert momenta and not any(new.any() for _, new in momenta)


def test_cold_draws_all_anew_whatever_is_kept(model):
    found = after(model, "cold", **KEEP)
    assert {"stem_conv", "logits", "stage1_block1_norm1"} <= changed(found)


def test_head_reset_draws_the_last_layer_anew(model):
    found = after(model, "head_reset", **KEEP)
    assert changed(found) == HEAD
    bound = 1 / np.sqrt(4)  # the authors' framework: 1 / sqrt(fan in)
    _, kernel = found["logits/kernel"]
    assert np.abs(kernel).max() <= bound


def test_last_layer_mixes_the_last_layer_alone(model):
    found = after(model, "last_layer-0.25-0", **KEEP)
    assert changed(found) == HEAD
    old, new = found["logits/kernel"]
    np.testing.assert_allclose(new, 0.25 * old, rtol=1e-6)


def test_norms_can_be_left_out_of_shrink_perturb(model):
    changes = {"transform.noise": "gaussian", "transform.norms": "keep"}
    found = after(model, "shrink_perturb-0.5-0", **changes)
    for path, (old, new) in found.items():
        name = path.split("/")[-1]
        if name in ("gamma", "beta"):
            np.testing.assert_array_equal(new, old)
        elif name in ("kernel", "bias") and "momentum" not in path:
            np.testing.assert_allclose(new, 0.5 * old, rtol=1e-6)
        elif name == "moving_mean":
            assert old.any() and not new.any()


@pytest.mark.parametrize("kept", [0, 1, 2, 3])
def test_first_layers_keep_whole_stages(model, kept):
    names = [layer[0].name.split("_")[0] for layer in stages.stages(model)]
    assert names == ["stem", "stage1", "stage2", "logits"]
    found = changed(after(model, f"first_layers-{kept}", **KEEP))
    assert {name.split("_")[0] for name in found} == set(names[kept:])


def test_first_layers_must_leave_one(model):
    (setting,) = settings.product(given(), arms=("first_layers-4",))
    with pytest.raises(ValueError, match="fewer than the model's 4"):
        round_view.check(model, given(), setting)


def test_dash_needs_chunks_that_are_known(model):
    (setting,) = settings.product(given(), arms=("dash-0.3-0.3",))
    round_view.check(model, given(), setting)
    with pytest.raises(ValueError, match="protocol='active'"):
        round_view.check(model, given(**{"rounds.protocol": "active"}), setting)


def test_dash_does_not_go_with_a_source(model):
    (setting,) = settings.product(given(), arms=("dash-0.3-0.3",))
    changes = {"rounds.protocol": "transfer", "data.source": "mnist"}
    with pytest.raises(ValueError, match="protocol='transfer'"):
        round_view.check(model, given(**changes), setting)


def test_dash_sees_the_network_as_it_was_left(model):
    """Its gradient is one at inference: statistics are reset after it."""
    kept = after(model, "dash-0.3-0.3", **KEEP)
    for variable in values_of(model):
        variable.assign(kept[variable.path][0])
    reset = after(model, "dash-0.3-0.3")
    for variable in model.trainable_variables:
        path = variable.path
        np.testing.assert_array_equal(reset[path][1], kept[path][1])
    moving = [new for path, (_, new) in reset.items() if "moving_mean" in path]
    assert moving and not any(new.any() for new in moving)


def test_dash_takes_the_chunks_oldest_first(model):
    found = after(model, "dash-0.3-0.2", number=3, **KEEP)
    ours = {v.path: np.array(v) for v in model.trainable_variables}
    for variable in model.variables:
        variable.assign(found[variable.path][0])
    samples = allocation.samples(given(), DATA, 0)
    indices = [samples.rounds[number].indices for number in range(3)]
    chunks = [indices[0], np.setdiff1d(indices[1], indices[0])]
    chunks.append(np.setdiff1d(indices[2], indices[1]))
    dash.dash(
        model,
        [(X[np.sort(chunk)], Y[np.sort(chunk)]) for chunk in chunks],
        0.3,
        0.2,
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    for variable in model.trainable_variables:
        np.testing.assert_array_equal(
            ops.convert_to_numpy(variable), ours[variable.path]
        )
    assert {"stem_conv", "logits"} <= changed(found)


@pytest.mark.parametrize(
    "arm", ["dash-0.3-0.3", "head_reset", "first_layers-1"]
)
def test_relatives_do_nothing_before_the_first_round(model, arm):
    assert changed(after(model, arm, number=1, **KEEP)) == set()


@pytest.mark.parametrize(
    "arm", ["cold", "shrink_perturb-0.4-0.1", "last_layer-0.4-0.1"]
)
def test_the_first_transform_can_be_left_out(model, arm):
    changes = {"transform.first_round": False}
    assert changed(after(model, arm, number=1, **changes)) == set()
    assert changed(after(model, arm, number=1))
