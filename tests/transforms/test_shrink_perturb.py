"""`shrink_perturb` on models of all kinds."""

import importlib.util
import math
import pathlib
import random
import tracemalloc

import keras
import numpy as np
import pytest
from keras import layers
from keras import ops

from ws_keras.transforms import shrink_perturb as transforms
from ws_keras.transforms import variables

_SPEC = importlib.util.spec_from_file_location(
    "zoo", pathlib.Path(__file__).with_name("zoo.py")
)
zoo = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(zoo)

shrink_perturb = transforms.shrink_perturb
every_model = pytest.mark.parametrize("name", zoo.ALL)


def _values(model):
    return [ops.convert_to_numpy(v).copy() for v in model.variables]


def _randomize(model, seed=0):
    """Puts every float variable away from its start, statistics included."""
    rng = np.random.default_rng(seed)
    for entry in variables.entries(model):
        if entry.kind in ("weight", "statistic"):
            value = 1 + rng.random(tuple(entry.variable.shape))
            entry.variable.assign(value.astype("float32"))


def _same(a, b):
    return all(x.tobytes() == y.tobytes() for x, y in zip(a, b, strict=True))


@every_model
def test_one_and_zero_is_the_identity_and_draws_nothing(name):
    model = zoo.ALL[name]()
    _randomize(model)
    before = _values(model)

    def noise(weight, rng):
        raise AssertionError("noise was drawn")

    model.compile("adam", "mse")
    model.optimizer.build(model.trainable_variables)
    model.optimizer.iterations.assign(5)
    report = shrink_perturb(model, 1, 0, noise=noise)
    assert _same(before, _values(model))
    assert model.optimizer.iterations.numpy() == 5
    assert len(report) == len(variables.entries(model))


@every_model
def test_zero_and_one_is_a_fresh_model(name):
    model = zoo.ALL[name]()
    found = variables.entries(model)
    starts = [entry.value().copy() for entry in found]
    _randomize(model)
    shrink_perturb(model, 0, 1, seed=1)
    for entry, start in zip(found, starts, strict=True):
        value = entry.value()
        if entry.kind == "other" or np.isin(start, (0, 1)).all():
            # Zeros and ones start as zeros and ones.
            assert value.tobytes() == start.tobytes(), entry.path
        else:
            assert (value != start).mean() > 0.5, entry.path
            spread = math.sqrt(max(start.size, 1))
            assert np.abs(value).max() < 3 * np.abs(start).max() + 1 / spread


@every_model
def test_each_weight_is_mixed_once_with_its_fresh_draw(name):
    model = zoo.ALL[name]()
    _randomize(model)
    found = variables.entries(model)
    before = {e.index: e.value().copy() for e in found}
    shrink_perturb(model, 0, 1, seed=7, statistics="keep")
    fresh = {e.index: e.value().copy() for e in found}
    for entry in found:
        entry.variable.assign(before[entry.index])
    shrink_perturb(model, 0.6, 0.01, seed=7, statistics="keep")
    for entry in found:
        want = before[entry.index]
        if entry.kind == "weight":
            want = 0.6 * want + 0.01 * fresh[entry.index]
        np.testing.assert_allclose(
            entry.value(), want, rtol=1e-6, err_msg=entry.path
        )


@every_model
def test_all_trainable_weights_are_found_once(name):
    model = zoo.ALL[name]()
    found = [e.variable for e in variables.entries(model)]
    ids = [id(v) for v in found]
    assert len(set(ids)) == len(ids)
    assert set(ids) == {id(v) for v in model.variables}
    weights = [e for e in variables.entries(model) if e.kind == "weight"]
    assert len(weights) == len(model.trainable_variables)


def test_a_layer_used_twice_and_a_tied_weight_change_once():
    for build in (zoo.nested, zoo.tied):
        model = build()
        _randomize(model)
        before = _values(model)
        report = shrink_perturb(model, 0.5, 0, statistics="keep")
        assert len({line.path for line in report}) == len(report)
        mixed = [line for line in report if line.action == "mixed"]
        assert len(mixed) == len(model.trainable_variables)
        for line in mixed:
            assert line.norm_after == pytest.approx(line.norm_before / 2)
        for old, new, variable in zip(
            before, _values(model), model.variables, strict=True
        ):
            if variable.trainable:
                np.testing.assert_array_equal(new, old / 2)


