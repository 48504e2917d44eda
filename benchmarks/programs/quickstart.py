"""The quickstart, from the end of the imports to its report, and its training.

Prints one line of JSON: wall and CPU-seconds of both.
"""

import contextlib
import json
import sys
import time

from launch import run
from launch import start_up
from ws_keras.storage import rows


def main(workdir: str, *flags: str) -> None:
    """Runs `ws-run --config=quickstart` and prints what it has taken."""
    with start_up.tensorflow():
        start_up.keras()
        from ws_keras import experiment  # noqa: F401
    sys.argv = ["ws-run", "--config=quickstart", f"--workdir={workdir}", *flags]
    wall, cpu = time.perf_counter(), time.process_time()
    with contextlib.suppress(SystemExit):  # a command leaves the process
        run.run()
    whole = {
        "wall": time.perf_counter() - wall,
        "cpu": time.process_time() - cpu,
    }
    found = rows.read_workdir(workdir)
    training = {
        "wall": sum(row.train_seconds for row in found),
        "cpu": sum(row.cpu_seconds for row in found),
    }
    samples = sum(row.sample_passes for row in found)
    for costs in (whole, training):
        costs["samples"] = samples
    print("\n" + json.dumps({"whole": whole, "training": training}))


if __name__ == "__main__":
    main(*sys.argv[1:])
