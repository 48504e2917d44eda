"""Comparisons of whole commands, from their start to their last row."""

import functools
import json
import pathlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator

from benchmarks import commands
from benchmarks import pairs
from benchmarks import turns
from benchmarks.pairs import AUTHORS
from benchmarks.pairs import OURS


def online(count: int) -> Iterator[pairs.Row]:
    """Figure 2's first three rounds, cold and warm, from command to row."""
    epochs, rounds = 2, 3
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "data.npz"
        commands.python(f"work.save_data({str(path)!r}, 6000)")
        row = commands.compare(
            f"fig2_online, {rounds} rounds, cold and warm",
            2 * epochs * 1000 * rounds * (rounds + 1) // 2,
            {
                OURS: functools.partial(_ours, folder, path, rounds, epochs),
                AUTHORS: lambda: [
                    *(sys.executable, "-m"),
                    "benchmarks.programs.online_authors",
                    *map(str, (path, rounds, epochs)),
                    f"{folder}/rows",
                ],
            },
            count,
            at_least=1.6,
        )
    yield row


def sweep(count: int) -> Iterator[pairs.Row]:
    """Eight settings of the narrow ResNet-18: side by side, or in turn."""
    epochs, seeds = 6, (0, 1, 2, 3)
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "data.npz"
        commands.python(f"work.save_data({str(path)!r}, 6000)")
        command = functools.partial(_ours, folder, path, 2, epochs, seeds=seeds)
        row = commands.compare(
            "8 settings of ResNet-18, 2 rounds",
            2 * len(seeds) * epochs * (1000 + 2000),
            {
                "launch.sweep": functools.partial(command, module="sweep"),
                "launch.run": command,
            },
            count,
            at_least=1.2,
        )
    yield row


def small_sweep(count: int) -> Iterator[pairs.Row]:
    """Eight settings of seconds each, whose start is most of the command."""
    epochs, seeds = 2, (0, 1)
    fields = {
        "data.name": "textures",
        "data.samples": 192,
        "rounds.step": 64,
        "rounds.limit": 2,
        "model.name": "mlp",
        "model.units": 16,
        "train.batch_size": 32,
        "train.epochs": epochs,
        "arms": "cold,warm,head_reset,shrink_perturb-0.6-0.01",
        "seeds": ",".join(map(str, seeds)),
    }
    with tempfile.TemporaryDirectory() as folder:

        def command(module: str) -> list[str]:
            return [
                *(sys.executable, "-m", f"launch.{module}"),
                "--config=which_arm",
                *(f"--config.{name}={v}" for name, v in fields.items()),
                f"--workdir={tempfile.mkdtemp(dir=folder)}",
            ]

        yield commands.compare(
            "8 tiny settings of the MLP, 2 rounds",
            4 * len(seeds) * epochs * (64 + 128),
            {
                f"launch.{module}": functools.partial(command, module)
                for module in ("sweep", "run")
            },
            count,
            at_least=1.0,
        )


def sweep_command(folder: str, workers: int) -> list[str]:
    """Returns a sweep of eight small settings, with data in a folder."""
    path = pathlib.Path(folder) / "data.npz"
    if not path.exists():
        commands.python(f"work.save_data({str(path)!r}, 3000)")
    found = _ours(folder, path, 2, 2, seeds=(0, 1, 2, 3), module="sweep")
    return [*found, f"--workers={workers}", "--config.rounds.step=500"]


def _ours(
    folder, path, rounds, epochs, *, seeds=(0,), module="run"
) -> list[str]:
    workdir = tempfile.mkdtemp(dir=folder)
    return [
        *(sys.executable, "-m", f"launch.{module}", "--config=fig2_online"),
        f"--config.data.name=npz:{path}",
        f"--config.rounds.limit={rounds}",
        f"--config.train.epochs={epochs}",
        "--config.train.monitor_samples=0",
        "--config.arms=('cold', 'warm')",
        f"--config.seeds={seeds}",
        f"--workdir={workdir}",
    ]


def quickstart(count: int) -> Iterator[pairs.Row]:
    """The quickstart after its imports, and the training in it."""
    module = "benchmarks.programs.quickstart"
    ours, training = [], []
    for _ in range(count):
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(
                [sys.executable, "-m", module, f"{folder}/run"],
                check=True,
                capture_output=True,
                text=True,
                env=turns.env(),
            )
        found = json.loads(done.stdout.splitlines()[-1])
        ours.append(found["whole"])
        training.append(found["training"])
    work, peer = "the quickstart, after the imports", "its training alone"
    yield pairs.row(work, OURS, ours, peer, training, at_least=1 / 1.35)
