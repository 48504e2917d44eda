"""Each optimizer of Keras, and each policy for its state."""

import keras
import numpy as np
import pytest
from keras import ops

from ws_keras.transforms import dash
from ws_keras.transforms import shrink_perturb as transforms

X = np.random.default_rng(0).normal(size=(32, 6)).astype("float32")
Y = np.random.default_rng(1).integers(0, 3, 32)
WRAPPERS = ("Optimizer", "LossScaleOptimizer", "MultiOptimizer")
NAMES = sorted(
    name
    for name, kind in vars(keras.optimizers).items()
    if isinstance(kind, type)
    and issubclass(kind, keras.optimizers.Optimizer)
    and name not in WRAPPERS
)
every_optimizer = pytest.mark.parametrize("name", NAMES)
SHRINK, PERTURB = 0.5, 0.1


def _kind(name):
    if not hasattr(keras.optimizers, name):
        pytest.skip(f"this Keras has no {name}")
    return getattr(keras.optimizers, name)


def _model(optimizer):
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((6,)),
            keras.layers.Dense(5, activation="relu", name="body"),
            keras.layers.Dense(3, name="head"),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer, loss)
    _steps(model)
    return model


def _steps(model, count=8, scale=1.0):
    """Makes steps of the optimizer alone, which needs no trace."""
    rng = np.random.default_rng(0)
    for _ in range(count):
        gradients = [
            ops.convert_to_tensor(
                (scale * rng.normal(size=tuple(v.shape))).astype("float32")
            )
            for v in model.trainable_variables
        ]
        model.optimizer.apply(gradients, model.trainable_variables)


def _values(variables):
    return [ops.convert_to_numpy(v).copy() for v in variables]


def _linears(optimizer):
    """The slots that Ftrl computes the weights from."""
    return [id(v) for v in getattr(optimizer, "_linears", ())]


@pytest.mark.quick(every=10)
@every_optimizer
@pytest.mark.parametrize("policy", ["reset", "reset_slots", "keep"])
@pytest.mark.parametrize("cold", [False, True])
def test_the_state_is_that_of_a_new_one_or_stays(name, policy, cold):
    model = _model(_kind(name)(0.01))
    optimizer = model.optimizer
    before = _values(optimizer.variables)
    weights = _values(model.trainable_variables)
    strengths = (0, 1) if cold else (SHRINK, PERTURB)
    transforms.shrink_perturb(model, *strengths, optimizer=policy, seed=1)
    new = _kind(name)(0.01)
    new.build(model.trainable_variables)
    want = before if policy == "keep" else _values(new.variables)
    # A copy of a weight is done to as the weight is.
    copies = {}
    if name == "ScheduleFreeAdamW" and policy == "keep":
        slots = zip(
            optimizer._momentums,
            weights,
            model.trainable_variables,
            strict=True,
        )
        for slot, old, weight in slots:
            noise = ops.convert_to_numpy(weight) - strengths[0] * old
            copies[id(slot)] = lambda z, n=noise: strengths[0] * z + n
    for slot, got, value in zip(
        optimizer.variables, _values(optimizer.variables), want, strict=True
    ):
        if slot is optimizer._iterations:
            assert got == (0 if policy == "reset" else 8)
        elif id(slot) in copies:
            np.testing.assert_allclose(
                got, copies[id(slot)](value), rtol=1e-5, atol=1e-6
            )
        elif id(slot) in _linears(optimizer) and not (
            cold and policy != "keep"
        ):
            assert (got != value).any()  # see the tests of Ftrl
        else:
            np.testing.assert_array_equal(got, value)


def _held(optimizer):
    """All arrays that an optimizer holds in attributes, by name."""
    found = {}
    for name, value in vars(optimizer).items():
        if isinstance(value, keras.Variable):
            found[name] = [ops.convert_to_numpy(value).copy()]
        elif isinstance(value, (list, tuple)):
            found[name] = [
                ops.convert_to_numpy(v).copy()
                for v in value
                if isinstance(v, keras.Variable)
            ]
    return found


@pytest.mark.quick(every=3)
@every_optimizer
def test_the_state_inside_a_loss_scale_is_that_of_a_new_one(name):
    scaled = keras.optimizers.LossScaleOptimizer(_kind(name)(0.01))
    model = _model(scaled)
    begun = _held(scaled.inner_optimizer)
    transforms.shrink_perturb(model, SHRINK, PERTURB, seed=1)
    new = keras.optimizers.LossScaleOptimizer(_kind(name)(0.01))
    new.build(model.trainable_variables)
    want, got = _held(new.inner_optimizer), _held(scaled.inner_optimizer)
    # Ftrl computes the weights from these.
    sums = ("_accumulators", "_linears", "_variables")
    sums = sums if name == "Ftrl" else ()
    assert want.keys() == got.keys() and "_iterations" in want
    for key in want.keys() - set(sums):
        pairs = zip(want[key], got[key], strict=True)
        for one, other in pairs:
            np.testing.assert_array_equal(one, other, err_msg=key)
    if name == "Nadam":
        assert begun["_u_product"][0] < 1 == got["_u_product"][0]


