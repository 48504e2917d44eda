"""The effect on a network of multiplying its kernels by numbers."""

import dataclasses
from typing import Any

import keras
import numpy as np

from ws_keras.transforms import graphs
from ws_keras.transforms import makers
from ws_keras.transforms import passing
from ws_keras.transforms import variables

_LINEAR = (
    keras.layers.Dense,
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.Conv3D,
    *makers.TRANSPOSED,
    *makers.DEPTHWISE,
)
_NORMS = tuple(
    getattr(keras.layers, f"{name}Normalization")
    for name in ("Batch", "Layer", "Group", "Unit", "RMS")
    if hasattr(keras.layers, f"{name}Normalization")
)
# If all inputs have the same factor, so has the output.
_SUMS = ("Add", "Subtract", "Average", "Maximum", "Minimum", "Concatenate")
_RECTIFIERS = (
    keras.activations.linear,
    keras.activations.relu,
    keras.activations.leaky_relu,
)


@dataclasses.dataclass(frozen=True)
class Follower:
    """A variable that must be multiplied together with some kernels.

    `kernels` are numbers of kernels, and may hold a number several times. The
    factor of the variable is the product of their factors, to the `power`.
    """

    variable: Any
    kernels: tuple[int, ...]
    power: int = 1


@dataclasses.dataclass(frozen=True)
class Scaling:
    """Kernels that can be multiplied without a change of the predictions.

    Each kernel may have any factor above 0. The followers are biases and the
    moments of batch norm, and must be multiplied as well. `outputs` holds for
    each output of the model the numbers of the kernels whose factors multiply
    it, before its activation.
    """

    kernels: tuple[variables.Entry, ...]
    followers: tuple[Follower, ...]
    outputs: tuple[tuple[int, ...], ...]


class Unscalable(ValueError):
    """The predictions would change. The text names the layer responsible."""


def of(model: keras.Model, meant) -> Scaling:
    """Returns the kernels of a network and their followers.

    Args:
        model: Built functional or `Sequential` model.
        meant: Function that takes the `Entry` of a kernel and says whether
            the kernel is multiplied.

    Returns:
        A `Scaling`.

    Raises:
        Unscalable: If the predictions would change, the effect of a layer with
            weights is unknown, or there is no kernel.
        ValueError: If the model is not built or not a graph of layers.
    """
    walk = _Walk({id(e.variable): e for e in variables.entries(model)}, meant)
    graph = graphs.of(model)
    for call in graph.calls:
        walk.follow(call)
    if not walk.has_linear:
        raise Unscalable("no Dense or convolution layer")
    outputs = tuple(walk.factor(number).kernels for number in graph.outputs)
    return Scaling(tuple(walk.kernels), tuple(walk.followers()), outputs)


@dataclasses.dataclass(frozen=True)
class _Factor:
    """The numbers of the kernels whose factors multiply a tensor.

    `bent` names the layer after which the tensor is no longer multiplied by
    these factors, but changes in another way.
    """

    kernels: tuple[int, ...] = ()
    bent: str = ""


