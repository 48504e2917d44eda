"""A retraining, from what is read to what is said of it."""

import dataclasses
import hashlib
import pathlib
import warnings

import keras
import numpy as np

from ws_keras import growing
from ws_keras.data import arrivals
from ws_keras.data import history
from ws_keras.data import parts as makers
from ws_keras.data import tables
from ws_keras.data import targets
from ws_keras.storage import files
from ws_keras.training import reporter
from ws_keras.training import terms

from . import forgetting
from . import held_out
from . import larger
from . import reading
from . import retrain_flags as given
from . import retrain_report as report
from . import starting


@dataclasses.dataclass(frozen=True)
class Task:
    """What is trained, on what, and what is measured."""

    start: starting.Start
    grown: larger.Grown
    parts: object
    measured: forgetting.Measured


def task() -> Task:
    start = starting.load(given.MODEL.value, given.LEARNING_RATE.value)
    parts = _parts(start)
    grown = larger.fitted(start.model, parts, given.SEED.value)
    pairs = [
        (x, targets.fitted(grown.model, y, "--data"))
        for x, y in (parts.train, parts.held_out)
    ]
    parts = dataclasses.replace(parts, train=pairs[0], held_out=pairs[1])
    groups = forgetting.groups(parts, grown.classes)
    monitored = given.MONITOR.value, given.MODE.value
    measured = forgetting.Measured(parts, groups, *monitored)
    return Task(start, grown, parts, measured)


def _parts(start: starting.Start):
    """Returns what is trained on, and what is measured on."""
    past, note = None, ""
    if start.build is None:
        past, note = held_out.past(start.path)
    data = reading.read(start.model, past)
    parts = held_out.parts(data, past, start, note)
    if given.REPLAY.value is None:
        return parts
    rule = parts.past.rule
    return parts.replayed(given.REPLAY.value, rule.seed if rule else 0)


def trained(task: Task, part: pathlib.Path, training: pathlib.Path) -> str:
    """Trains and saves the model, and returns the report."""
    old = ""
    if task.start.build is None:
        values = task.measured.add_old(task.grown.before, task.grown.classes)
        old = task.measured.level(values["all"])
    with warnings.catch_warnings():
        # The report says it as well.
        warnings.simplefilter("ignore", arrivals.SharedSamples)
        found = _compared(task, part, training)
    _check_sound(found, part)
    words = task.grown.words
    text = report.text(task.parts, words, found, task.measured)
    rate = reporter.learning_rate(task.grown.model)
    return f"{text}\n\n{report.saved(found, rate, old)}"


def _compared(task: Task, part: pathlib.Path, training: pathlib.Path):
    """Trains and saves the model, and returns the comparison of starts."""

    def save(setting, trained) -> None:
        task.measured.add(setting.id.split("/")[1], trained)
        if _is_saved(setting) and _is_finite(trained):
            trained.save(part)

    own = given.saved()
    if own == "shrink_perturb":
        own = f"{own}-{given.SHRINK.value}-{given.PERTURB.value}"
    train = task.parts.train
    # A model without a past gets one, so that starts can differ.
    begun = task.start.build is not None and bool(given.others())
    return growing.fit_rounds(
        task.start.build if begun else task.grown.model,
        _halves(train) if begun else [train],
        task.parts.held_out,
        arms=[own, *given.others()],
        first_round=not begun,
        seeds=given.seeds(),
        first_seed=given.SEED.value,
        monitor=given.MONITOR.value,
        mode=given.MODE.value,
        margin=given.MARGIN.value,
        withheld=task.parts.withheld,
        batch_size=given.BATCH_SIZE.value,
        until=_until(),
        on_end=save,
        workdir=training,
        checkpoint_minutes=given.MINUTES.value,
        name="retrain",
        verbose=given.VERBOSE.value,
    )


def _until() -> terms.Until:
    common = {
        "patience": given.PATIENCE.value,
        "max_epochs": given.MAX_EPOCHS.value,
        "min_share": 0.01,
    }
    if given.THRESHOLD.value is None:
        return terms.Until(**common)
    return terms.Until(
        threshold=given.THRESHOLD.value,
        monitor=given.MONITOR.value,
        mode=given.MODE.value,
        **common,
    )


def _halves(train: tuple) -> list:
    """Returns the two halves of samples, as if the second came later."""
    count = len(makers.labels(train[1]))
    halves = np.array_split(np.arange(count), 2)
    return [makers.take(train, half) for half in halves]


def _is_saved(setting) -> bool:
    """Whether the model of a setting, or of a row, is the one to save."""
    own = given.saved()
    if (setting.arm, setting.seed) != (own, given.SEED.value):
        return False
    strengths = given.SHRINK.value, given.PERTURB.value
    return own == "warm" or (setting.shrink, setting.perturb) == strengths


def _is_finite(model) -> bool:
    arrays = map(keras.ops.convert_to_numpy, model.weights)
    return all(np.isfinite(array).all() for array in arrays)


def _check_sound(found, part: pathlib.Path) -> None:
    ends = [row.stopped_by for row in found.rows if _is_saved(row)]
    if "nan" in ends or not part.stat().st_size:
        raise ValueError(
            "The training diverged: the loss or a weight became nan or "
            "infinite. No model is saved. Give a smaller --learning_rate, "
            "--perturb or --shrink."
        )


def key(task: Task) -> str:
    """Returns what tells a training from another one to the same name."""
    found = hashlib.sha256(files.sha256(task.start.path).encode())
    found.update(given.MODEL.value.encode())
    for x, y in (task.parts.train, task.parts.held_out):
        found.update(makers.samples(x))
        found.update(history.digest(makers.labels(y)).encode())
    for flag in given.DECIDING:
        found.update(f"{flag.name}={flag.value};".encode())
    return found.hexdigest()[:12]


def inputs(task: Task) -> dict[str, pathlib.Path]:
    """Returns the files that are read, by flag."""
    sources = {
        "--data": given.DATA.value,
        "--held_out": held_out.HELD_OUT.value or "",
    }
    found = {
        name: tables.path_of(value)
        for name, value in sources.items()
        if tables.is_file(value)
    }
    return {"--model": task.start.path, **found}