def test_fresh_noise_has_the_scale_of_each_initializer():
    inputs = keras.Input((400,))
    x = layers.Dense(300, kernel_initializer="he_normal")(inputs)
    x = layers.Dense(
        200, kernel_initializer=keras.initializers.RandomNormal(0, 0.003)
    )(x)
    model = keras.Model(inputs, x)
    report = shrink_perturb(model, 0, 0.1, seed=2)
    kernels = [v.numpy() for v in model.weights if v.name == "kernel"]
    assert kernels[0].std() == pytest.approx(0.1 * math.sqrt(2 / 400), rel=0.02)
    assert kernels[1].std() == pytest.approx(0.1 * 0.003, rel=0.02)
    assert report.lines[1].norm_after == 0  # biases start at zero


_SHARED = keras.initializers.GlorotUniform(seed=3)


@pytest.mark.parametrize("initializer", ["unseeded", "seeded", "shared"])
def test_fresh_noise_never_repeats(initializer):
    kernel = {
        "unseeded": lambda: keras.initializers.GlorotUniform(),
        "seeded": lambda: keras.initializers.GlorotUniform(seed=3),
        "shared": lambda: _SHARED,
    }[initializer]
    model = keras.Sequential(
        [
            keras.Input((9,)),
            layers.Dense(9, kernel_initializer=kernel()),
            layers.Dense(9, kernel_initializer=kernel()),
        ]
    )
    draws = [v.numpy() for v in model.weights if v.name == "kernel"]
    for seed in (None, None, 0, 1):
        shrink_perturb(model, 0, 1, seed=seed)
        draws += [v.numpy() for v in model.weights if v.name == "kernel"]
    if initializer != "unseeded":
        draws = draws[1:]  # Keras itself gave both layers the same kernel
    for i, a in enumerate(draws):
        for b in draws[:i]:
            assert (a != b).all()


def test_the_same_seed_gives_the_same_noise_and_names_do_not_matter():
    values = []
    for _ in range(2):
        model = zoo.sequences()  # other automatic layer names each time
        _randomize(model)
        shrink_perturb(model, 0.5, 0.1, seed=11)
        values.append([v for v in _values(model) if v.dtype == "float32"])
    assert _same(*values)


def test_no_global_random_state_is_consumed():
    for name in zoo.ALL:
        model = zoo.ALL[name]()
        zoo.set_random_seed(5)
        states = random.getstate(), np.random.get_state()[1].tolist()
        draw = ops.convert_to_numpy(keras.random.normal((3,)))
        zoo.set_random_seed(5)
        for noise in ("fresh", "gaussian", "scaled"):
            shrink_perturb(model, 0.5, 0.1, noise=noise)
        assert random.getstate() == states[0]
        assert np.random.get_state()[1].tolist() == states[1]
        again = ops.convert_to_numpy(keras.random.normal((3,)))
        np.testing.assert_array_equal(again, draw)


def test_shrinking_a_bias_free_relu_network_scales_its_logits():
    depth = 4
    model = keras.Sequential(
        [keras.Input((10,))]
        + [
            layers.Dense(16, use_bias=False, activation="relu")
            for _ in range(depth - 1)
        ]
        + [layers.Dense(5, use_bias=False)]
    )
    x = np.random.default_rng(0).normal(size=(64, 10)).astype("float32")
    before = model.predict(x, verbose=0)
    for shrink in (0.9, 0.5, 0.25):
        copy = keras.models.clone_model(model)
        copy.set_weights(model.get_weights())
        shrink_perturb(copy, shrink, 0)
        after = copy.predict(x, verbose=0)
        want = shrink**depth * before
        largest = np.abs(want).max()
        np.testing.assert_allclose(after, want, rtol=0, atol=1e-6 * largest)
        assert (after.argmax(1) == before.argmax(1)).all()


