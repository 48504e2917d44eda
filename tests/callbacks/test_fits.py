"""`ShrinkPerturb` in every kind of fit.

The reference is written out in each case: train, transform by hand with the
seed that the callback derives, train on. Both must agree bit for bit.
"""

import keras
import numpy as np
import pytest
from keras import layers
from keras import ops

import ws_keras
from ws_keras import seeds
from ws_keras.transforms import shrink_perturb as transforms

SEED = 5
RNG = np.random.default_rng(0)
X = RNG.normal(size=(20, 4)).astype("float32")
Y = RNG.integers(0, 3, 20)
BATCH = 6  # the last batch of an epoch is smaller
IS_TENSORFLOW = keras.backend.backend() == "tensorflow"


def _model(compile_arguments=None, dtype="float32", kind=keras.Model):
    inputs = keras.Input((4,))
    x = layers.Dense(6, activation="tanh", dtype=dtype)(inputs)
    x = layers.BatchNormalization(dtype=dtype)(x)
    outputs = layers.Dense(3, dtype="float32")(x)
    model = kind(inputs, outputs)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    arguments = {"optimizer": keras.optimizers.Adam(0.01), "loss": loss}
    model.compile(**{**arguments, **(compile_arguments or {})})
    ws_keras.cold_start(model, seed=3)
    return model


class Halved(keras.Model):
    """A training step of the user's own."""

    def compute_loss(self, *arguments, **keywords):
        return super().compute_loss(*arguments, **keywords) / 2

    if IS_TENSORFLOW:

        def train_step(self, data):
            import tensorflow as tf

            x, y = data
            with tf.GradientTape() as tape:
                loss = self.compute_loss(x, y, self(x, training=True))
            gradients = tape.gradient(loss, self.trainable_variables)
            self.optimizer.apply(gradients, self.trainable_variables)
            return {"loss": loss}


