"""Runs the settings of a config: rows, TensorBoard curves and a report.

    python -m launch.run --config=quickstart --workdir=runs/quickstart

Any field of the config can be set, as in --config.model.width=64 and
--config.arms=cold,warm. The same command again skips the settings that are
finished.
"""

import functools
import time
from collections.abc import Iterator

from ws_keras import settings as all_settings
from ws_keras.storage import workdir as workdirs
from ws_keras.training import stop as stops

from . import cli
from . import listing
from . import outcome
from . import plan
from . import prepare
from . import progress as progresses
from . import signals
from . import start_up
from . import work

_WAIT_SECONDS = 1.0

_CONFIG = plan.CONFIG
_WORKDIR = plan.WORKDIR
_SETTINGS = plan.SETTINGS
_LIST = plan.LIST
_PROBE = plan.PROBE
_OVERWRITE = plan.OVERWRITE
_DATA_DIR = plan.DATA_DIR
_DOWNLOAD = plan.DOWNLOAD
_STRATEGY = plan.STRATEGY
_DEVICES = plan.DEVICES
_CHECKPOINT_MINUTES = plan.CHECKPOINT_MINUTES
_CHECKPOINT_EPOCHS = plan.CHECKPOINT_EPOCHS
_REPORT = plan.REPORT


def main(_) -> None:
    """Runs what the flags say."""
    if _LIST.value:
        print(listing.text())
        return
    config = plan.config()
    every = plan.settings(config)
    settings = plan.chosen(every)
    configs = {s.id: all_settings.apply(config, s) for s in settings}
    with start_up.tensorflow():
        start_up.keras()
        from ws_keras import experiment
    if _WORKDIR.value is None:
        raise ValueError("`--workdir` is required, except with --list.")
    loaded = prepare.load(config, settings, configs)
    folder = workdirs.Workdir(_WORKDIR.value)
    # All of them: the report shows the others as well.
    folder.check_links(s.id for s in (every if _REPORT.value else settings))
    with folder.used(
        config.to_dict(),
        experiment.versions(),
        overwrite=_OVERWRITE.value,
        recipe=plan.recipe(),
        command=plan.command(),
        **plan.notes(),
        settings=[setting.id for setting in every],
        data=prepare.fingerprints(loaded),
        strategy=_STRATEGY.value,
    ):
        damage = {s.id: folder.damage(s.id) for s in settings}
        whole = [setting for setting in settings if not damage[setting.id]]
        with signals.Signals() as received:
            try:
                _run_all(folder, whole, configs, loaded, received.stop)
            except stops.Interrupted:
                received.leave()
        if _REPORT.value:
            del loaded  # drawing needs memory as well
            with folder.lock():
                outcome.write_gaps(folder, every)
                outcome.report(folder)
    _check_whole(damage)


def run() -> None:
    """Entry point of `ws-run`."""
    cli.run(main)


def _run_all(folder, settings, configs, loaded, stop) -> None:
    """Runs what is not finished; what another process runs comes last."""
    from ws_keras import experiment
    from ws_keras import reuse

    costs = {}
    for setting in settings:
        if not folder.is_finished(setting.id):
            costs[setting.id] = prepare.passes(setting, configs[setting.id])
    ids = [setting.id for setting in settings]
    progress = progresses.Progress(costs, settings=ids)
    where = {"strategy": _STRATEGY.value, "devices": plan.devices()}
    networks = reuse.Networks(on_drop=work.forget_models)
    run = functools.partial(experiment.run, networks=networks, **where)
    intervals = work.Intervals(
        _CHECKPOINT_MINUTES.value, _CHECKPOINT_EPOCHS.value
    )
    replicas = experiment.replicas(**where)
    works = work.Work(folder, run, progress, stop, intervals, replicas)
    with progress:
        for setting in _free_ones(folder, settings, progress, stop):
            if folder.is_finished(setting.id):
                progress.skipped(setting.id)
                continue
            config = configs[setting.id]
            works.setting(setting, config, **prepare.data_of(config, loaded))
            pairs = [s for s in settings if s.pair == setting.pair]
            with folder.lock():
                outcome.write_gaps(folder, pairs)


def _check_whole(damage: dict[str, str | None]) -> None:
    found = [sentence for sentence in damage.values() if sentence]
    if found:
        raise ValueError(
            f"Cannot read rows of {len(found)} of {len(damage)} settings. The "
            f"other settings are finished. Received: {' '.join(found)}"
        )


def _free_ones(folder, settings, progress, stop) -> Iterator:
    """Yields each setting while its lock is held, waiting where it must."""
    left, said = list(settings), set()
    while left:
        busy = []
        for setting in left:
            if stop.wanted:
                raise stops.Interrupted
            lock = folder.lock(setting.id)
            if not lock.take():
                busy.append(setting)
                continue
            try:
                yield setting
            finally:
                lock.free()
        if len(busy) == len(left):
            time.sleep(_WAIT_SECONDS)
            for setting in busy:
                if setting.id not in said:
                    holder = folder.lock(setting.id).holder()
                    progress.say(f"{setting.id}  waits for {holder}")
                    said.add(setting.id)
        left = busy


if __name__ == "__main__":
    run()
