"""Model, record and report appear together, or none of them does."""

import json
import signal
import subprocess
import sys

import numpy as np
import pytest

from launch import outputs
from ws_keras.data import history
from ws_keras.data import splits
from ws_keras.storage import files

PAST = history.of(
    splits.Rule(), np.arange(3, dtype="uint64"), np.arange(1, 2), np.ones(4)
)
NAMES = ["new.keras", "new.md", "new.split.npz"]


def save(out, content=b"weights", overwrite=False, inputs=None, past=PAST):
    with outputs.reserved(out, inputs or {}, overwrite) as reserved:
        reserved.model.write_bytes(content)
        reserved.write(past, "Words.")


def found(folder):
    return sorted(path.name for path in folder.iterdir())


def test_three_files_that_know_each_other(tmp_path):
    out = tmp_path / "new.keras"
    save(out)
    assert found(tmp_path) == NAMES
    assert history.read(out).rule == PAST.rule
    assert files.sha256(out) in (tmp_path / "new.md").read_text()


def test_failure_leaves_nothing_and_changes_nothing(tmp_path):
    out = tmp_path / "new.keras"
    save(out)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(RuntimeError):
        with outputs.reserved(out, {}, True) as reserved:
            reserved.model.write_bytes(b"half")
            raise RuntimeError
    assert {p: p.read_bytes() for p in tmp_path.iterdir()} == before


@pytest.mark.parametrize("name", NAMES)
def test_names_must_be_free(tmp_path, name):
    (tmp_path / name).write_bytes(b"mine")
    with pytest.raises(ValueError, match=f"{name} exists"):
        save(tmp_path / "new.keras")
    assert found(tmp_path) == [name]
    save(tmp_path / "new.keras", overwrite=True)
    assert found(tmp_path) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_inputs_are_never_overwritten(tmp_path, name):
    (tmp_path / name).write_bytes(b"data")
    with pytest.raises(ValueError, match="must differ from `--data`"):
        save(
            tmp_path / "new.keras",
            overwrite=True,
            inputs={"--data": tmp_path / name},
        )
    assert (tmp_path / name).read_bytes() == b"data"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("target", ["thesis.tex", "nowhere"])
def test_links_are_not_followed_nor_replaced(tmp_path, name, target):
    (tmp_path / "thesis.tex").write_text("precious")
    (tmp_path / name).symlink_to(tmp_path / target)
    with pytest.raises(ValueError):
        save(tmp_path / "new.keras", overwrite=True)
    assert (tmp_path / name).is_symlink()
    assert (tmp_path / "thesis.tex").read_text() == "precious"


def test_folder_must_exist(tmp_path):
    with pytest.raises(ValueError, match="must exist"):
        save(tmp_path / "none" / "new.keras")


WRITER = """
import os, pathlib, signal, sys
from tests.launch import test_outputs
out = pathlib.Path(sys.argv[1])
def kill(*_):
    os.kill(os.getpid(), signal.SIGKILL)
if sys.argv[2] == "model":
    from ws_keras.storage import files
    real = os.link
    os.link = lambda a, b: kill() if str(b) == str(out) else real(a, b)
with test_outputs.outputs.reserved(out, {}, False) as reserved:
    reserved.model.write_bytes(b"weights")
    if sys.argv[2] == "wait":
        print("ready", flush=True)
        sys.stdin.read()
    if sys.argv[2] == "training":
        kill()
    reserved.write(test_outputs.PAST, "Words.")
"""


def writer(out, when):
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(out), when],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("when", ["training", "model"])
def test_what_a_killed_writer_leaves_is_cleaned(tmp_path, when):
    out = tmp_path / "new.keras"
    assert writer(out, when).wait() == -signal.SIGKILL
    assert not out.exists()
    # A record and a report without their model are known as such.
    assert ("new.md" in found(tmp_path)) == (when == "model")
    save(out, b"later")
    assert found(tmp_path) == NAMES
    assert out.read_bytes() == b"later"


