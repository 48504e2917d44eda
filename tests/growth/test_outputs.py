"""Models with more classes: what stays, what is new, and what is refused."""

import keras
import numpy as np
import pytest
from keras import layers
from keras import ops

import ws_keras

RNG = np.random.default_rng(0)
X = RNG.normal(size=(64, 6)).astype("float32")
Y = RNG.integers(0, 3, 64)
LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def values(variables):
    return [ops.convert_to_numpy(variable) for variable in variables]


def compiled(model, optimizer="adam", **more):
    # Four steps take less time than their trace.
    given = {"metrics": ["accuracy"], "run_eagerly": True, **more}
    model.compile(optimizer, LOSS, **given)
    model.fit(X, Y, epochs=2, verbose=0)
    return model


def sequential(bias=True):
    return keras.Sequential(
        [
            keras.Input((6,)),
            layers.Dense(8, "relu"),
            layers.BatchNormalization(),
            layers.Dense(3, use_bias=bias, name="logits"),
        ]
    )


def functional():
    inputs = keras.Input((6,))
    hidden = layers.Dense(8, "relu")(inputs)
    logits = layers.Dense(3, name="logits")(layers.Dropout(0.2)(hidden))
    return keras.Model(inputs, logits, name="mine")


def nested():
    inputs = keras.Input((6,))
    body = keras.Sequential([keras.Input((6,)), layers.Dense(8)], name="body")
    head = keras.Sequential(
        [keras.Input((8,)), layers.Dense(3, name="logits")], name="head"
    )
    return keras.Model(inputs, head(body(inputs)))


def shared():
    """One layer of logits on two paths, whose results are added."""
    inputs = keras.Input((6,))
    logits = layers.Dense(3, name="logits")
    paths = [logits(layers.Dense(8, kind)(inputs)) for kind in ("relu", "tanh")]
    return keras.Model(inputs, layers.Add()(paths))


@keras.saving.register_keras_serializable("tests.growth")
class Subclassed(keras.Model):
    """A model whose config says the number of classes, as its width is."""

    def __init__(self, width=3, classes=3):
        super().__init__()
        self.width, self.classes = width, classes
        self.hidden = layers.Dense(width)
        self.logits = layers.Dense(classes, name="logits")

    def call(self, x):
        return self.logits(ops.relu(self.hidden(x)))

    def get_config(self):
        return {"width": self.width, "classes": self.classes}


@keras.saving.register_keras_serializable("tests.growth")
class Head(layers.Layer):
    def __init__(self, classes, **kwargs):
        super().__init__(**kwargs)
        self.classes = classes
        self.logits = layers.Dense(classes, name="logits")

    def build(self, shape):
        self.logits.build(shape)

    def call(self, x):
        return self.logits(x)

    def get_config(self):
        return {**super().get_config(), "classes": self.classes}


def composite():
    inputs = keras.Input((6,))
    return keras.Model(inputs, Head(3, name="head")(layers.Dense(8)(inputs)))


def subclassed():
    model = Subclassed()
    model(X[:2])
    return model


MODELS = [
    sequential,
    functional,
    nested,
    shared,
    composite,
    subclassed,
]


@pytest.mark.quick(1)
@pytest.mark.parametrize("build", MODELS, ids=lambda f: f.__name__)
def test_old_logits_are_equal_and_all_can_train_on(build, tmp_path):
    keras.utils.set_random_seed(0)
    adam = keras.optimizers.Adam(0.05)
    model = compiled(build(), adam, run_eagerly=False)
    before = values([*model.variables, *model.optimizer.variables])
    grown = ws_keras.grow_outputs(model, "logits", 5, seed=1)
    old, new = model.predict(X, verbose=0), grown.predict(X, verbose=0)
    assert new.shape == (64, 5)
    np.testing.assert_array_equal(new[:, :3], old)
    # The old model is as it was.
    after = values([*model.variables, *model.optimizer.variables])
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, other)
    grown.save(tmp_path / "grown.keras")
    loaded = keras.models.load_model(tmp_path / "grown.keras")
    np.testing.assert_array_equal(loaded.predict(X, verbose=0), new)
    late = np.where(X[:, 0] > 0, 4, Y)
    grown.fit(X, late, epochs=20, verbose=0)
    found = grown.predict(X, verbose=0).argmax(1)
    assert np.mean(found[late == 4] == 4) > 0.6