class _Batches(keras.utils.PyDataset):
    def __len__(self):
        return -(-len(X) // BATCH)

    def __getitem__(self, index):
        part = slice(index * BATCH, (index + 1) * BATCH)
        return X[part], Y[part]


def _pipeline():
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices((X, Y)).batch(BATCH)


_ADAM = keras.optimizers.Adam
KINDS = {
    "plain": {},
    "validation_data": {"fit": {"validation_data": (X[:6], Y[:6])}},
    "class_weight": {"fit": {"class_weight": {0: 1.0, 1: 3.0, 2: 0.5}}},
    "sample_weight": {"fit": {"sample_weight": np.linspace(0, 1, 20)}},
    "steps_per_execution": {"compile": lambda: {"steps_per_execution": 3}},
    "jit_compile": {"compile": lambda: {"jit_compile": True}},
    "eager": {"compile": lambda: {"run_eagerly": True}},
    "mixed_bfloat16": {"dtype": "mixed_bfloat16"},
    "mixed_float16": {"dtype": "mixed_float16"},
    "accumulation": {
        "compile": lambda: {
            "optimizer": _ADAM(0.01, gradient_accumulation_steps=3)
        }
    },
    "schedule": {
        "compile": lambda: {
            "optimizer": _ADAM(
                keras.optimizers.schedules.ExponentialDecay(0.1, 3, 0.5)
            )
        }
    },
    "use_ema": {
        "compile": lambda: {
            "optimizer": _ADAM(0.01, use_ema=True, ema_momentum=0.5)
        }
    },
    "train_step": {"kind": Halved},
    "pipeline": {"data": _pipeline},
    "pydataset": {"data": _Batches},
}


QUICK = ("plain", "steps_per_execution", "accumulation", "jit_compile")


def _given(name, *more):
    marks = () if name in QUICK else pytest.mark.slow
    return pytest.param(name, *more, marks=marks)


def _build(kind):
    compile_arguments = kind.get("compile", dict)()
    return _model(
        compile_arguments,
        kind.get("dtype", "float32"),
        kind.get("kind", keras.Model),
    )


def _fit(model, kind, callbacks=(), **arguments):
    arguments = {
        "epochs": 2,
        "shuffle": False,
        "verbose": 0,
        "callbacks": list(callbacks),
        **kind.get("fit", {}),
        **arguments,
    }
    if "data" in kind:
        return model.fit(kind["data"](), **arguments)
    return model.fit(X, Y, batch_size=BATCH, **arguments)


def _state(model):
    variables = [*model.variables, *model.optimizer.variables]
    return [ops.convert_to_numpy(v) for v in variables]


def _assert_same(a, b):
    for x, y in zip(_state(a), _state(b), strict=True):
        assert x.tobytes() == y.tobytes()


@pytest.mark.quick(2)
@pytest.mark.parametrize(
    ("name", "optimizer"),
    [_given(name, "reset") for name in KINDS]
    + [_given(name, "keep") for name in ("accumulation", "schedule")],
)
def test_a_second_fit_begins_with_the_transform(name, optimizer):
    kind = KINDS[name]
    ours, reference = _build(kind), _build(kind)
    arguments = {"shrink": 0.5, "perturb": 0.2, "optimizer": optimizer}
    callback = ws_keras.ShrinkPerturb(seed=SEED, **arguments)
    _fit(ours, kind)
    _fit(ours, kind, [callback])

    _fit(reference, kind)
    seed = seeds.derive(SEED, 0, "fit", 0)
    transforms.shrink_perturb(reference, seed=seed, **arguments)
    _fit(reference, kind)
    _assert_same(ours, reference)
    assert callback.report.totals()["noise_norm"] > 0


@pytest.mark.quick(1)
# With `use_ema` the end of each fit copies the averages over the weights, so
# two fits are not one.
@pytest.mark.parametrize(
    "name",
    [_given(name) for name in sorted(KINDS.keys() - {"use_ema"})],
)
def test_an_epoch_begins_with_the_transform(name):
    kind = KINDS[name]
    ours, reference = _build(kind), _build(kind)
    callback = ws_keras.ShrinkPerturb(
        0.5, 0.2, "epoch", every=2, seed=SEED, optimizer="keep"
    )
    _fit(ours, kind, [callback], epochs=4)

    _fit(reference, kind, epochs=2)
    seed = seeds.derive(SEED, 0, "epoch", 2)
    transforms.shrink_perturb(reference, 0.5, 0.2, seed=seed, optimizer="keep")
    _fit(reference, kind, initial_epoch=2, epochs=4)
    _assert_same(ours, reference)


def test_weights_averaged_by_the_optimizer_follow_the_shrink():
    """With a learning rate of 0 the end of the fit shows what was averaged."""
    optimizer = keras.optimizers.SGD(0.0, use_ema=True, ema_momentum=0.9)
    model = _model({"optimizer": optimizer})
    kind = {}
    _fit(model, kind)
    kernel = ops.convert_to_numpy(model.layers[1].kernel)
    _fit(model, kind, [ws_keras.ShrinkPerturb(0.25, 0)])
    after = ops.convert_to_numpy(model.layers[1].kernel)
    np.testing.assert_allclose(after, 0.25 * kernel, rtol=1e-5)


def test_steps_are_those_of_the_optimizer():
    """With accumulated gradients a step is an update of the weights."""
    optimizer = keras.optimizers.SGD(0.01, gradient_accumulation_steps=2)
    model = _model({"optimizer": optimizer})
    fired = []

    class Recorder(ws_keras.ShrinkPerturb):
        def _apply(self, what, number):
            fired.append(number)
            super()._apply(what, number)

    # 4 batches an epoch, 2 updates; 3 epochs are 6 updates.
    _fit(model, {}, [Recorder(0.9, 0, "step", every=2)], epochs=3)
    assert fired == [2, 4]


def test_two_callbacks_with_different_layers():
    model = _model()
    first, second = model.layers[1], model.layers[3]
    before = [ops.convert_to_numpy(layer.kernel) for layer in (first, second)]
    taken = []
    peek = keras.callbacks.LambdaCallback(
        on_train_batch_begin=lambda batch, logs: taken.append(
            [ops.convert_to_numpy(layer.kernel) for layer in (first, second)]
        )
    )
    callbacks = [
        ws_keras.ShrinkPerturb(0.5, 0, include=first),
        ws_keras.ShrinkPerturb(0.25, 0, include=second),
    ]
    _fit(model, {}, [*callbacks, peek])
    np.testing.assert_array_equal(taken[0][0], 0.5 * before[0])
    np.testing.assert_array_equal(taken[0][1], 0.25 * before[1])
