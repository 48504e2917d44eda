"""Weights of finished settings as files, measured again."""

import dataclasses
import zipfile

import pytest
from absl import flags
from absl.testing import flagsaver
from ws_keras.configs import quickstart

from launch import evaluate
from launch import progress
from launch import work
from ws_keras import experiment
from ws_keras.data import datasets
from ws_keras.storage import checkpoint as checkpoints
from ws_keras.storage import rows
from ws_keras.storage import sums
from ws_keras.storage import workdir as workdirs
from ws_keras.training import stop as stops

TINY = {
    "seeds": (3,),
    "arms": ("warm",),
    "data.samples": 64,
    "rounds.step": 32,
    "rounds.limit": 2,
    "model.width": 2,
    "model.blocks": (1, 1),
    "model.unbiased_variance": True,
    "train.batch_size": 16,
    "train.epochs": 2,
    "train.monitor_samples": 0,
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A folder with one finished setting, as `ws-run` leaves it."""
    config = quickstart.get_config()
    config.update_from_flattened_dict(TINY)
    (setting,) = quickstart.settings(config)
    folder = workdirs.Workdir(tmp_path_factory.mktemp("run") / "run")
    folder.prepare(config.to_dict(), experiment.versions())
    with progress.Progress({setting.id: [1.0, 1.0]}) as shown:
        never = work.Intervals(None)
        arguments = shown, stops.Stop(), never, 1
        works = work.Work(folder, experiment.run, *arguments)
        works.setting(setting, config, datasets.load("textures"))
    return folder, setting


@pytest.fixture
def evaluated(finished, tmp_path):
    """Returns a function that runs the command."""
    if not flags.FLAGS.is_parsed():
        flags.FLAGS.mark_as_parsed()

    def run(**given):
        given = {"workdir": str(finished[0].path), **given}
        with flagsaver.flagsaver(out=str(tmp_path / "weights"), **given):
            return evaluate.main([])

    return run


def test_the_file_has_the_accuracy_of_the_row(
    finished, evaluated, tmp_path, capsys
):
    folder, setting = finished
    assert evaluated() == 0
    (row,) = rows.read(folder.rows_path(setting.id))[-1:]
    said = capsys.readouterr().out
    assert said.count(f"{row.accuracy:.4f} %") == 2
    assert said.endswith("equal\n") and "NOT" not in said
    (path,) = (tmp_path / "weights").glob("*.keras")
    assert path.name == "quickstart-warm-seed3.keras"
    assert list(sums.read(path.parent)) == [path.name]
    with zipfile.ZipFile(path) as file:
        # What only this package has, Keras alone could not load.
        assert "ws_keras" not in file.read("config.json").decode()


def test_a_row_with_another_accuracy_is_named(finished, evaluated, capsys):
    folder, setting = finished
    path = folder.rows_path(setting.id)
    whole = path.read_bytes()
    known = rows.read(path)
    path.unlink()
    for row in known:
        changed = dataclasses.replace(row, accuracy=row.accuracy + 0.25)
        rows.append(path, changed)
    try:
        assert evaluated() == 1
    finally:
        path.write_bytes(whole)
    assert capsys.readouterr().out.endswith("NOT EQUAL\n")


def test_without_a_checkpoint_there_are_no_weights(finished, evaluated):
    folder, setting = finished
    (path,) = checkpoints.paths(folder.folder(setting.id))
    aside = path.rename(path.with_suffix(".aside"))
    try:
        with pytest.raises(ValueError, match="finished setting"):
            evaluated()
    finally:
        aside.rename(path)


def test_an_experiment_of_somebody_else_is_refused(evaluated, tmp_path):
    folder = workdirs.Workdir(tmp_path / "other")
    folder.prepare({"experiment": "own"}, {})
    with pytest.raises(ValueError, match="'own'"):
        evaluated(workdir=str(folder.path))


def test_the_folder_is_required(evaluated):
    with pytest.raises(ValueError, match="--workdir"):
        evaluated(workdir=None)