def test_moving_statistics_are_kept_reset_or_measured():
    def build():
        model = zoo.convolutions()
        _randomize(model)
        return model, model.layers[2]

    model, norm = build()
    before = norm.moving_variance.numpy()
    shrink_perturb(model, 0.4, 1.0, noise="gaussian", statistics="keep")
    assert norm.moving_variance.numpy().tobytes() == before.tobytes()

    model, norm = build()
    shrink_perturb(model, 0.4, 1.0, noise="gaussian")
    assert norm.moving_mean.numpy().tolist() == [0.0] * 4
    assert norm.moving_variance.numpy().tolist() == [1.0] * 4

    model, norm = build()
    rng = np.random.default_rng(0)
    batches = [rng.normal(size=(6, 8, 8, 3)).astype("float32")] * 2
    batches[1] = batches[1] * 3 + 1
    shrink_perturb(
        model, 0.4, 0.1, seed=1, statistics="recalibrate", data=batches
    )
    first = model.layers[1]
    outputs = [ops.convert_to_numpy(first(batch)) for batch in batches]
    means = [o.mean((0, 1, 2)) for o in outputs]
    variances = [o.var((0, 1, 2)) for o in outputs]
    np.testing.assert_allclose(
        norm.moving_mean.numpy(), np.mean(means, 0), rtol=1e-4, atol=1e-5
    )
    np.testing.assert_allclose(
        norm.moving_variance.numpy(), np.mean(variances, 0), rtol=1e-4
    )
    assert norm.momentum == 0.99


def test_recalibration_changes_nothing_but_the_moments():
    inputs = keras.Input((6,))
    x = layers.BatchNormalization()(layers.Dropout(0.5)(inputs))
    x = layers.SpectralNormalization(layers.Dense(3))(x)
    model = keras.Model(inputs, x)
    before = _values(model)
    x = np.random.default_rng(0).normal(size=(8, 6)).astype("float32")
    shrink_perturb(
        model, 1, 0, statistics="recalibrate", data=[(x, None)], seed=0
    )
    for variable, old in zip(model.variables, before, strict=True):
        changed = old.tobytes() != variable.numpy().tobytes()
        # The other statistic, of SpectralNormalization, is reset.
        assert changed == (
            "moving" in variable.path or "vector_u" in variable.path
        ), variable.path


def test_recalibration_counts_each_call_of_a_shared_layer():
    norm = layers.BatchNormalization()
    inputs = [keras.Input((1,)), keras.Input((1,))]
    model = keras.Model(inputs, layers.Add()([norm(x) for x in inputs]))
    towers = np.zeros((64, 1), "float32"), np.full((64, 1), 10, "float32")
    for count in (1, 4):
        shrink_perturb(
            model, 1, 0, statistics="recalibrate", data=[(towers,)] * count
        )
        mean = ops.convert_to_numpy(norm.moving_mean)
        assert mean == pytest.approx(5)


def test_a_layer_of_two_models_belongs_to_both():
    shared = layers.Dense(4, name="shared")
    parts = []
    for name in "ab":
        inputs = keras.Input((4,))
        outputs = layers.Dense(4, name=name)(shared(inputs))
        parts.append(keras.Model(inputs, outputs))
    inputs = keras.Input((4,))
    model = keras.Model(inputs, parts[1](parts[0](inputs)))

    def touched(**selection):
        report = shrink_perturb(model, 0.5, 0, **selection)
        return {line.path.split("/")[0] for line in report.touched}

    assert touched(include=parts[0]) == {"shared", "a"}
    assert touched(include=parts[1]) == {"shared", "b"}
    assert touched(exclude=parts[1]) == {"a"}


@pytest.mark.parametrize(
    "layer",
    [
        lambda: layers.ConvLSTM1D(3, 2),
        lambda: layers.ConvLSTM2D(3, 2, kernel_initializer="he_normal"),
        lambda: layers.Bidirectional(layers.ConvLSTM2D(3, 2)),
    ],
)
def test_a_cell_without_a_config_is_drawn_with_the_layer_around_it(layer):
    layer = layer()
    shape = (3, 8, 2) if isinstance(layer, layers.ConvLSTM1D) else (3, 8, 8, 2)
    model = keras.Sequential([keras.Input(shape), layer])
    draws = []
    for seed in (1, 2, 1):
        _randomize(model)
        transforms.cold_start(model, seed=seed)
        draws.append(_values(model))
    assert _same(draws[0], draws[2])
    for one, other, variable in zip(*draws[:2], model.variables, strict=True):
        if variable.path.endswith("kernel"):
            assert (one != other).all(), variable.path
            assert 0 < np.abs(one).max() < 2, variable.path


@keras.saving.register_keras_serializable(package="test")
def _drawn(shape, dtype=None):
    """An initializer of a user's own, without a seed."""
    return keras.random.normal(shape)


