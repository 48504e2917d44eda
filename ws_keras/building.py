"""Builds and compiles the model of a setting."""

import keras
import numpy as np

from ws_keras import arms
from ws_keras import models
from ws_keras import references
from ws_keras import settings
from ws_keras.allocation import Samples
from ws_keras.arms import hooks
from ws_keras.losses import adversarial
from ws_keras.losses import confidence
from ws_keras.losses import l2
from ws_keras.models import inputs
from ws_keras.protocol import each_step
from ws_keras.training import adam
from ws_keras.training import measures

# With this many steps, Python's overhead per execution is negligible.
_SHORT_STEPS = 32  # for the MLP; a step takes 2 to 6 ms
_LONG_STEPS = 4  # for the ResNet-18 (170 ms per step) and custom networks


def build(config, samples: Samples) -> keras.Model:
    """Builds the uncompiled network of a setting.

    Args:
        config: Config of the setting.
        samples: `Samples` of the setting.

    Raises:
        ValueError: If a field of the config is out of its range or does not
            match the data.
    """
    return models.build(
        config.model.name,
        **_arguments(config, samples),
        moments=_moments(config, samples),
    )


def key(
    config, setting: settings.Setting, samples: Samples, where: tuple
) -> str:
    """Returns a key of everything that the graphs of a model depend on.

    Settings with equal keys can train the same model one after another. They
    differ only in values of variables, such as initial weights and learning
    rate.

    Args:
        config: Config of the setting.
        setting: The `Setting`.
        samples: `Samples` of the setting.
        where: Name of the strategy and its devices.
    """
    of_rate = {"learning_rate": None, "warm_up": None}
    optimizer = {**config.optimizer, **of_rate}
    method, own = setting.method, None
    if method.defines("losses"):
        # These may depend on the initial weights, and so on the seed.
        is_shared = method.defines("restart") and _can_move()
        own = method.text, None if is_shared else setting.seed
    return repr(
        (
            config.model.name,
            sorted(_arguments(config, samples).items()),
            None if _can_move() else _moments(config, samples),
            sorted(optimizer.items()),
            sorted(config.penalty.items()),
            own,
            _steps(config, method, max(1, len(where[1]))),
            config.deterministic,
            keras.config.floatx(),
            where,
        )
    )


def hold(network: keras.Model, config, samples: Samples) -> None:
    """Prepares an untraced network for `move`."""
    if _can_move() and _normalization(config, samples) == "channel":
        inputs.hold_moments(network)


def move(
    network: keras.Model, config, setting: settings.Setting, samples: Samples
) -> None:
    """Updates a traced network for another setting.

    It sets the moments of the samples, and lets the arm restart. Weights are
    not changed.

    Args:
        network: Result of `compiled`, with the initial weights of the setting.
        config: Config of the setting.
        setting: The `Setting`.
        samples: `Samples` of the setting.
    """
    if _can_move():
        moments = _moments(config, samples)
        if moments is not None:
            inputs.set_moments(network, moments)
        setting.method.restart(network)


def _can_move() -> bool:
    # JAX turns values outside of the model's variables into constants.
    return keras.backend.backend() == "tensorflow"


def compiled(
    model: keras.Model, config, setting: settings.Setting, num_replicas: int
) -> keras.Model:
    """Compiles a model with the penalties of its config and arm.

    Args:
        model: Result of `build` with its initial weights, because an arm may
            use a penalty towards them.
        config: Config of the setting.
        setting: The `Setting`.
        num_replicas: Number of replicas of the model.

    Returns:
        The same model, or a model that shares its layers and variables.
    """
    name, weight = config.penalty.name, config.penalty.weight
    method = setting.method
    changed = method.defines("losses")
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    if name == "l2":
        l2.l2(model, weight)
    elif name == "confidence":
        loss = confidence.ConfidencePenalty(weight)
    if changed:
        model = _changed(model, method, name)
    if name == "adversarial":
        model = adversarial.adversarial(model, weight)
    model.compile(
        optimizer=optimizer(config.optimizer),
        loss=loss,
        steps_per_execution=_steps(config, method, num_replicas),
        **measures.for_compile(num_replicas, changed or name != "none"),
    )
    return model


