"""The round loop: one arm through all its rounds."""

import time
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence

import numpy as np

from ws_keras import settings
from ws_keras.storage import rows
from ws_keras.training import terms
from ws_keras.training import trainer as trainers


def train(
    trainer: trainers.Trainer,
    setting: settings.Setting,
    rounds: Sequence[terms.Round | np.ndarray],
    transform: Callable[[int], None],
    prepare: Callable[[int], None] | None = None,
    **names: str,
) -> Iterator[rows.Row]:
    """Transforms, trains and evaluates, round after round.

    A resumed trainer continues in the round where it was interrupted. The
    checkpoint after a round has its row, in case that is not written any more.

    Args:
        trainer: `Trainer` of the model.
        setting: The `Setting`.
        rounds: The `Round` of each, or the indices of its samples. They are
            read one after the other, so that one may depend on the training
            before it.
        transform: Function of the number of the round, from 1, called before
            the round.
        prepare: The same, called after the transform, and also when a round
            continues in another process. Defaults to `None`.
        names: `experiment`, `dataset`, `model` and `optimizer` of the rows.

    Yields:
        `rows.Row`; after one with `stopped_by="nan"` there is no other.

    Raises:
        Interrupted: A stop was requested from the trainer's keeper.
    """
    for number in range(trainer.rounds + 1, len(rounds) + 1):
        trainer.check_stop()
        round = rounds[number - 1]
        if trainer.place is None:
            start = time.process_time()
            transform(number)
            trainer.start_cpu_seconds = time.process_time() - start
        if prepare is not None:
            prepare(number)
        result = trainer.fit_round(number, round)
        diverged = result.stopped_by == "nan"
        values = result.train_accuracy, result.accuracy
        row = rows.Row(
            setting=setting.id,
            arm=setting.arm,
            shrink=setting.shrink,
            perturb=setting.perturb,
            seed=setting.seed,
            round=number,
            num_samples=result.num_samples,
            epochs=result.epochs,
            steps=result.steps,
            sample_passes=result.sample_passes,
            train_seconds=result.train_seconds,
            cpu_seconds=result.cpu_seconds,
            trace_seconds=result.trace_seconds,
            eval_seconds=result.eval_seconds,
            loss=result.loss,
            eval_loss=result.eval_loss,
            stopped_by=result.stopped_by,
            last=diverged or number == len(rounds),
            labels={**dict(setting.labels), **result.metric.labels},
            measures={**result.metric.measures(*values), **result.measures},
            **result.metric.fields(*values),
            **names,
        )
        trainer.keep_round(rows.encode(row))
        yield row
        if diverged:
            return


def epochs(
    setting: settings.Setting, on_epoch: Callable[[rows.Epoch], None] | None
) -> Callable | None:
    """Returns a hook for the trainer that makes each `Epoch`.

    Args:
        setting: The `Setting`.
        on_epoch: Called with each `Epoch`, or `None`.
    """
    if on_epoch is None:
        return None

    def hook(number: int, result: terms.EpochResult) -> None:
        values = result.train_accuracy, result.accuracy
        on_epoch(
            rows.Epoch(
                setting=setting.id,
                round=number,
                epoch=result.total,
                loss=result.loss,
                learning_rate=result.learning_rate,
                samples_per_second=result.samples_per_second,
                measures={**result.metric.measures(*values), **result.measures},
                **result.metric.fields(*values),
            )
        )

    return hook
