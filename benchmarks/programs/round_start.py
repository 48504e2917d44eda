"""Rounds of few small steps: all that surrounds training, again and again."""

import time

from benchmarks import work
from benchmarks.programs import ours

ROUNDS = 30
# So small that what a step takes does not hide what is around it.
BATCH_SIZE = 16


def main(turn, network, optimizer, arm):
    """Runs rounds of two epochs, the first of one step; each is a turn.

    Reports with each the seconds of its second epoch, and what the round took
    besides its evaluation and twice these: the start of the round, that is
    transform, resets, pipeline, callbacks, and what the first epoch took
    longer than the second one.
    """
    from configs import base
    from ws_keras import experiment

    samples = BATCH_SIZE * ROUNDS * 3 // 2
    config, _, dataset = ours.described(network, optimizer, samples)
    config.arms = (arm,)
    config.rounds.step = config.train.batch_size = BATCH_SIZE
    config.train.threshold, config.train.epochs = None, 2
    (setting,) = base.settings(config)
    experiment.start(config)
    epochs = []
    turn(num_params=work.PARAMETERS[network])
    then = time.perf_counter()
    for row in experiment.run(config, setting, dataset, on_epoch=epochs.append):
        seconds = time.perf_counter() - then - row.eval_seconds
        epoch = row.num_samples / epochs[-1].samples_per_second
        turn(1, start_seconds=seconds - 2 * epoch, epoch_seconds=epoch)
        then = time.perf_counter()