@pytest.mark.quick(every=10)
@every_optimizer
@pytest.mark.parametrize("policy", ["reset", "reset_slots"])
@pytest.mark.parametrize(
    "transform",
    [
        lambda model, policy: transforms.shrink_perturb(
            model, SHRINK, PERTURB, optimizer=policy, seed=1
        ),
        lambda model, policy: transforms.shrink_perturb(
            model, SHRINK, PERTURB, include="body", optimizer=policy, seed=1
        ),
        lambda model, policy: dash.dash(model, [(X, Y)], optimizer=policy),
    ],
)
def test_a_step_without_a_gradient_brings_nothing_back(name, policy, transform):
    """What a step computes the weights from knows of the change."""
    model = _model(_kind(name)(0.01))
    transform(model, policy)
    mixed = _values(model.trainable_variables)
    _steps(model, 1, scale=0)
    for old, new in zip(mixed, _values(model.trainable_variables), strict=True):
        np.testing.assert_allclose(new, old, rtol=1e-3, atol=1e-4)


@pytest.mark.quick(every=3)
@every_optimizer
def test_a_kept_state_brings_no_weight_back(name):
    """The step may be one of momentum, but goes from where the weights are."""
    model = _model(_kind(name)(0.001))
    transforms.shrink_perturb(model, 0.1, 0, optimizer="keep", seed=1)
    mixed = _values(model.trainable_variables)
    _steps(model, 1, scale=0)
    kernels = [0, 2]
    for place in kernels:
        new = ops.convert_to_numpy(model.trainable_variables[place])
        moved = np.linalg.norm(new - mixed[place])
        assert moved < 0.3 * np.linalg.norm(mixed[place])


def test_a_schedule_free_network_is_not_wiped_out():
    model = _model(_kind("ScheduleFreeAdamW")(0.01))
    for policy in ("reset", "reset_slots", "keep"):
        transforms.shrink_perturb(model, 0.9, 0, optimizer=policy)
        mixed = [np.linalg.norm(w) for w in model.get_weights()]
        _steps(model, 4)
        after = [np.linalg.norm(w) for w in model.get_weights()]
        assert after[0] > 0.8 * mixed[0] and after[2] > 0.8 * mixed[2]


@pytest.mark.quick(every=10)
@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"l1_regularization_strength": 0.01},
        {"l2_regularization_strength": 0.1, "beta": 0.2},
        {"initial_accumulator_value": 0.0, "learning_rate_power": -0.7},
    ],
)
@pytest.mark.parametrize("policy", ["reset", "reset_slots", "keep"])
def test_ftrl_goes_on_from_the_weights_as_they_are(arguments, policy):
    """Its weights are `(clip(z) - z) / q`; see McMahan et al. (2013)."""
    optimizer = keras.optimizers.Ftrl(0.05, **arguments)
    model = _model(optimizer)
    transforms.shrink_perturb(model, 0.5, 0.2, optimizer=policy, seed=1)
    bound = optimizer.l1_regularization_strength
    extra = optimizer.l2_regularization_strength + optimizer.beta / 0.1
    slots = zip(
        model.trainable_variables,
        optimizer._accumulators,
        optimizer._linears,
        strict=True,
    )
    for weight, total, linear in slots:
        w, n, z = (ops.convert_to_numpy(v) for v in (weight, total, linear))
        if policy != "keep":
            start = optimizer.initial_accumulator_value
            np.testing.assert_array_equal(n, np.full_like(n, start))
        quadratic = n**-optimizer.learning_rate_power / 0.05 + 2 * extra
        computed = np.divide(
            np.clip(z, -bound, bound) - z,
            quadratic,
            out=w.copy(),  # of a sum of nothing, any weight can go on
            where=quadratic > 0,
        )
        np.testing.assert_allclose(computed, w, rtol=1e-4, atol=1e-6)


class Lookahead(keras.optimizers.SGD):
    """A user's own: every step goes half of the way from a copy."""

    def build(self, variables):
        if not self.built:
            super().build(variables)
            self.slow = [
                self.add_variable_from_reference(v, "slow") for v in variables
            ]
            for slow, variable in zip(self.slow, variables, strict=True):
                slow.assign(variable)


def test_a_copy_in_an_optimizer_of_ones_own_follows():
    for policy in ("reset", "reset_slots"):
        model = _model(Lookahead(0.1))
        transforms.shrink_perturb(model, 0.5, 0.1, optimizer=policy, seed=1)
        pairs = zip(model.optimizer.slow, model.weights, strict=True)
        for slow, weight in pairs:
            np.testing.assert_array_equal(
                ops.convert_to_numpy(slow), ops.convert_to_numpy(weight)
            )
    model = _model(Lookahead(0.1))
    slow = model.optimizer.slow[0]
    before = [ops.convert_to_numpy(v).copy() for v in (slow, model.weights[0])]
    transforms.shrink_perturb(model, 0.5, 0.1, optimizer="keep", seed=1)
    noise = ops.convert_to_numpy(model.weights[0]) - 0.5 * before[1]
    want = 0.5 * before[0] + noise
    np.testing.assert_allclose(ops.convert_to_numpy(slow), want, atol=1e-6)


class Computing(keras.optimizers.SGD):
    """Starts from something that no one can know."""

    def build(self, variables):
        if not self.built:
            super().build(variables)
            self.norms = [
                self.add_variable_from_reference(v, "norm") for v in variables
            ]
            for norm, variable in zip(self.norms, variables, strict=True):
                norm.assign(variable * variable)


def test_what_is_computed_from_the_weights_is_refused_by_name():
    model = _model(Computing(0.1))
    before = _values(model.optimizer.variables)
    with pytest.raises(ValueError, match="Computing.*computed from the weight"):
        transforms.shrink_perturb(model, seed=1)
    after = _values(model.optimizer.variables)
    assert all(map(np.array_equal, before, after))
    transforms.shrink_perturb(model, seed=1, optimizer="keep")
