"""The checks before a sweep, which one of its workers does.

The sweep itself then does without TensorFlow, whose import takes seconds. The
answer of the worker is one line of JSON.
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
    """What the checks have found.

    `costs` has, for the id of the first setting of each kind, the sample
    passes of its rounds; `versions` the packages that the rows depend on,
    `data` the fingerprints of the data sets, and `notices` sentences for the
    user.
    """

    costs: dict[str, list[float]]
    versions: dict[str, str]
    data: dict[str, str]
    notices: list[str]


def check(config, settings: list, loaded: dict) -> Checked:
    """Checks settings, one of each kind: of the same kind all cost the same.

    Args:
        config: Config of the experiment.
        settings: Its settings that are to run.
        loaded: Name of each data set to its `Dataset`; is added to.

    Raises:
        ValueError: If the data cannot be had, or a field of a config is out
            of its range.
    """
    firsts = list(first_of_kinds(settings).values())
    configs = {s.id: all_settings.apply(config, s) for s in firsts}
    notices = prepare.check(config, firsts, configs, loaded)
    from ws_keras import experiment

    costs = {s.id: prepare.passes(s, configs[s.id]) for s in firsts}
    data = prepare.fingerprints(loaded)
    return Checked(costs, experiment.versions(), data, notices)


def answer(config, settings: list, loaded: dict) -> str:
    """Returns the line that a worker answers: what `check` finds or raises."""
    try:
        found = dataclasses.asdict(check(config, settings, loaded))
    except (OSError, ValueError) as error:
        found = {"error": cli.sentence(error)}
    return json.dumps(found)


def ask(pool: local.Local) -> Checked:
    """Lets a worker of a pool check the settings, and waits for the end.

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
