"""One setting from data to rows: the only place that knows the whole story."""

import math
import platform
from collections.abc import Callable
from collections.abc import Iterator
from importlib import metadata

import keras
import numpy as np

from ws_keras import models
from ws_keras import seeds
from ws_keras.data import datasets
from ws_keras.data import rounds as round_indices
from ws_keras.results import rows
from ws_keras.training import adam
from ws_keras.training import arm as arms
from ws_keras.training import checkpoint as checkpoints
from ws_keras.training import feed as feeds
from ws_keras.training import keeper as keepers
from ws_keras.training import measures
from ws_keras.training import strategy as strategies
from ws_keras.training import trainer as trainers
from ws_keras.transforms import shrink_perturb as transforms

OPTIMIZERS = ("sgd", "adam")
PROTOCOLS = ("online", "two_phase")
SPLITS = ("held_out", "official_test")


def run(
    config,
    setting,
    dataset: datasets.Dataset,
    *,
    strategy: str = "none",
    devices: int | str | None = None,
    on_epoch: Callable[[rows.Epoch], None] | None = None,
    keeper: keepers.Keeper | None = None,
    checkpoint: checkpoints.Checkpoint | None = None,
) -> Iterator[rows.Row]:
    """Runs one setting and yields a row after each round.

    Split, starting weights and the order of the samples depend on the seed
    alone, so that the arms of one seed are pairs.

    Example:

    ```python
    for row in experiment.run(config, setting, datasets.load("textures")):
        print(row.round, row.accuracy)
    ```

    Args:
        config: Config of this setting, with the fields of `configs/base.py`.
        setting: The `settings.Setting`.
        dataset: The data that the config names.
        strategy: Name of a `Strategy`. Defaults to `"none"`.
        devices: Its devices. Defaults to `None`, all.
        on_epoch: Called with a `rows.Epoch` after each epoch. Defaults to
            `None`.
        keeper: The `keeper.Keeper` of the setting's checkpoints. Defaults to
            `None`, which keeps none.
        checkpoint: One that it has written in an earlier run of the same
            setting: the rows after it are yielded, the same as if that run
            had never ended. Defaults to `None`.

    Yields:
        `rows.Row`; after one with `stopped_by="nan"` there is no other.

    Raises:
        ValueError: If a field of the config is out of its range.
        stop.Interrupted: The keeper's stop was wanted; a checkpoint is
            written.
    """
    check(config)
    x, y, rounds, held_out = _arrays(config, dataset, setting.seed)
    where = strategies.Strategy(strategy, devices)
    feed = feeds.Feed(
        x,
        y,
        config.train.batch_size,
        where.num_replicas,
        whole_copies=config.model.synchronized,
    )
    with where.scope():
        model = _model(config, dataset, x, rounds[-1])
        _compile(model, config, where.num_replicas)
    trainer = trainers.Trainer(
        model,
        feed,
        held_out,
        until=_until(config),
        seed=setting.seed,
        monitored=config.train.monitor_samples,
        on_epoch=_epochs(setting, on_epoch),
        keeper=keeper,
    )
    trainer.warm_up(rounds[0])
    # All arms of a seed have the same network before the first transform.
    transforms.cold_start(model, seed=seeds.derive(setting.seed, "start"))
    if checkpoint is not None:
        trainer.resume(checkpoint)

    def transform(number: int) -> None:
        if number > 1 or config.transform.first_round:
            _transform(model, config, setting, number)

    yield from arms.train(
        trainer,
        setting,
        rounds,
        transform,
        experiment=config.experiment,
        dataset=config.data.name,
        model=config.model.name,
        optimizer=config.optimizer.name,
    )


