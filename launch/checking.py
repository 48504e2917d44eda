"""The checks before a sweep, which one of its workers makes.

So the sweep itself need not import TensorFlow, which takes seconds. The worker
answers with one line of JSON.
"""

import dataclasses
import json

from ws_keras import settings as all_settings

from . import cli
from . import local
from . import prepare

TASK = "?"  # which is no id of a setting


@dataclasses.dataclass(frozen=True)
class Checked:
    """The result of the checks.

    `costs` maps the id of the first setting of each kind to the sample passes
    of its rounds. `versions` are those of the packages that rows depend on,
    `data` the fingerprints of the data sets, `notices` sentences for the user.
    """

    costs: dict[str, list[float]]
    versions: dict[str, str]
    data: dict[str, str]
    notices: list[str]


def check(config, settings: list, loaded: dict) -> Checked:
    """Checks one setting of each kind; see `prepare.kind`.

    Args:
        config: Config of the experiment.
        settings: Its settings that are to run.
        loaded: Name of each data set to its `Dataset`; is added to.

    Raises:
        ValueError: If the data cannot be loaded, or a field of a config is
            out of its range.
    """
    firsts = list(first_of_kinds(settings).values())
    configs = {s.id: all_settings.apply(config, s) for s in firsts}
    notices = prepare.check(config, firsts, configs, loaded)
    from ws_keras import experiment

    costs = {s.id: prepare.passes(s, configs[s.id]) for s in firsts}
    data = prepare.fingerprints(loaded)
    return Checked(costs, experiment.versions(), data, notices)


def answer(config, settings: list, loaded: dict) -> str:
    """Returns the answer of a worker: what `check` returns or raises."""
    try:
        found = dataclasses.asdict(check(config, settings, loaded))
    except (OSError, ValueError) as error:
        found = {"error": cli.sentence(error)}
    return json.dumps(found)


def ask(pool: local.Local) -> Checked:
    """Has a worker of a pool check the settings, and waits for its answer.

    Raises:
        ValueError: A check has failed, or the worker was killed.
    """
    line, words = pool.ask(TASK)
    if line is None:
        raise ValueError(
            f"The process that checks the settings has ended: {words}"
        )
    found = json.loads(line)
    if "error" in found:
        raise ValueError(found["error"])
    return Checked(**found)


def first_of_kinds(settings: list) -> dict[tuple, all_settings.Setting]:
    """Returns the first setting of each kind; see `prepare.kind`."""
    return {prepare.kind(setting): setting for setting in reversed(settings)}
