"""A probe against NumPy and a tape, and what it leaves as it was."""

import random

import keras
import numpy as np
import pytest
from keras import layers
from keras import ops

from ws_keras import models
from ws_keras import seeds
from ws_keras.diagnostics import measures
from ws_keras.diagnostics import probe as probes
from ws_keras.diagnostics import samples
from ws_keras.transforms import gradients

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4)).astype("float32")
Y = RNG.integers(0, 3, 60).astype("int32")
LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


class Counted(layers.Layer):
    """Passes on, and counts how often it is called."""

    calls = 0

    def call(self, x):
        Counted.calls += 1
        return x


def build(dropout=0.3, norm=True):
    keras.utils.set_random_seed(3)
    parts = [keras.Input((4,)), Counted(), layers.Dense(6, "relu")]
    if norm:
        parts.append(layers.BatchNormalization())
    parts += [layers.Dropout(dropout, seed=5), layers.Dense(5)]
    parts += [layers.Activation("tanh"), layers.Dense(3)]
    model = keras.Sequential(parts)
    model.compile(keras.optimizers.Adam(0.01), LOSS, metrics=["accuracy"])
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.moving_mean.assign(RNG.normal(size=6))
            layer.moving_variance.assign(RNG.uniform(1, 2, 6))
    return model


def values(variables):
    return [np.array(ops.convert_to_numpy(v)) for v in variables]


def global_states():
    return [random.getstate(), np.random.get_state()[1].tobytes()]


def numpy_forward(model, x):
    """Hidden activations, features and logits at inference."""
    dense, norm, middle, head = (
        layer
        for layer in model.layers
        if layer.weights
        and layer.built
        and not isinstance(layer, layers.Dropout)
    )
    hidden = np.maximum(x.astype(float) @ _w(dense)[0] + _w(dense)[1], 0)
    gamma, beta, mean, variance = _w(norm)
    normed = (hidden - mean) / np.sqrt(variance + norm.epsilon) * gamma + beta
    features = np.tanh(normed @ _w(middle)[0] + _w(middle)[1])
    return hidden, features, features @ _w(head)[0] + _w(head)[1]


def _w(layer):
    return [w.astype(float) for w in layer.get_weights()]


def test_outputs_are_measured_as_in_numpy():
    model = build()
    # 60 samples in batches of 25: the last one is filled up.
    found = probes.Probe(model, data=X, batch_size=25, tau=0.9)
    found.start()
    found = found()
    hidden, features, logits = numpy_forward(model, X)
    scores = [abs(hidden).mean(0), abs(features).mean(0)]
    want = {
        "weight_correlation": 1,
        "weight_norm": measures.norm(values(model.trainable_variables)),
        "output_entropy": measures.entropies(logits).mean(),
        "dormant_units": measures.dormant(scores, 0.9),
        "effective_rank": measures.effective_rank(features),
    }
    assert 0 < want["dormant_units"] < 1
    assert found == pytest.approx(want, rel=1e-4)


def test_units_of_images_are_channels():
    model = models.resnet18((8, 8, 1), 3, width=8, blocks=(1,))
    pixels = RNG.integers(0, 256, (20, 8, 8, 1)).astype("uint8")
    names = ["dormant_units", "effective_rank"]
    found = probes.Probe(model, data=pixels, measures=names, tau=0.9)()
    taps = [la.output for la in model.layers if "activation" in la.name]
    pool = model.get_layer("pool").output
    *taps, pool = keras.Model(model.inputs, [*taps, pool]).predict(
        pixels, verbose=0
    )
    scores = [tap.mean((0, 1, 2), dtype=float) for tap in taps]
    assert len(scores) == 3
    assert found["dormant_units"] == measures.dormant(scores, 0.9) > 0
    want = measures.effective_rank(pool)
    assert found["effective_rank"] == pytest.approx(want, rel=1e-4)