def start(
    config,
    strategy: str = "none",
    devices: int | str | None = None,
    *,
    say: Callable[[str], None] | None = None,
) -> None:
    """Checks what all settings share and sets TensorFlow up for them.

    To be called before data are loaded, which would keep TensorFlow from
    splitting the CPU.

    Args:
        config: Config of the experiment; `deterministic` turns on
            TensorFlow's deterministic operations for the whole process.
        strategy: Name of a `Strategy`. Defaults to `"none"`.
        devices: Its devices. Defaults to `None`, all.
        say: Called with a sentence for the user, where the strategy finds
            one device and is not used. Defaults to `None`.

    Raises:
        ValueError: If the strategy or the devices are not possible here.
    """
    where = strategies.Strategy(strategy, devices)
    batch_size = config.train.batch_size
    feeds.check_batch_size(batch_size, where.num_replicas)
    steps = config.train.steps_per_execution
    if where.num_replicas > 1 and steps not in (None, 1):
        raise ValueError(
            "`train.steps_per_execution` must be 1 under several replicas. "
            f"Received: train.steps_per_execution={steps}."
        )
    if say and where.notice:
        say(where.notice)
    if config.deterministic and keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()


def replicas(strategy: str = "none", devices: int | str | None = None) -> int:
    """Returns the number of replicas that a strategy has here."""
    return strategies.Strategy(strategy, devices).num_replicas


def validate(config, setting, dataset: datasets.Dataset) -> None:
    """Goes all the way up to training, to find what is wrong before it.

    Args:
        config: Config of the setting.
        setting: The `settings.Setting`.
        dataset: The data that the config names.

    Raises:
        ValueError: If a field of the config is out of its range, or does
            not go with the data.
    """
    check(config)
    x, _, rounds, _ = _arrays(config, dataset, setting.seed)
    feeds.check_round(config.train.batch_size, len(rounds[0]))
    _model(config, dataset, x, rounds[0])


def versions() -> dict[str, str]:
    """Returns the versions of the packages that the numbers depend on."""
    backend = keras.backend.backend()
    names = ("ws_keras", "keras", backend, "numpy")
    found = {"python": platform.python_version()}
    for name in names:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def sizes(config, num_train: int) -> list[int]:
    """Returns the number of samples of each round, without any data.

    Args:
        config: Config of a setting.
        num_train: Size of the official training set.

    Returns:
        List of integers.

    Raises:
        ValueError: If the rounds do not fit the data.
    """
    fit = np.arange(num_train)
    if config.data.split == "held_out":
        fit, _ = round_indices.split(num_train, seed=0)
    return [len(indices) for indices in _rounds(config.rounds, fit)]


def check(config) -> None:
    """Raises a ValueError for a field that is not one of the known choices."""
    for field, value, known in (
        ("data.split", config.data.split, SPLITS),
        ("rounds.protocol", config.rounds.protocol, PROTOCOLS),
        ("model.name", config.model.name, models.NAMES),
        ("optimizer.name", config.optimizer.name, OPTIMIZERS),
        ("transform.noise", config.transform.noise, ("fresh", "gaussian")),
        ("transform.statistics", config.transform.statistics, _KEEP_OR_RESET),
        ("transform.optimizer", config.transform.optimizer, _KEEP_OR_RESET),
        ("precision", config.precision, ("float32", "mixed_bfloat16")),
    ):
        if value not in known:
            raise ValueError(
                f"`{field}` must be one of {list(known)}. "
                f"Received: {field}={value!r}."
            )
    for field, value in (
        ("optimizer.learning_rate", config.optimizer.learning_rate),
        ("optimizer.epsilon", config.optimizer.epsilon),
    ):
        if not 0 < value < math.inf:
            raise ValueError(
                f"`{field}` must be positive and finite. "
                f"Received: {field}={value!r}."
            )
    _until(config)


_KEEP_OR_RESET = ("reset", "keep")


def _epochs(setting, on_epoch) -> Callable | None:
    """Returns the trainer's hook that makes the `Epoch` of a row file."""
    if on_epoch is None:
        return None

    def hook(number: int, result: trainers.EpochResult) -> None:
        on_epoch(
            rows.Epoch(
                setting=setting.id,
                round=number,
                epoch=result.total,
                loss=result.loss,
                train_accuracy=100 * result.train_accuracy,
                accuracy=100 * result.accuracy,
                learning_rate=result.learning_rate,
                samples_per_second=result.samples_per_second,
            )
        )

    return hook


