"""Writes the networks of finished settings to files and measures them again.

    python -m launch.evaluate --workdir=runs/table1 --out=weights

For each finished setting (or for those of --settings), the command reads the
weights of the last checkpoint and writes a .keras file, which Keras can load
without this package. It loads this file again, measures it on the held-out
samples of the setting, and prints whether the accuracy equals that of the last
row. Exit status: 0 if all accuracies are equal, 1 if some are not.
"""

import pathlib

from absl import flags

from ws_keras import settings as all_settings
from ws_keras.storage import checkpoint as checkpoints
from ws_keras.storage import files
from ws_keras.storage import sums
from ws_keras.storage import workdir as workdirs

from . import cli
from . import plan
from . import prepare
from . import recipes
from . import start_up

_WORKDIR = plan.WORKDIR
_SETTINGS = plan.SETTINGS
_DATA_DIR = plan.DATA_DIR
_DOWNLOAD = plan.DOWNLOAD
_OUT = flags.DEFINE_string("out", None, "Folder of the .keras files.")
_BATCH = 500


def main(_) -> int:
    """Writes and measures what the flags say; returns the exit status."""
    for name, flag in (("workdir", _WORKDIR), ("out", _OUT)):
        if flag.value is None:
            raise ValueError(f"`--{name}` is required. Received: none.")
    folder = workdirs.Workdir(_WORKDIR.value)
    config, settings = _of(folder)
    out = pathlib.Path(_OUT.value)
    out.mkdir(parents=True, exist_ok=True)
    with start_up.tensorflow():
        start_up.keras()
        from ws_keras import allocation
    loaded, others = {}, 0
    for setting in settings:
        own = all_settings.apply(config, setting)
        prepare.add_data(loaded, own)
        data = prepare.data_of(own, loaded)
        samples = allocation.samples(
            own, data["dataset"], setting.seed, data["source"]
        )
        path = out / f"{setting.id.replace('/', '-')}.keras"
        _write(path, folder, own, setting, samples)
        sums.record(out, [path.name])
        found = _accuracy(path, samples)
        row = folder.rows_of(setting.id)[-1]
        is_equal = abs(found - row.accuracy) < 1e-4
        others += not is_equal
        print(
            f"{path}  {found:.4f} % of {len(_held_out(samples)):,} held-out "
            f"samples, {row.accuracy:.4f} % in the row: "
            f"{'equal' if is_equal else 'NOT EQUAL'}"
        )
    return 1 if others else 0


def run() -> None:
    """Entry point of `python -m launch.evaluate`."""
    cli.run(main)


def _of(folder: workdirs.Workdir) -> tuple:
    """Returns the config of a folder and its settings that have weights."""
    known = folder.load()["config"]
    name = known.get("experiment")
    if name not in recipes.names():
        raise ValueError(
            "`--workdir` must be a run of a config that comes with the "
            f"package. Received: {folder.path}, of experiment {name!r}."
        )
    module = recipes.module(recipes.CONFIGS / f"{name}.py")
    config = module.get_config()
    _take(config, known)
    every = plan.chosen(module.settings(config))
    found = [
        one
        for one in every
        if folder.is_finished(one.id)
        and checkpoints.paths(folder.folder(one.id))
    ]
    if not found:
        raise ValueError(
            "`--workdir` must hold a finished setting with its checkpoint. "
            f"Received: {folder.path}, where none of {len(every)} has one."
        )
    return config, found


def _take(config, known: dict) -> None:
    """Gives a config the fields of a run, which may be older than some."""
    for name, value in known.items():
        if name not in config:
            continue
        if isinstance(value, dict):
            _take(config[name], value)
        else:
            config[name] = tuple(value) if isinstance(value, list) else value


def _write(path, folder, config, setting, samples) -> None:
    """Writes the network of a setting, of layers that Keras has itself."""
    import keras

    from ws_keras import building
    from ws_keras.training import keeper as keepers

    model = building.build(config, samples)
    newest = checkpoints.load(checkpoints.paths(folder.folder(setting.id))[0])
    # Behind the weights come those of optimizer and diagnostics.
    arrays = newest.arrays[: len(model.variables)]
    whole = checkpoints.Checkpoint(newest.path, newest.state, arrays)
    keepers.restore(whole, model.variables)
    plain = keras.models.clone_model(model, clone_function=_as_keras_has_it)
    plain.set_weights(model.get_weights())
    with files.part_of(path) as part:
        plain.save(part)


def _as_keras_has_it(layer):
    import keras

    from ws_keras.models import batch_norm

    config = layer.get_config()
    if isinstance(layer, batch_norm.BatchNormalization):
        config.pop("unbiased", None)  # of training alone
        return keras.layers.BatchNormalization.from_config(config)
    return type(layer).from_config(config)


def _accuracy(path: pathlib.Path, samples) -> float:
    """Returns the held-out accuracy of a saved network, in percent."""
    import keras

    held_out = _held_out(samples)
    model = keras.models.load_model(path, safe_mode=True)
    x, y = samples.x[held_out], samples.y[held_out]
    logits = model.predict(x, batch_size=_BATCH, verbose=0)
    return 100 * float((logits.argmax(1) == y).mean())


def _held_out(samples):
    return samples.rounds[-1].held_out


if __name__ == "__main__":
    run()
