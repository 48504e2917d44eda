"""Runs settings whose ids come on the standard input, one a line.

This is a worker of launch.sweep. It imports, traces and loads data once for all
its settings. After the last row of a setting it writes the setting's id on the
standard output. The line "?" asks for the checks before a sweep. An error ends
the process, with a message on the standard error.
"""

import contextlib
import os
import sys

from absl import flags

from ws_keras import settings as all_settings
from ws_keras.storage import workdir as workdirs
from ws_keras.training import stop as stops

from . import checking
from . import cli
from . import in_turn
from . import plan
from . import prepare
from . import signals
from . import start_up

flags.adopt_module_key_flags(plan)


def main(_) -> None:
    """Does the tasks on the standard input until it ends."""
    answers = _answers()
    config = plan.config()
    every = plan.settings(config)
    with start_up.tensorflow():
        start_up.keras()
        from ws_keras import experiment  # noqa: F401
    loaded, runner = {}, None
    with contextlib.ExitStack() as uses:
        for line in sys.stdin:
            task = line.strip()
            if task == checking.TASK:
                answer = checking.answer(config, plan.chosen(every), loaded)
            else:
                runner = runner or _Runner(config, every, loaded, uses)
                runner.run(task)
                answer = task
            print(answer, file=answers, flush=True)


def run() -> None:
    """Entry point of a worker."""
    cli.run(main)


def _answers():
    """Returns the standard output, and discards all other prints."""
    sys.stdout.flush()
    answers = os.fdopen(os.dup(1), "w")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    return answers


class _Runner:
    """Runs settings on shared networks and data."""

    def __init__(self, config, every: list, loaded: dict, uses):
        from ws_keras import experiment

        with start_up.tensorflow():
            experiment.start(config, plan.STRATEGY.value, plan.devices())
        self._config, self._loaded, self._uses = config, loaded, uses
        self._every = {setting.id: setting for setting in every}
        self._folder = workdirs.Workdir(plan.WORKDIR.value)
        self._runs = in_turn.InTurn(self._folder)
        self._is_used = False

    def run(self, task: str) -> None:
        setting = self._every[task]
        config = all_settings.apply(self._config, setting)
        prepare.add_data(self._loaded, config)
        self._use()
        damage = self._folder.damage(task)
        if damage:
            raise ValueError(damage)
        # Between two settings there is nothing to save, and a signal ends it.
        with signals.Signals() as received:
            try:
                self._runs.run(
                    [setting], {task: config}, self._loaded, received.stop
                )
            except stops.Interrupted:
                received.leave()

    def _use(self) -> None:
        """Registers this process as a user of the folder, once it is ready."""
        if self._is_used:
            return
        from ws_keras import experiment

        use = self._folder.used(
            self._config.to_dict(),
            experiment.versions(),
            recipe=plan.recipe(),
            command=plan.command(),
            settings=list(self._every),
            data=prepare.fingerprints(self._loaded),
            strategy=plan.STRATEGY.value,
        )
        self._uses.enter_context(use)
        self._is_used = True


if __name__ == "__main__":
    run()
