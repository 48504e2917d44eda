r"""Retrains a saved model on the data of today, after a shrink-perturb.

    python -m launch.retrain --model=last_week.keras --data=npz:today.npz \
        --out=this_week.keras --compare=cold

Give all data so far, old and new. The command holds a part of them out to
measure on and never trains on it. A hash of each sample decides, so that the
same samples are held out next week. A record beside the new model
(this_week.split.npz) says what the model was trained on; next week's command
reads it. The old model is never changed. The new model, its record and its
report appear together or not at all.

A table is read by --data=csv:FILE --target=COLUMN. A model that is built anew
(--model=FILE.py:FUNCTION) has no past; with --compare it is trained on the
first half of the data before it is retrained on all.

With --search the past rounds are replayed with several arms first, and the
training begins with the one that is recommended:

    python -m launch.retrain --model=last_week.keras --out=this_week.keras \
        --search --rounds=npz:week1.npz,npz:week2.npz,npz:week3.npz
"""

import sys

from absl import flags

from . import called
from . import cli
from . import held_out
from . import outputs
from . import retrain_checks
from . import retrain_flags as given
from . import start_up

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
            print(
                "Stopped. Give the same command again to continue.",
                file=sys.stderr,
            )
            raise
        except ValueError:  # it would come again
            reserved.forget(training)
            raise
        reserved.forget(training)
        reserved.write(task.parts.past, called.as_flags(report.page()))
    print(out, out.with_suffix(".md"), "", sep="\n")
    print(called.as_flags(str(report)))


def run() -> None:
    """Entry point of `ws-retrain`."""
    cli.run(main)


if __name__ == "__main__":
    run()
