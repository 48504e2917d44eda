"""Files appear whole or not at all, whoever else writes or is killed."""

import errno
import hashlib
import os
import signal
import subprocess
import sys
import threading

import pytest

from ws_keras.storage import files
from ws_keras.storage import regular

WRITER = """
import os, sys, time
from ws_keras.storage import files
with files.at_once(sys.argv[1]) as file:
    file.write(b"half")
    file.flush()
    print("begun", flush=True)
    sys.stdin.readline()
"""


def names(folder):
    return sorted(os.listdir(folder))


def writer(path):
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "begun\n"
    return process


def test_the_old_file_stays_until_the_new_one_is_whole(tmp_path):
    path = tmp_path / "run.json"
    path.write_bytes(b"old")
    with files.at_once(path) as file:
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    assert names(tmp_path) == ["run.json"]


def test_a_block_that_fails_leaves_nothing(tmp_path):
    path = tmp_path / "run.json"
    path.write_bytes(b"old")
    with pytest.raises(KeyError), files.at_once(path) as file:
        file.write(b"new")
        raise KeyError
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["run.json"]


@pytest.mark.parametrize("target", ["secret", "nowhere"])
def test_a_link_is_neither_followed_nor_replaced(tmp_path, target):
    (tmp_path / "secret").write_bytes(b"thesis")
    path = tmp_path / "page.md"
    path.symlink_to(tmp_path / target)
    with pytest.raises(regular.Irregular, match="a link"):
        with files.at_once(path) as file:
            file.write(b"new")
    assert path.is_symlink() and not (tmp_path / "nowhere").exists()
    assert (tmp_path / "secret").read_bytes() == b"thesis"
    assert names(tmp_path) == ["page.md", "secret"]


def test_a_link_that_comes_in_between_is_not_replaced(tmp_path):
    path = tmp_path / "page.md"
    with pytest.raises(regular.Irregular), files.at_once(path) as file:
        file.write(b"new")
        path.symlink_to(tmp_path / "nowhere")
    assert names(tmp_path) == ["page.md"] and path.is_symlink()


def test_exclusive_creation_has_one_winner(tmp_path):
    path, failed = tmp_path / "model.keras", []
    barrier = threading.Barrier(8)

    def write(number):
        try:
            with files.at_once(path, exclusive=True) as file:
                file.write(b"%d" % number)
                barrier.wait()
        except FileExistsError as error:
            failed.append(error.filename)

    threads = [threading.Thread(target=write, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == [str(path)] * 7
    assert path.read_bytes() in [b"%d" % number for number in range(8)]
    assert names(tmp_path) == ["model.keras"]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            OSError(errno.ENOSPC, "No space left"),
            r"No space left.*model\.keras",
        ),
        (OSError("the server is gone"), "^the server is gone$"),
    ],
)
def test_errors_keep_their_text(tmp_path, error, said):
    with pytest.raises(OSError, match=said):
        with files.at_once(tmp_path / "model.keras"):
            raise error
    assert names(tmp_path) == []


def test_exclusive_creation_without_hard_links(tmp_path, monkeypatch):
    """As on FAT, which none is mounted of here."""

    def link(*_, **__):
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", link)
    path = tmp_path / "model.keras"
    with files.at_once(path, exclusive=True) as file:
        file.write(b"first")
    with pytest.raises(FileExistsError):
        with files.at_once(path, exclusive=True) as file:
            file.write(b"second")
    assert path.read_bytes() == b"first"
    assert names(tmp_path) == ["model.keras"]


def test_parts_of_killed_writers_alone_are_removed(tmp_path):
    path = tmp_path / "model.keras"
    (tmp_path / ".model.keras.notes").write_bytes(b"the user's")
    (tmp_path / ".model.keras.backup.12-abcdef01").write_bytes(b"so is this")
    kept = names(tmp_path)
    with writer(path) as dead, writer(path) as alive:
        dead.send_signal(signal.SIGKILL)
        dead.wait()
        (removed,) = files.clean(path)
        assert f".{dead.pid}-" in removed.name
        assert removed.suffix == ".keras"
        assert len(names(tmp_path)) == len(kept) + 1
        alive.stdin.write("\n")
        alive.stdin.flush()
        assert alive.wait() == 0
    assert files.clean(path) == []
    assert names(tmp_path) == [*kept, "model.keras"]
    assert path.read_bytes() == b"half"


def test_without_locks_no_part_is_removed(tmp_path, monkeypatch):
    """A writer that lives could not be told from one that was killed."""

    def flock(*_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(regular.fcntl, "flock", flock)
    part = tmp_path / ".model.keras.12-abcdef01.keras"
    part.touch()
    assert files.clean(tmp_path / "model.keras") == []
    assert part.exists()
    with files.at_once(tmp_path / "model.keras") as file:
        file.write(b"new")
    assert (tmp_path / "model.keras").read_bytes() == b"new"


def test_a_program_that_takes_paths_alone(tmp_path):
    path = tmp_path / "model.keras"
    with files.part_of(path) as part:
        assert part.parent == tmp_path and part.suffix == ".keras"
        part.write_bytes(b"weights")
        assert not path.exists()
    assert path.read_bytes() == b"weights"
    digest = hashlib.sha256(b"weights").hexdigest()
    assert files.sha256(path) == digest


def test_the_longest_name_can_be_written(tmp_path):
    path = tmp_path / ("x" * 255)
    with files.at_once(path) as file:
        file.write(b"new")
    assert names(tmp_path) == [path.name]
    with writer(path) as process:
        process.kill()
        process.wait()
    assert len(files.clean(path)) == 1


@pytest.mark.parametrize("letter", ["a", "é", "語"])
def test_names_are_cut_with_a_hash(letter):
    assert files.short(letter * 40, 200) == letter * 40
    names = [files.short(letter * n, 200) for n in (300, 301)]
    assert names[0] != names[1]
    for name in names:
        assert 180 < len(name.encode()) <= 200
        assert name.startswith(letter * 40)
    odd = [files.short("\ud800" * n, 200) for n in (300, 301)]
    assert odd[0] != odd[1]
