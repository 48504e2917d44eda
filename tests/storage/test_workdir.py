"""A run's folder belongs to one config and is never half written."""

import functools
import json
import os
import signal
import subprocess
import sys
import time

import pytest

from ws_keras.storage import rows
from ws_keras.storage import workdir

SETTING = "a/seed0"
CONFIG = {"model": {"width": 16, "name": "resnet18"}, "steps": (1, 2)}
VERSIONS = {"keras": "3.15.1"}


@pytest.fixture
def row(make_row):
    """Makes rows of the setting of these tests."""
    return functools.partial(make_row, setting=SETTING)


@pytest.fixture
def folder(tmp_path):
    made = workdir.Workdir(tmp_path / "runs" / "fig2")
    made.prepare(CONFIG, VERSIONS)
    return made


def test_prepare_writes_what_was_run(folder):
    run = json.loads((folder.path / "run.json").read_text())
    assert run["config"] == {**CONFIG, "steps": [1, 2]}
    assert run["versions"] == VERSIONS
    assert run["schema"] == 3
    assert "git_revision" in run
    assert sorted(os.listdir(folder.path)) == [
        ".lock",
        "SHA256SUMS",
        "run.json",
    ]


def test_same_config_is_continued_unchanged(folder):
    before = (folder.path / "run.json").read_bytes()
    folder.prepare(CONFIG, VERSIONS)
    assert (folder.path / "run.json").read_bytes() == before


def test_another_python_and_strategy_are_noted_once(folder):
    for strategy in ("none", "mirrored", "mirrored"):
        versions = {**VERSIONS, "python": "3.99"}
        folder.prepare(CONFIG, versions, strategy=strategy)
    run = folder.load()
    assert run["versions"] == VERSIONS
    noted = [(c["versions"], c["strategy"]) for c in run["continued"]]
    assert noted == [(versions, "none"), (versions, "mirrored")]


def test_other_versions_are_refused_with_the_difference(folder):
    before = (folder.path / "run.json").read_bytes()
    with pytest.raises(ValueError) as error:
        folder.prepare(CONFIG, {**VERSIONS, "keras": "3.99.0"})
    assert "another version" in str(error.value)
    assert f"keras: {VERSIONS['keras']!r} -> '3.99.0'" in str(error.value)
    with pytest.raises(ValueError, match=r"jax: '\(absent\)' -> '0.1'"):
        folder.prepare(CONFIG, {**VERSIONS, "jax": "0.1"})
    assert (folder.path / "run.json").read_bytes() == before


def test_other_data_are_refused_and_more_data_are_noted(folder):
    folder.prepare(CONFIG, VERSIONS, data={"mnist": "a1"})
    folder.prepare(CONFIG, VERSIONS, data={"cifar10": "b2"})
    noted = {"mnist": "a1", "cifar10": "b2"}
    assert folder.load()["data"] == noted
    assert "continued" not in folder.load()
    with pytest.raises(ValueError) as error:
        folder.prepare(CONFIG, VERSIONS, data={"cifar10": "b3"})
    text = str(error.value)
    assert "another state of the data. Received: cifar10: 'b2' -> " in text
    assert "'b3'. Choose another `--workdir` or pass `--overwrite`" in text
    assert folder.load()["data"] == noted


def test_a_folder_from_before_data_were_noted_is_continued(folder):
    run = folder.load()
    del run["data"]
    (folder.path / "run.json").write_text(json.dumps(run))
    folder.prepare(CONFIG, VERSIONS, data={"mnist": "a1"})
    assert folder.load()["data"] == {"mnist": "a1"}


def test_another_schema_of_rows_is_refused(folder):
    path = folder.path / "run.json"
    path.write_text(path.read_text().replace('"schema": 3', '"schema": 0'))
    with pytest.raises(ValueError, match="schema: 0 -> 3. Choose another"):
        folder.prepare(CONFIG, VERSIONS)