def test_gradient_norm_at_inference_is_the_tapes():
    model = build()
    found = probes.Probe(
        model,
        old=(X, Y, np.arange(20)),
        new=(X, Y, np.arange(40, 60)),
        training=False,
        measures="gradient_norm",
        batch_size=60,
    )()
    for name, part in (("old", slice(20)), ("new", slice(40, None))):
        whole = gradients.mean_gradient(model, X[part], Y[part], LOSS)
        want = measures.norm(whole)
        assert found[f"gradient_norm_{name}"] == pytest.approx(want, rel=1e-5)
    ratio = found["gradient_norm_new"] / found["gradient_norm_old"]
    assert found["gradient_norm_ratio"] == pytest.approx(ratio)


@pytest.mark.parametrize("size", [2.0**-27, 1.0, 2.0**10])
def test_gradient_norm_in_half_precision_neither_vanishes_nor_overflows(size):
    """The gradient of `size * mean(y . prediction)` is `size * mean(x y)`."""
    head = layers.Dense(3, use_bias=False, dtype="mixed_float16")
    model = keras.Sequential([keras.Input((4,)), head])
    x = RNG.normal(size=(8, 4)).astype("float16").astype("float32")
    y = RNG.choice([-1.0, 1.0], (8, 3)).astype("float32")

    def loss(y, predictions):
        found = ops.cast(predictions, "float32") * y
        return size * ops.sum(found, axis=-1)

    probe = probes.Probe(
        model, new=(x, y), loss=loss, measures="gradient_norm", batch_size=8
    )
    want = size * np.linalg.norm(x.T @ y / 8)
    assert probe()["gradient_norm_new"] == pytest.approx(want, rel=2e-3)


def test_gradient_norm_is_a_mean_over_whole_batches_with_their_moments():
    model = build(dropout=0.0)
    size = 25
    found = probes.Probe(
        model, new=(X, Y), measures=["gradient_norm"], batch_size=size
    )()
    order = seeds.generator(0, "diagnostics").permutation(60)
    norms = []
    for part in (order[:25], order[25:50]):
        norms.append(numeric_norm(model, X[part], Y[part]))
    assert list(found) == ["gradient_norm_new"]
    assert found["gradient_norm_new"] == pytest.approx(np.mean(norms), rel=2e-3)


def numeric_norm(model, x, y):
    """By finite differences in NumPy, of the network in training mode."""
    dense, norm, middle, head = (
        layer for layer in model.layers if len(layer.get_weights()) > 1
    )
    weights = [*_w(dense), *_w(norm)[:2], *_w(middle), *_w(head)]

    def loss():
        k1, b1, gamma, beta, k2, b2, k3, b3 = weights
        h = np.maximum(x.astype(float) @ k1 + b1, 0)
        h = (h - h.mean(0)) / np.sqrt(h.var(0) + norm.epsilon) * gamma + beta
        z = np.tanh(h @ k2 + b2) @ k3 + b3
        z = z - z.max(-1, keepdims=True)
        log = z - np.log(np.exp(z).sum(-1, keepdims=True))
        return -log[np.arange(len(y)), y].mean()

    total = 0.0
    for weight in weights:
        for place in np.ndindex(*weight.shape):
            kept = weight[place]
            ends = []
            for step in (1e-5, -1e-5):
                weight[place] = kept + step
                ends.append(loss())
            weight[place] = kept
            total += ((ends[0] - ends[1]) / 2e-5) ** 2
    return np.sqrt(total)


def test_duplicated_data_have_the_same_norm():
    model = build(norm=False)
    twice = np.concatenate([X, X]), np.concatenate([Y, Y])
    one, two = (
        probes.Probe(
            model,
            old=data,
            measures="gradient_norm",
            training=False,
            batch_size=1,
        )()["gradient_norm_old"]
        for data in ((X, Y), twice)
    )
    assert one == pytest.approx(two, rel=1e-6)


def test_correlation_with_the_start_and_a_kept_snapshot():
    model = build()
    probe = probes.Probe(model, measures="weight_correlation")
    probe.start()
    before = values(model.trainable_variables)
    model.fit(X, Y, epochs=3, verbose=0)
    after = values(model.trainable_variables)
    flat = [np.concatenate([v.ravel() for v in vs]) for vs in (before, after)]
    want = np.corrcoef(*flat)[0, 1]
    assert want < 0.9999
    assert probe()["weight_correlation"] == pytest.approx(want, rel=1e-6)
    other = probes.Probe(model, measures="weight_correlation")
    other.start(probe.snapshot)
    assert other() == probe()


