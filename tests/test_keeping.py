"""Tests of the folder in which `fit_rounds` keeps its progress."""

import pytest

from ws_keras import experiment
from ws_keras import keeping
from ws_keras.storage import workdir as workdirs

GIVEN = {"batch_size": 10}


def belongs_to_another_call(folder):
    keeping.Kept(folder, 5.0, {"batch_size": 20}).plan([])


def has_other_versions(folder):
    versions = {**experiment.versions(), "keras": "3.0.0"}
    workdirs.Workdir(folder).prepare(GIVEN, versions)


def cannot_be_read(folder):
    (folder / "run.json").write_text("{")


def is_a_folder_in_place_of_the_record(folder):
    (folder / "run.json").mkdir()


def holds_other_files(folder):
    (folder / "notes.txt").write_text("Mine.")


def is_a_file(folder):
    folder.rmdir()
    folder.write_text("Mine.")


@pytest.mark.parametrize(
    ("made", "facts"),
    [
        (belongs_to_another_call, ["another call", "batch_size: 20 -> 10"]),
        (has_other_versions, ["another version", "keras: '3.0.0' -> "]),
        (cannot_be_read, ["run.json cannot be read"]),
        (is_a_folder_in_place_of_the_record, ["run.json"]),
        (holds_other_files, ["`workdir` must be empty", "'notes.txt'"]),
        (is_a_file, ["`workdir` must be a writable folder"]),
    ],
)
def test_errors_name_the_argument_and_no_flags(tmp_path, made, facts):
    folder = tmp_path / "kept"
    folder.mkdir()
    made(folder)
    with pytest.raises(ValueError) as raised:
        keeping.Kept(folder, 5.0, GIVEN).plan([])
    text = str(raised.value)
    for fact in [*facts, str(folder), "another `workdir`."]:
        assert fact in text
    assert "--" not in text


def test_the_same_call_continues(tmp_path):
    for _ in range(2):
        keeping.Kept(tmp_path, 5.0, GIVEN).plan([])
    assert workdirs.Workdir(tmp_path).load()["config"] == GIVEN