@pytest.mark.parametrize("what", ["use", "setting"])
def test_overwrite_is_refused_while_somebody_writes(folder, what):
    holder = """
import sys
from ws_keras.storage import workdir
folder = workdir.Workdir(sys.argv[1])
if sys.argv[2] == "use":
    use = folder.used({config!r}, {versions!r})
    use.__enter__()
else:
    lock = folder.lock("a/seed0")
    assert lock.take()
print("held", flush=True)
sys.stdin.read()
"""
    holder = holder.format(config=CONFIG, versions=VERSIONS)
    with subprocess.Popen(
        [sys.executable, "-c", holder, str(folder.path), what],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout.readline() == "held\n"
        folder.prepare(CONFIG, VERSIONS)
        with pytest.raises(
            ValueError, match=f"process {process.pid} on .* wri"
        ):
            folder.prepare({"seed": 1}, VERSIONS, overwrite=True)
        assert folder.load()["config"] != {"seed": 1}
        process.kill()
    folder.prepare({"seed": 1}, VERSIONS, overwrite=True)
    assert folder.load()["config"] == {"seed": 1}


def test_one_whose_folder_was_moved_away_in_between_is_told(folder):
    """It has prepared the folder, but does not hold it yet."""
    prepare = folder.prepare

    def interrupted(*arguments, **keywords):
        prepare(*arguments, **keywords)
        folder.prepare = prepare
        other = workdir.Workdir(folder.path)
        other.prepare({"seed": 1}, VERSIONS, overwrite=True)

    folder.prepare = interrupted
    with pytest.raises(ValueError, match="belongs to another config"):
        with folder.used(CONFIG, VERSIONS):
            raise AssertionError("must not be reached")
    assert folder.load()["config"] == {"seed": 1}
    with folder.used({"seed": 1}, VERSIONS):
        pass


def test_data_that_two_processes_note_are_both_kept(folder):
    """Tasks of one job begin at the same moment, each with its own data."""
    script = (
        "import sys\n"
        "from ws_keras.storage import workdir\n"
        f"folder, sets = workdir.Workdir(sys.argv[1]), sys.argv[2:]\n"
        "for name in sets:\n"
        f"    folder.prepare({CONFIG!r}, {VERSIONS!r}, data={{name: 'a'}})\n"
    )
    names = [f"set{number}" for number in range(20)]
    running = [
        subprocess.Popen([sys.executable, "-c", script, folder.path, *part])
        for part in (names[:10], names[10:])
    ]
    assert [process.wait() for process in running] == [0, 0]
    assert sorted(folder.load()["data"]) == sorted(names)


@pytest.mark.parametrize("field", ["arms", "seeds"])
def test_more_settings_go_into_another_folder(tmp_path, field):
    folder = workdir.Workdir(tmp_path)
    folder.prepare({"arms": ["a"], "seeds": [0], "lr": 1}, VERSIONS)
    more = {"arms": ["a"], "seeds": [0], "lr": 1, field: ["b"]}
    with pytest.raises(ValueError, match=f"{field}.* another .*--with="):
        folder.prepare(more, VERSIONS)
    with pytest.raises(ValueError, match="--overwrite"):
        folder.prepare({**more, "lr": 2}, VERSIONS)


def test_other_config_is_refused_with_the_fields(folder):
    other = {"model": {"width": 64, "name": "mlp"}, "lr": 1, "seed": 3}
    with pytest.raises(ValueError) as error:
        folder.prepare(other, VERSIONS)
    text = str(error.value)
    assert "model.width: 16 -> 64, model.name: 'resnet18' -> 'mlp'" in text
    assert "steps: [1, 2] -> '(absent)' and 2 more" in text
    assert "another `--workdir` or pass `--overwrite`" in text


def test_overwrite_keeps_the_old_folders(folder, make_row):
    rows.append(folder.rows_path("a/seed0"), make_row())
    for seed in (1, 2):
        folder.prepare({"seed": seed}, VERSIONS, overwrite=True)
    siblings = sorted(p.name for p in folder.path.parent.iterdir())
    assert siblings == ["fig2", "fig2.old-1", "fig2.old-2"]
    old = workdir.Workdir(folder.path.parent / "fig2.old-1")
    assert old.rows_path("a/seed0").exists()
    assert folder.load()["config"] == {"seed": 2}
    assert not folder.rows_path("a/seed0").exists()


@pytest.mark.parametrize("overwrite", [False, True])
def test_foreign_folder_is_refused_and_left_alone(tmp_path, overwrite):
    (tmp_path / "holiday.jpg").write_text("x")
    with pytest.raises(ValueError, match="must be empty.*holiday.jpg"):
        workdir.Workdir(tmp_path).prepare(CONFIG, VERSIONS, overwrite)
    assert os.listdir(tmp_path) == ["holiday.jpg"]


def test_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("x")
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(ValueError, match="a writable folder"):
            workdir.Workdir(path).prepare(CONFIG, VERSIONS)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_read_only_folder_is_refused(folder):
    folder.path.chmod(0o500)
    with pytest.raises(ValueError, match="Permission denied"):
        folder.prepare(CONFIG, VERSIONS)
    folder.path.chmod(0o700)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_finished_run_in_a_read_only_folder_is_refused(folder):
    """Its `run.json` needs no change; the lock is the first to be written."""
    folder.prepare(CONFIG, VERSIONS)
    folder.path.chmod(0o500)
    with pytest.raises(ValueError, match="a writable folder.*copy the folder"):
        with folder.used(CONFIG, VERSIONS):
            pass
    folder.path.chmod(0o700)


@pytest.mark.skipif(
    not os.path.isdir("/proc/self"), reason="needs a folder nobody can write"
)
def test_unwritable_place_is_refused():
    with pytest.raises(ValueError, match="a writable folder"):
        workdir.Workdir("/proc/self/runs").prepare(CONFIG, VERSIONS)


def test_damaged_run_file_is_refused_until_overwritten(folder):
    for damage in ('{"config": {"mo', "[]", '{"config": 3}'):
        (folder.path / "run.json").write_text(damage)
        with pytest.raises(ValueError, match="cannot be read.*--overwrite"):
            folder.prepare(CONFIG, VERSIONS)
    folder.prepare(CONFIG, VERSIONS, overwrite=True)
    assert folder.load()["versions"] == VERSIONS


def test_load_refuses_a_folder_without_run(tmp_path):
    with pytest.raises(ValueError, match="must be the folder of a run"):
        workdir.Workdir(tmp_path).load()


def test_leftover_of_a_killed_writer_is_no_content(tmp_path):
    (tmp_path / ".run.json.4711").write_text('{"con')
    workdir.Workdir(tmp_path).prepare(CONFIG, VERSIONS)
    assert workdir.Workdir(tmp_path).load()["versions"] == VERSIONS


def test_killed_writer_leaves_the_old_file_or_the_new(tmp_path):
    path = tmp_path / "run.json"
    code = (
        "import pathlib, sys\n"
        "from ws_keras.storage import workdir\n"
        "while True:\n"
        "    for letter in 'ab':\n"
        "        text = letter * 300_000\n"
        "        workdir.write_atomically(pathlib.Path(sys.argv[1]), text)\n"
    )
    writer = subprocess.Popen([sys.executable, "-c", code, str(path)])
    deadline = time.monotonic() + 30
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.1)
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    assert path.read_text() in ("a" * 300_000, "b" * 300_000)


