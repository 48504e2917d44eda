r"""Retrains a saved model on all data so far, after a shrink-perturb.

    python -m launch.retrain --model=last_week.keras --data=npz:today.npz \
        --out=this_week.keras --compare=cold

Give all data so far, old and new. The command holds out a part of the data for
measurements and never trains on it. A hash of each sample selects this part, so
the same samples are held out next week. A record next to the new model
(this_week.split.npz) stores which samples the model was trained on. The command
of next week reads this record. The old model is never changed. The new model,
its record and its report are written together or not at all.

For a table, use --data=csv:FILE --target=COLUMN. A function
(--model=FILE.py:FUNCTION) builds an untrained model. With --compare, it is
first trained on the first half of the data and then retrained on all data.

With --search, the command first replays the past rounds with several arms. The
training then begins with the recommended arm:

    python -m launch.retrain --model=last_week.keras --out=this_week.keras \
        --search --rounds=npz:week1.npz,npz:week2.npz,npz:week3.npz
"""

from absl import flags

from . import called
from . import cli
from . import held_out
from . import outputs
from . import retrain_checks
from . import retrain_flags as given
from . import start_up

_STOPPED = "Stopped. Give the same command again to continue."

flags.adopt_module_key_flags(given)
flags.adopt_module_key_flags(held_out)


def main(_) -> None:
    """Runs what the flags say."""
    retrain_checks.check()
    out = given.out()
    with start_up.tensorflow(fast=False):
        start_up.keras()
        # They import Keras, which is started up here.
        from . import retraining

        task = retraining.task()
    inputs = retrain_checks.inputs()
    with outputs.reserved(out, inputs, given.OVERWRITE.value) as reserved:
        training = reserved.training(retraining.key(task))
        try:
            report = retraining.trained(task, reserved.model, training)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(_STOPPED) from None
        except ValueError:  # it would come again
            outputs.forget(training)
            raise
        reserved.write(task.parts.past, called.as_flags(report.page()))
    print(out, out.with_suffix(".md"), "", sep="\n")
    print(called.as_flags(str(report)))


def run() -> None:
    """Entry point of `ws-retrain`."""
    cli.run(main)


if __name__ == "__main__":
    run()
