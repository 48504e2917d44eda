"""Runs the settings of a config in several processes at the same time.

    python -m launch.sweep --config=quickstart --workdir=runs/quickstart

It writes the same rows and the same report as
launch.run, and accepts the same flags.

The longest settings start first. No setting starts while there is too little
memory. A setting that fails is tried once more (--retries). If it fails again,
its last message is printed at the end. A setting that takes longer than
--timeout fails as well; its next trial continues from its last checkpoint. To
run the settings that are not finished, give the same command again.

With --launcher=ray, the settings run on a Ray cluster. With --launcher=slurm
--dry-run, the command prints an array job for Slurm.

Exit status: 0 if all settings finished, 1 if some failed, 130 or 143 after an
interruption. A second Ctrl-C does not wait for checkpoints.
"""

import contextlib
import os
import signal
import sys
from collections.abc import Iterator

from absl import flags

from ws_keras import settings as all_settings
from ws_keras.storage import rows
from ws_keras.storage import workdir as workdirs

from . import called
from . import checking
from . import cli
from . import listing
from . import local
from . import outcome
from . import plan
from . import prepare
from . import scheduler as schedulers
from . import signals
from . import slurm
from . import watch

flags.adopt_module_key_flags(plan)
_LAUNCHER = flags.DEFINE_enum(
    "launcher",
    "local",
    ["local", "ray", "slurm"],
    "Where to run settings. local: in processes of this machine. ray: as tasks "
    "of a Ray cluster (requires the extra `ray`). slurm: as an array job of "
    "Slurm, whose script is printed.",
)
_WORKERS = flags.DEFINE_integer(
    "workers",
    None,
    "Number of settings that run at the same time. Defaults to the number of "
    "cores of this machine, or to the number that a cluster can run.",
    lower_bound=1,
)
_ADDRESS = flags.DEFINE_string(
    "address",
    None,
    "Ray: address of the cluster. Defaults to the environment variable "
    "RAY_ADDRESS, or to this machine if it is not set.",
)
_CPUS = flags.DEFINE_integer(
    "cpus", 1, "Ray and Slurm: cores per setting.", lower_bound=1
)
_GPUS = flags.DEFINE_float(
    "gpus", 0, "Ray and Slurm: accelerators per setting.", lower_bound=0
)
_DRY_RUN = flags.DEFINE_bool(
    "dry_run", False, "Slurm: print the script. Required."
)
flags.DEFINE_alias("dry-run", "dry_run")
_TIMEOUT = flags.DEFINE_float(
    "timeout",
    None,
    "Maximum number of seconds of one trial of a setting. After this time, the "
    "trial is stopped, and it is killed if it does not end within a minute. "
    "The next trial continues from its last checkpoint. Defaults to no limit.",
)
flags.register_validator(
    "timeout",
    lambda seconds: seconds is None or seconds > 0,
    message="`--timeout` must be positive.",
)
_RETRIES = flags.DEFINE_integer(
    "retries",
    schedulers.RETRIES,
    "Number of further trials of a setting that has failed.",
    lower_bound=0,
)


def main(_) -> int:
    """Runs what the flags say and returns the exit status."""
    if plan.LIST.value:
        print(listing.text())
        return 0
    config = plan.config()
    every = plan.settings(config)
    settings = plan.chosen(every)
    _check_flags()
    firsts = checking.first_of_kinds(settings).values()
    prepare.check_configs({s.id: all_settings.apply(config, s) for s in firsts})
    folder = workdirs.Workdir(plan.WORKDIR.value)
    with _workers(folder, settings) as workers:
        return _sweep(config, every, settings, folder, workers)


def run() -> None:
    """Entry point of `ws-sweep`."""
    cli.run(main)


def _sweep(config, every, settings, folder, workers) -> int:
    checked = _checked(workers)
    prepare.say(checked.notices)
    folder.check_links(setting.id for setting in every)
    if _LAUNCHER.value == "slurm":
        print(_script(folder, settings, config), end="")
        return 0
    with folder.used(
        config.to_dict(),
        checked.versions,
        overwrite=plan.OVERWRITE.value,
        recipe=plan.recipe(),
        command=plan.command(),
        **plan.notes(),
        settings=[setting.id for setting in every],
        data=checked.data,
        strategy=plan.STRATEGY.value,
    ):
        todo = _todo(folder, settings)
        if len(todo) < len(settings):
            done = len(settings) - len(todo)
            print(
                f"{done} of {len(settings)} settings finished before, skipped"
            )
        firsts = checking.first_of_kinds(settings)
        costs = {s.id: checked.costs[firsts[prepare.kind(s)].id] for s in todo}
        pool = workers or _cluster(folder)
        result, status = _run(folder, pool, costs, [s.id for s in settings])
        pool.close()  # drawing needs memory as well
        # A signal after the last setting changes nothing.
        if result.left:
            _say_interrupted(result, status)
            return status
        # First: there may be no row to report.
        _say_failed(result, len(settings))
        if plan.REPORT.value:
            _write_report(folder, every)
    return 1 if result.failed else 0


def command(setting: str) -> list[str]:
    """Returns the arguments of Python that run one setting like this sweep.

    Paths are absolute; all else, such as `--config.data.name=npz:own.npz`, is
    passed on as it was given, for a process in the same folder.
    """
    return ["-m", f"{__package__}.run", *_flags(), f"--settings={setting}"] + [
        "--noreport"
    ]


