"""Which variables a model has, who owns them, and when they are there."""

import warnings

import keras
import numpy as np
import pytest
from keras import layers
from keras import ops

from tests.transforms import zoo
from ws_keras.transforms import shrink_perturb as transforms
from ws_keras.transforms import variables

shrink_perturb = transforms.shrink_perturb


class Head(layers.Layer):
    """Gives logits with another layer's table, which is a part of it."""

    def __init__(self, embedding):
        super().__init__()
        self.embedding = embedding

    def call(self, x):
        return ops.matmul(x, ops.transpose(self.embedding.embeddings))


class Borrowing(layers.Layer):
    """The same, with nothing but the variable."""

    def __init__(self, embedding):
        super().__init__()
        self.source = [lambda: embedding]

    def build(self, _):
        self.kernel = self.source[0]().embeddings

    def call(self, x):
        return ops.matmul(x, ops.transpose(self.kernel))


def _tied(kind):
    embedding = layers.Embedding(7, 4, name="table")
    inputs = keras.Input((5,), dtype="int32")
    head = kind(embedding)
    outputs = head(layers.Dense(4)(embedding(inputs)))
    return keras.Model(inputs, outputs), embedding, head


@pytest.mark.parametrize("kind", [Head, Borrowing])
@pytest.mark.parametrize("owner", ["first", "second"])
@pytest.mark.parametrize("by", ["object", "class", "function"])
def test_a_tied_weight_is_found_by_each_of_its_owners(kind, owner, by):
    model, embedding, head = _tied(kind)
    layer = embedding if owner == "first" else head
    pattern = {
        "object": layer,
        "class": type(layer),
        "function": lambda la, variable: isinstance(la, type(layer)),
    }[by]
    for argument, found in (("include", True), ("exclude", False)):
        report = shrink_perturb(model, 0.5, 0, **{argument: pattern})
        touched = {line.path.split("/")[0] for line in report.touched}
        assert ("table" in touched) == found
    assert sum("embeddings" in line.path for line in report) == 1


def test_a_function_is_asked_for_no_layer_around_one_that_is_not_tied():
    """So that "not of this class" means what it says."""
    model = keras.Sequential(
        [keras.Input((3, 4)), layers.TimeDistributed(layers.Dense(2))]
    )

    def others(layer, variable):
        return not isinstance(layer, layers.Dense)

    with pytest.raises(ValueError, match="matches none"):
        shrink_perturb(model, include=others)


def _normed():
    inputs = keras.Input((4,))
    x = layers.Dense(4, name="dense_1")(inputs)
    x = layers.BatchNormalization(name="norm")(x)
    model = keras.Model(inputs, layers.Dense(2, name="dense_2")(x))
    norm = model.get_layer("norm")
    norm.moving_mean.assign([1.0, 2.0, 3.0, 4.0])
    return model, norm


@pytest.mark.parametrize(
    ("mapping", "mean"),
    [
        ({layers.BatchNormalization: (1, 0), "dense_1": (0.4, 0.1)}, [1, 2]),
        ({"norm": (1.0, 0.0), ".": (0.4, 0.1)}, [1, 2]),
        ({"dense_1": (0.4, 0.1)}, [1, 2]),
        ({"gamma|beta": (1, 0), ".": (0.4, 0.1)}, [0, 0]),
        ({".": (0.4, 0.1), "norm": (1, 0)}, [0, 0]),
        ({layers.BatchNormalization: (0.4, 0.1)}, [0, 0]),
    ],
)
def test_a_mapping_leaves_the_moments_of_what_it_leaves_alone(mapping, mean):
    model, norm = _normed()
    shrink_perturb(model, mapping, seed=0)
    assert ops.convert_to_numpy(norm.moving_mean)[:2].tolist() == mean


class Networks(keras.Model):
    """As in Keras' VAE and GAN: parts, a training step, and no `call`."""

    def __init__(self, *parts):
        super().__init__()
        self.networks = parts
        self.loss_tracker = keras.metrics.Mean(name="loss")


class Calling(Networks):
    def call(self, x):
        for network in self.networks:
            x = network(x)
        return x


def _part(*given, built=True):
    given = given or (layers.Dense(4, activation="relu"), layers.Dropout(0.1))
    inputs = [keras.Input((4,))] if built else []
    return keras.Sequential([*inputs, *given])


@pytest.mark.parametrize("kind", [Networks, Calling])
def test_a_model_whose_parts_have_their_weights_is_built(kind):
    model = kind(_part(), layers.Dropout(0.5), _part())
    assert not model.built
    kernels = [v for v in model.weights if v.name == "kernel"]
    before = [ops.convert_to_numpy(v).copy() for v in kernels]
    report = shrink_perturb(model, 0.5, 0)
    assert len(report.touched) == len(model.weights) == 4
    for kernel, old in zip(kernels, before, strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(kernel), old / 2)


@pytest.mark.parametrize(
    "model",
    [
        lambda: Networks(),
        lambda: Networks(_part(), _part(built=False)),
        lambda: Calling(_part(), layers.BatchNormalization()),
        lambda: _part(built=False),
        lambda: layers.Dense(3),
    ],
)
def test_what_has_not_all_its_weights_is_refused(model):
    with pytest.raises(ValueError, match="must be built"):
        shrink_perturb(model())


def test_a_part_that_is_never_called_does_no_harm():
    model = Calling(_part())
    model.unused = layers.Dense(3)
    model(np.ones((2, 4), "float32"))
    assert len(shrink_perturb(model, 0.5, 0).touched) == 2


def test_a_model_without_weights_is_told_so():
    model = keras.Sequential([keras.Input((3,)), layers.Dropout(0.5)])
    with pytest.raises(ValueError, match="at least one weight"):
        shrink_perturb(model)
    assert variables.entries(model)  # the seed of the dropout


def test_parts_without_weights_are_named():
    """`build` gives a model of one's own its own weights, not its parts'."""
    model = zoo.Subclassed(name="partly")
    model.build((None, 6))
    if model.hidden.built:
        pytest.skip("this Keras builds the parts as well")
    with pytest.warns(UserWarning, match="'partly' have no weights yet"):
        shrink_perturb(model, 0.5, 0.1, seed=1)
    model(np.zeros((1, 6), "float32"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # What NumPy says of Torch's parameters.
        warnings.filterwarnings("ignore", "__array__ implementation")
        report = shrink_perturb(model, 0.5, 0.1, seed=1)
    assert len(report.touched) == 11  # three layers, norm, scale