@pytest.mark.quick(2)
@pytest.mark.parametrize(
    "optimizer",
    [
        keras.optimizers.SGD(0.05, momentum=0.9),
        keras.optimizers.Adam(0.01, use_ema=True),
        keras.optimizers.AdamW(
            keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5)
        ),
        keras.optimizers.Adagrad(initial_accumulator_value=0.3),
        keras.optimizers.Ftrl(),
        keras.optimizers.Nadam(),
        keras.optimizers.Adafactor(),
        keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam()),
        keras.optimizers.Adam(gradient_accumulation_steps=2),
    ],
    ids=lambda o: type(o).__name__,
)
def test_optimizer_goes_on_with_the_old_rows(optimizer):
    model = compiled(sequential(), optimizer)
    grown = ws_keras.grow_outputs(model, "logits", 5, seed=1)
    old, new = model.optimizer, grown.optimizer
    assert type(new) is type(old) and new is not old
    assert int(new.iterations) == int(old.iterations) > 0
    np.testing.assert_allclose(
        float(new.learning_rate), float(old.learning_rate)
    )
    longer = 0
    for slot, twin in zip(old.variables, new.variables, strict=True):
        part = tuple(slice(size) for size in slot.shape)
        np.testing.assert_array_equal(
            ops.convert_to_numpy(twin)[part], ops.convert_to_numpy(slot)
        )
        longer += slot.shape != twin.shape
    assert longer or isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
    grown.fit(X, Y, epochs=1, verbose=0)
    assert int(new.iterations) > int(old.iterations)


def test_new_slots_start_as_in_a_new_optimizer():
    model = compiled(
        sequential(), keras.optimizers.Adagrad(initial_accumulator_value=0.3)
    )
    grown = ws_keras.grow_outputs(model, "logits", 5)
    slot = ops.convert_to_numpy(grown.optimizer.variables[-1])
    np.testing.assert_allclose(slot[3:], 0.3)
    assert np.all(slot[:3] > 0.3)


def test_training_goes_on_as_without_growing():
    """The next step of the old weights is the same, to rounding.

    The new logits are so low that they take no part.
    """
    model = compiled(sequential(), keras.optimizers.Adam(0.01))
    grown = ws_keras.grow_outputs(model, "logits", 4)
    kernel, bias = values(grown.get_layer("logits").variables)
    kernel[:, 3], bias[3] = 0, -1e4
    grown.get_layer("logits").set_weights([kernel, bias])
    for one in (model, grown):
        one.fit(X, Y, batch_size=64, shuffle=False, verbose=0)
    for one, other in zip(
        values(model.weights), values(grown.weights), strict=True
    ):
        part = tuple(slice(size) for size in one.shape)
        np.testing.assert_allclose(one, other[part], atol=1e-6)


def test_new_weights_are_a_draw_of_the_own_initializer():
    model = keras.Sequential(
        [
            keras.Input((200,)),
            layers.Dense(
                3,
                kernel_initializer=keras.initializers.RandomNormal(2.0, 0.1, 7),
                name="logits",
            ),
        ]
    )
    kernels = [
        ops.convert_to_numpy(
            ws_keras.grow_outputs(model, "logits", 63, seed=seed).weights[0]
        )[:, 3:]
        for seed in (1, 1, 2)
    ]
    np.testing.assert_array_equal(kernels[0], kernels[1])
    assert abs(np.corrcoef(kernels[0].flat, kernels[2].flat)[0, 1]) < 0.05
    # 12,000 draws: five standard errors of mean and deviation.
    assert abs(kernels[0].mean() - 2.0) < 5 * 0.1 / 12_000**0.5
    assert abs(kernels[0].std() - 0.1) < 5 * 0.1 / 24_000**0.5
    model.weights[1].assign([1.0, 2.0, 3.0])
    grown = ws_keras.grow_outputs(model, "logits", 5)
    np.testing.assert_array_equal(grown.weights[1], [1, 2, 3, 0, 0])


def test_compiled_state_is_carried_over():
    model = sequential()
    model.compile(
        keras.optimizers.SGD(0.5),
        LOSS,
        metrics=["accuracy", keras.metrics.SparseTopKCategoricalAccuracy(2)],
        loss_weights=[0.5],
        steps_per_execution=2,
    )
    model.optimizer.learning_rate = 0.125
    grown = ws_keras.grow_outputs(model, "logits", 4)
    assert float(grown.optimizer.learning_rate) == 0.125
    assert grown.steps_per_execution == 2
    assert grown.loss is LOSS
    names = grown.evaluate(X, Y, verbose=0, return_dict=True).keys()
    assert names == model.evaluate(X, Y, verbose=0, return_dict=True).keys()
    assert not {id(m) for m in grown.metrics} & {id(m) for m in model.metrics}


def test_loss_of_ones_own_without_registration():
    def loss(y, logits):
        return LOSS(y, logits)

    model = sequential()
    model.compile("sgd", loss, metrics=["accuracy"])
    grown = ws_keras.grow_outputs(model, "logits", 4)
    assert grown.loss is loss


def test_model_that_is_not_compiled_stays_so():
    assert not ws_keras.grow_outputs(sequential(), "logits", 4).compiled


def test_frozen_body_stays_frozen():
    model = sequential()
    model.layers[0].trainable = False
    compiled(model)
    grown = ws_keras.grow_outputs(model, "logits", 4)
    assert [layer.trainable for layer in grown.layers] == [False, True, True]
    before = ops.convert_to_numpy(grown.layers[0].kernel)
    grown.fit(X, Y, verbose=0)
    np.testing.assert_array_equal(grown.layers[0].kernel, before)


