"""How fast this machine trains, from its rows or from a few steps."""

import dataclasses
import os
import time
from collections.abc import Iterable

from ws_keras.storage import rows

# Less than this of one core, on average: something else had it.
_WHOLE_CORE = 0.95
# Of all cores, by other programs during a probe.
_BUSY = 0.1
_EXECUTIONS = 4
_COLOR, _GRAY = (32, 32, 3), (28, 28, 1)
# Shape and classes of the data sets that would be downloaded.
_SAMPLES = {
    "cifar10": (_COLOR, 10),
    "cifar100": (_COLOR, 100),
    "svhn_cropped": (_COLOR, 10),
    "mnist": (_GRAY, 10),
    "mnist_rgb": (_COLOR, 10),
    "fashion_mnist": (_GRAY, 10),
}
# Fields that decide how long a step takes.
_FIELDS = (
    "data.normalization",
    "data.augmentation",
    "model",
    "optimizer.name",
    "optimizer.momentum",
    "optimizer.weight_decay",
    "penalty.name",
    "train.batch_size",
    "train.steps_per_execution",
    "transform.step_shrink",
    "transform.step_perturb",
    "precision",
    "deterministic",
)


@dataclasses.dataclass(frozen=True)
class Speed:
    """Seconds of a sample pass: by the wall clock, and of all cores together.

    `by_cpu` says that the wall clock means little, because other programs
    took part of the machine.
    """

    wall: float
    cpu: float
    by_cpu: bool

    def seconds(self, by_cpu: bool) -> float:
        """Returns the seconds of a sample pass, of the cores if asked for."""
        return self.cpu if by_cpu else self.wall


def of_rows(found: Iterable[rows.Row]) -> Speed | None:
    """Returns the speed in rows, `None` if they do not tell it.

    Args:
        found: Rows of settings with the same network and data.
    """
    found = [row for row in found if row.cpu_seconds == row.cpu_seconds]
    passes = sum(row.sample_passes for row in found)
    if not passes:
        return None
    wall = sum(row.train_seconds for row in found)
    cpu = sum(row.cpu_seconds for row in found)
    by_cpu = not has_accelerator() and cpu < _WHOLE_CORE * wall
    return Speed(wall / passes, cpu / passes, by_cpu)


def key(config) -> tuple:
    """Returns what decides how long a step of a setting takes."""
    data = _SAMPLES.get(config.data.name, config.data.name)
    return (data, *(str(_field(config, name)) for name in _FIELDS))


def probe(config, setting, where: dict) -> Speed:
    """Trains a few steps on samples of the right shape and returns the speed.

    Args:
        config: Config of the setting.
        setting: The `Setting`.
        where: Strategy and devices, as `experiment.run` takes them.
    """
    from ws_keras import experiment

    config = config.copy_and_resolve_references().unlock()
    steps = _EXECUTIONS * (config.train.steps_per_execution or 4)
    count = steps * config.train.batch_size
    _make_short(config, count)
    dataset = _dataset(config.data.name, 3 * count // 2 + 3)  # a third is held
    setting = dataclasses.replace(setting, arm="cold", shrink=0.0, perturb=1.0)
    before, start = _busy(), time.perf_counter()
    (row,) = experiment.run(config, setting, dataset, **where)
    others = _others(before, time.perf_counter() - start)
    found = of_rows([row])
    is_shared = not has_accelerator() and others > _BUSY
    return dataclasses.replace(found, by_cpu=found.by_cpu or is_shared)


def _make_short(config, count: int) -> None:
    config.rounds.protocol, config.rounds.fraction = "one_phase", 1.0
    config.data.source = None
    config.data.split = "held_out"
    config.data.samples = count
    config.train.epochs, config.train.first_epochs = 1, None
    config.train.measured = "epoch"
    config.train.monitor_samples = 0
    config.diagnostics.measures, config.diagnostics.shrunk = (), ()


def _dataset(name: str, count: int):
    """A data set like that of a name, without reading or downloading it."""
    import numpy as np

    from ws_keras.data import datasets

    if name not in _SAMPLES:  # on the disk, or made on the fly
        found = datasets.load(name)
        some = np.arange(count) % len(found.x)
        return dataclasses.replace(found, x=found.x[some], y=found.y[some])
    shape, num_classes = _SAMPLES[name]
    x = np.random.default_rng(0).integers(256, size=(count, *shape))
    y = np.arange(count) % num_classes
    return datasets.Dataset(
        name, x.astype("uint8"), y.astype("int32"), num_classes
    )


def _field(config, name: str):
    for part in name.split("."):
        config = config[part]
    return config


def has_accelerator() -> bool:
    """Returns whether Keras has another device than processors."""
    import keras

    devices = keras.distribution.list_devices()
    return any(not name.lower().startswith("cpu") for name in devices)


def _busy() -> tuple[float, float]:
    """CPU-seconds of all programs, and of this one."""
    own = time.process_time()
    try:
        with open("/proc/stat") as file:
            ticks = list(map(int, file.readline().split()[1:9]))
    except (OSError, ValueError):
        return own, own  # nobody else, as far as is known
    used = sum(ticks) - ticks[3] - ticks[4]  # idle, and waiting for disks
    return used / os.sysconf("SC_CLK_TCK"), own


def _others(before: tuple[float, float], seconds: float) -> float:
    """Returns the part of all cores that other programs took."""
    total, own = (b - a for a, b in zip(before, _busy(), strict=True))
    return max(0.0, total - own) / (seconds * (os.cpu_count() or 1))


def of_settings(settings: list, configs: dict, found: dict, where: dict | None):
    """Returns the speed of each setting, from rows or from a probe.

    Args:
        settings: The settings.
        configs: Id of each to its config.
        found: Id of a setting to its rows of this machine.
        where: Strategy and devices for a probe. `None` makes none.

    Returns:
        Id to `Speed`; `None` if the speed of a setting is not known.
    """
    cells = {s.id: key(configs[s.id]) for s in settings}
    together = {}
    for name, some in found.items():
        together.setdefault(cells.get(name), []).extend(some)
    known = {cell: of_rows(some) for cell, some in together.items()}
    for setting in settings:
        cell = cells[setting.id]
        if known.get(cell) is None:
            if where is None:
                return None
            known[cell] = probe(configs[setting.id], setting, where)
    return {name: known[cell] for name, cell in cells.items()}
