"""Disks, folders and files that fail: clear words, and nothing is lost."""

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import time

import pytest

from ws_keras.results import rows
from ws_keras.training import checkpoint

from .conftest import Result
from .conftest import command


def try_mount() -> str:
    """Why a small file system cannot be mounted here, if it cannot."""
    if os.getuid() != 0:
        return "needs root"
    done = subprocess.run(
        ["unshare", "-m", "mount", "-t", "tmpfs", "tmpfs", "/mnt"],
        capture_output=True,
    )
    return "" if done.returncode == 0 else "needs the right to mount"


needs_mount = pytest.mark.skipif(bool(try_mount()), reason=try_mount())


@contextlib.contextmanager
def mounted(folder: pathlib.Path, size: str):
    """A file system of its own, which can fill up or become read-only."""
    folder.mkdir()
    options = ["-t", "tmpfs", "-o", f"size={size}", "tmpfs"]
    subprocess.run(["mount", *options, folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def finish(nursery, user, workdir, out) -> str:
    nursery.start(*command(user, workdir), out=out)
    assert nursery.wait() == 0, out.read_text()
    return out.read_text()


def check_sentence(text: str, *words: str) -> None:
    assert "Traceback" not in text
    last = text.strip().splitlines()[-1]
    for word in words:
        assert word in last, text


@needs_mount
def test_a_full_disk(nursery, user, whole, tmp_path):
    out = tmp_path / "out"
    with mounted(tmp_path / "disk", "3m") as disk:
        workdir = disk / "run"
        # Room for the first arm, but not for the second one's checkpoints.
        filler = disk / "filler"
        arguments = command(user, workdir, "--settings=cold")
        nursery.start(*arguments, "--noreport", out=out)
        assert nursery.wait() == 0, out.read_text()
        before = (workdir / "own/cold/seed0/rows.jsonl").read_bytes()
        free = shutil.disk_usage(disk).free
        filler.write_bytes(bytes(free - 3 * 4096))
        nursery.start(*command(user, workdir), out=out)
        assert nursery.wait() == 1, out.read_text()
        check_sentence(
            out.read_text(), "No space left on device", "the same command again"
        )
        assert (workdir / "own/cold/seed0/rows.jsonl").read_bytes() == before
        filler.unlink()
        finish(nursery, user, workdir, out)
        assert Result.of(workdir) == whole


def change_modes(workdir: pathlib.Path, folders: int, others: int) -> None:
    for path in [workdir, *workdir.rglob("*")]:
        path.chmod(folders if path.is_dir() else others)


@pytest.mark.slow
def test_a_workdir_that_becomes_read_only(nursery, user, whole, tmp_path):
    out, workdir = tmp_path / "out", tmp_path / "run"
    nursery.start(*command(user, workdir), out=out, obeys_modes=True)
    path = workdir / "own/cold/seed0/rows.jsonl"
    while not path.exists():
        time.sleep(0.02)
    change_modes(workdir, 0o555, 0o444)
    assert nursery.wait() == 1, out.read_text()
    check_sentence(
        out.read_text(), "Permission denied", "the same command again"
    )
    change_modes(workdir, 0o755, 0o644)
    finish(nursery, user, workdir, out)
    assert Result.of(workdir) == whole


def interrupted(nursery, user, workdir, out) -> None:
    """A run that was killed in the second round of its second arm."""
    pid = nursery.start(*command(user, workdir), out=out)
    path = workdir / "own/warm/seed0/rows.jsonl"
    while not path.exists() or not rows.scan(path).records:
        time.sleep(0.02)
    os.kill(pid, signal.SIGKILL)
    assert nursery.wait() == -signal.SIGKILL


@pytest.mark.slow
def test_data_that_vanish(nursery, user, whole, tmp_path):
    out, workdir = tmp_path / "out", tmp_path / "run"
    interrupted(nursery, user, workdir, out)
    kept = {p: p.read_bytes() for p in workdir.rglob("*.jsonl")}
    (user / "own.npz").rename(user / "away.npz")
    nursery.start(*command(user, workdir), out=out)
    status = nursery.wait()
    (user / "away.npz").rename(user / "own.npz")
    assert status == 1
    check_sentence(out.read_text(), "own.npz", "no such file")
    assert {p: p.read_bytes() for p in workdir.rglob("*.jsonl")} == kept
    finish(nursery, user, workdir, out)
    assert Result.of(workdir) == whole


@pytest.mark.slow
@pytest.mark.parametrize("damaged", [1, 2])
def test_damaged_checkpoints(nursery, user, whole, tmp_path, damaged):
    """The one before it is used, or the setting begins afresh."""
    out, workdir = tmp_path / "out", tmp_path / "run"
    interrupted(nursery, user, workdir, out)
    paths = checkpoint.paths(workdir / "own/warm/seed0")
    for path in paths[:damaged]:
        path.write_bytes(path.read_bytes()[:-100])
    text = finish(nursery, user, workdir, out)
    for path in paths[:damaged]:
        assert f"Received: {path}, which is damaged." in text
    assert ("goes on " in text) == (len(paths) > damaged)
    assert Result.of(workdir) == whole


@pytest.mark.slow
@pytest.mark.parametrize("where", ["row", "line end", "file"])
def test_truncated_rows(nursery, user, whole, tmp_path, where):
    out, workdir = tmp_path / "out", tmp_path / "run"
    interrupted(nursery, user, workdir, out)
    path = workdir / "own/warm/seed0/rows.jsonl"
    content = path.read_bytes()
    length = {"row": 40, "line end": len(content) - 1, "file": 0}[where]
    path.write_bytes(content[:length])
    finish(nursery, user, workdir, out)
    assert Result.of(workdir) == whole


@pytest.mark.slow
def test_a_damaged_line_before_the_last(nursery, user, whole, tmp_path):
    """That setting is left as it is, and the others run to their end."""
    out, workdir = tmp_path / "out", tmp_path / "run"
    interrupted(nursery, user, workdir, out)
    path = workdir / "own/warm/seed0/rows.jsonl"
    content = b"?" + path.read_bytes()[1:]
    path.write_bytes(content)
    nursery.start(*command(user, workdir), out=out)
    assert nursery.wait() == 1
    check_sentence(
        out.read_text(),
        "Rows of 1 of 3 settings cannot be read",
        f"{path}, line 1",
        "Move the file away",
    )
    assert path.read_bytes() == content
    third = "own/shrink_perturb-0.5-0.1/seed0/rows.jsonl"
    assert rows.read(workdir / third)[-1].last
    path.rename(tmp_path / "away")
    finish(nursery, user, workdir, out)
    assert Result.of(workdir) == whole


@pytest.mark.slow
def test_a_clock_that_jumps(nursery, user, whole, tmp_path):
    """Days forth and back between any two looks at the time of day."""
    out, workdir = tmp_path / "out", tmp_path / "run"
    nursery.start(*command(user, workdir), out=out, clock_jumps=True)
    assert nursery.wait() == 0, out.read_text()
    assert Result.of(workdir) == whole
    for path in rows.find(workdir):
        for row in rows.read(path):
            assert 0 < row.train_seconds < 100
            assert 0 <= row.trace_seconds < 100
