r"""Where the way to a first training step goes: seconds by part.

    python -m benchmarks.start [--runs=5]

Each run is a process of its own that imports, builds, traces and trains one
step of the narrow ResNet-18, as `launch.run` does, while a thread looks every
few milliseconds at what the main one is in. Prints the median seconds of each
part over the runs and writes them to `start.md` in `results/benchmarks`.
"""

import collections
import json
import pathlib
import statistics
import subprocess
import sys
import threading
import time

from absl import app
from absl import flags

from benchmarks import output
from benchmarks import pairs
from benchmarks import turns

flags.adopt_module_key_flags(output)

INTERVAL = 0.005  # seconds between two looks
TRACING = "func_graph_from_py_func"
_RUNS = flags.DEFINE_integer("runs", 5, "Processes to take the median of.")

# What the main thread is in, by functions that are on its stack, the first
# that fits: (file, function) from the outermost to the innermost.
PARTS = {
    "import of TensorFlow and Keras": [("launch/start_up.py", "keras")],
    "other imports": [("<frozen importlib._bootstrap>", "_find_and_load")],
    "a model to check the config with": [
        ("ws_keras/experiment.py", "validate")
    ],
    "data": [("benchmarks/programs/ours.py", "described")],
    "drawing the starting weights": [
        ("ws_keras/transforms/shrink_perturb.py", "shrink_perturb")
    ],
    "the optimizer's state": [("keras/src/optimizers/adam.py", "build")],
    "the metrics' state": [("ws_keras/training/trainer.py", "_build_metrics")],
    "building the model": [("ws_keras/building.py", "build")],
    "trace of a training step": [
        ("keras/src/backend/tensorflow/trainer.py", "fit"),
        ("framework/func_graph.py", TRACING),
    ],
    "its optimization, kernels and first execution": [
        ("keras/src/backend/tensorflow/trainer.py", "fit"),
        ("tensorflow/python/eager/execute.py", "quick_execute"),
    ],
    "trace of an evaluation": [
        ("keras/src/backend/tensorflow/trainer.py", "evaluate"),
        ("framework/func_graph.py", TRACING),
    ],
    "the same of an evaluation": [
        ("keras/src/backend/tensorflow/trainer.py", "evaluate"),
        ("tensorflow/python/eager/execute.py", "quick_execute"),
    ],
}


def part(stack: list[tuple[str, str]]) -> str:
    """Returns the part that a stack belongs to.

    Args:
        stack: Pairs of a file and a function, from the outermost call.
    """
    for name, wanted in PARTS.items():
        left = iter(stack)
        if all(_is_reached(left, *call) for call in wanted):
            return name
    return "others"


def _is_reached(left, file: str, function: str) -> bool:
    return any(f.endswith(file) and name == function for f, name in left)


class Sampler:
    """Counts the seconds of each part in the thread that makes it."""

    def __init__(self):
        self.seconds = collections.Counter()
        self._watched = threading.get_ident()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._done.set()
        self._thread.join()

    def _watch(self):
        before = time.perf_counter()
        while not self._done.wait(INTERVAL):
            frame, stack = sys._current_frames()[self._watched], []
            while frame is not None:
                code = frame.f_code
                stack.append((code.co_filename, code.co_name))
                frame = frame.f_back
            now = time.perf_counter()
            self.seconds[part(stack[::-1])] += now - before
            before = now


def _run() -> collections.Counter:
    """Returns the seconds of each part in this process."""
    from benchmarks.programs import first_step

    with Sampler() as sampler:
        first_step.main(lambda **_: None, "resnet18", "adam")
    return sampler.seconds


def table(runs: list[dict[str, float]]) -> str:
    """Returns Markdown: the median of each part, and of all of them."""
    lines = ["| part | seconds |", "| --- | --: |"]
    for name in [*PARTS, "others"]:
        middle = statistics.median(run.get(name, 0.0) for run in runs)
        lines.append(f"| {name} | {middle:.2f} |")
    whole = statistics.median(sum(run.values()) for run in runs)
    return "\n".join([*lines, f"| all | {whole:.2f} |"])


def main(arguments: list[str]) -> None:
    """Runs the processes and writes."""
    if arguments[1:]:
        print(json.dumps(_run()))
        return
    command = [sys.executable, "-m", "benchmarks.start", "once"]
    runs = []
    for _ in range(_RUNS.value):
        text = subprocess.run(
            command, check=True, stdout=subprocess.PIPE, env=turns.env()
        ).stdout.decode()
        runs.append(json.loads(text.splitlines()[-1]))
    folder = pathlib.Path(output.FOLDER.value)
    folder.mkdir(parents=True, exist_ok=True)
    head = f"ResNet-18, Adam, {len(runs)} processes, {pairs.conditions()}"
    text = f"{head}\n\n{table(runs)}\n"
    (folder / "start.md").write_text(text, encoding="utf8")
    print(text)


if __name__ == "__main__":
    app.run(main)
