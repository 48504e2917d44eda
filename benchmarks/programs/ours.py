"""The package's normal path: what `launch.run` does for a setting."""

import pathlib
import tempfile

from benchmarks import work


def main(
    turn,
    network,
    optimizer,
    weights,
    samples,
    train=True,
    precision="float32",
    monitor_samples=0,
):
    """Trains (or evaluates) epoch after epoch, each one turn."""
    from launch import progress as progresses
    from ws_keras import experiment
    from ws_keras.storage import events
    from ws_keras.storage import rows

    fit, held_out = work.split(samples)
    config, setting, dataset = described(
        network, optimizer, samples, precision, monitor_samples
    )
    experiment.start(config)
    experiment.validate(config, setting, dataset)
    turn(num_params=work.PARAMETERS[network])
    if not train:
        _evaluate(turn, network, optimizer, dataset, held_out)
    progress = progresses.Progress({setting.id: [1.0]})
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder)
        with events.Events(path, {"arm": "warm"}) as writer:

            def on_epoch(epoch):
                rows.append_epoch(path / "epochs.jsonl", epoch)
                writer.epoch(epoch)
                progress.epoch(epoch)
                turn(len(fit), epoch.loss)

            for row in experiment.run(
                config, setting, dataset, on_epoch=on_epoch
            ):
                raise RuntimeError(f"The round has ended: {row}.")


def _evaluate(turn, network, optimizer, dataset, held_out):
    """Evaluates as the trainer does after a round."""
    import keras

    from ws_keras.training import feed as feeds

    feed = feeds.Feed(dataset.x, dataset.y, work.BATCH_SIZE)
    data = feed.evaluation(held_out)
    built = model(network, optimizer)
    built.compile(
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=[keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
    )
    while True:
        found = built.evaluate(data, verbose=0, return_dict=True)
        turn(len(held_out), found["loss"])


def described(
    network, optimizer, samples, precision="float32", monitor_samples=0
) -> tuple:
    """Returns config, setting and data of a run of one long round."""
    from configs import base
    from ws_keras.data import datasets

    x, y = work.images(samples)
    fit, _ = work.split(samples)
    config = base.get_config()
    config.experiment = "benchmark"
    config.arms, config.seeds = ("warm",), (work.SEED,)
    config.rounds.step = len(fit)
    config.model.name = network
    config.optimizer.name = optimizer
    config.optimizer.learning_rate = work.LEARNING_RATE
    config.optimizer.epsilon = work.EPSILON
    config.train.batch_size = work.BATCH_SIZE
    config.train.threshold = 1.0
    config.train.max_epochs = 10**6
    config.train.monitor_samples = monitor_samples
    config.precision = precision
    (setting,) = base.settings(config)
    dataset = datasets.Dataset("benchmark", x, y, work.NUM_CLASSES)
    return config, setting, dataset


def model(network, optimizer, precision="float32"):
    """Returns the model with the weights that the experiment starts from."""
    from ws_keras import models
    from ws_keras import seeds
    from ws_keras.transforms import shrink_perturb as transforms

    built = models.build(
        network,
        input_shape=work.SHAPE,
        num_classes=work.NUM_CLASSES,
        dtype=precision,
    )
    transforms.cold_start(built, seed=seeds.derive(work.SEED, "start"))
    return built