class _Walk:
    def __init__(self, entries: dict, meant):
        self._entries, self._meant = entries, meant
        self._factors, self._numbers, self._followers = {}, {}, {}
        self.kernels, self.has_linear = [], False

    def factor(self, tensor: int) -> _Factor:
        return self._factors.get(tensor, _Factor())

    def followers(self):
        return [each for each in self._followers.values() if each.kernels]

    def follow(self, call: graphs.Call) -> None:
        found = self._of(call, [self.factor(n) for n in call.inputs])
        self._factors.update((number, found) for number in call.outputs)

    def _of(self, call, given: list[_Factor]) -> _Factor:
        layer = call.operation
        has_weights = bool(getattr(layer, "weights", None))
        bent = next((each.bent for each in given if each.bent), "")
        is_read = has_weights or len(given) > 1 or isinstance(layer, _NORMS)
        if bent and (is_read or passing.combines(layer)):
            raise Unscalable(bent)
        found = self._known(layer, given)
        if found is not None:
            return found
        if any(len(v.shape) > 1 for v in _trainable(layer)):
            raise Unscalable(f"the layer {_named(layer)}")
        if not any(each.kernels for each in given):
            return _Factor()
        if has_weights or len(given) > 1 or not _is_activation(layer):
            raise Unscalable(_reason(layer, len(given)))
        bent = bent or f"the layer {_blamed(layer)}"
        return _Factor(given[0].kernels, bent)

    def _known(self, layer, given: list[_Factor]) -> _Factor | None:
        """Returns the factor after a layer, `None` if it is unknown."""
        if not graphs.is_of_keras(layer):
            return None
        if isinstance(layer, _LINEAR):
            return self._linear(layer, given[0])
        if isinstance(layer, _NORMS):
            return self._normalized(layer, given[0])
        if isinstance(layer, keras.layers.Embedding):
            return _Factor()
        return _passed(layer, given)

    def _linear(self, layer, given: _Factor) -> _Factor:
        self.has_linear = True
        bias = layer.bias if layer.use_bias else None
        _check_plain(layer, bias)
        kernels = given.kernels + self._number(layer.kernel)
        if bias is not None:
            self._bind(layer, bias, kernels)
        if not kernels or layer.activation in _RECTIFIERS:
            return _Factor(kernels)
        bent = f"the layer {layer.name!r} with another activation"
        return _Factor(kernels, bent)

    def _number(self, kernel) -> tuple[int, ...]:
        """Returns the number of a kernel, `()` if the kernel stays."""
        entry = self._entries[id(kernel)]
        if id(kernel) not in self._numbers:
            self._numbers[id(kernel)] = ()
            if kernel.trainable and self._meant(entry):
                self._numbers[id(kernel)] = (len(self.kernels),)
                self.kernels.append(entry)
        return self._numbers[id(kernel)]

    def _normalized(self, layer, given: _Factor) -> _Factor:
        """The moments of batch norm change; the output does not."""
        if hasattr(layer, "moving_mean"):
            self._bind(layer, layer.moving_mean, given.kernels)
            self._bind(layer, layer.moving_variance, given.kernels, 2)
        return _Factor()

    def _bind(self, layer, variable, kernels: tuple, power: int = 1) -> None:
        if kernels and not layer.trainable:
            what = f"the frozen layer {layer.name!r} after a trainable one"
            raise Unscalable(what)
        new = Follower(variable, tuple(sorted(kernels)), power)
        known = self._followers.setdefault(id(variable), new)
        if known != new:
            raise Unscalable(
                f"the layer {layer.name!r}, which is used twice, with inputs "
                "that get different factors"
            )


def _passed(layer, given: list[_Factor]) -> _Factor | None:
    """Returns the factor after a layer without kernels, if known."""
    name = type(layer).__name__
    kernels = [tuple(sorted(each.kernels)) for each in given]
    if name == "Multiply":
        scaled = [each for each in kernels if each]
        return _Factor(*scaled) if len(scaled) < 2 else None
    if len(given) > 1:
        is_same = name in _SUMS and len(set(kernels)) == 1
        return given[0] if is_same else None
    is_plain = name == "Rescaling" and not np.any(layer.offset)
    if is_plain or passing.is_homogeneous(layer) or _is_rectifier(layer):
        return given[0]
    return None


def _is_activation(layer) -> bool:
    """Whether a layer is an activation, so that it may end a network."""
    is_given = isinstance(layer, keras.layers.Activation)
    is_one = type(layer).__name__ in ("Softmax", "LogSoftmax", "Exp")
    return is_given or is_one or passing.is_activation(layer)


def _is_rectifier(layer) -> bool:
    if isinstance(layer, keras.layers.Activation):
        return layer.activation in _RECTIFIERS
    if isinstance(layer, keras.layers.ReLU):
        return layer.max_value is None and not layer.threshold
    kinds = (keras.layers.LeakyReLU, keras.layers.PReLU)
    return isinstance(layer, kinds) or type(layer).__name__ == "Relu"


def _check_plain(layer, bias) -> None:
    # With LoRA, the kernel is a sum and no variable.
    if not makers.is_plain(layer):
        raise Unscalable(
            f"the layer {layer.name!r} with LoRA or quantized weights"
        )
    for variable in (layer.kernel, bias):
        if variable is not None and variable.constraint is not None:
            raise Unscalable(f"the layer {layer.name!r} with a constraint")


def _trainable(layer) -> list:
    return list(getattr(layer, "trainable_variables", None) or ())


def _named(layer) -> str:
    return f"{layer.name!r} ({type(layer).__name__})"


def _reason(layer, inputs: int) -> str:
    if inputs > 1:
        return f"{_named(layer)}, whose inputs get different factors"
    return f"the layer {_named(layer)}"


def _blamed(layer) -> str:
    if isinstance(layer, keras.layers.Activation):
        return f"{layer.name!r} with another activation"
    if isinstance(layer, keras.layers.ReLU):
        return f"{layer.name!r} with a bound"
    return _named(layer)
