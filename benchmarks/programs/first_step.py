"""From the start of the process to the end of a first round of one step."""

import time

from benchmarks import work
from benchmarks.programs import ours
from launch import start_up


def main(turn, network, optimizer):
    """Reports the seconds of each part of the way, in one turn."""
    started = time.perf_counter()
    parts = {}

    def lap(name):
        nonlocal started
        now = time.perf_counter()
        parts[name] = now - started
        started = now

    start_up.keras()
    import tensorflow as tf

    lap("import")
    config, setting, dataset = ours.described(network, optimizer, 384)
    from ws_keras import experiment

    lap("data")
    experiment.start(config)
    experiment.validate(config, setting, dataset)
    lap("check")
    config.train.threshold, config.train.epochs = None, 1
    config.rounds.step = work.BATCH_SIZE
    config.rounds.limit = 1
    row = next(experiment.run(config, setting, dataset))
    lap("build and first round")
    parts["trace"] = row.trace_seconds
    parts["evaluation"] = row.eval_seconds
    turn(**parts, version=tf.__version__)
