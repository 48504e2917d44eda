"""Peak memory of `launch.run` while it trains on CIFAR-10.

    python -m benchmarks.memory

Trains each network for one epoch on the 33,333 training images and evaluates it
on the others. Writes `memory.json` to `results/benchmarks`, in MB of 10**6
bytes.
"""

import json
import sys
import tempfile

from absl import app
from absl import flags

from benchmarks import commands
from benchmarks import output
from benchmarks import work

flags.adopt_module_key_flags(output)

_DATA_DIR = flags.DEFINE_string(
    "data_dir", None, "Folder of TensorFlow Datasets. Default: TFDS' own."
)


def command(network: str, workdir: str, data_dir: str | None) -> list[str]:
    """Returns what trains a network for an epoch of all training images."""
    found = [
        *(sys.executable, "-m", "launch.run"),
        "--config=fig2_online",
        f"--config.model.name={network}",
        "--config.rounds.step=33333",
        "--config.train.epochs=1",
        "--settings=warm/seed0",
        f"--workdir={workdir}",
    ]
    return found + [f"--data_dir={data_dir}"] * (data_dir is not None)


def main(_) -> None:
    """Measures each network and writes it down."""
    path = output.folder() / "memory.json"
    found = {}
    for network in work.PARAMETERS:
        with tempfile.TemporaryDirectory() as folder:
            workdir = f"{folder}/run"
            cost = commands.run(command(network, workdir, _DATA_DIR.value))
        found[network] = round(cost.peak_memory)
        print(f"{network}: {found[network]} MB", flush=True)
        path.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    app.run(main)
