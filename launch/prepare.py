"""Before training: loads data, checks settings and estimates their cost."""

import sys

from ws_keras.storage import ids

from . import costs as cost
from . import plan
from . import processor
from . import start_up


def check_configs(configs: dict) -> None:
    """Checks names and fields of configs without importing Keras.

    Args:
        configs: Id of each setting to its config.

    Raises:
        ValueError: If there is no such data set, a field of a config is out
            of its range, or an id is not the name of a folder.
    """
    from ws_keras import protocol
    from ws_keras.data import datasets

    for id in configs:
        ids.check(id)
    for name in _names(configs.values()):
        datasets.check_name(name)
    for config in configs.values():
        protocol.check_values(config)


def check(config, settings: list, configs: dict, loaded: dict) -> list[str]:
    """Loads the data of settings and checks them before training.

    Args:
        config: Config of the experiment.
        settings: Its settings that are to run.
        configs: Id of each setting to its config.
        loaded: Name of each data set to its `Dataset`; is added to.

    Returns:
        Sentences for the user, for example which normalization was chosen.

    Raises:
        ValueError: If the data cannot be loaded, a field of a config is out
            of its range, or an id is not the name of a folder.
    """
    for setting in settings:
        ids.check(setting.id)
    with start_up.tensorflow():
        start_up.keras()
        from ws_keras import experiment
        from ws_keras import protocol
        from ws_keras.models import inputs
        from ws_keras.training import feed as feeds

        devices = plan.STRATEGY.value, plan.devices()
        notices = []
        experiment.start(config, *devices, say=notices.append)
        add_data(loaded, *configs.values())
        replicas = experiment.replicas(*devices)
        for cell in configs.values():
            protocol.check(cell)
            for number in (1, 2):
                batch_size = protocol.batch_size(cell, number)
                feeds.check_batch_size(batch_size, replicas)
        for setting in _one_of_each(settings):
            cell = configs[setting.id]
            experiment.validate(cell, setting, **data_of(cell, loaded))
        notices += map(protocol.notice, configs.values())
        for cell in configs.values():
            samples = loaded[cell.data.name].x
            notices.append(inputs.resolved(cell.data.normalization, samples)[1])
            notices.append(processor.notice(cell.precision))
    return list(filter(None, dict.fromkeys(notices)))


def say(notices: list[str]) -> None:
    """Shows sentences for the user.

    On the standard error: a script for Slurm has the standard output.
    """
    for notice in notices:
        print(notice, file=sys.stderr)


def add_data(loaded: dict, *configs) -> None:
    """Loads the data sets that configs name, unless they are loaded.

    Args:
        loaded: Name of each data set to its `Dataset`; is added to.
        configs: Configs of settings.

    Raises:
        ValueError: If the data cannot be loaded.
    """
    from ws_keras.data import datasets

    with_test = any(cell.data.split == "official_test" for cell in configs)
    for name in _names(configs):
        known = loaded.get(name)
        if known is None or (with_test and known.x_test is None):
            loaded[name] = datasets.load(
                name,
                data_dir=plan.DATA_DIR.value,
                download=plan.DOWNLOAD.value,
                with_test=with_test,
            )


def data_of(config, loaded: dict) -> dict:
    """Returns the data sets of a setting, as arguments of `experiment.run`.

    Args:
        config: Config of the setting.
        loaded: Name of each data set to its `Dataset`.
    """
    source = config.data.source
    return {
        "dataset": loaded[config.data.name],
        "source": None if source is None else loaded[source],
    }


def passes(setting, config) -> list[float]:
    """Returns the sample passes that each round of a setting may take.

    Args:
        setting: The `Setting`.
        config: Its config.
    """
    from ws_keras import allocation
    from ws_keras.data import datasets

    counts = [
        None if name is None else datasets.num_train(name)
        for name in (config.data.name, config.data.source)
    ]
    return cost.passes(setting, config, allocation.sizes(config, *counts))


def fingerprints(loaded: dict) -> dict[str, str]:
    """Returns the fingerprints of all data sets.

    Args:
        loaded: Name of each data set to its `Dataset`.
    """
    from ws_keras.data import datasets

    every = [datasets.fingerprints(dataset) for dataset in loaded.values()]
    return {name: sign for found in every for name, sign in found.items()}


def kind(setting) -> tuple:
    """Returns what the cost of a setting depends on."""
    # A text, since the shrink of an arm that has none is nan.
    return setting.arm, str(setting.shrink), setting.overrides


def _names(configs) -> list[str]:
    names = [n for c in configs for n in (c.data.name, c.data.source)]
    return [name for name in dict.fromkeys(names) if name is not None]


# Methods of an arm that may not fit each model and protocol.
_CHECKED = ("check", "callbacks", "losses")
# Fields on which it depends whether the data fit the model.
_TOGETHER = ("data.", "rounds.", "model.", "train.batch", "second.batch")
_TOGETHER += ("optimizer.name",)


def _one_of_each(settings: list) -> list:
    """Returns one setting for each combination that may have its own error."""
    found = {}
    for setting in settings:
        fields = [o for o in setting.overrides if o[0].startswith(_TOGETHER)]
        arm = (
            setting.arm if any(map(setting.method.defines, _CHECKED)) else None
        )
        found.setdefault((arm, *fields), setting)
    return list(found.values())
