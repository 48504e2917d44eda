"""An array job for Slurm: one task per setting."""

import math
import os
import shlex
from collections.abc import Mapping

from . import called

# Seconds for the checkpoint before the time limit.
_NOTICE = 60


def script(
    commands: list[list[str]],
    *,
    name: str,
    at_once: int | None = None,
    cpus: int = 1,
    gpus: float = 0,
    environment: Mapping[str, str] | None = None,
    timeout: float | None = None,
) -> str:
    """Returns a script for `sbatch` that runs each command as a task.

    Example:

    ```python
    text = script([["python", "-m", "launch.run"]], name="own", cpus=2)
    ```

    Args:
        commands: Program and arguments of each task.
        name: Name of the job.
        at_once: How many tasks may run at the same time. Defaults to all.
        cpus: Cores of a task. Defaults to 1.
        gpus: Accelerators of a task, a whole number. Defaults to 0.
        environment: Variables of each task. Defaults to none.
        timeout: Seconds that a task may take. Defaults to what the partition
            allows.

    Returns:
        A bash script.

    Raises:
        ValueError: If there is nothing to run, or `gpus` is a fraction.
    """
    if not commands:
        raise ValueError(
            "All settings are finished, so there is nothing to run on Slurm. "
            f"Make the report with {called.command('report')}."
        )
    if gpus != int(gpus):
        raise ValueError(
            "`--gpus` must be a whole number for Slurm. Received: "
            f"--gpus={gpus:g}. Give the next whole number."
        )
    options = _options(len(commands), name, at_once, cpus, int(gpus))
    if timeout is not None:
        options.append(f"--time={math.ceil(timeout / 60)}")  # minutes
    exports = [
        f"export {key}={shlex.quote(value)}"
        for key, value in (environment or {}).items()
    ]
    # `exec`, so that Slurm's signal reaches Python and not a shell before it.
    cases = [
        f"{number}) exec {shlex.join(command)} ;;"
        for number, command in enumerate(commands)
    ]
    lines = [
        "#!/bin/bash",
        *(f"#SBATCH {option}" for option in options),
        f"cd {shlex.quote(os.getcwd())} || exit 1",
        *exports,
        'case "$SLURM_ARRAY_TASK_ID" in',
        *cases,
        "*) echo \"No setting has the number '$SLURM_ARRAY_TASK_ID'.\" >&2",
        "   exit 1 ;;",
        "esac",
    ]
    return "\n".join(lines) + "\n"


def _options(
    count: int, name: str, at_once: int | None, cpus: int, gpus: int
) -> list[str]:
    options = [
        f"--job-name={name}",
        f"--array=0-{count - 1}%{at_once or count}",
        # Without it `--gpus-per-task` is refused.
        "--ntasks=1",
        f"--cpus-per-task={cpus}",
        # B: to the script as well, not only to job steps, which it has none
        # of.
        f"--signal=B:TERM@{_NOTICE}",
        "--requeue",
        "--open-mode=append",
    ]
    if gpus:
        options.append(f"--gpus-per-task={gpus}")
    return options
