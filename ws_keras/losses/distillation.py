"""Learning from data and from an older model: distillation."""

import contextlib
import math

import keras
from keras import ops

from ws_keras import _keras
from ws_keras import checks
from ws_keras.transforms import variables


def distill(
    model: keras.Model,
    teacher: keras.Model,
    weight: float = 0.5,
    temperature: float = 2.0,
) -> keras.Model:
    """Returns a model that `fit` trains on labels and on a teacher's outputs.

    Distillation of Hinton et al., "Distilling the Knowledge in a Neural
    Network" (2015, arXiv:1503.02531), section 2, from the model of last week,
    say, to one that begins anew. With `J` the compiled loss, `z` the logits
    of the model, `v` those of the teacher and `T` the temperature:
    `(1 - weight) * J + weight * T ** 2 * H(softmax(v / T), softmax(z / T))`,
    where `H(p, q) = -sum(p * log(q))` is the cross-entropy, the mean over the
    samples. `T ** 2` keeps the size of the gradients. Sample weights count in
    both parts; penalties of the weights, such as `l2`, count once and in full.

    The teacher runs in inference mode and learns nothing. The returned model
    shares all layers and variables with `model`, which trains with it: save
    and deploy that one. Evaluation, prediction and the metrics of training,
    except the loss, are those of `model`. A step costs one more forward pass.

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
        model: Built functional or `Sequential` model that gives logits.
        teacher: Built model that takes the same inputs and gives logits of
            the same classes. It must share no variable with `model`.
        weight: Part of the teacher, in [0, 1]; 0 is plain training. Defaults
            to 0.5.
        temperature: Divisor of the logits, finite and above 0; a high one
            also teaches how unlikely classes differ. Defaults to 2.

    Returns:
        An uncompiled `keras.Model`, made under the strategy of `model`.

    Raises:
        ValueError: If an argument is out of its range, a model is not built
            or gives no logits, or the two share variables or differ in their
            outputs.
    """
    _check(weight, temperature)
    _check_models(model, teacher)
    learner = _learner(Distilled, model, temperature)
    # In a closure: an attribute would be saved with the weights.
    learner.taught = lambda x: teacher(x, training=False)
    learner.weight = weight
    return learner


def _learner(kind: type, model: keras.Model, temperature: float):
    strategy = getattr(model, "distribute_strategy", None)
    with strategy.scope() if strategy else contextlib.nullcontext():
        inputs = model.inputs[0] if len(model.inputs) == 1 else model.inputs
        learner = kind(inputs, model.outputs[0], name=model.name)
    learner.temperature = temperature
    return learner


class Distilled(keras.Model):
    """The model that `distill` returns.

    Attributes:
        taught: Function of a batch that gives the teacher's logits.
        weight: As in `distill`.
        temperature: As in `distill`.
    """

    def compute_loss(
        self, x=None, y=None, y_pred=None, sample_weight=None, training=True
    ):
        """Returns the loss; in training mode, with the teacher's part."""
        own = super().compute_loss(x, y, y_pred, sample_weight, training)
        if not training:
            return own
        scale = self.temperature
        targets = ops.stop_gradient(ops.softmax(self.taught(x) / scale))
        soft = keras.losses.CategoricalCrossentropy(from_logits=True)(
            targets, y_pred / scale, sample_weight
        )
        theirs = scale**2 * soft
        for penalty in self.losses:
            theirs = theirs + _keras.additional_loss(self, penalty)
        return (1 - self.part) * own + self.part * theirs

    @property
    def part(self):
        """The part of the teacher in the loss."""
        return self.weight


def _check(weight, temperature) -> None:
    if not checks.is_number(weight) or not 0 <= weight <= 1:
        raise ValueError(
            "`weight` must be a number in [0, 1], the part of the teacher. "
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
            "`teacher` must share no variable with `model`, or it would learn "
            f"with it. Received: teacher={teacher.name!r}, which does. Load "
            "it from its file once more."
        )
    shapes = [tuple(each.output_shape) for each in (model, teacher)]
    if shapes[0][1:] != shapes[1][1:]:
        raise ValueError(
            "`model` and `teacher` must give logits of the same classes. "
            f"Received: outputs of shapes {shapes[0]} and {shapes[1]}."
        )
    for name, each in (("model", model), ("teacher", teacher)):
        if _ends_with_softmax(each):
            raise ValueError(
                f"`{name}` must give logits. Received: {each.name!r}, which "
                "ends with a softmax. Leave the softmax out, and compile with "
                "`from_logits=True`."
            )


def _ends_with_softmax(model) -> bool:
    last = model.layers[-1]
    activation = getattr(last, "activation", None)
    is_softmax = activation is keras.activations.softmax
    return is_softmax or isinstance(last, keras.layers.Softmax)


class Teacher(keras.layers.Layer):
    """A frozen copy of a network, and how much it has to say.

    It is a part of the model that it teaches, so that checkpoints hold it.

    Args:
        network: The copy.
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
        """Becomes what a model is now.

        Args:
            model: The network of which it is a copy.
            part: Part of the teacher in the loss.
        """
        pairs = zip(self.network.variables, model.variables, strict=True)
        for variable, value in pairs:
            variable.assign(ops.convert_to_numpy(value))
        self.part.assign(part)


class Successive(Distilled):
    """The model that `successive` returns.

    Attributes:
        teacher: The `Teacher`.
        teach: Function of a part of the loss; the teacher becomes what the
            network is now, and has that part from now on.
    """

    @property
    def part(self):
        """The part of the teacher in the loss, 0 until `teach` is called."""
        return ops.convert_to_tensor(self.teacher.part)


def successive(model: keras.Model, temperature: float = 2.0) -> Successive:
    """Returns a model that what it was before teaches.

    Like that of `distill`, with a copy of the network as its teacher, which
    has no part in the loss until `teach` is called.

    Example:

    ```python
    learner = successive(build())
    learner.compile("adam", loss)
    learner.teach(0.5)  # from what it is now
    ```

    Args:
        model: As in `distill`; it can be built from its config.
        temperature: As in `distill`. Defaults to 2.

    Returns:
        An uncompiled `Successive`, made under the strategy of `model`.

    Raises:
        ValueError: If an argument is out of its range, or the model gives no
            logits or cannot be copied.
    """
    _check(0.0, temperature)
    strategy = getattr(model, "distribute_strategy", None)
    with strategy.scope() if strategy else contextlib.nullcontext():
        try:
            # Not `model`, whose copy would have its metrics as well.
            plain = keras.Model(model.inputs, model.outputs)
            copied = keras.models.clone_model(plain)
        except (AttributeError, TypeError, ValueError) as error:
            raise ValueError(
                "The teacher is a copy of `model`, which must be functional "
                "or Sequential, of layers with a config. Received: "
                f"{model.name!r} ({str(error).splitlines()[0][:200]})."
            ) from None
        teacher = Teacher(copied)
    _check_models(model, copied)
    learner = _learner(Successive, model, temperature)
    learner.teacher = teacher
    learner.taught = lambda x: copied(x, training=False)
    learner.teach = lambda part: teacher.take(model, part)
    return learner