def test_an_initializer_of_ones_own_follows_the_seed_and_leaves_no_trace():
    model = keras.Sequential(
        [keras.Input((4,)), layers.Dense(3, kernel_initializer=_drawn)]
    )
    zoo.set_random_seed(3)
    draw = ops.convert_to_numpy(keras.random.normal((3,)))
    kernels = []
    zoo.set_random_seed(3)
    for seed in (1, 1, 2):
        transforms.cold_start(model, seed=seed)
        kernels.append(ops.convert_to_numpy(model.layers[0].kernel))
    assert _same(kernels[:1], kernels[1:2])
    assert (kernels[0] != kernels[2]).all()
    again = ops.convert_to_numpy(keras.random.normal((3,)))
    np.testing.assert_array_equal(again, draw)


def test_double_precision_is_mixed_in_double_precision():
    model = keras.Sequential(
        [keras.Input((4,)), layers.Dense(3, dtype="float64")]
    )
    before = ops.convert_to_numpy(model.layers[0].kernel).copy()
    shrink_perturb(model, 0.3, 0.1, noise=lambda w, rng: np.ones_like(w))
    after = ops.convert_to_numpy(model.layers[0].kernel)
    assert after.dtype == np.float64
    np.testing.assert_allclose(after, 0.3 * before + 0.1, rtol=1e-15)


def test_outputs_stay_finite_with_strong_noise():
    model = zoo.convolutions()
    x = np.ones((2, 8, 8, 3), "float32")
    for statistics in ("keep", "reset"):
        shrink_perturb(model, 0.5, 1.0, noise="gaussian", statistics=statistics)
        assert np.isfinite(model.predict(x, verbose=0)).all()


def test_include_and_exclude_select_by_path_layer_class_and_function():
    def changed(**selection):
        model = zoo.nested()
        _randomize(model)
        if "inner" in selection.values():
            selection = {k: model.get_layer("inner") for k in selection}
        report = shrink_perturb(model, 0.5, 0, statistics="keep", **selection)
        return sorted(
            line.path.split("/")[-1]
            for line in report
            if line.action == "mixed"
        )

    every = ["beta", "bias", "bias", "gamma", "kernel", "kernel"]
    assert changed() == every
    assert changed(include="kernel$") == ["kernel", "kernel"]
    assert changed(exclude="kernel$") == ["beta", "bias", "bias", "gamma"]
    assert changed(include="inner") == ["beta", "bias", "gamma", "kernel"]
    assert changed(exclude="inner") == ["bias", "kernel"]
    assert changed(exclude=layers.BatchNormalization) == [
        "bias",
        "bias",
        "kernel",
        "kernel",
    ]
    assert changed(
        include=lambda layer, variable: len(variable.shape) == 2
    ) == ["kernel", "kernel"]
    assert changed(include=["gamma", "beta"], exclude="beta") == ["gamma"]


def test_a_mapping_gives_each_group_its_strength():
    model = zoo.nested()
    _randomize(model)
    report = shrink_perturb(
        model, {"kernel": (0.5, 0.0), "bias|kernel": (0.25, 0.0)}
    )
    ratios = {
        line.path.split("/")[-1]: line.norm_after / line.norm_before
        for line in report
        if line.kind == "weight"
    }
    assert ratios["kernel"] == pytest.approx(0.5)
    assert ratios["bias"] == pytest.approx(0.25)
    assert ratios["gamma"] == ratios["beta"] == 1


def test_frozen_layers_stay_unless_asked():
    model = zoo.convolutions()
    _randomize(model)
    for layer in model.layers[1:3]:
        layer.trainable = False
    before = [v.numpy() for v in model.layers[1].variables]
    before += [v.numpy() for v in model.layers[2].variables]

    def now():
        return [
            v.numpy() for layer in model.layers[1:3] for v in layer.variables
        ]

    report = shrink_perturb(model, 0.5, 0.1)
    assert _same(before, now())
    reasons = {line.reason for line in report if line.action == "kept"}
    assert reasons == {"frozen"}
    shrink_perturb(model, 0.5, 0, frozen=True)
    assert now()[0].tobytes() == (before[0] / 2).tobytes()
    assert now()[-1].tolist() == [1.0] * 4  # moving variance


