"""Programs that run in turn: each in a process of its own, one at a time.

A program is a module with a function `main(turn, **options)`. It sets itself
up, then does one piece of work after the other and calls `turn` between them,
which waits until the other program has had its turn.
"""

import contextlib
import datetime
import importlib
import json
import math
import os
import pathlib
import subprocess
import sys
import time
from collections.abc import Iterator

# As the commands set it, and fewer messages than there.
_QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "1"}
_THREADS = (
    "OMP_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
)


class Turn:
    """The program's side: ends a piece of work and waits for the next turn.

    Args:
        replies: Text stream for one JSON object per piece of work.
        calls: Text stream of which one line is read before each piece.
    """

    def __init__(self, replies, calls):
        self._replies, self._calls = replies, calls
        self._start = _now()

    def __call__(
        self, samples: int = 0, loss: float = math.nan, **facts
    ) -> None:
        """Reports the piece of work that ends here and waits.

        Args:
            samples: Samples that it trained or evaluated on; 0 where the
                piece was the setting up. Defaults to 0.
            loss: Mean loss over them. Defaults to nan.
            facts: More to report, such as `num_params`.
        """
        wall, cpu = (b - a for a, b in zip(self._start, _now(), strict=True))
        reply = {"wall": wall, "cpu": cpu, "samples": samples, "loss": loss}
        # A machine is not as fast in each hour.
        now = datetime.datetime.now(datetime.UTC)
        reply["ended"] = now.isoformat(timespec="seconds")
        print(json.dumps({**reply, **facts}), file=self._replies, flush=True)
        if not self._calls.readline():
            # The other side has all it wants; threads may still be at work.
            os._exit(0)
        self._start = _now()


class Program:
    """The measuring side: a program in a process of its own.

    Args:
        module: Name of the program in `benchmarks.programs`.
        threads: Cores that it may use. Defaults to all.
        options: Arguments of its `main`.
    """

    def __init__(self, module: str, *, threads: int | None = None, **options):
        self.name = module
        arguments = [f"benchmarks.programs.{module}", json.dumps(options)]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.turns", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=env(threads),
        )
        self.ready = self._reply()

    def __call__(self) -> dict:
        """Has the program do one piece of work and returns its report."""
        print(file=self._process.stdin, flush=True)
        return self._reply()

    def close(self) -> None:
        """Ends the program."""
        self._process.stdin.close()
        self._process.wait()

    def _reply(self) -> dict:
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"The program {self.name!r} has failed.")
        return json.loads(line)


@contextlib.contextmanager
def open_programs(*programs: dict) -> Iterator[list[Program]]:
    """Starts programs one after the other and ends them after the block."""
    with contextlib.ExitStack() as stack:
        opened = []
        for arguments in programs:
            opened.append(Program(**arguments))
            stack.callback(opened[-1].close)
        yield opened


def env(threads: int | None = None) -> dict[str, str]:
    """Returns the environment of a program that may use so many cores."""
    found = {**_QUIET, **os.environ}
    if threads is not None:
        found |= dict.fromkeys(_THREADS, str(threads))
    return found


def _now() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def peak_memory() -> float:
    """Returns the most resident memory of this process so far, in MB."""
    return _status("VmHWM")


def reset_peak_memory() -> float:
    """Forgets the peak of this process; returns its resident memory, in MB."""
    pathlib.Path("/proc/self/clear_refs").write_text("5")
    return _status("VmRSS")


def _status(name: str) -> float:
    status = pathlib.Path("/proc/self/status").read_text()
    (line,) = (t for t in status.splitlines() if t.startswith(f"{name}:"))
    return int(line.split()[1]) * 1024 / 1e6


def main() -> None:
    """The process of a program."""
    module, options = sys.argv[1:]
    # What else is printed must not get among the replies.
    with os.fdopen(os.dup(1), "w") as replies:
        os.dup2(2, 1)
        turn = Turn(replies, sys.stdin)
        importlib.import_module(module).main(turn, **json.loads(options))


if __name__ == "__main__":
    main()
