"""Runs settings as they are named on the standard input, one a line.

A worker of launch.sweep: it imports, traces and loads data once for all the
settings that it is given. It answers each with a line, the setting's id, once
its last row is written. What fails ends the process, with the reason on the
standard error.
"""

import contextlib
import os
import sys

from ws_keras import settings as all_settings
from ws_keras.storage import workdir as workdirs
from ws_keras.training import stop as stops

from . import cli
from . import in_turn
from . import plan
from . import prepare
from . import signals
from . import start_up

_CONFIG = plan.CONFIG
_WORKDIR = plan.WORKDIR
_DATA_DIR = plan.DATA_DIR
_DOWNLOAD = plan.DOWNLOAD
_STRATEGY = plan.STRATEGY
_DEVICES = plan.DEVICES
_CHECKPOINT_MINUTES = plan.CHECKPOINT_MINUTES
_CHECKPOINT_EPOCHS = plan.CHECKPOINT_EPOCHS


def main(_) -> None:
    """Runs what is named until the standard input ends."""
    answers = _answers()
    config = plan.config()
    every = {setting.id: setting for setting in plan.settings(config)}
    with start_up.tensorflow():
        start_up.keras()
        from ws_keras import experiment

        experiment.start(config, _STRATEGY.value, plan.devices())
    folder = workdirs.Workdir(_WORKDIR.value)
    runs, loaded = in_turn.InTurn(folder), {}
    with contextlib.ExitStack() as uses:
        for number, line in enumerate(sys.stdin):
            setting = every[line.strip()]
            own = all_settings.apply(config, setting)
            prepare.add_data(loaded, own)
            if not number:  # only now the folder may be ready
                use = folder.used(
                    config.to_dict(),
                    experiment.versions(),
                    recipe=plan.recipe(),
                    command=plan.command(),
                    settings=list(every),
                    data=prepare.fingerprints(loaded),
                    strategy=_STRATEGY.value,
                )
                uses.enter_context(use)
            _run(folder, runs, setting, own, loaded)
            print(setting.id, file=answers, flush=True)


def run() -> None:
    """Entry point of a worker."""
    cli.run(main)


def _answers():
    """Returns the standard output; what else is printed goes nowhere."""
    sys.stdout.flush()
    answers = os.fdopen(os.dup(1), "w")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    return answers


def _run(folder, runs, setting, config, loaded) -> None:
    damage = folder.damage(setting.id)
    if damage:
        raise ValueError(damage)
    # Between two settings there is nothing to lose, and a signal ends it.
    with signals.Signals() as received:
        try:
            runs.run([setting], {setting.id: config}, loaded, received.stop)
        except stops.Interrupted:
            received.leave()


if __name__ == "__main__":
    run()
