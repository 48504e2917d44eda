"""What is opened is a regular file, and nothing behind a link."""

import os
import socket
import subprocess

import pytest

from ws_keras.storage import regular


def make(kind, path, tmp_path):
    if kind == "link":
        (tmp_path / "secret").write_bytes(b"thesis")
        path.symlink_to(tmp_path / "secret")
    elif kind == "dangling":
        path.symlink_to(tmp_path / "nowhere")
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "socket":
        socket.socket(socket.AF_UNIX).bind(str(path))
    else:
        os.symlink("/dev/zero", path)


KINDS = ["link", "dangling", "pipe", "socket", "device"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "flags", [os.O_RDONLY, os.O_RDWR, os.O_WRONLY | os.O_APPEND | os.O_CREAT]
)
def test_other_things_are_refused_at_once(tmp_path, kind, flags):
    path = tmp_path / "rows.jsonl"
    make(kind, path, tmp_path)
    with pytest.raises(regular.Irregular, match="regular file.*Received: a"):
        regular.opened(path, flags)
    assert not (tmp_path / "nowhere").exists()
    if kind == "link":
        assert (tmp_path / "secret").read_bytes() == b"thesis"


def test_a_device_is_refused_by_its_own_name():
    with pytest.raises(regular.Irregular, match="Received: a device"):
        regular.read("/dev/zero")


@pytest.mark.parametrize("flags", [os.O_RDONLY, os.O_RDWR])
def test_a_folder_is_the_systems_error(tmp_path, flags):
    with pytest.raises(IsADirectoryError) as error:
        regular.opened(tmp_path, flags)
    assert error.value.filename == str(tmp_path)


def test_regular_files_are_read(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(bytes(range(256)) * 9000)
    assert regular.read(path) == path.read_bytes()
    assert len(regular.read(path, 256 * 9000)) == 256 * 9000
    with pytest.raises(regular.Irregular, match="at most 2,303,999 bytes"):
        regular.read(path, 256 * 9000 - 1)
    with pytest.raises(FileNotFoundError):
        regular.read(tmp_path / "missing")


def test_new_files_obey_the_umask(tmp_path):
    before = os.umask(0o077)
    try:
        new = os.O_WRONLY | os.O_CREAT
        os.close(regular.opened(tmp_path / "new", new))
    finally:
        os.umask(before)
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o600


def test_no_part_of_the_way_is_a_link(tmp_path):
    """The root may be one; what does not exist yet is no link."""
    inside = tmp_path / "run"
    (inside / "a/b").mkdir(parents=True)
    root = tmp_path / "linked"
    root.symlink_to(inside)
    for path in ("a/b/rows.jsonl", "a/b", "new/folder", "."):
        regular.check_below(root, root / path)
    (inside / "a/away").symlink_to(tmp_path)
    (inside / "gone").symlink_to(tmp_path / "gone")
    for path in ("a/away", "a/away/new/rows.jsonl", "gone", "gone/x"):
        with pytest.raises(regular.Irregular, match="one. .* link to it"):
            regular.check_below(root, root / path)


def test_locks_exclude_and_are_shared(tmp_path):
    path = tmp_path / "lock"
    handles = [os.open(path, os.O_RDWR | os.O_CREAT, 0o600) for _ in range(3)]
    assert regular.lock(handles[0], shared=True)
    assert regular.lock(handles[1], shared=True)
    with pytest.raises(BlockingIOError):
        regular.lock(handles[2])
    for handle in handles:
        os.close(handle)


def test_a_path_that_names_another_file(tmp_path):
    path = tmp_path / "file"
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    assert regular.is_file(handle, path)
    path.unlink()
    assert not regular.is_file(handle, path)
    path.touch()
    assert not regular.is_file(handle, path)
    os.close(handle)


def test_walking_is_bounded_and_follows_no_link(tmp_path):
    (tmp_path / "a/b/c/d").mkdir(parents=True)
    (tmp_path / "a/b/c/d/file").touch()
    (tmp_path / "a/file").touch()
    (tmp_path / "a-b").mkdir()
    (tmp_path / "again").symlink_to(tmp_path)
    found = [
        (os.path.relpath(entry.path, tmp_path), deep)
        for entry, deep in regular.walk(tmp_path, depth=3)
    ]
    assert found == [
        ("a", False),
        ("a/b", False),
        ("a/b/c", True),
        ("a/file", False),
        ("a-b", False),
        ("again", False),
    ]
    assert list(regular.walk(tmp_path / "missing", 3)) == []


def test_a_thousand_nested_folders(tmp_path, monkeypatch):
    """More than Python's frames, and longer than a path may be."""
    monkeypatch.chdir(tmp_path)
    for _ in range(1500):
        os.mkdir("deep")
        os.chdir("deep")
    os.chdir(tmp_path)
    found = list(regular.walk(tmp_path, 10_000))
    shallow = list(regular.walk(tmp_path, 20))
    # What removes folders of tests is not made for such ones.
    subprocess.run(["rm", "-rf", tmp_path / "deep"], check=True)
    assert 700 < len(found) <= 1500
    assert [deep for _, deep in shallow] == [False] * 19 + [True]
