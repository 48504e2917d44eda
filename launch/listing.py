"""The table of `--list`: configs or settings, and their cost."""

import sys

from ws_keras import settings as all_settings
from ws_keras.storage import rows
from ws_keras.storage import workdir as workdirs

from . import costs
from . import plan
from . import prepare
from . import speed
from . import start_up


def text() -> str:
    """Returns the table that the flags ask for."""
    with start_up.tensorflow():
        start_up.keras()
        from ws_keras import experiment  # noqa: F401
    if not plan.is_given():
        return _catalog()
    config = plan.config()
    settings = plan.chosen(plan.settings(config))
    configs = {s.id: all_settings.apply(config, s) for s in settings}
    passes = {s.id: sum(prepare.passes(s, configs[s.id])) for s in settings}
    where = {"strategy": plan.STRATEGY.value, "devices": plan.devices()}
    known = speed.of_settings(
        settings, configs, _rows(config), where if plan.PROBE.value else None
    )
    if known and any(found.by_cpu for found in known.values()):
        print(
            "Other programs use this machine. CPU-hours count the time that "
            "all cores together compute, without the time that they wait.",
            file=sys.stderr,
        )
    return costs.table(passes, speed=known)


def _rows(config) -> dict[str, list[rows.Row]]:
    """Returns the rows of `--workdir` by setting, if they are of the config."""
    if plan.WORKDIR.value is None:
        return {}
    folder = workdirs.Workdir(plan.WORKDIR.value)
    found = {}
    try:
        if folder.load()["config"].get("experiment") != config.experiment:
            return {}
        for row in rows.read_workdir(folder.path):
            found.setdefault(row.setting, []).append(row)
    except (OSError, ValueError):  # no run as yet, or a damaged one
        return {}
    return found


def _catalog() -> str:
    """Returns the price of each config that comes with the package."""
    found = {}
    for name in plan.names():
        module, prices = plan.named(name), {}
        config = module.get_config()
        settings = module.settings(config)
        for setting in settings:
            kind = prepare.kind(setting)
            if kind not in prices:
                own = all_settings.apply(config, setting)
                prices[kind] = sum(prepare.passes(setting, own))
        total = sum(prices[prepare.kind(setting)] for setting in settings)
        found[f"{name} ({len(settings)} settings)"] = total
    return costs.table(found, "config")
