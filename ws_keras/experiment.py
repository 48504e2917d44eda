"""Runs one setting of an experiment, from data to rows."""

import platform
from collections.abc import Callable
from collections.abc import Iterator
from importlib import metadata

import keras

import ws_keras
from ws_keras import active
from ws_keras import allocation
from ws_keras import building
from ws_keras import measuring
from ws_keras import protocol
from ws_keras import reuse
from ws_keras import round_view
from ws_keras import seeds
from ws_keras.arms import hooks
from ws_keras.callbacks import every_step
from ws_keras.callbacks import rewarm
from ws_keras.data import datasets
from ws_keras.models import class_mask
from ws_keras.storage import checkpoint as checkpoints
from ws_keras.storage import rows
from ws_keras.training import feed as feeds
from ws_keras.training import keeper as keepers
from ws_keras.training import loop
from ws_keras.training import strategy as strategies
from ws_keras.training import trainer as trainers
from ws_keras.transforms import shrink_perturb as transforms

_OURS = reuse.Networks()


def run(
    config,
    setting,
    dataset: datasets.Dataset,
    *,
    source: datasets.Dataset | None = None,
    strategy: str = "none",
    devices: int | str | None = None,
    on_epoch: Callable[[rows.Epoch], None] | None = None,
    keeper: keepers.Keeper | None = None,
    checkpoint: checkpoints.Checkpoint | None = None,
    networks: reuse.Networks | None = None,
) -> Iterator[rows.Row]:
    """Runs one setting and yields a row after each round.

    The split, the initial weights and the order of the samples depend only on
    the seed, so that the arms of one seed form pairs. Settings whose networks
    have equal graphs train one after another on the same network, which is
    built and traced once. Their rows equal those of separately built networks.

    Example:

    ```python
    for row in experiment.run(config, setting, datasets.load("textures")):
        print(row.round, row.accuracy)
    ```

    Args:
        config: Config of this setting, with the fields of `configs/base.py`.
        setting: The `settings.Setting`.
        dataset: The data set that the config names.
        source: The data set that `data.source` names. Defaults to `None`.
        strategy: Name of a `Strategy`. Defaults to `"none"`.
        devices: Devices of the strategy. Defaults to `None`, all.
        on_epoch: Called with a `rows.Epoch` after each epoch. Defaults to
            `None`.
        keeper: The `keeper.Keeper` of the setting's checkpoints. Defaults to
            `None`, which writes none.
        checkpoint: Checkpoint that `keeper` wrote in an earlier run of this
            setting. The rows after it are yielded, equal to those of an
            uninterrupted run. Defaults to `None`.
        networks: The `Networks` that store networks for later settings.
            Defaults to `None`, those of this process; `forget` frees them.

    Yields:
        `rows.Row`. A row with `stopped_by="nan"` is the last one.

    Raises:
        ValueError: If a field of the config is out of its range.
        stop.Interrupted: If the keeper was asked to stop. A checkpoint has been
            written.
    """
    protocol.check(config)
    samples = allocation.samples(config, dataset, setting.seed, source)
    where = strategies.Strategy(strategy, devices)
    feed = feeds.Feed(
        samples.x,
        samples.y,
        config.train.batch_size,
        where.num_replicas,
        whole_copies=config.model.synchronized,
    )
    key = building.key(config, setting, samples, (where.name, where.devices))
    with (_OURS if networks is None else networks).lent(
        key, lambda: _network(config, setting, samples, where)
    ) as network:
        yield from _train(
            config,
            setting,
            samples,
            network,
            feed,
            on_epoch,
            keeper,
            checkpoint,
        )


def forget() -> None:
    """Frees the networks that this process stores for later settings."""
    _OURS.clear()


def _network(config, setting, samples, where) -> reuse.Network:
    with where.scope():
        plain = building.build(config, samples)
        if setting.method.defines("losses"):
            start = seeds.derive(setting.seed, "start")
            transforms.cold_start(plain, seed=start)
        replicas = where.num_replicas
        model = building.compiled(plain, config, setting, replicas)
        building.hold(model, config, samples)
    return reuse.Network(plain, model)


