"""Distillation: trains a model on data and on an older model's outputs."""

import contextlib
import math

import keras
from keras import ops

from ws_keras import _keras
from ws_keras import checks
from ws_keras.data import targets
from ws_keras.growth import carrying
from ws_keras.transforms import errors
from ws_keras.transforms import variables


def distill(
    model: keras.Model,
    teacher: keras.Model,
    weight: float = 0.5,
    temperature: float = 2.0,
) -> keras.Model:
    """Creates a model that trains on labels and on a teacher's outputs.

    Distillation of Hinton et al., "Distilling the Knowledge in a Neural
    Network" (2015, arXiv:1503.02531), section 2, for example from last week's
    model to a freshly initialized one. With the compiled loss `J`, the logits
    `z` of the model, the logits `v` of the teacher and the temperature `T`, the
    new loss is `(1 - weight) * J + weight * T ** 2 * H(softmax(v / T),
    softmax(z / T))`. `H(p, q) = -sum(p * log(q))` is the cross-entropy,
    averaged over the samples. The factor `T ** 2` preserves the size of the
    gradients. Sample weights apply to both terms. Penalties of the weights,
    such as `l2`, are added once and unscaled.

    The teacher runs in inference mode and is not trained. The returned model
    shares all layers and variables with `model`. Train the returned model; save
    and deploy `model`. Evaluation, prediction and the training metrics, except
    the loss, are those of `model`. A step costs one additional forward pass.

    Example:

    ```python
    teacher = keras.models.load_model("last_week.keras")
    model = build()
    learner = distill(model, teacher, weight=0.5)
    learner.compile("adam", loss)
    learner.fit(grown_data)
    model.save("this_week.keras")
    ```

    Args:
        model: Built functional or `Sequential` model that outputs logits.
        teacher: Built model that takes the same inputs and outputs logits of
            the same classes. It must not share variables with `model`.
        weight: Weight of the teacher's term, in [0, 1]. 0 is plain training.
            Defaults to 0.5.
        temperature: Divisor of the logits, finite and above 0. A high
            temperature also teaches differences between unlikely classes.
            Defaults to 2.

    Returns:
        An uncompiled `keras.Model` under the strategy of `model`. Compile it.

    Raises:
        ValueError: If an argument is out of its range, if a model is not built
            or does not output logits of at least two classes, or if the models
            share variables or differ in their outputs; within `fit`, if the
            compiled loss is one of numbers or of labels that do not exclude
            each other.
    """
    _check(weight, temperature)
    _check_models(model, teacher)
    learner = _learner(Distilled, model, temperature)
    # In a closure, because an attribute would be saved with the weights.
    learner.taught = lambda x: teacher(x, training=False)
    learner.weight = weight
    return learner


def _learner(kind: type, model: keras.Model, temperature: float):
    strategy = getattr(model, "distribute_strategy", None)
    with strategy.scope() if strategy else contextlib.nullcontext():
        learner = kind(_inputs(model), model.outputs[0], name=model.name)
    learner.temperature = temperature
    return learner


def _inputs(model: keras.Model):
    return model.inputs[0] if len(model.inputs) == 1 else model.inputs


class Distilled(keras.Model):
    """The model that `distill` returns.

    Attributes:
        taught: Function of a batch that returns the teacher's logits.
        weight: As in `distill`.
        temperature: As in `distill`.
    """

    def compute_loss(
        self, x=None, y=None, y_pred=None, sample_weight=None, training=True
    ):
        """Computes the loss; in training mode, with the teacher's term."""
        own = super().compute_loss(x, y, y_pred, sample_weight, training)
        if not training:
            return own
        check_loss(self)
        taught = ops.stop_gradient(self.taught(x))
        theirs = _Soft(self.temperature)(taught, y_pred, sample_weight)
        for penalty in self.losses:
            theirs = theirs + _keras.additional_loss(self, penalty)
        return (1 - self.part) * own + self.part * theirs

    @property
    def part(self):
        """The weight of the teacher's term in the loss."""
        return self.weight


class _Soft(keras.losses.Loss):
    """The teacher's term of each sample, from the logits of both models.

    As a loss of Keras, it leaves out what a mask of the model leaves out, and
    computes in single precision.
    """

    def __init__(self, temperature: float):
        super().__init__(name="teacher")
        self._temperature = temperature

    def call(self, y_true, y_pred):
        scale = self._temperature
        shares = ops.softmax(y_true / scale)
        return scale**2 * keras.losses.categorical_crossentropy(
            shares, y_pred / scale, from_logits=True
        )


def check_loss(model) -> None:
    """Raises a ValueError if a model is compiled with a loss without classes.

    Its outputs are then no logits of which a softmax could be taken.
    """
    kinds = {output.kind for output in targets.outputs(model)}
    if kinds & {"binary", "regression"}:
        loss = getattr(model.loss, "name", model.loss)
        raise ValueError(
            "Distillation compares the softmax of outputs, so the loss must "
            "be one of classes that exclude each other, such as "
            f"'sparse_categorical_crossentropy'. Received: loss={loss!r}. "
            "Train this model without a teacher."
        )


def _check(weight, temperature) -> None:
    if not checks.is_number(weight) or not 0 <= weight <= 1:
        raise ValueError(
            "`weight` must be a number in [0, 1]: the weight of the teacher. "
            f"Received: weight={weight!r}."
        )
    if not checks.is_number(temperature) or not 0 < temperature < math.inf:
        raise ValueError(
            "`temperature` must be a finite number above 0. Received: "
            f"temperature={temperature!r}."
        )


