"""A retraining, from what is read to what is said of it."""

import dataclasses
import hashlib
import pathlib
import sys
import warnings

import keras
import numpy as np

from ws_keras import growing
from ws_keras.data import arrivals
from ws_keras.data import doubts
from ws_keras.data import history
from ws_keras.data import parts as makers
from ws_keras.data import repeats
from ws_keras.data import roles
from ws_keras.data import scales
from ws_keras.data import targets
from ws_keras.report import grouping
from ws_keras.storage import files
from ws_keras.training import reporter
from ws_keras.training import terms

from . import backtest
from . import forgetting
from . import held_out
from . import larger
from . import reading
from . import retrain_flags as given
from . import retrain_report
from . import starting


@dataclasses.dataclass(frozen=True)
class Task:
    """What is trained, on what, and what is measured.

    `data` are those that the parts are taken from. `rounds` are the past
    rounds, if there is a search among arms.
    """

    start: starting.Start
    grown: larger.Grown
    data: roles.Given
    parts: object
    measured: forgetting.Measured
    rounds: list | None = None


def task() -> Task:
    start = starting.load(
        given.MODEL.value, given.LEARNING_RATE.value, given.SEED.value
    )
    data, parts = _parts(start)
    grown = larger.fitted(start.model, parts, given.SEED.value)
    pairs = [
        (x, targets.fitted(grown.model, y, "--data"))
        for x, y in (parts.train, parts.held_out)
    ]
    parts = dataclasses.replace(parts, train=pairs[0], held_out=pairs[1])
    groups = forgetting.groups(parts, grown.classes)
    monitored = given.MONITOR.value, given.MODE.value
    measured = forgetting.Measured(parts, groups, *monitored)
    rounds = backtest.cut(parts, data) if given.SEARCH.value else None
    return Task(start, grown, data, parts, measured, rounds)


def _parts(start: starting.Start) -> tuple:
    """Returns the data, and which are trained on and measured on."""
    past, note = None, ""
    if start.build is None:
        past, note = held_out.past(given.model_path())
    data = reading.read(start.model, past)
    parts = held_out.parts(data, past, start, note)
    if given.REPLAY.value is not None:
        rule = parts.past.rule
        seed = rule.seed if rule else 0
        parts = parts.replayed(given.REPLAY.value, seed)
    return data, parts


def trained(
    task: Task, part: pathlib.Path, training: pathlib.Path
) -> retrain_report.Report:
    """Trains and saves the model, and returns the report."""
    old = ""
    if task.start.build is None:
        values = task.measured.add_old(task.grown.before, task.grown.classes)
        old = task.measured.level(values["all"])
    searched, own = None, given.start()
    _say_doubt(task)
    with warnings.catch_warnings():
        # The report says it as well.
        warnings.simplefilter("ignore", arrivals.SharedSamples)
        if given.files():  # it was said when they were read
            warnings.simplefilter("ignore", repeats.RepeatedSamples)
            warnings.simplefilter("ignore", scales.OtherScale)
        if task.rounds is not None:
            searched = backtest.search(task, _until(), training / "search")
            own = searched.start or own
            training = training / "model"
            # The search has warned of the same data.
            warnings.simplefilter("ignore", doubts.DoubtfulData)
        found = _compared(task, own, part, training)
    _check_sound(found, own, part)
    words = task.grown.words
    shown = found if searched is None else searched
    rate = reporter.learning_rate(task.grown.model)
    is_found = searched is not None
    saved = retrain_report.saved(shown, own, rate, old, is_found)
    return retrain_report.report(task.parts, words, saved, task.measured, shown)


def _say_doubt(task: Task) -> None:
    """Prints before the training that there will be no recommendation."""
    if task.parts.withheld and given.others() and task.rounds is None:
        print(
            f"There will be no recommendation. {task.parts.withheld} To get a "
            "recommendation, stop the command (Ctrl-C) and give what is "
            "missing.",
            file=sys.stderr,
        )


def _compared(task: Task, own: str, part: pathlib.Path, training: pathlib.Path):
    """Trains and saves the model, and returns the comparison of starts."""

    def save(setting, trained) -> None:
        task.measured.add(grouping.label(setting), trained)
        if _is_saved(setting.id, setting.seed, own) and _is_finite(trained):
            trained.save(part)

    model, rounds, begun = _begun(task)
    others = [] if given.SEARCH.value else given.others()
    return growing.fit_rounds(
        model,
        [reading.framed(task.data, pair) for pair in rounds],
        reading.framed(task.data, task.parts.held_out),
        arms=list(dict.fromkeys([own, *others])),
        first_round=not begun,
        seeds=given.seeds() if others else [given.SEED.value],
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


def _begun(task: Task) -> tuple:
    """Returns the model, the rounds, and whether the first gives it a past."""
    build, train = task.start.build, task.parts.train
    if build is not None and task.rounds is not None:
        return build, task.rounds, True
    if build is not None and given.others():
        return build, _halves(train), True
    return task.grown.model, [train], False


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


def _is_saved(setting: str, seed: int, own: str) -> bool:
    """Whether the model of a setting, by its id, is the one to save."""
    return setting.split("/")[-2] == own and seed == given.SEED.value


def _is_finite(model) -> bool:
    arrays = map(keras.ops.convert_to_numpy, model.weights)
    return all(np.isfinite(array).all() for array in arrays)


def _check_sound(found, own: str, part: pathlib.Path) -> None:
    ends = [
        row.stopped_by
        for row in found.rows
        if _is_saved(row.setting, row.seed, own)
    ]
    if "nan" in ends or not part.stat().st_size:
        raise ValueError(
            "The training diverged: the loss or a weight became nan or "
            "infinite. No model is saved. Give a smaller --learning_rate, "
            "--perturb or --shrink."
        )


def key(task: Task) -> str:
    """Returns what tells a training from another one to the same name."""
    found = hashlib.sha256(files.sha256(given.model_path()).encode())
    found.update(given.MODEL.value.encode())
    for x, y in (task.parts.train, task.parts.held_out):
        found.update(makers.samples(x))
        found.update(history.digest(makers.labels(y)).encode())
    for flag in given.DECIDING:
        found.update(f"{flag.name}={flag.value};".encode())
    return found.hexdigest()[:12]
