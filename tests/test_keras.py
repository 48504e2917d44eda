"""Private parts of Keras: those of the installed version are as expected."""

import inspect
import types

import keras
import numpy as np
import pytest

from ws_keras import _keras

FUNCTIONS = [f for f in vars(_keras).values() if inspect.isfunction(f)]


@pytest.fixture
def model():
    inputs = keras.Input((3,), name="first")
    inner = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    norm = keras.layers.BatchNormalization(trainable=False)
    outputs = keras.layers.Dropout(0.5, seed=1)(norm(inner(inputs)))
    model = keras.Model(inputs, outputs)
    loss = keras.losses.SparseCategoricalCrossentropy(
        from_logits=True, ignore_class=7
    )
    model.compile(keras.optimizers.Adam(0.25), loss, metrics=["accuracy"])
    return model


@pytest.fixture
def fitted(model):
    x = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")
    model.fit(x, np.arange(8) % 2, batch_size=4, verbose=0)
    return model


def classes(found):
    return [type(layer).__name__ for layer in found]


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
def test_each_says_why_it_is_and_what_happens_without(function):
    assert "Reason: " in function.__doc__
    assert "If gone: " in function.__doc__


def test_layers_and_parts(model):
    below = ["InputLayer", "Sequential", "BatchNormalization", "Dropout"]
    assert set(classes(_keras.all_layers(model))) == {
        "Functional",
        "Dense",
        *below,
    }
    assert set(classes(_keras.parts(model))) == set(below)


def test_variables_of_a_frozen_layer(model):
    norm, dropout = model.layers[2], model.layers[3]
    assert not norm.trainable_variables
    names = [v.name for v in _keras.own_weights(norm)]
    assert names == ["gamma", "beta"]
    names = [v.name for v in _keras.own_others(norm)]
    assert names == ["moving_mean", "moving_variance"]
    (generator,) = _keras.own_generators(dropout)
    assert generator.state is dropout.variables[0]


def test_frozen_layers_are_trainable_inside_the_block_alone(model):
    norm = model.layers[2]
    with _keras.all_trainable(model):
        assert norm.trainable and len(norm.trainable_variables) == 0
    assert not norm.trainable
    assert not norm.gamma.trainable


def test_an_initializer_and_a_path():
    with keras.StatelessScope(initialize_variables=False):
        dense = keras.layers.Dense(2, kernel_initializer="ones")
        dense.build((None, 3))
        found = _keras.initializer(dense.kernel)
    assert isinstance(found, keras.initializers.Ones)
    variable = keras.Variable(np.zeros(2))
    _keras.rename(variable, "there/kernel")
    assert variable.path == "there/kernel"


def test_parts_of_layers_without_a_public_name():
    attention = keras.layers.MultiHeadAttention(2, 3)
    attention(np.zeros((1, 4, 5)), np.zeros((1, 4, 5)))
    value, output = _keras.head_projections(attention)
    assert tuple(value.kernel.shape) == (5, 2, 3)
    assert tuple(output.kernel.shape) == (2, 3, 5)
    layer = keras.layers.Lambda(lambda x: x, output_shape=(9,))
    assert _keras.lambda_shape(layer) == (9,)


def test_the_shapes_that_a_model_was_built_with():
    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = keras.layers.Dense(2)

        def call(self, x):
            return self.dense(x)

    model = Own()
    model(np.zeros((4, 3)))
    (shape,) = _keras.build_shapes(model).values()
    assert tuple(shape)[1:] == (3,)


def test_a_graph(model):
    inner = model.layers[1]
    assert type(model) is _keras.functional_class()
    assert _keras.graph(model) is model
    assert type(_keras.graph(inner)) is _keras.functional_class()
    assert _keras.graph(inner.layers[0]) is None
    (given,) = keras.tree.flatten(_keras.graph_inputs(model))
    assert given is model.inputs[0]
    depths = _keras.nodes(model)
    calls = [depths[depth][0].operation for depth in sorted(depths)]
    assert calls == model.layers[::-1]
    assert _keras.nodes(inner.layers[0]) is None
    assert _keras.maker(model.outputs[0]) is model.layers[3]
    assert _keras.makers(model.layers[3]) == [model.layers[2]]
    shared = keras.layers.Dense(3)
    shared(keras.layers.ReLU(name="one")(shared(keras.Input((3,)))))
    before = [found.name for found in _keras.makers(shared)]
    assert len(before) == 2 and before[1] == "one"
    (last,) = _keras.makers(shared, only_last=True)
    assert last.name == "one"