def _check_models(model, teacher) -> None:
    for each in (model, teacher):
        variables.check_built(each)
    if len(getattr(model, "outputs", None) or ()) != 1:
        raise ValueError(
            "`model` must be a functional or Sequential model with one "
            f"output. Received: model={model!r}. Build a subclassed model as "
            "`keras.Model(inputs, outputs)`."
        )
    ours = {id(variable) for variable in model.variables}
    if any(id(variable) in ours for variable in teacher.variables):
        raise ValueError(
            "`teacher` must not share variables with `model`, because it would "
            f"train with it. Received: teacher={teacher.name!r}, which does. "
            "Load the teacher from its file again."
        )
    shapes = [_output_shape(each, model) for each in (model, teacher)]
    if shapes[0][-1] == 1:
        raise ValueError(
            "`model` must output logits of at least two classes, because the "
            "teacher's term compares their softmax. Received: an output of "
            f"shape {shapes[0]}. Give a binary model one output for each "
            "class."
        )
    if shapes[0][1:] != shapes[1][1:]:
        raise ValueError(
            "`model` and `teacher` must output logits of the same classes. "
            f"Received: outputs of shapes {shapes[0]} and {shapes[1]}."
        )
    for name, each in (("model", model), ("teacher", teacher)):
        end = _end(each)
        if end:
            raise ValueError(
                f"`{name}` must output logits. Received: {each.name!r}, which "
                f"ends with a {end}. Remove the {end}, and compile with "
                "`from_logits=True`."
            )


def _output_shape(each: keras.Model, model: keras.Model) -> tuple:
    """Returns the shape of the output for the inputs of `model`."""
    found = getattr(each, "outputs", None)
    if not found:
        try:
            spec = each.compute_output_spec(_inputs(model))
        except Exception as error:  # layers raise many types
            raise ValueError(
                "`teacher` must take the inputs of `model`. Received: "
                f"{each.name!r} ({errors.reason(error)})."
            ) from None
        found = keras.tree.flatten(spec)
    if len(found) != 1:
        raise ValueError(
            "`teacher` must have one output, as `model` has. Received: "
            f"{each.name!r} with {len(found)}. Build it as "
            "`keras.Model(teacher.inputs, teacher.outputs[0])`."
        )
    return tuple(found[0].shape)


def _end(model: keras.Model) -> str:
    """Returns the last function of a model if it gives probabilities."""
    last = model
    while getattr(last, "outputs", None):  # also those of nested models
        last = _keras.maker(last.outputs[0])
    if last is model and model.layers:  # a subclassed model
        last = model.layers[-1]
    activation = getattr(last, "activation", None)
    for name in ("softmax", "sigmoid"):
        known = getattr(keras.activations, name)
        if activation is known or type(last).__name__.lower() == name:
            return name
    return ""


class Teacher(keras.layers.Layer):
    """A frozen copy of a network, with the weight of its term in the loss.

    It is part of the model that it teaches, so that checkpoints include it.

    Args:
        network: Copy of the network.
    """

    def __init__(self, network: keras.Model):
        super().__init__(name="teacher")
        network.trainable = False
        self.network = network
        self.part = self.add_weight(
            shape=(), initializer="zeros", trainable=False, name="part"
        )
        self.built = True

    def take(self, model: keras.Model, part: float) -> None:
        """Copies the present values of a model.

        Args:
            model: Network that this is a copy of.
            part: Weight of the teacher's term in the loss.
        """
        pairs = zip(self.network.variables, model.variables, strict=True)
        for variable, value in pairs:
            variable.assign(ops.convert_to_numpy(value))
        self.part.assign(part)


class Successive(Distilled):
    """The model that `successive` returns.

    Attributes:
        teacher: The `Teacher`.
        teach: Function of the weight of the teacher's term. It copies the
            present network into the teacher.
    """

    @property
    def part(self):
        """The weight of the teacher's term, 0 until `teach` is called."""
        return ops.convert_to_tensor(self.teacher.part)


def successive(model: keras.Model, temperature: float = 2.0) -> Successive:
    """Creates a model that learns from an earlier state of itself.

    This is the model of `distill` with a copy of the network as its teacher.
    The teacher has no effect until `teach` is called.

    Example:

    ```python
    learner = successive(build())
    learner.compile("adam", loss)
    learner.teach(0.5)  # learn from the present weights
    ```

    Args:
        model: As in `distill`. It must have a config to be copied from.
        temperature: As in `distill`. Defaults to 2.

    Returns:
        An uncompiled `Successive` under the strategy of `model`. Compile it.

    Raises:
        ValueError: If an argument is out of its range, or if the model does not
            output logits or cannot be copied.
    """
    _check(0.0, temperature)
    strategy = getattr(model, "distribute_strategy", None)
    with strategy.scope() if strategy else contextlib.nullcontext():
        try:
            # Not `model`, because its copy would include its metrics.
            plain = keras.Model(model.inputs, model.outputs)
            copied = keras.models.clone_model(plain)
            carrying.carry_states(plain, copied)
        except (AttributeError, TypeError, ValueError) as error:
            raise ValueError(
                "`model` must be functional or Sequential, of layers with a "
                "config, to be copied as the teacher. Received: "
                f"{model.name!r} ({str(error).splitlines()[0][:200]})."
            ) from None
        teacher = Teacher(copied)
    _check_models(model, copied)
    learner = _learner(Successive, model, temperature)
    learner.teacher = teacher
    learner.taught = lambda x: copied(x, training=False)
    learner.teach = lambda part: teacher.take(model, part)
    return learner
