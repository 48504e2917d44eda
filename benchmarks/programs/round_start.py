"""Rounds of one step: all that surrounds training, again and again."""

import time

from benchmarks import work
from benchmarks.programs import ours

ROUNDS = 30


def main(turn, network, optimizer, arm):
    """Runs rounds of one batch and one epoch; each is a turn.

    Reports with each the seconds of its epoch, and what is neither epoch nor
    evaluation: the start of the round, that is transform, resets, pipeline
    and callbacks.
    """
    from configs import base
    from ws_keras import experiment

    samples = work.BATCH_SIZE * ROUNDS * 3 // 2
    config, _, dataset = ours.described(network, optimizer, samples)
    config.arms = (arm,)
    config.rounds.step = work.BATCH_SIZE
    config.train.epochs = 1
    (setting,) = base.settings(config)
    experiment.start(config)
    turn(num_params=work.PARAMETERS[network])
    then = time.perf_counter()
    for row in experiment.run(config, setting, dataset):
        around = time.perf_counter() - then
        around -= row.train_seconds + row.eval_seconds
        turn(1, start_seconds=around, step_seconds=row.train_seconds)
        then = time.perf_counter()