def test_weights_can_be_chosen_and_shown_one_by_one():
    model = build()
    found = probes.Probe(
        model,
        measures="weight_norm",
        include=layers.Dense,
        exclude="bias",
        per_weight=True,
    )()
    kernels = [w for w in model.trainable_variables if w.name == "kernel"]
    assert found.pop("weight_norm") == pytest.approx(
        measures.norm(values(kernels))
    )
    assert found == {
        f"weight_norm/{w.path}": pytest.approx(measures.norm(values([w])))
        for w in kernels
    }


def test_it_leaves_everything_bitwise_as_it_was():
    model = build()
    model.fit(X, Y, verbose=0)
    everything = [
        *model.variables,
        *model.optimizer.variables,
        *model.metrics_variables,
    ]
    seed = model.layers[3].seed_generator.state
    assert any(v is seed for v in everything)
    before, states = values(everything), global_states()
    probe = probes.Probe(model, old=(X, Y), new=(X, Y), data=X)
    probe.start()
    assert probe() == probe()
    for old, new in zip(before, values(everything), strict=True):
        np.testing.assert_array_equal(old, new)
    assert global_states() == states
    drawn = ops.convert_to_numpy(keras.random.normal((3,), seed=1))
    assert np.isfinite(drawn).all() and model.losses == []


@pytest.mark.skipif(
    keras.backend.backend() == "torch", reason="PyTorch traces no graphs"
)
def test_a_pass_is_traced_once():
    model = build()
    # 60 and 60 samples in batches of 20, 60 in batches of 20.
    probe = probes.Probe(model, old=(X, Y), new=(X, Y), data=X, batch_size=20)
    probe.start()
    Counted.calls = 0
    first = probe()
    assert Counted.calls == 2  # one with gradients, one without
    model.layers[1].kernel.assign(model.layers[1].kernel * 2.0)
    assert probe()["gradient_norm_old"] != first["gradient_norm_old"]
    assert Counted.calls == 2


def test_frozen_weights_have_no_gradient():
    model = build()
    probe = probes.Probe(
        model, old=(X, Y), measures="gradient_norm", training=False
    )
    whole = probe()["gradient_norm_old"]
    for layer in model.layers[:-1]:
        layer.trainable = False
    head = gradients.mean_gradient(model, X, Y, LOSS)
    assert len(head) == 2
    found = probe()["gradient_norm_old"]
    assert found == pytest.approx(measures.norm(head), rel=1e-5)
    assert found < whole


def test_of_a_large_set_a_fixed_part_is_taken():
    model = build()
    arguments = {"measures": "output_entropy", "max_samples": 7}
    found = probes.Probe(model, data=X, **arguments)()
    part = seeds.generator(0, "diagnostics").permutation(60)[:7]
    want = measures.entropies(numpy_forward(model, X[part])[-1]).mean()
    assert found["output_entropy"] == pytest.approx(want, rel=1e-4)