def test_what_adapt_learned_stays():
    normalization = layers.Normalization()
    normalization.adapt(np.arange(12.0).reshape(4, 3))
    model = keras.Sequential(
        [keras.Input((3,)), normalization, layers.Dense(2)]
    )
    mean = normalization.adapt_mean.numpy()
    assert mean.any()
    report = transforms.cold_start(model)
    assert normalization.adapt_mean.numpy().tobytes() == mean.tobytes()
    assert "learned by adapt" in str(report)


def test_report_gives_norms_cosine_and_noise():
    model = zoo.dense()
    _randomize(model)
    before = model.layers[0].kernel.numpy().astype("float64")
    report = shrink_perturb(model, 0.5, 0.2, noise="gaussian", seed=4)
    after = model.layers[0].kernel.numpy().astype("float64")
    line = report.lines[0]
    assert line.path.endswith("kernel")
    assert line.norm_before == pytest.approx(np.linalg.norm(before))
    assert line.norm_after == pytest.approx(np.linalg.norm(after))
    assert line.noise_norm == pytest.approx(
        np.linalg.norm(after - 0.5 * before), rel=1e-6
    )
    assert line.cosine == pytest.approx(
        (before * after).sum() / np.linalg.norm(before) / np.linalg.norm(after)
    )
    text = str(report)
    assert len(text.splitlines()) == 1 + len(report)
    assert "0.5 w + 0.2 noise" in text
    totals = report.totals()
    all_before = math.hypot(*(li.norm_before for li in report))
    assert totals["norm_before"] == pytest.approx(all_before)


def test_callable_noise_is_used_as_it_is():
    model = zoo.dense()
    _randomize(model)
    before = _values(model)
    shrink_perturb(model, 0.5, 0.25, noise=lambda w, rng: np.full(w.shape, 8.0))
    for old, new in zip(before, _values(model), strict=True):
        np.testing.assert_allclose(new, 0.5 * old + 2.0)


class _Opaque(keras.layers.Layer):
    """Cannot be made from its config."""

    def __init__(self, function, **kwargs):
        super().__init__(**kwargs)
        self.function = function

    def build(self, _):
        self.w = self.add_weight(shape=(3,), initializer="ones", name="w")

    def call(self, x):
        return x * self.w

    def get_config(self):
        raise NotImplementedError("no config")


def _opaque():
    return keras.Sequential(
        [keras.Input((3,)), layers.Dense(3), _Opaque(abs, name="opaque")]
    )


def test_an_unknown_initializer_is_named_and_build_fn_helps():
    model = _opaque()
    _randomize(model)
    before = _values(model)
    with pytest.raises(ValueError, match="opaque.*build_fn") as caught:
        shrink_perturb(model, 0.5, 0.1)
    assert "\n" not in str(caught.value)
    assert _same(before, _values(model))
    shrink_perturb(model, 0, 1, build_fn=_opaque)
    assert model.layers[-1].w.numpy().tolist() == [1.0] * 3
    shrink_perturb(model, 0.5, 0.1, noise="gaussian")
    shrink_perturb(model, 0.5, 0.1, exclude="opaque")


def test_a_build_fn_of_another_model_is_refused():
    model = _opaque()
    before = _values(model)
    with pytest.raises(ValueError, match="a new build has"):
        shrink_perturb(model, 0.5, 0.1, build_fn=zoo.dense)
    assert _same(before, _values(model))


