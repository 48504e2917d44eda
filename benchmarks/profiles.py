"""Where a training step spends its time, by operation, here and in PyTorch.

    python -m benchmarks.profiles [--network=resnet18] [--optimizer=sgd]

Prints the milliseconds of a step by kind of operation, for an epoch of the
package's normal path and one of the best PyTorch program, and writes them to
`profile_NETWORK.md` in `results/benchmarks`. TensorFlow runs one operation at a
time here, so that the times add up; each operation uses all cores.
"""

import collections
import importlib
import pathlib
import subprocess
import sys
import tempfile

from absl import app
from absl import flags

from benchmarks import output
from benchmarks import pairs
from benchmarks import suite
from benchmarks import turns
from benchmarks import work

flags.adopt_module_key_flags(output)

SHOWN = 12  # kinds of operation; the others are summed
PROFILED = 3  # epoch, the ones before it warm up
_NETWORK = flags.DEFINE_enum(
    "network", "resnet18", sorted(work.PARAMETERS), "What is trained."
)
_OPTIMIZER = flags.DEFINE_enum("optimizer", "sgd", ["adam", "sgd"], "Rule.")


class _Done(Exception):
    """The epoch that was to be profiled has ended."""


def tensorflow(shared: dict) -> collections.Counter:
    """Returns the milliseconds of a step of the package, by operation."""
    import tensorflow as tf

    tf.config.threading.set_inter_op_parallelism_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        ends = 0

        def turn(*_, **__):
            nonlocal ends
            ends += 1  # the first one is of the setting up
            if ends == PROFILED:
                tf.profiler.experimental.start(folder)
            elif ends == PROFILED + 1:
                tf.profiler.experimental.stop()
                raise _Done

        _until_done("ours", turn, shared)
        (path,) = pathlib.Path(folder).glob("**/*.xplane.pb")
        return _operations(path.read_bytes())


def _operations(trace: bytes) -> collections.Counter:
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    found = collections.Counter()
    for plane in xplane_pb2.XSpace.FromString(trace).planes:
        for line in plane.lines:
            for event in line.events:
                name = plane.event_metadata[event.metadata_id].name
                # Operations of the step's graph are called `name:kind`.
                if name.startswith(_GRAPHS):
                    found[name.rsplit(":", 1)[-1]] += event.duration_ps / 1e9
    return found


_GRAPHS = ("StatefulPartitionedCall/", "while/body/")


def pytorch(shared: dict) -> collections.Counter:
    """Returns the milliseconds of a step of the best PyTorch."""
    import torch

    profiler, ends = torch.profiler.profile(), 0

    def turn(*_, **__):
        nonlocal ends
        ends += 1
        if ends == PROFILED:
            profiler.start()
        elif ends == PROFILED + 1:
            profiler.stop()
            raise _Done

    options = {**shared, **suite.BEST_OPTIONS[shared["network"]]}
    _until_done("torch_best", turn, options)
    found = collections.Counter()
    for event in profiler.key_averages():
        found[event.key] += event.self_cpu_time_total / 1e3
    return found


PROGRAMS = {"tensorflow": tensorflow, "pytorch": pytorch}


def _until_done(module: str, turn, options: dict) -> None:
    program = importlib.import_module(f"benchmarks.programs.{module}")
    try:
        program.main(turn, **options)
    except _Done:
        return


def table(title: str, found: collections.Counter, steps: int) -> str:
    """Returns Markdown: the largest kinds of operation, and the rest."""
    lines = [f"| {title} | ms of a step |", "| --- | --: |"]
    shown = found.most_common(SHOWN)
    rest = sum(value for _, value in found.most_common()[SHOWN:])
    rows = [*shown, ("others", rest), ("all", sum(found.values()))]
    lines += [f"| {name} | {value / steps:.1f} |" for name, value in rows]
    return "\n".join(lines)


def main(arguments: list[str]) -> None:
    """Profiles both, each in a process of its own, and writes."""
    shared = suite.common(_NETWORK.value, _OPTIMIZER.value)
    fit, _ = work.split(shared["samples"])
    steps = len(fit) // work.BATCH_SIZE
    if arguments[1:]:
        (name,) = arguments[1:]
        print(table(name, PROGRAMS[name](shared), steps))
        return
    path = output.folder("torch") / f"profile_{_NETWORK.value}.md"
    parts = [f"{_NETWORK.value}, {_OPTIMIZER.value}, {pairs.conditions()}"]
    for name in PROGRAMS:
        command = [sys.executable, "-m", "benchmarks.profiles", name]
        command += [f"--network={_NETWORK.value}"]
        command += [f"--optimizer={_OPTIMIZER.value}"]
        text = subprocess.run(
            command, check=True, stdout=subprocess.PIPE, env=turns.env()
        ).stdout.decode()
        parts.append(text[text.index("| ") :].strip())
        text = "\n\n".join(parts) + "\n"
        path.write_text(text, encoding="utf8")
    print(text)


if __name__ == "__main__":
    app.run(main)