def _arrays(config, dataset, seed: int) -> tuple:
    """Returns all samples and labels, the rounds, and the held-out part."""
    if config.data.split == "official_test":
        if dataset.x_test is None:
            raise ValueError(
                "`data.split='official_test'` needs a data set with a test "
                f"part. Received: data.name={dataset.name!r}. Use "
                "data.split='held_out'."
            )
        x = np.concatenate([dataset.x, dataset.x_test])
        y = np.concatenate([dataset.y, dataset.y_test])
        order = seeds.generator(seed, "split").permutation(len(dataset.x))
        held_out = np.arange(len(dataset.x), len(x))
    else:
        x, y = dataset.x, dataset.y
        order, held_out = round_indices.split(len(x), seed)
    return x, y, _rounds(config.rounds, order), held_out


def _rounds(config, indices: np.ndarray) -> list[np.ndarray]:
    if config.protocol == "online":
        found = round_indices.online(indices, config.step)
    else:
        found = round_indices.two_phase(indices, config.fraction)
    if config.limit is not None and config.limit < 1:
        raise ValueError(
            "`rounds.limit` must be at least 1 or None. "
            f"Received: rounds.limit={config.limit}."
        )
    return found[: config.limit]


def _model(config, dataset, x, fitted) -> keras.Model:
    arguments = {
        "input_shape": x.shape[1:],
        "num_classes": dataset.num_classes,
        "initializer": config.model.initializer,
        "normalization": config.data.normalization,
        "input_dtype": str(x.dtype),
        "dtype": config.precision,
    }
    if config.data.normalization == "channel":
        arguments["moments"] = _moments(x[np.sort(fitted)])
    names = ("width", "norm", "blocks", "synchronized")
    if config.model.name != "resnet18":
        names = ("units", "activation", "use_bias")
    if config.model.name == "mlp":
        names += ("depth",)
    arguments.update({name: config.model[name] for name in names})
    return models.build(config.model.name, **arguments)


def _moments(x: np.ndarray) -> tuple[list, list]:
    axes = tuple(range(x.ndim - 1)) if x.ndim == 4 else (0,)
    mean = x.mean(axes, dtype=np.float64)
    return mean.tolist(), x.std(axes, dtype=np.float64).tolist()


# As many steps of a small network hide what one execution costs.
_SHORT_STEPS = 32


def _compile(model: keras.Model, config, num_replicas: int) -> None:
    steps = config.train.steps_per_execution
    if steps is None:
        is_short = config.model.name != "resnet18" and num_replicas == 1
        steps = _SHORT_STEPS if is_short else 1
    model.compile(
        optimizer=_optimizer(config.optimizer),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        steps_per_execution=steps,
        **measures.for_compile(num_replicas),
    )


def _optimizer(config) -> keras.optimizers.Optimizer:
    if config.name == "adam":
        return adam.Adam(config.learning_rate, epsilon=config.epsilon)
    return keras.optimizers.SGD(config.learning_rate, config.momentum)


def _until(config) -> trainers.Until:
    return trainers.Until(
        threshold=config.train.threshold,
        patience=config.train.patience,
        min_delta=config.train.min_delta,
        measured=config.train.measured,
        epochs=config.train.epochs,
        max_epochs=config.train.max_epochs,
    )


def _transform(model, config, setting, number: int) -> None:
    cold = setting.arm == "cold"
    transforms.shrink_perturb(
        model,
        setting.shrink,
        setting.perturb,
        # A cold start is a fresh initialization whatever the noise.
        noise="fresh" if cold else config.transform.noise,
        seed=seeds.derive(setting.seed, "transform", number),
        statistics="reset" if cold else config.transform.statistics,
        optimizer="reset" if cold else config.transform.optimizer,
    )
