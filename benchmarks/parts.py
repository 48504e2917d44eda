"""Where time goes outside of training: seconds by part.

    python -m benchmarks.parts --of=start
    python -m benchmarks.parts --of=transform

`start` is the time to a first step: each run is a process of its own that
imports, builds, traces and trains one step of the narrow ResNet-18, as
`launch.run` does. `transform` is `shrink_perturb` of a ResNet-50 with fresh
noise, ten times after a first one. A timer samples every few milliseconds which
part of the program runs. Prints the median seconds of each part over the runs,
and writes them to `parts_start.md` or `parts_transform.md` in
`results/benchmarks`.
"""

import collections
import json
import signal
import statistics
import subprocess
import sys
import time

from absl import app
from absl import flags

from benchmarks import output
from benchmarks import pairs
from benchmarks import turns

flags.adopt_module_key_flags(output)

INTERVAL = 0.002  # seconds between two looks
APPLICATIONS = 10
_CHILD = "once"  # the argument of the processes that are looked at
_RUNS = flags.DEFINE_integer("runs", 5, "Processes to take the median of.")

_TRAINER = "keras/src/backend/tensorflow/trainer.py"
_TRACE = ("framework/func_graph.py", "func_graph_from_py_func")
_EXECUTION = ("tensorflow/python/eager/execute.py", "quick_execute")
_APPLICATION = ("ws_keras/transforms/shrink_perturb.py", "shrink_perturb")
_WEIGHTS = ("ws_keras/transforms/shrink_perturb.py", "_mix")
_ASSIGN = ("keras/src/backend/common/variables.py", "assign")
_READ = ("ws_keras/transforms/variables.py", "value")
# What a program is in, by calls that are on its stack, the first that
# fits: (file, function) from the outermost to the innermost.
PARTS = {
    "start": {
        "import of TensorFlow and Keras": [("launch/start_up.py", "keras")],
        "other imports": [("<frozen importlib._bootstrap>", "_find_and_load")],
        "a model to check the config with": [
            ("ws_keras/experiment.py", "validate")
        ],
        "data": [("benchmarks/programs/ours.py", "described")],
        "building the model": [("ws_keras/building.py", "build")],
        "drawing the starting weights": [_APPLICATION],
        "the optimizer's state": [("keras/src/optimizers/adam.py", "build")],
        "the metrics' state": [
            ("ws_keras/training/traced.py", "_build_metrics")
        ],
        "trace of a training step": [(_TRAINER, "fit"), _TRACE],
        "its optimization, kernels and first execution": [
            (_TRAINER, "fit"),
            _EXECUTION,
        ],
        "trace of an evaluation": [(_TRAINER, "evaluate"), _TRACE],
        "the same of an evaluation": [(_TRAINER, "evaluate"), _EXECUTION],
    },
    "transform": {
        "drawing the weights' noise": [
            _WEIGHTS,
            ("ws_keras/transforms/fresh.py", "_value"),
        ],
        "finding what draws it": [
            _WEIGHTS,
            ("ws_keras/transforms/fresh.py", "_find"),
        ],
        "reading the weights": [_WEIGHTS, _READ],
        "assigning the weights": [_WEIGHTS, _ASSIGN],
        "mixing": [_WEIGHTS, ("ws_keras/transforms/arrays.py", "mix")],
        "norms for the report": [
            _WEIGHTS,
            ("ws_keras/transforms/report.py", "line"),
        ],
        "statistics back to their start": [
            ("ws_keras/transforms/shrink_perturb.py", "_reset")
        ],
        "checking that all can be drawn": [
            ("ws_keras/transforms/shrink_perturb.py", "_rehearse")
        ],
    },
}
_OF = flags.DEFINE_enum("of", "start", list(PARTS), "What is looked at.")


def part(stack: list[tuple[str, str]], parts: dict[str, list]) -> str:
    """Returns the part that a stack belongs to.

    Args:
        stack: Pairs of a file and a function, from the outermost call.
        parts: The calls that tell each part, as in `PARTS`.
    """
    for name, wanted in parts.items():
        left = iter(stack)
        if all(_is_reached(left, *call) for call in wanted):
            return name
    return "others"


def _is_reached(left, file: str, function: str) -> bool:
    return any(f.endswith(file) and name == function for f, name in left)


class Sampler:
    """Counts the seconds of each part, in the main thread, by a timer.

    The timer's signal is handled between two steps of Python, so that the
    time of a call of native code goes to what has made it.

    Args:
        parts: The calls that tell each part, as in `PARTS`.
    """

    def __init__(self, parts: dict[str, list]):
        self.seconds = collections.Counter()
        self._parts = parts

    def __enter__(self):
        self._before = time.perf_counter()
        self._handler = signal.signal(signal.SIGALRM, self._look)
        signal.setitimer(signal.ITIMER_REAL, INTERVAL, INTERVAL)
        return self

    def __exit__(self, *_):
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, self._handler)

    def _look(self, _, frame):
        stack = []
        while frame is not None:
            code = frame.f_code
            stack.append((code.co_filename, code.co_name))
            frame = frame.f_back
        now = time.perf_counter()
        self.seconds[part(stack[::-1], self._parts)] += now - self._before
        self._before = now


def _start(parts: dict[str, list]) -> dict[str, float]:
    from benchmarks.programs import first_step

    with Sampler(parts) as sampler:
        first_step.main(lambda **_: None, "resnet18", "adam")
    return sampler.seconds


def _transform(parts: dict[str, list]) -> dict[str, float]:
    import ws_keras
    from benchmarks.programs import transform

    model = transform.build("resnet50")
    ws_keras.shrink_perturb(model, 0.4, 0.1, seed=0)
    with Sampler(parts) as sampler:
        for seed in range(1, APPLICATIONS + 1):
            ws_keras.shrink_perturb(model, 0.4, 0.1, seed=seed)
    return {k: v / APPLICATIONS for k, v in sampler.seconds.items()}


PROGRAMS = {"start": _start, "transform": _transform}
WORK = {
    "start": "From the process to a step of ResNet-18 with Adam",
    "transform": "One shrink_perturb of ResNet-50 with fresh noise",
}


def table(runs: list[dict[str, float]], names: list[str]) -> str:
    """Returns Markdown: the median of each part, and of all of them."""
    lines = ["| part | seconds |", "| --- | --: |"]
    for name in [*names, "others"]:
        middle = statistics.median(run.get(name, 0.0) for run in runs)
        lines.append(f"| {name} | {middle:.3f} |")
    whole = statistics.median(sum(run.values()) for run in runs)
    return "\n".join([*lines, f"| all | {whole:.3f} |"])


def main(arguments: list[str]) -> None:
    """Runs the processes and writes."""
    name = _OF.value
    if arguments[1:] == [_CHILD]:
        print(json.dumps(PROGRAMS[name](PARTS[name])))
        return
    if arguments[1:]:
        raise app.UsageError(f"Unknown arguments: {arguments[1:]}.")
    command = [sys.executable, "-m", "benchmarks.parts", f"--of={name}", _CHILD]
    folder, runs = output.folder(), []
    for _ in range(_RUNS.value):
        text = subprocess.run(
            command, check=True, stdout=subprocess.PIPE, env=turns.env()
        ).stdout.decode()
        runs.append(json.loads(text.splitlines()[-1]))
        head = f"{WORK[name]}, {len(runs)} processes, {pairs.conditions()}"
        text = f"{head}\n\n{table(runs, list(PARTS[name]))}\n"
        (folder / f"parts_{name}.md").write_text(text, encoding="utf8")
    print(text)


if __name__ == "__main__":
    app.run(main)
