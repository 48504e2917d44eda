"""Runs one setting, from its last checkpoint or its start to its last row."""

import dataclasses
from collections.abc import Callable

from ws_keras import settings as all_settings
from ws_keras.storage import checkpoint as checkpoints
from ws_keras.storage import lines
from ws_keras.storage import rows
from ws_keras.storage import workdir as workdirs
from ws_keras.training import stop as stops

from . import progress as progresses


@dataclasses.dataclass(frozen=True)
class Intervals:
    """How often checkpoints are written inside a round; `None` means never."""

    minutes: float | None = 5.0
    epochs: int | None = None


class Work:
    """Runs settings of one workdir; writes rows, curves and checkpoints.

    Args:
        folder: The `Workdir`.
        run: `experiment.run` with the strategy.
        progress: The `Progress` to show.
        stop: The `Stop` to obey.
        intervals: How often checkpoints are written.
        replicas: Number of replicas that a model has here.
    """

    def __init__(
        self,
        folder: workdirs.Workdir,
        run: Callable,
        progress: progresses.Progress,
        stop: stops.Stop,
        intervals: Intervals,
        replicas: int,
    ):
        self._folder, self._run = folder, run
        self._progress, self._stop = progress, stop
        self._intervals, self._replicas = intervals, replicas

    def setting(
        self, setting: all_settings.Setting, config, dataset, source=None
    ) -> None:
        """Runs a setting to its end.

        Args:
            setting: The `Setting`, whose lock is held.
            config: Its config.
            dataset: The data that the config names.
            source: The data that its `data.source` names. Defaults to
                `None`.

        Raises:
            stop.Interrupted: A stop was requested; a checkpoint is written.
            ValueError: The disk is full, or the folder cannot be written.
        """
        try:
            self._setting(setting, config, dataset, source)
            self._folder.note(setting.id)
        except BrokenPipeError:
            raise  # of the terminal, not of the disk
        except OSError as error:
            raise ValueError(
                f"Cannot write to {self._folder.path}: "
                f"{error.strerror or error} (`--workdir`, in {setting.id}). "
                "Finished work is kept. Make room or allow writing, and give "
                "the same command again without --overwrite."
            ) from error

    def _setting(self, setting, config, dataset, source) -> None:
        path = self._folder.folder(setting.id)
        epochs_path = self._folder.epochs_path(setting.id)
        # Late: they import TensorBoard, and Keras, which `start_up` starts.
        from ws_keras.storage import events
        from ws_keras.training import keeper as keepers

        keeper = keepers.Keeper(
            path,
            minutes=self._intervals.minutes,
            epochs=self._intervals.epochs,
            stop=self._stop,
            # Checks the path each time: a folder may have become a link.
            before=lambda: lines.sync(self._folder.epochs_path(setting.id)),
            replicas=self._replicas,
        )
        checkpoint = self._begin(setting.id, keeper)
        known = self._folder.rows_of(setting.id)
        epochs = rows.read_epochs(epochs_path)
        label = hparams(setting, config)
        name = trial(setting)
        with events.Events(
            path, label, epochs, known, name, choices(config), absent(config)
        ) as writer:

            def on_epoch(epoch: rows.Epoch) -> None:
                self._folder.append_epoch(epoch)
                writer.epoch(epoch)
                self._progress.epoch(epoch)

            if known and known[-1].last:
                return  # killed between its last checkpoint and its last row
            for row in self._run(
                config,
                setting,
                dataset,
                source=source,
                on_epoch=on_epoch,
                keeper=keeper,
                checkpoint=checkpoint,
            ):
                # In this order: with its last row a setting counts as
                # finished, and its curves must be complete by then.
                writer.round(row)
                self._folder.append(row)
                self._progress.round(row)
        checkpoints.prune(path)

    def _begin(self, setting: str, keeper) -> checkpoints.Checkpoint | None:
        """Cuts the files of a setting back to its newest usable checkpoint."""
        folder = self._folder
        found = keeper.newest(lambda state: folder.can_go_on(setting, state))
        for problem in keeper.problems:
            self._progress.say(f"{setting}  {problem}")
        if found is None:
            aside = folder.restart(setting)
            if aside is not None:
                self._progress.note(
                    setting,
                    "Restarting: no checkpoint matches its rows, which are "
                    f"kept as {aside}",
                )
            checkpoints.remove(keeper.folder)
            return None
        folder.cut_back(setting, found.state)
        self._progress.resumed(setting, found.state)
        return found


def forget_models() -> None:
    """Frees what Keras and TensorFlow keep of models that are dropped.

    It is 9 MB for a small one. Models that are still used stay traced.
    """
    import keras

    from ws_keras import _keras

    keras.backend.clear_session()
    if keras.backend.backend() == "tensorflow":
        _keras.forget_gradients()


def trial(setting: all_settings.Setting) -> str:
    """Returns the name of a setting in TensorBoard.

    TensorBoard's table has room for 15 letters. They say what differs: an arm
    and a seed. The name of shrink-perturb is in the column beside them.

    >>> one = all_settings.Setting("fig2_online/warm/seed3", "warm", 1, 0, 3)
    >>> trial(one)
    'warm seed 3 (fig2_online)'
    """
    *where, arm, _ = setting.id.split("/")
    if setting.arm == "shrink_perturb":
        arm = f"{setting.shrink:g}/{setting.perturb:g}"
    return f"{arm} seed {setting.seed} ({'/'.join(where)})"


def choices(config) -> dict:
    """Returns all values of each hyperparameter, for TensorBoard."""
    arms = [all_settings.parse_arm(str(arm)) for arm in config.arms]
    names, shrinks, perturbs = zip(*arms, strict=True)
    return {
        "arm": names,
        "shrink": shrinks,
        "perturb": perturbs,
        "seed": tuple(config.seeds),
    }


def absent(config) -> list[str]:
    """Returns the tags of TensorBoard that an experiment does not write."""
    found = []
    if "cold" not in choices(config)["arm"]:
        found.append("round/gap_to_cold")
    if not config.train.monitor_samples:
        found.append("epoch/accuracy")
    return found


def hparams(setting: all_settings.Setting, config) -> dict:
    """Returns the hyperparameters of a setting, for TensorBoard."""
    return {
        "arm": setting.arm,
        "shrink": setting.shrink,
        "perturb": setting.perturb,
        "seed": setting.seed,
        "dataset": config.data.name,
        "model": config.model.name,
        "width": config.model.width,
        "optimizer": config.optimizer.name,
        "learning_rate": config.optimizer.learning_rate,
        "batch_size": config.train.batch_size,
    }
