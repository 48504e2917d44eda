"""What is known before training: the data, what is wrong, what it costs."""

from ws_keras import settings as all_settings
from ws_keras.results import workdir as workdirs

from . import plan
from . import start_up


def load(config, settings: list, configs: dict) -> dict:
    """Reads the data of settings and checks all that can be before training.

    Args:
        config: Config of the experiment.
        settings: Its settings that are to run.
        configs: Id of each setting to its config.

    Returns:
        Name of each data set to its `Dataset`.

    Raises:
        ValueError: If the data cannot be had, a field of a config is out of
            its range, or an id is no name of a folder.
    """
    for setting in settings:
        workdirs.Workdir(".").folder(setting.id)
    with start_up.tensorflow():
        from ws_keras import experiment
        from ws_keras.data import datasets

        devices = plan.STRATEGY.value, plan.DEVICES.value
        experiment.start(config, *devices, say=print)
        loaded = {}
        for name in dict.fromkeys(c.data.name for c in configs.values()):
            loaded[name] = datasets.load(
                name,
                data_dir=plan.DATA_DIR.value,
                download=plan.DOWNLOAD.value,
                with_test=config.data.split == "official_test",
            )
        for setting in _one_of_each(settings):
            cell = configs[setting.id]
            experiment.validate(cell, setting, loaded[cell.data.name])
    return loaded


def passes(setting, config, num_train: int) -> list[float]:
    """Returns the sample passes that each round of a setting may take.

    Args:
        setting: The `Setting`.
        config: Its config.
        num_train: Size of the official training set.
    """
    from ws_keras import experiment

    return plan.passes(setting, config, experiment.sizes(config, num_train))


def costs(config, settings: list) -> tuple[dict, dict[str, str]]:
    """Checks settings like `load`, and returns what they cost.

    Settings of the same kind cost the same, however many seeds there are.

    Args:
        config: Config of the experiment.
        settings: Its settings that are to run.

    Returns:
        `kind` of each setting to the sample passes of its rounds, and the
        versions of the packages that the rows depend on.

    Raises:
        ValueError: If the data cannot be had, or a field of a config is out
            of its range.
    """
    kinds = {kind(s): s for s in reversed(settings)}
    configs = {s.id: all_settings.apply(config, s) for s in kinds.values()}
    loaded = load(config, list(kinds.values()), configs)
    from ws_keras import experiment

    found = {}
    for name, setting in kinds.items():
        cell = configs[setting.id]
        num_train = len(loaded[cell.data.name].x)
        found[name] = passes(setting, cell, num_train)
    return found, experiment.versions()


def kind(setting) -> tuple:
    """Returns what decides the cost of a setting."""
    return setting.arm, setting.overrides


def _one_of_each(settings: list) -> list:
    """One setting of each kind that can be wrong in a way of its own."""
    return list({s.overrides: s for s in reversed(settings)}.values())