# Replaces a model, in one child for each file operation at which it is killed,
# and says what is there then.
REPLACER = """
import itertools, json, os, pathlib, shutil, signal, sys
from tests.launch import test_outputs
from ws_keras.data import history
folder = pathlib.Path(sys.argv[1])
real = {n: getattr(os, n) for n in test_outputs.OPERATIONS}
def count_down(left):
    def counted(operation):
        def run(*arguments, **keywords):
            nonlocal left
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)
            return operation(*arguments, **keywords)
        return run
    for name, operation in real.items():
        setattr(os, name, counted(operation))
def past_of(out):
    try:
        past = history.read(out)
    except history.Stale:
        return "of another model"
    return past and past.count
for kill_at in itertools.count(1):
    out = folder / str(kill_at) / "new.keras"
    out.parent.mkdir()
    out.write_bytes(b"old")
    if sys.argv[2] == "recorded":
        out.unlink()
        test_outputs.save(out, b"old")
    child = os.fork()
    if not child:
        count_down(kill_at)
        test_outputs.save(out, b"new", True, past=test_outputs.LATER)
        os._exit(0)
    ended = os.waitpid(child, 0)[1]
    found = [ended, out.read_bytes().decode(), past_of(out)]
    try:
        with test_outputs.outputs.reserved(out, {}, True):
            raise RuntimeError
    except RuntimeError:
        found += [past_of(out), len(test_outputs.found(out.parent))]
    print(json.dumps(found), flush=True)
    if not ended:
        break
"""
OPERATIONS = ("replace", "link", "unlink", "rename", "fsync", "open")
LATER = history.of(
    splits.Rule(), np.arange(5, dtype="uint64"), np.arange(1, 2), np.ones(9)
)


@pytest.mark.quick(1)
@pytest.mark.parametrize("old", [None, 4])
def test_a_record_describes_the_model_beside_it(tmp_path, old):
    """Also if its writer was killed while it replaced a model."""
    said = subprocess.run(
        [sys.executable, "-c", REPLACER, tmp_path, "recorded" if old else ""],
        stdout=subprocess.PIPE,
        check=True,
    ).stdout.splitlines()
    found = [json.loads(line) for line in said]
    assert [one[0] for one in found] == [9] * (len(found) - 1) + [0]
    counts = {"old": old, "new": 9}
    for _, model, past, again, _ in found:
        # Also after a later attempt has failed.
        assert past == again == counts[model], found
    assert {one[1] for one in found[:-1]} == {"old", "new"}
    assert found[-1][-1] == len(NAMES)


def test_half_of_a_removed_training_is_not_gone_on_with(tmp_path):
    out = tmp_path / "new.keras"
    half = tmp_path / ".new.abc.removed"
    (half / "rows").mkdir(parents=True)
    with outputs.reserved(out, {}, False) as reserved:
        training = reserved.training("abc")
        assert not half.exists() and not training.exists()
        training.mkdir()
        reserved.model.write_bytes(b"weights")
        reserved.write(PAST, "Words.")
    assert found(tmp_path) == NAMES


@pytest.mark.parametrize("other", [".new.1.abc.training", ".x.abc.training"])
def test_trainings_to_other_names_are_left_alone(tmp_path, other):
    """Also those to new.1.keras, and names that a pattern would match."""
    (tmp_path / other).mkdir()
    for name in ("new", "[nx]"):
        with outputs.reserved(tmp_path / f"{name}.keras", {}, False) as mine:
            mine.training("abc")
            mine.model.write_bytes(b"weights")
            mine.write(PAST, "Words.")
        assert (tmp_path / other).exists()


def test_a_training_is_kept_until_its_model_is_there(tmp_path):
    """Whatever happens to the record or the report."""
    out = tmp_path / "new.keras"
    with pytest.raises(OSError):
        with outputs.reserved(out, {}, False) as reserved:
            training = reserved.training("abc")
            training.mkdir()
            reserved.model.write_bytes(b"weights")
            reserved.write(PAST, "Words.")
            raise OSError
    assert training.exists()
    save(out)
    assert found(tmp_path) == NAMES


def test_two_at_once_to_one_name(tmp_path):
    out = tmp_path / "new.keras"
    first = writer(out, "wait")
    assert first.stdout.readline() == "ready\n"
    with pytest.raises(ValueError, match=f"process {first.pid}"):
        save(out, overwrite=True)
    first.communicate("")
    assert first.returncode == 0
    assert found(tmp_path) == NAMES
    assert out.read_bytes() == b"weights"


def test_a_name_taken_meanwhile_is_kept(tmp_path):
    out = tmp_path / "new.keras"
    with pytest.raises(FileExistsError):
        with outputs.reserved(out, {}, False) as reserved:
            reserved.model.write_bytes(b"weights")
            out.write_bytes(b"somebody else's")
    assert out.read_bytes() == b"somebody else's"