def _train(
    config, setting, samples, network, feed, on_epoch, keeper, checkpoint
) -> Iterator[rows.Row]:
    model = network.model
    callbacks = _every_step(config, setting)
    trainer = trainers.Trainer(
        network.traced,
        feed,
        samples.held_out,
        seed=setting.seed,
        monitored=config.train.monitor_samples,
        on_epoch=loop.epochs(setting, on_epoch),
        callbacks=callbacks,
        keeper=keeper,
        diagnostics=measuring.of(config, network, samples),
    )
    trainer.warm_up(samples.rounds[0].indices)
    network.begin(setting.seed)
    building.move(model, config, setting, samples)
    if checkpoint is not None:
        trainer.resume(checkpoint)
    rounds = samples.rounds
    if config.rounds.protocol == "active":
        rounds = active.ActiveRounds(
            samples,
            trainer.notes,
            config.rounds.acquisition,
            setting.seed,
            network.once(
                "features", lambda: active.with_features(network.plain)
            ),
        )

    views = round_view.Views(config, setting, samples, rounds)

    def transform(number: int) -> None:
        views.begin(model, number)

    def prepare(number: int) -> None:
        model.optimizer.learning_rate = protocol.learning_rate(config, number)
        class_mask.use(model, samples.classes[number - 1])
        for callback in callbacks:
            callback.round = number
        rate = _warm_up(config, number, len(rounds[number - 1].indices))
        own = hooks.callbacks(setting.method, views.of(number))
        trainer.callbacks = [*callbacks, *rate, *own]

    yield from loop.train(
        trainer,
        setting,
        rounds,
        transform,
        prepare,
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
    """Checks the arguments of all settings and configures TensorFlow.

    Call it before data are loaded, because TensorFlow cannot divide the CPU
    into devices afterwards.

    Args:
        config: Config of the experiment. `deterministic` enables TensorFlow's
            deterministic operations for the whole process.
        strategy: Name of a `Strategy`. Defaults to `"none"`.
        devices: Devices of the strategy. Defaults to `None`, all.
        say: Called with a sentence for the user if the strategy finds only one
            device and is not used. Defaults to `None`.

    Raises:
        ValueError: If the strategy or the devices are not available.
    """
    where = strategies.Strategy(strategy, devices)
    for number in (1, 2):
        batch_size = protocol.batch_size(config, number)
        feeds.check_batch_size(batch_size, where.num_replicas)
    steps = config.train.steps_per_execution
    if where.num_replicas > 1 and steps not in (None, 1):
        raise ValueError(
            "`train.steps_per_execution` must be 1 with several replicas. "
            f"Received: train.steps_per_execution={steps}."
        )
    if say and where.notice:
        say(where.notice)
    if config.deterministic and keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()


def replicas(strategy: str = "none", devices: int | str | None = None) -> int:
    """Returns the number of replicas of a strategy on this machine."""
    return strategies.Strategy(strategy, devices).num_replicas


def validate(
    config,
    setting,
    dataset: datasets.Dataset,
    source: datasets.Dataset | None = None,
) -> None:
    """Runs all steps before training, to find errors early.

    Args:
        config: Config of the setting.
        setting: The `settings.Setting`.
        dataset: The data set that the config names.
        source: The data set that `data.source` names. Defaults to `None`.

    Raises:
        ValueError: If a field of the config is out of its range or does not
            match the data.
    """
    protocol.check(config)
    samples = allocation.samples(config, dataset, setting.seed, source)
    for number, round in enumerate(samples.rounds, 1):
        size = protocol.batch_size(config, number)
        feeds.check_round(size, len(round.indices))
    network = building.build(config, samples)
    building.optimizer(config.optimizer)
    round_view.check(network, config, setting)


def versions() -> dict[str, str]:
    """Returns the versions of the packages that affect the numbers."""
    backend = keras.backend.backend()
    found = {"python": platform.python_version()}
    # The code that runs may be newer than what was installed from a checkout.
    found["ws_keras"] = ws_keras.__version__
    for name in ("keras", backend, "numpy"):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _warm_up(config, number: int, size: int) -> list:
    steps = protocol.warm_up(config, number, size)
    peak = protocol.learning_rate(config, number)
    return [rewarm.Rewarm(peak, steps)] if steps else []


def _every_step(config, setting) -> list[keras.callbacks.Callback]:
    if not protocol.is_every_step(config):
        return []
    return [
        every_step.EveryStep(
            config.transform.step_shrink,
            config.transform.step_perturb,
            noise=config.transform.noise,
            seed=setting.seed,
        )
    ]
