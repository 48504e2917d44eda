"""What each arm does to the weights before a round."""

import keras

from ws_keras import seeds
from ws_keras import settings
from ws_keras.protocol import Samples
from ws_keras.transforms import dash
from ws_keras.transforms import reset_layers
from ws_keras.transforms import shrink_perturb as transforms

_NORMS = (keras.layers.BatchNormalization, keras.layers.GroupNormalization)


def begin(
    model: keras.Model,
    config,
    setting: settings.Setting,
    samples: Samples,
    number: int,
) -> None:
    """Transforms a model as its arm does when the data of a round arrive.

    Before the first round, unless `transform.first_round` is off, cold,
    shrink-perturb and its form for the last layer act as in any other; the
    relatives that carry weights over from data (`dash`, `head_reset`,
    `first_layers`) then do what a warm start does.

    Args:
        model: The setting's model.
        config: Its config.
        setting: The `Setting`.
        samples: Its `Samples`.
        number: The round, from 1.
    """
    if number == 1 and not config.transform.first_round:
        return
    seed = seeds.derive(setting.seed, "transform", number)
    kind, policy = setting.kind, config.transform
    if kind == "cold":
        # A fresh initialization whatever the noise and the policies.
        transforms.cold_start(model, seed=seed)
        return
    if kind == "dash" and number > 1:
        # Its gradient is that of the network as the last round left it.
        _dash(model, config, setting, samples, number)
    mixes = kind == "shrink_perturb"
    optimizer = "reset" if kind == "warm_reset" else policy.optimizer
    transforms.shrink_perturb(
        model,
        *(setting.numbers if mixes else (1.0, 0.0)),
        noise=policy.noise,
        seed=seed,
        include=_not_of_norms if policy.norms == "keep" else None,
        statistics=policy.statistics,
        optimizer=optimizer,
    )
    if kind == "last_layer":
        transforms.shrink_perturb(
            model,
            *setting.numbers,
            noise=policy.noise,
            seed=seed,
            include=head(model),
            statistics="keep",
            optimizer=optimizer,
        )
    if number > 1 and kind in _RELATIVES:
        _RELATIVES[kind](model, config, setting, seed)
    if (
        number > 1
        and samples.classes[number - 1] != samples.classes[number - 2]
    ):
        # Other classes: the old head says nothing of them.
        reset_layers.reset_layers(
            model, head(model), seed=seed, optimizer=optimizer
        )


def check(model: keras.Model, config, setting: settings.Setting) -> None:
    """Raises a ValueError for an arm that does not go with model and rounds."""
    protocol = config.rounds.protocol
    if setting.kind == "dash" and protocol in ("active", "transfer"):
        raise ValueError(
            "DASH needs chunks of one data set that are known, not samples "
            f"that the model chooses. Received: arm={setting.arm!r} with "
            f"rounds.protocol={protocol!r}."
        )
    if setting.kind != "first_layers":
        return
    (kept,), found = setting.numbers, len(stages(model))
    if kept >= found:
        raise ValueError(
            f"The layers of an arm must be fewer than the model's {found}. "
            f"Received: arm={setting.arm!r}."
        )


def head(model: keras.Model) -> keras.layers.Layer:
    """Returns the last layer with weights, which gives the logits."""
    return model.get_layer("logits")


def stages(model: keras.Model) -> list[list[keras.layers.Layer]]:
    """Returns the layers with weights, one list per stage of the network.

    A stage is the stem or a stage of a residual network, a hidden layer of an
    MLP, or the last layer.
    """
    found = {}
    for layer in model.layers:
        if layer.trainable_weights:
            found.setdefault(layer.name.partition("_")[0], []).append(layer)
    return list(found.values())


def _not_of_norms(layer: keras.layers.Layer, variable) -> bool:
    # The moments of the layer are no weights and follow their own policy.
    is_norm = isinstance(layer, _NORMS)
    return not (is_norm and variable.name in ("gamma", "beta"))


def _reset_head(model, config, setting, seed) -> None:
    reset_layers.reset_layers(
        model, head(model), seed=seed, optimizer=config.transform.optimizer
    )


def _first_layers(model, config, setting, seed) -> None:
    (kept,) = setting.numbers
    rest = [part for stage in stages(model)[int(kept) :] for part in stage]
    reset_layers.reset_layers(
        model, rest, seed=seed, optimizer=config.transform.optimizer
    )


def _dash(model, config, setting, samples, number) -> None:
    shrink, alpha = setting.numbers
    chunks = (samples.chunk(past) for past in range(1, number + 1))
    dash.dash(
        model,
        [(samples.x[chunk], samples.y[chunk]) for chunk in chunks],
        shrink,
        alpha,
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        optimizer=config.transform.optimizer,
    )


_RELATIVES = {
    "head_reset": _reset_head,
    "first_layers": _first_layers,
}