def test_what_a_model_is_compiled_with(fitted):
    given = _keras.compiled_with(fitted)
    assert given["loss"] is fitted.loss
    assert _keras.given_metrics(fitted) == ["accuracy"]
    found = _keras.metrics_by_log(fitted)
    assert set(found) == {"loss", "accuracy"}
    metric = found["accuracy"]
    hits = _keras.function(metric)(np.array([1, 0]), np.eye(2))
    assert list(keras.ops.convert_to_numpy(hits)) == [0, 0]
    assert _keras.direction(metric) == "up"
    options = _keras.options(fitted.loss)
    assert options["from_logits"] is True and options["ignore_class"] == 7


def test_options_are_read_from_a_config_where_they_are_gone():
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    del loss._fn_kwargs
    assert _keras.options(loss)["from_logits"] is True
    assert _keras.options(None) == {}
    assert _keras.options(keras.losses.mean_squared_error) == {}
    assert _keras.options("mse") == {}


def test_training(fitted, tmp_path):
    assert not _keras.is_resumed(fitted)
    _keras.forget_resumption(fitted)
    seen = []
    backup = keras.callbacks.BackupAndRestore(
        tmp_path / "backup", delete_checkpoint=False
    )
    note = keras.callbacks.LambdaCallback(
        on_train_begin=lambda logs: seen.append(_keras.is_resumed(fitted))
    )
    x, y = np.zeros((4, 3), "float32"), np.zeros(4)
    for epochs in (1, 2):
        fitted.fit(x, y, epochs=epochs, callbacks=[backup, note], verbose=0)
        _keras.forget_resumption(fitted)
    assert seen == [False, True]
    penalty = keras.ops.convert_to_tensor(np.float32(3))
    assert float(_keras.additional_loss(fitted, penalty)) == 3


def test_a_model_is_built_for_a_batch():
    tf = pytest.importorskip("tensorflow")
    model = keras.Sequential([keras.layers.Dense(2)])
    model.compile("sgd", "mse")
    batches = tf.data.Dataset.from_tensors((np.zeros((4, 3)), np.zeros((4, 2))))
    _keras.build_for_batch(model, iter(batches))
    assert [tuple(v.shape) for v in model.variables] == [(3, 2), (2,)]


def test_an_optimizer(fitted):
    adam = fitted.optimizer
    kernel = fitted.trainable_variables[0]
    assert [id(v) for v in _keras.trained_by(adam)] == [
        id(v) for v in fitted.trainable_variables
    ]
    assert float(keras.ops.convert_to_numpy(_keras.rate(adam))) == 0.25
    assert int(keras.ops.convert_to_numpy(_keras.batches_seen(adam))) == 2
    for moment in _keras.adam_moments(adam, kernel):
        assert tuple(moment.shape) == tuple(kernel.shape)
        assert keras.ops.convert_to_numpy(moment).any()
    assert _keras.averages(adam) == []
    variable = _keras.rate(adam)
    with _keras.with_rate(adam, "another"):
        assert _keras.rate(adam) == "another"
    assert _keras.rate(adam) is variable


def test_sums_and_averages_of_optimizers():
    weight = keras.Variable(np.ones(3, "float32"))
    ftrl = keras.optimizers.Ftrl(0.5, use_ema=True)
    ftrl.build([weight])
    (accumulator,), (linear,) = _keras.ftrl_sums(ftrl)
    start = np.full(3, 0.1, "float32")
    assert (keras.ops.convert_to_numpy(accumulator) == start).all()
    assert not keras.ops.convert_to_numpy(linear).any()
    (average,) = _keras.averages(ftrl)
    assert tuple(average.shape) == (3,)
    scaled = keras.optimizers.LossScaleOptimizer(ftrl)
    scaled.build([weight])
    own = {id(v) for v in _keras.own_state(scaled)}
    assert own and not own & {id(v) for v in ftrl.variables}


def test_global_states():
    state = _keras.global_state()
    state.set_global_attribute("ws_keras_test", 3)
    assert state.get_global_attribute("ws_keras_test") == 3
    state.set_global_attribute("ws_keras_test", None)


def test_gradients_of_dropped_steps_are_freed():
    tf = pytest.importorskip("tensorflow")
    from tensorflow.python.framework import ops

    @tf.custom_gradient
    def same(x):
        return x, lambda g: g

    tf.function(same)(tf.constant(1.0))
    registered = ops.gradient_registry._registry
    assert any(name.startswith("CustomGradient-") for name in registered)
    _keras.forget_gradients()
    assert not any(name.startswith("CustomGradient-") for name in registered)


def test_what_is_gone_is_named_with_the_versions_that_have_it():
    stranger = types.SimpleNamespace()
    with pytest.raises(_keras.Gone, match="_flatten_layers") as found:
        _keras.all_layers(stranger)
    for version in (keras.__version__, *_keras.TRIED):
        assert version in str(found.value)
    from ws_keras._keras import gone

    with pytest.raises(_keras.Gone, match=r"keras\.src\.nowhere"):
        gone.module("keras.src.nowhere")