def test_frozen_layer_grows_with_a_warning():
    model = sequential()
    model.get_layer("logits").trainable = False
    with pytest.warns(UserWarning, match="frozen"):
        grown = ws_keras.grow_outputs(model, "logits", 4)
    assert not grown.get_layer("logits").trainable


def test_layer_may_be_given_itself_and_by_its_path():
    model = nested()
    for named in ("head/logits", model.get_layer("head").layers[0]):
        assert ws_keras.grow_outputs(model, named, 4).output_shape == (None, 4)


def test_convolution_whose_filters_are_classes():
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Conv2D(4, 3, padding="same"),
            layers.Conv2D(2, 1, name="classes"),
        ]
    )
    x = RNG.normal(size=(2, 8, 8, 3)).astype("float32")
    grown = ws_keras.grow_outputs(model, "classes", 3)
    new = grown.predict(x, verbose=0)
    np.testing.assert_array_equal(new[..., :2], model.predict(x, verbose=0))


def test_without_bias():
    grown = ws_keras.grow_outputs(sequential(bias=False), "logits", 4)
    assert len(grown.get_layer("logits").weights) == 1


def test_lambda_and_adapted_layers_come_along():
    norm = layers.Normalization()
    norm.adapt(5 * X + 1)
    model = keras.Sequential(
        [
            keras.Input((6,)),
            norm,
            layers.Lambda(lambda x: x * 2),
            layers.Discretization(num_bins=4),
            layers.Dense(3, name="logits"),
        ]
    )
    model.layers[2].adapt(X)
    grown = ws_keras.grow_outputs(model, "logits", 4)
    np.testing.assert_array_equal(
        grown.predict(X, verbose=0)[:, :3], model.predict(X, verbose=0)
    )


class Tied(keras.Model):
    """Its layers come from outside, and no config says them."""

    def __init__(self, body, logits):
        super().__init__()
        self.body, self.logits = body, logits

    def call(self, x):
        return self.logits(self.body(x))


def tied(classes):
    model = Tied(layers.Dense(8), layers.Dense(classes, name="logits"))
    model(X[:2])
    return model


def test_build_fn_where_no_config_helps():
    model = tied(3)
    with pytest.raises(ValueError, match="build_fn"):
        ws_keras.grow_outputs(model, "logits", 5)
    grown = ws_keras.grow_outputs(model, "logits", 5, build_fn=lambda: tied(5))
    np.testing.assert_array_equal(
        grown.predict(X, verbose=0)[:, :3], model.predict(X, verbose=0)
    )
    with pytest.raises(ValueError, match="units=4"):
        ws_keras.grow_outputs(model, "logits", 5, build_fn=lambda: tied(4))


def with_later_weights():
    return keras.Sequential(
        [
            keras.Input((6,)),
            layers.Dense(3, name="logits"),
            layers.BatchNormalization(name="late"),
        ]
    )


def with_lora():
    model = sequential()
    model.layers[0].enable_lora(2)
    return model


@pytest.mark.parametrize(
    "build, layer, units, words",
    [
        (sequential, "logits", 3, ["units=3", "above 3"]),
        (sequential, "logits", 4.5, ["units=4.5"]),
        (sequential, "head", 4, ["'head'", "'logits'"]),
        (nested, "head", 4, ["Dense", "'head'"]),
        (with_later_weights, "logits", 4, ["'late'"]),
        (with_lora, "logits", 4, ["LoRA"]),
        (
            lambda: keras.Sequential(
                [keras.Input((5, 2)), layers.LSTM(3, name="lstm")]
            ),
            "lstm",
            4,
            ["LSTM"],
        ),
        (lambda: keras.Sequential([layers.Dense(3)]), "dense", 4, ["built"]),
    ],
)
def test_refusals_name_what_was_found(build, layer, units, words):
    with pytest.raises(ValueError) as caught:
        ws_keras.grow_outputs(build(), layer, units)
    assert all(word in str(caught.value) for word in words)


class Reading(layers.Layer):
    """Reads the kernel of a layer that it is given."""

    def __init__(self, source, **kwargs):
        super().__init__(**kwargs)
        self.source = source

    def call(self, x):
        return ops.matmul(x, ops.transpose(self.source.kernel))

    def get_config(self):
        source = keras.saving.serialize_keras_object(self.source)
        return {**super().get_config(), "source": source}

    @classmethod
    def from_config(cls, config):
        source = keras.saving.deserialize_keras_object(config.pop("source"))
        return cls(source, **config)


def test_tie_that_no_config_says_is_refused():
    inputs = keras.Input((6,))
    first = layers.Dense(8)
    x = Reading(first)(first(inputs))
    model = keras.Model(inputs, layers.Dense(3, name="logits")(x))
    with pytest.raises(ValueError, match="share"):
        ws_keras.grow_outputs(model, "logits", 4)