def test_setting_ids_name_folders_inside(folder):
    setting = "fig2_online/shrink_perturb-0.6-0.01/seed3"
    assert folder.folder(setting) == folder.path / setting
    assert folder.rows_path(setting) == folder.path / setting / "rows.jsonl"


@pytest.mark.parametrize(
    "setting",
    ["../x", "a/../../x", "/etc", "", "a//b", ".", "a/..", "a\\b", "a\n", "~"],
)
def test_setting_ids_never_leave_the_folder(folder, setting):
    with pytest.raises(ValueError, match="A setting id must be names"):
        folder.folder(setting)


def test_finished_by_the_last_row(folder, row):
    assert not folder.is_finished(SETTING)
    rows.append(folder.rows_path(SETTING), row(round=1))
    assert not folder.is_finished(SETTING)
    rows.append(folder.rows_path(SETTING), row(round=2, last=True))
    assert folder.is_finished(SETTING)


def test_restart_moves_rows_aside_and_removes_epochs_without_one(
    folder, row, make_epochs
):
    (epoch, *_), path = make_epochs(SETTING), folder.rows_path(SETTING)
    for number in (1, 2):
        rows.append(path, row(loss=float(number)))
        rows.append_epoch(folder.epochs_path(SETTING), epoch)
        (folder.folder(SETTING) / "notes.txt").touch()
        aside = path.with_name(f"rows.jsonl.old-{number}")
        assert folder.restart(SETTING) == aside
        (kept,) = rows.read(aside)
        assert kept.loss == number
    before = sorted(p.name for p in path.parent.iterdir())
    assert before == [
        *("epochs.jsonl.old-1", "epochs.jsonl.old-2", "notes.txt"),
        *("rows.jsonl.old-1", "rows.jsonl.old-2"),
    ]
    rows.append_epoch(folder.epochs_path(SETTING), epoch)
    assert folder.restart(SETTING) is None
    assert sorted(p.name for p in path.parent.iterdir()) == before
    assert folder.rows_of(SETTING) == []
    assert folder.restart("never/started") is None


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"round": 3}, "round 3 of a/seed0"),
        ({"round": 1}, "round 1 of a/seed0"),
        ({"round": 2, "setting": "b/seed0"}, "round 2 of b/seed0"),
    ],
)
def test_rows_must_be_the_rounds_of_their_setting(folder, row, changes, words):
    path = folder.rows_path(SETTING)
    rows.append(path, row(round=1))
    assert folder.damage(SETTING) is None
    rows.append(path, row(**changes))
    sentence = folder.damage(SETTING)
    assert f"{path}, line 2: must be round 2 of {SETTING}." in sentence
    assert f"Received: {words}." in sentence


