"""Settings as tasks of a Ray cluster, on storage that all nodes share."""

import os
import pathlib
import signal
import socket
import sys
import time
from collections.abc import Callable
from collections.abc import Iterator

from ws_keras.storage import workdir as workdirs

from . import local
from . import worker

# Default number of tasks that Ray is given at a time. It starts them in this
# order; more of them would only fill its tables.
_TASKS = 1000
# How often Ray itself repeats a task whose node has died.
_DEATHS = 3
_TICK_SECONDS = 0.5
_ANSWER_SECONDS = 10


class Ray:
    """A `scheduler.Pool` of one Ray task per setting.

    Ray repeats a task whose node has died on another node, where the setting
    continues from its files on the shared storage.

    Args:
        command: Function of a setting's id that returns the arguments of
            Python.
        workdir: Folder of the run, which each node must see.
        address: Address of the cluster. Defaults to `RAY_ADDRESS`, or else a
            new cluster on this machine.
        cpus: Cores of a task. Defaults to 1.
        gpus: Accelerators of a task. Defaults to 0.
        tasks: How many tasks Ray is given at a time. Defaults to 1000.
        timeout: Seconds that a setting may take once Ray has begun it.
            Defaults to any number.

    Raises:
        ValueError: If Ray is not installed or there is no such cluster.
    """

    def __init__(
        self,
        command: Callable[[str], list[str]],
        workdir: pathlib.Path,
        *,
        address: str | None = None,
        cpus: int = 1,
        gpus: float = 0,
        tasks: int | None = None,
        timeout: float | None = None,
    ):
        self._ray = _import_ray()
        self._connect(address or os.environ.get("RAY_ADDRESS", "local"))
        self._check_resources(cpus, gpus)
        self._task = self._ray.remote(
            num_cpus=cpus, num_gpus=gpus, max_retries=_DEATHS
        )(_run)
        self._command = command
        self._workdir = str(workdir)
        self._environment = {**local.choices(), **local.threads(cpus)}
        self._tasks = tasks or _TASKS
        self._timeout = timeout
        self._running = {}

    def has_room(self) -> bool:
        """Returns whether Ray may be given one more task."""
        return len(self._running) < self._tasks

    def start(self, setting: str) -> None:
        """Gives Ray the task of a setting."""
        reference = self._task.remote(
            self._command(setting),
            self._environment,
            os.getcwd(),
            self._workdir,
            self._timeout,
        )
        self._running[reference] = setting

    def ended(self) -> Iterator[tuple[str, str | None]]:
        """Yields the settings whose tasks have ended, each with a message."""
        done, _ = self._ray.wait(
            list(self._running),
            num_returns=len(self._running),
            timeout=_TICK_SECONDS,
        )
        for reference in done:
            yield self._running.pop(reference), self._last_words(reference)

    def stop(self, at_once: bool) -> None:
        """Cancels all tasks, which end their processes."""
        for reference in self._running:
            self._ray.cancel(reference, force=at_once)

    def close(self) -> None:
        """Does nothing: each task has ended its process."""

    def _last_words(self, reference) -> str | None:
        try:
            return self._ray.get(reference)
        except self._ray.exceptions.TaskCancelledError:
            return "cancelled"
        except self._ray.exceptions.RayError as error:
            lines = str(error).strip().splitlines()
            return lines[-1] if lines else type(error).__name__

    def _connect(self, address: str) -> None:
        try:
            _check_answer(address)
            self._ray.init(
                address,
                include_dashboard=None if address != "local" else False,
                log_to_driver=False,
                logging_level="ERROR",
            )
        except (OSError, RuntimeError, ValueError) as error:
            reason = str(error).strip().split("\n")[0]
            raise ValueError(
                "`--address` must be the address of a running Ray cluster. "
                f"Received: --address={address} ({reason}). Start one with "
                "`ray start --head`, or leave the flag out to use this "
                "machine."
            ) from None

    def _check_resources(self, cpus: int, gpus: float) -> None:
        nodes = [n["Resources"] for n in self._ray.nodes() if n["Alive"]]
        for node in nodes:
            if node.get("CPU", 0) >= cpus and node.get("GPU", 0) >= gpus:
                return
        raise ValueError(
            "A node of the Ray cluster must have the resources of one setting. "
            f"Received: --cpus={cpus}, --gpus={gpus:g}, but none of "
            f"{len(nodes)} nodes has that much. Give smaller numbers, or add a "
            "node."
        )


def _check_answer(address: str) -> None:
    """Raises an OSError if there is no answer; Ray itself waits for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if port.isdigit():
        place = (host, int(port))
        socket.create_connection(place, _ANSWER_SECONDS).close()


def _run(
    arguments,
    environment,
    cwd: str,
    workdir: str,
    timeout: float | None = None,
) -> str | None:
    """Runs one setting on the node where Ray has put this task."""
    if not (pathlib.Path(workdir) / workdirs.RUN).is_file():
        return (
            "`--workdir` must be on storage that all nodes share. Received: "
            f"{workdir}, which node {os.uname().nodename} cannot see."
        )
    # Ray cancels a task by what Ctrl-C does, which jobs in the background of a
    # shell ignore.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    command = [sys.executable, *arguments]
    process = worker.Worker(command, environment, cwd, timeout)
    try:
        # In steps: what Ray raises when it cancels a task does not end a wait.
        while not process.has_ended():
            time.sleep(_TICK_SECONDS)
    except BaseException:
        process.end()
        raise
    return process.last_words()


def _import_ray():
    # Ray reports its use to its makers by default.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError:
        raise ValueError(
            "`--launcher=ray` needs the package Ray, which is not installed. "
            "Install it with `pip install 'ws_keras[ray]'`."
        ) from None
    return ray