def _changed(model: keras.Model, method: arms.Arm, penalty: str) -> keras.Model:
    """Returns the model that an arm with its own loss terms trains."""
    found = hooks.losses(method, model)
    if found is None or found is model:
        return model
    if penalty == "adversarial":
        raise ValueError(
            f"Only one of the arm {method.text!r} and penalty.name="
            "'adversarial' can define the loss. Received: both. Choose "
            "another penalty or another arm."
        )
    return found


def _arguments(config, samples: Samples) -> dict:
    x = samples.x
    arguments = {
        "input_shape": x.shape[1:],
        "num_classes": samples.num_classes,
        "masked": len(set(samples.classes)) > 1,
        "initializer": config.model.initializer,
        "normalization": _normalization(config, samples),
        "augmentation": config.data.augmentation,
        "input_dtype": str(x.dtype),
        "dtype": config.precision,
    }
    name = config.model.name
    if references.is_reference(name):
        del arguments["initializer"]  # a custom network has its own
        return arguments
    names = ("width", "norm", "blocks", "synchronized", "max_pool")
    names += ("unbiased_variance",)
    if name != "resnet18":
        names = ("units", "activation", "use_bias")
    if name == "mlp":
        names += ("depth",)
    return {**arguments, **{field: config.model[field] for field in names}}


def _normalization(config, samples: Samples) -> str:
    return inputs.resolved(config.data.normalization, samples.x)[0]


def _moments(config, samples: Samples) -> tuple[list, list] | None:
    """Returns the moments of all training samples, if they are used."""
    if _normalization(config, samples) != "channel":
        return None
    x = samples.x[np.sort(samples.rounds[-1].indices)]
    axes = tuple(range(x.ndim - 1)) if x.ndim == 4 else (0,)
    mean = x.mean(axes, dtype=np.float64)
    return mean.tolist(), x.std(axes, dtype=np.float64).tolist()


def _steps(config, method: arms.Arm, num_replicas: int) -> int:
    if config.train.steps_per_execution is not None:
        return config.train.steps_per_execution
    # Keras runs single steps on Torch.
    is_single = keras.backend.backend() == "torch" or num_replicas > 1
    acts = method.defines("callbacks") or each_step(config)
    if is_single or acts:
        return 1
    is_short = config.model.name in ("mlp", "logistic")
    return _SHORT_STEPS if is_short else _LONG_STEPS


def optimizer(config) -> keras.optimizers.Optimizer:
    """Creates the optimizer of a setting.

    Args:
        config: Section `optimizer` of the config.

    Raises:
        ValueError: If the name refers to a custom function that does not return
            a Keras optimizer.
    """
    decay, bound = config.weight_decay, config.clip_norm
    if references.is_reference(config.name):
        return _own_optimizer(config)
    if config.name == "adam":
        return adam.Adam(
            config.learning_rate,
            epsilon=config.epsilon,
            weight_decay=decay,
            global_clipnorm=bound,
        )
    return keras.optimizers.SGD(
        config.learning_rate,
        config.momentum,
        weight_decay=decay,
        global_clipnorm=bound,
    )


def _own_optimizer(config) -> keras.optimizers.Optimizer:
    make = references.find("optimizer.name", config.name)
    given = {"learning_rate": config.learning_rate}
    if config.weight_decay is not None:
        given["weight_decay"] = config.weight_decay
    if config.clip_norm is not None:
        given["global_clipnorm"] = config.clip_norm
    try:
        found = make(**given)
    except Exception as error:  # custom code raises many types
        found = f"{type(error).__name__}: {error}"
    if not isinstance(found, keras.optimizers.Optimizer):
        raise ValueError(
            "`optimizer.name` must name a function that returns a Keras "
            f"optimizer for the arguments {', '.join(given)}. Received: "
            f"optimizer.name={config.name!r}, which returns {found!r}."
        )
    return found
