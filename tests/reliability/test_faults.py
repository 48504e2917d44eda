"""Disks, folders and files that fail: clear words, and nothing is lost."""

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

import pytest

from ws_keras.storage import checkpoint
from ws_keras.storage import rows

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


@pytest.mark.slow
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


@needs_mount
@pytest.mark.slow
def test_a_disk_that_the_system_takes_writing_from(
    nursery, user, whole, tmp_path
):
    """An ext4 that meets an error of its own while a run trains."""
    out, disk = tmp_path / "out", tmp_path / "disk"
    image = tmp_path / "image"
    with open(image, "wb") as file:
        file.truncate(60_000_000)
    disk.mkdir()
    workdir = disk / "run"
    with on_a_loop(image, disk) as trigger:
        nursery.start(*command(user, workdir), out=out)
        path = workdir / "own/cold/seed0/rows.jsonl"
        while not path.exists() or not rows.scan(path).records:
            time.sleep(0.02)
        trigger.write_text("1")
        assert nursery.wait() == 1, out.read_text()
        words = "Read-only file system", "the same command again"
        check_sentence(out.read_text(), *words)
        nursery.start(*command(user, workdir), out=out)
        assert nursery.wait() == 1
        check_sentence(out.read_text(), "Read-only file system")
    with on_a_loop(image, disk):
        finish(nursery, user, workdir, out)
        assert Result.of(workdir) == whole


@contextlib.contextmanager
def on_a_loop(image: pathlib.Path, disk: pathlib.Path):
    """Mounts an image, and gives the file that lets its file system fail."""
    is_new = subprocess.run(["e2fsck", "-fy", image], capture_output=True)
    if is_new.returncode > 2:
        subprocess.run(["mkfs.ext4", "-q", image], check=True)
    mount = ["mount", "-o", "loop,errors=remount-ro", image, disk]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("needs loop devices")
    try:
        find = ["findmnt", "-n", "-o", "SOURCE", disk]
        found = subprocess.run(find, check=True, capture_output=True, text=True)
        name = pathlib.Path(found.stdout.strip()).name
        yield pathlib.Path("/sys/fs/ext4", name, "trigger_fs_error")
    finally:
        subprocess.run(["umount", disk], check=True)


@pytest.mark.slow
def test_a_folder_without_locks(nursery, user, whole, tmp_path):
    """As NFS without its lock daemon: one command, to the same end."""
    out, workdir = tmp_path / "out", tmp_path / "run"
    nursery.start(*command(user, workdir), out=out, without_locks=True)
    path = workdir / "own/warm/seed0/rows.jsonl"
    while not path.exists():
        time.sleep(0.02)
    os.kill(nursery.running, signal.SIGKILL)
    assert nursery.wait() == -signal.SIGKILL
    nursery.start(*command(user, workdir), out=out, without_locks=True)
    assert nursery.wait() == 0, out.read_text()
    assert Result.of(workdir) == whole


NOBODY = 65534
needs_root = pytest.mark.skipif(os.getuid() != 0, reason="needs root")


@pytest.fixture
def theirs():
    """A folder of another user, on a way that everybody may go."""
    with tempfile.TemporaryDirectory() as folder:
        os.chown(folder, NOBODY, NOBODY)
        yield pathlib.Path(folder)


@needs_root
@pytest.mark.slow
def test_another_user_with_a_strict_umask(nursery, user, whole, theirs):
    workdir, out = theirs / "run", theirs / "out"
    options = {"user": NOBODY, "umask": 0o077}
    nursery.start(*command(user, workdir), out=out, **options)
    assert nursery.wait() == 0, out.read_text()
    assert Result.of(workdir) == whole
    for path in [workdir, *workdir.rglob("*")]:
        status = path.stat()
        assert (status.st_uid, status.st_mode & 0o077) == (NOBODY, 0), path


@pytest.mark.slow
@needs_root
def test_a_workdir_of_somebody_else(nursery, user, theirs):
    """One sentence, and nothing of it is changed; its numbers are shown."""
    workdir = theirs / "run"
    done = nursery.run(*command(user, workdir, "--noreport"))
    assert done.returncode == 0, done.stderr
    before = {p: p.stat().st_mtime_ns for p in workdir.rglob("*")}
    done = nursery.run(*command(user, workdir), user=NOBODY)
    assert done.returncode == 1
    check_sentence(done.stderr, str(workdir), "Permission denied")
    done = nursery.run(
        f"--workdir={workdir}", command="launch.report", user=NOBODY
    )
    assert done.returncode == 1
    check_sentence(done.stderr, str(workdir / "report"), "Permission denied")
    assert "| cold" in done.stdout
    assert {p: p.stat().st_mtime_ns for p in workdir.rglob("*")} == before


@needs_root
@pytest.mark.slow
def test_a_file_of_somebody_else_in_ones_own_workdir(
    nursery, user, whole, theirs
):
    workdir, out = theirs / "run", theirs / "out"
    interrupted(nursery, user, workdir, out)
    subprocess.run(["chown", "-R", f"{NOBODY}", workdir], check=True)
    path = workdir / "own/warm/seed0/epochs.jsonl"
    os.chown(path, 0, 0)
    before = path.stat()
    nursery.start(*command(user, workdir), out=out, user=NOBODY)
    assert nursery.wait() == 0, out.read_text()
    assert Result.of(workdir) == whole
    # It was not written to: another one has its name.
    assert path.stat().st_ino != before.st_ino


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
    assert ("continues " in text) == (len(paths) > damaged)
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
        "Cannot read rows of 1 of 3 settings",
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