@pytest.mark.quick(every=3)
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"shrink": 1.4}, "Received: shrink=1.4"),
        ({"shrink": math.nan}, "Received: shrink=nan"),
        ({"perturb": -0.1}, "Received: perturb=-0.1"),
        ({"perturb": 1e39}, "Received: perturb=1e\\+39"),
        ({"noise": "pink"}, "Received: noise='pink'"),
        ({"seed": -1}, "Received: seed=-1"),
        ({"seed": "x"}, "Received: seed='x'"),
        ({"include": "no such"}, "'no such', which matches none"),
        ({"exclude": layers.LSTM}, "matches none"),
        ({"include": "["}, "regular expressions"),
        ({"include": 3}, "A pattern must be"),
        ({"exclude": "."}, "at least one weight"),
        ({"shrink": {"nothing": (0.5, 0.1)}}, "matches none"),
        ({"shrink": {"kernel": 0.5}}, "pairs"),
        ({"shrink": {"kernel": (2, 0.5)}}, "Received: shrink=2"),
        ({"statistics": "drop"}, "Received: statistics='drop'"),
        ({"statistics": "recalibrate"}, "data=None"),
        ({"data": [1]}, "batch 0 of type int"),
        ({"data": [1], "statistics": "keep"}, "statistics='keep', data=list"),
        ({"statistics": "recalibrate", "data": []}, "no batch"),
        ({"optimizer": "drop"}, "Received: optimizer='drop'"),
        ({"noise": "gaussian", "build_fn": zoo.dense}, "requires .*'fresh'"),
        ({"noise": lambda w, rng: 1.0}, "shape"),
        ({"noise": lambda w, rng: np.ones(w.shape, int)}, "dtype int64"),
        ({"noise": lambda w, rng: w * np.nan}, "NaN or infinity"),
    ],
)
def test_bad_arguments_leave_the_model_as_it_was(arguments, message):
    model = zoo.dense()
    # A single step takes less time than its trace.
    model.compile("adam", "mse", run_eagerly=True)
    model.fit(np.ones((4, 6)), np.ones((4, 3)), verbose=0)
    before = _values(model)
    state = [v.numpy() for v in model.optimizer.variables]
    with pytest.raises(ValueError, match=message) as caught:
        shrink_perturb(model, **arguments)
    assert "\n" not in str(caught.value)
    assert _same(before, _values(model))
    assert _same(state, [v.numpy() for v in model.optimizer.variables])


def test_an_unbuilt_model_is_refused():
    for model in (
        keras.Sequential([layers.Dense(3)]),
        zoo.Subclassed(),
    ):
        with pytest.raises(ValueError, match="must be built"):
            shrink_perturb(model)
    with pytest.raises(ValueError, match="must be a Keras model"):
        shrink_perturb("model.keras")


def test_quantized_and_lora_layers_are_refused_by_name():
    model = zoo.dense()
    model.layers[0].enable_lora(2)
    with pytest.raises(ValueError, match="LoRA"):
        shrink_perturb(model)
    model = zoo.dense()
    name = model.layers[1].name
    model.layers[1].quantize("int8")
    with pytest.raises(ValueError, match=f"{name}.*int8"):
        shrink_perturb(model)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_changes_the_float32_masters(policy):
    model = keras.Sequential(
        [keras.Input((6,)), layers.Dense(4, dtype=policy), layers.Dense(2)]
    )
    _randomize(model)
    kernel = model.layers[0].kernel.numpy()
    assert kernel.dtype == np.float32
    shrink_perturb(model, 0.3, 0)
    got = model.layers[0].kernel.numpy()
    assert got.tobytes() == (kernel * np.float32(0.3)).tobytes()


def test_extra_memory_is_that_of_a_few_weights_not_of_the_model():
    size = 256 * 256 * 4
    count = 40
    model = keras.Sequential(
        [keras.Input((256,))]
        + [layers.Dense(256, use_bias=False) for _ in range(count)]
    )
    shrink_perturb(model, 0.5, 0.1)
    tracemalloc.start()
    shrink_perturb(model, 0.5, 0.1)
    now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # TensorFlow keeps the arrays that were assigned as the model's weights.
    # In double precision the report takes two for one.
    assert size < peak - now < 12 * size < count * size / 3


def test_cold_start_differs_between_seeds_and_repeats_for_one():
    model = zoo.convolutions()
    starts = []
    for seed in (0, 1, 0):
        _randomize(model, seed)
        transforms.cold_start(model, seed=seed)
        starts.append(_values(model))
    assert _same(starts[0], starts[2])
    assert not _same(starts[0], starts[1])


@pytest.mark.parametrize("include", [None, "head"])
def test_the_report_says_which_moments_were_measured(include):
    inputs = keras.Input((6,))
    x = keras.layers.BatchNormalization(name="norm")(inputs)
    model = keras.Model(inputs, keras.layers.Dense(3, name="head")(x))
    data = np.random.default_rng(0).normal(2, 1, (64, 6)).astype("float32")
    report = transforms.shrink_perturb(
        model, 0.5, 0.1, data=data, include=include, seed=0
    )
    mean = np.linalg.norm(data.mean(0))
    lines = {line.path: line for line in report}
    line = lines["norm/moving_mean"]
    assert line.action == "measured"
    assert line.norm_before == 0
    assert line.norm_after == pytest.approx(mean, rel=1e-4)
    assert lines["norm/moving_variance"].norm_before == pytest.approx(6**0.5)