def test_restart_refuses_a_finished_setting(folder, row):
    rows.append(folder.rows_path(SETTING), row(last=True))
    with pytest.raises(ValueError, match="finished setting is never removed"):
        folder.restart(SETTING)
    assert folder.rows_path(SETTING).exists()


def state(rounds, epochs, row=None):
    return {"rounds": rounds, "epochs": epochs, "row": row}


@pytest.fixture
def unfinished(folder, row, make_epochs):
    """A setting with two rows, a torn third one, and five epochs."""
    path = folder.rows_path(SETTING)
    for number in (1, 2):
        rows.append(path, row(round=number))
    with open(path, "a") as file:
        file.write('{"setting": "a/se')
    for epoch in make_epochs(SETTING)[:5]:
        rows.append_epoch(folder.epochs_path(SETTING), epoch)
    return SETTING


def test_what_a_checkpoint_counts_must_be_there(folder, unfinished, row):
    third = rows.encode(row(round=3))
    for rounds, epochs, row, expected in (
        (2, 5, None, True),
        (1, 3, None, True),
        (3, 5, third, True),  # the checkpoint has the row that is torn
        (3, 5, None, False),
        (4, 5, third, False),
        (2, 6, None, False),
    ):
        found = folder.can_go_on(unfinished, state(rounds, epochs, row))
        assert found is expected, (rounds, epochs)


def test_cut_back_to_an_earlier_checkpoint(folder, unfinished):
    folder.cut_back(unfinished, state(1, 3))
    assert [r.round for r in rows.read(folder.rows_path(unfinished))] == [1]
    epochs = rows.read_epochs(folder.epochs_path(unfinished))
    assert [epoch.epoch for epoch in epochs] == [1, 2, 3]
    assert folder.rows_path(unfinished).read_bytes().endswith(b"}\n")


def test_a_row_that_the_checkpoint_alone_has(folder, unfinished, row):
    last = row(round=3, last=True)
    for _ in range(2):
        folder.cut_back(unfinished, state(3, 5, rows.encode(last)))
        found = rows.read(folder.rows_path(unfinished))
        assert [r.round for r in found] == [1, 2, 3] and found[-1] == last
    assert folder.is_finished(unfinished)