def _flags() -> list[str]:
    """Returns the flags that all processes of a sweep share."""
    path, *argument = plan.file()
    path = ":".join([_absolute(path), *argument])
    workdir = workdirs.Workdir(plan.WORKDIR.value).path
    arguments = [f"--config={path}", *plan.overrides()]
    arguments.append(f"--workdir={workdir}")
    if plan.DATA_DIR.value is not None:
        arguments.append(f"--data_dir={_absolute(plan.DATA_DIR.value)}")
    download = "download" if plan.DOWNLOAD.value else "nodownload"
    arguments += [f"--{download}", f"--strategy={plan.STRATEGY.value}"]
    if plan.DEVICES.value is not None:
        arguments.append(f"--devices={plan.devices()}")
    arguments.append(f"--checkpoint_minutes={plan.CHECKPOINT_MINUTES.value}")
    if plan.CHECKPOINT_EPOCHS.value is not None:
        arguments.append(f"--checkpoint_epochs={plan.CHECKPOINT_EPOCHS.value}")
    return arguments


def _check_flags() -> None:
    if plan.WORKDIR.value is None:
        raise ValueError("`--workdir` is required, except with --list.")
    is_slurm = _LAUNCHER.value == "slurm"
    if is_slurm != _DRY_RUN.value:
        raise ValueError(
            "--launcher=slurm needs --dry-run: the script is printed, not "
            f"submitted. Received: --launcher={_LAUNCHER.value}, "
            f"--dry_run={_DRY_RUN.value}. Give --launcher=slurm and --dry-run "
            "together, and give the output to sbatch."
        )
    if is_slurm and plan.OVERWRITE.value:
        raise ValueError(
            "`--overwrite` must not be given with --launcher=slurm, which "
            "prints a script and changes nothing. Received: --overwrite, "
            f"--workdir={plan.WORKDIR.value}. Rename the folder, or choose "
            "another `--workdir`."
        )


def _todo(folder: workdirs.Workdir, settings: list) -> list:
    # Settings with damaged rows are included: the worker reports the damage.
    return [s for s in settings if not outcome.is_finished(folder, s)]


@contextlib.contextmanager
def _workers(
    folder: workdirs.Workdir, settings: list
) -> Iterator[local.Local | None]:
    """Yields the workers of this machine, which start to import at once.

    Yields `None` if the settings run elsewhere.
    """
    if _LAUNCHER.value != "local":
        yield None
        return
    pool = _pool(_WORKERS.value or local.cores())
    try:
        todo = settings if plan.OVERWRITE.value else _todo(folder, settings)
        pool.prepare(max(1, len(todo)))  # one of them checks the settings
        yield pool
    finally:
        pool.close()


def _pool(workers: int) -> local.Local:
    chosen = [f"--settings={part}" for part in plan.SETTINGS.value or ()]
    return local.Local(
        [sys.executable, "-m", f"{__package__}.serve", *_flags(), *chosen],
        workers,
        timeout=_TIMEOUT.value,
    )


def _checked(workers: local.Local | None) -> checking.Checked:
    """Returns the result of the checks, which a worker makes."""
    if workers is not None:
        return checking.ask(workers)
    with contextlib.closing(_pool(1)) as pool:
        return checking.ask(pool)


def _cluster(folder: workdirs.Workdir) -> schedulers.Pool:
    from . import ray_cluster

    return ray_cluster.Ray(
        command,
        folder.path,
        address=_ADDRESS.value,
        cpus=_CPUS.value,
        gpus=_GPUS.value,
        tasks=_WORKERS.value,
        timeout=_TIMEOUT.value,
    )


def _run(
    folder, pool: schedulers.Pool, costs: dict, ids: list
) -> tuple[schedulers.Result, int]:
    totals = {setting: sum(passes) for setting, passes in costs.items()}
    with watch.Watch(folder, costs, settings=ids) as watcher:
        scheduler = schedulers.Scheduler(totals, pool, watcher, _RETRIES.value)
        with _signals(scheduler) as received:
            result = scheduler.run()
    return result, 128 + received[0] if received else 0


@contextlib.contextmanager
def _signals(scheduler: schedulers.Scheduler) -> Iterator[list[int]]:
    """Passes SIGINT and SIGTERM on to the scheduler, and lists them."""
    received = []

    def on_signal(number: int, _) -> None:
        received.append(number)
        scheduler.interrupt()
        signals.say_stopping(number, "workers write their checkpoints")

    kept = {
        number: signal.signal(number, on_signal)
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield received
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)


def _script(folder: workdirs.Workdir, settings: list, config) -> str:
    # The node's own Python may lie elsewhere, but a job has this one's path.
    commands = [
        [sys.executable, *command(s.id)] for s in _todo(folder, settings)
    ]
    return slurm.script(
        commands,
        name=config.experiment,
        at_once=_WORKERS.value,
        cpus=_CPUS.value,
        gpus=_GPUS.value,
        environment={**local.choices(), **local.threads(_CPUS.value)},
        timeout=_TIMEOUT.value,
    )


def _write_report(folder: workdirs.Workdir, every: list) -> None:
    with folder.lock():
        outcome.write_gaps(folder, every)
    if rows.find(folder.path):
        outcome.report(folder)


def _say_interrupted(result: schedulers.Result, status: int) -> None:
    name = signal.Signals(status - 128).name
    print(
        f"Interrupted by {name}. {len(result.left)} settings are not finished; "
        f"finished work is kept. Continue with:\n{called.again()}",
        file=sys.stderr,
    )


def _say_failed(result: schedulers.Result, total: int) -> None:
    if not result.failed:
        return
    lines = [f"{setting}: {words}" for setting, words in result.failed.items()]
    tries = _RETRIES.value + 1
    often = {1: "once", 2: "twice"}.get(tries, f"{tries} times")
    head = f"{len(lines)} of {total} settings failed {often}."
    print("\n".join([head, *lines]), file=sys.stderr)


def _absolute(path: str) -> str:
    return os.path.abspath(os.path.expanduser(path))


if __name__ == "__main__":
    run()
