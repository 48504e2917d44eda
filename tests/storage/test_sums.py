import subprocess

import pytest

from launch import check
from ws_keras.storage import rows
from ws_keras.storage import sums
from ws_keras.storage import workdir as workdirs


@pytest.fixture
def finished(tmp_path, make_row):
    def make(seeds=(0, 1)):
        folder = workdirs.Workdir(tmp_path / "run")
        folder.prepare({"experiment": "quickstart"}, {"keras": "3.15.1"})
        for seed in seeds:
            setting = f"quickstart/cold/seed{seed}"
            folder.append(make_row(setting=setting, seed=seed, last=True))
            folder.note(setting)
        return folder

    return make


def test_sums_are_those_of_sha256sum(finished):
    folder = finished()
    done = subprocess.run(
        ["sha256sum", "-c", sums.NAME],
        cwd=folder.path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        "run.json: OK",
        "quickstart/cold/seed0/rows.jsonl: OK",
        "quickstart/cold/seed1/rows.jsonl: OK",
    ]


@pytest.mark.parametrize(
    "name", ["run.json", "quickstart/cold/seed1/rows.jsonl"]
)
def test_a_touched_file_is_named(finished, name):
    folder = finished()
    assert check.check(folder.path).problems == []
    path = folder.path / name
    # A space that neither JSON nor the checksum of a line minds.
    path.write_text(path.read_text().replace("\n", "\n", 1) + "\n")
    found = [p for p in check.check(folder.path).problems if sums.NAME in p]
    assert len(found) == 1 and str(path) in found[0] and "changed" in found[0]


def test_a_missing_file_is_named(finished):
    folder = finished()
    (folder.path / "quickstart/cold/seed0/rows.jsonl").unlink()
    (found,) = sums.problems(folder.path)
    assert "missing" in found and "seed0" in found


def test_a_later_setting_leaves_the_sums_of_earlier_ones(finished):
    folder = finished()
    path = folder.rows_path("quickstart/cold/seed0")
    path.write_bytes(path.read_bytes() + b"\n")
    finished(seeds=(2,))
    (found,) = sums.problems(folder.path)
    assert str(path) in found


def test_a_run_that_is_continued_notes_what_it_writes(finished):
    folder = finished()
    before = sums.read(folder.path)
    folder.prepare(
        {"experiment": "quickstart"}, {"keras": "3.15.1"}, strategy="mirrored"
    )
    after = sums.read(folder.path)
    assert after.keys() == before.keys()
    assert after["run.json"] != before["run.json"]
    assert list(sums.problems(folder.path)) == []


def test_a_link_is_no_file_of_a_run(finished, tmp_path):
    folder = finished()
    path = folder.rows_path("quickstart/cold/seed0")
    elsewhere = path.rename(tmp_path / rows.ROWS)
    path.symlink_to(elsewhere)
    (found,) = sums.problems(folder.path)
    assert "link" in found


def test_a_line_that_is_no_sum_is_named(tmp_path):
    (tmp_path / sums.NAME).write_text("d41d8cd9  rows.jsonl\n")
    (found,) = sums.problems(tmp_path)
    assert "line 1" in found and "d41d8cd9" in found


def test_without_sums_nothing_is_noted(tmp_path):
    assert sums.read(tmp_path) == {}
    assert list(sums.problems(tmp_path)) == []