def test_measures_follow_from_what_there_is():
    model = models.mlp((4,), 3, depth=0, input_dtype="float32")
    assert probes.Probe(model).measures == ("weight_correlation", "weight_norm")
    assert "dormant_units" not in probes.Probe(model, data=X).measures
    assert "effective_rank" in probes.Probe(model, data=X).measures


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"measures": ["loss"]}, r"names from .* Received: measures=\['loss"),
        ({"measures": []}, "names from"),
        ({"measures": "gradient_norm"}, "needs `old` or `new`"),
        ({"measures": "effective_rank"}, "'effective_rank' needs `data`"),
        ({"old": X}, "`old` must be a tuple .* Received: a ndarray"),
        ({"old": (X, Y[:5])}, "Received: 60 samples, 5 targets"),
        ({"new": (X, Y, [])}, "`new` must have at least one sample"),
        ({"new": (X, Y, [60])}, "below 60.* Received: 60 to 60"),
        ({"new": (X, Y, Y[:5] > 0)}, "a mask of all 60 .* dtype bool"),
        ({"new": (X, Y, [0.5])}, "must be integers .* dtype float64"),
        ({"new": (X, None)}, "`new` must hold arrays .* Received: None"),
        ({"data": "abc"}, "`data` must hold arrays .* Received: 'abc'"),
        ({"batch_size": 0}, "Received: batch_size=0"),
        ({"batch_size": True}, "Received: batch_size=True"),
        ({"max_samples": 1.5}, "Received: max_samples=1.5"),
        ({"tau": -1}, "Received: tau=-1"),
        ({"include": "tail"}, "'tail'"),
    ],
)
def test_bad_arguments(arguments, message):
    model = models.mlp((4,), 3, depth=0, input_dtype="float32")
    with pytest.raises(ValueError, match=message):
        probes.Probe(model, **{"loss": LOSS, **arguments})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"new": (X, Y + 9)}, "`new` must fit .* Received: .*label"),
        ({"old": (X[:, :2], Y)}, r"`old` must fit .*\(60, 2\)"),
        ({"data": X[:, :2]}, r"`data` must fit .*\(60, 2\)"),
    ],
)
def test_samples_that_a_model_does_not_take_are_named(arguments, message):
    if "label" in message and keras.backend.backend() != "tensorflow":
        pytest.skip("other backends do not look at labels")
    probe = probes.Probe(build(), **arguments)
    probe.start()
    with pytest.raises(ValueError, match=message) as error:
        probe()
    assert "\n" not in str(error.value)


def test_a_mask_means_the_places_that_it_marks():
    place = np.flatnonzero(Y == 1)
    sets = [
        samples.Sets((X, Y, chosen), None, None, 8, 2000)
        for chosen in (Y == 1, place)
    ]
    masked, placed = (dict(one.labelled())["old"] for one in sets)
    for (x, y), (other, _) in zip(masked, placed, strict=True):
        np.testing.assert_array_equal(x, other)
        assert (y == 1).all()


def test_an_activation_given_as_a_layer_counts_once():
    def built(activation):
        keras.utils.set_random_seed(4)
        parts = [keras.Input((4,)), layers.Dense(8, activation)]
        return keras.Sequential([*parts, layers.Dense(5, "relu")])

    by_layer, by_name = (
        probes.Probe(built(a), data=X, measures="dormant_units", tau=0.9)()
        for a in (layers.ReLU(), "relu")
    )
    assert by_layer == by_name and 0 < by_name["dormant_units"] < 1


def test_samples_given_anew_must_be_all_that_is_measured():
    model = models.mlp((4,), 3, input_dtype="float32")
    names = ("gradient_norm", "output_entropy")
    probe = probes.Probe(model, old=(X, Y), data=X, loss=LOSS, measures=names)
    before = probe()
    with pytest.raises(ValueError, match="'gradient_norm' needs `old` or"):
        probe.use(data=X[:9])
    with pytest.raises(ValueError, match="'output_entropy' needs `data`"):
        probe.use(old=(X[:9], Y[:9]))
    assert probe() == before  # of the samples that it had
    probe.use(new=(X[:9], Y[:9]), data=X[:9])
    assert probe().keys() == {"gradient_norm_new", "output_entropy"}


def test_what_is_missing_is_said():
    model = models.mlp((4,), 3, depth=0, input_dtype="float32")
    with pytest.raises(ValueError, match="`loss` must be"):
        probes.Probe(model, old=(X, Y))
    with pytest.raises(ValueError, match="a layer with an activation"):
        probes.Probe(model, data=X, measures="dormant_units")
    with pytest.raises(ValueError, match=r"Call `start\(\)` first"):
        probes.Probe(model)()


def test_mini_batches_of_both_sets_are_equally_large():
    """The norm of a mean falls with its size: two sizes do not compare."""
    found = samples.Sets((X, Y), (X[:20], Y[:20]), None, 32, 1000)
    sizes = {
        name: [len(x) for x, _ in batches] for name, batches in found.labelled()
    }
    assert sizes == {"old": [20, 20, 20], "new": [20]}
