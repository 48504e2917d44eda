"""Rounds of one step: all that surrounds training, again and again."""

from benchmarks import work
from benchmarks.programs import ours

ROUNDS = 30


def main(turn, network, optimizer, arm):
    """Runs rounds of one batch and one epoch; each is a turn.

    Reports with each the seconds of its epoch and of its evaluation; the rest
    is the start of the round: transform, resets, pipeline and callbacks.
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
    for row in experiment.run(config, setting, dataset):
        turn(
            row.num_samples,
            row.loss,
            train_seconds=row.train_seconds,
            eval_seconds=row.eval_seconds,
        )
