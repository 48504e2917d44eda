"""Links and other things in a workdir: refused, and never gone through."""

import os
import subprocess
import sys

import pytest

from ws_keras.report import writing
from ws_keras.storage import rows
from ws_keras.storage import workdir as workdirs

from .conftest import ARMS
from .conftest import command

SETTINGS = tuple(f"own/{arm}/seed0" for arm in ARMS)
SECRET = "chapter 1\n"


def sampled(names, values, *chosen):
    """All values; those that are not chosen are slow."""
    return pytest.mark.parametrize(
        names,
        [
            pytest.param(*value, marks=() if value in chosen else SLOW)
            for value in values
        ],
    )


SLOW = pytest.mark.slow


@pytest.fixture
def secret(tmp_path):
    """A file of the user's that nobody but the user may change."""
    path = tmp_path / "thesis.tex"
    path.write_text(SECRET)
    yield path
    assert path.read_text() == SECRET
    assert not (tmp_path / "nowhere").exists()


def run(nursery, user, workdir, *more):
    return nursery.run(*command(user, workdir), *more)


def check_refused(done, path, *words):
    assert done.returncode == 1, done.stdout
    (sentence,) = done.stderr.strip().splitlines()
    assert str(path) in sentence
    for word in words:
        assert word in sentence


@sampled(
    "name, kind",
    [
        (name, kind)
        for name in (".lock", ".in_use", "own/cold/seed0/.lock")
        for kind in ("link", "hard link", "dangling", "pipe")
    ],
    (".lock", "link"),
    (".in_use", "hard link"),
)
def test_a_lock_is_no_way_to_other_files(
    nursery, user, tmp_path, secret, name, kind
):
    """Also where the run is then refused for its config."""
    workdir = tmp_path / "run"
    folder = workdirs.Workdir(workdir)
    folder.prepare({"experiment": "another"}, {})
    path = workdir / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    if kind == "hard link":
        os.link(secret, path)
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to(secret if kind == "link" else tmp_path / "nowhere")
    check_refused(run(nursery, user, workdir), workdir, "another config")
    with pytest.raises(ValueError):
        with folder.used({"experiment": "another"}, {"k": "1"}):
            pass
    if kind == "hard link":
        return
    if name == ".in_use":
        with pytest.raises(ValueError, match="regular file"):
            with folder.used({"experiment": "another"}, {}):
                pass
    with pytest.raises(ValueError, match="regular file"):
        folder.prepare({"experiment": "another"}, {}, overwrite=True)


@pytest.fixture(scope="module")
def finished(nursery, user, tmp_path_factory):
    """A workdir whose settings are all finished."""
    workdir = tmp_path_factory.mktemp("finished") / "run"
    done = run(nursery, user, workdir)
    assert done.returncode == 0, done.stderr
    return workdir


@pytest.fixture
def copied(finished, tmp_path):
    """A copy of it."""
    subprocess.run(["cp", "-a", finished, tmp_path / "run"], check=True)
    return tmp_path / "run"


@pytest.mark.slow
@sampled(
    "part, is_there",
    [
        (part, is_there)
        for part in ("own", "own/cold", "own/cold/seed0")
        for is_there in (True, False)
    ],
    ("own/cold/seed0", True),
)
def test_a_setting_that_was_moved_and_linked_back(
    nursery, user, copied, tmp_path, part, is_there
):
    """Refused by whoever reads, in words that say the way out."""
    place = copied / part
    place.rename(tmp_path / "disk")
    place.symlink_to(tmp_path / ("disk" if is_there else "unmounted"))
    refused = run(nursery, user, copied)
    check_refused(refused, place, "link", "Put the files themselves there")
    with pytest.raises(ValueError, match="Nothing below .* may be a link"):
        writing.write(copied)
    assert not (tmp_path / "unmounted").exists()


def test_the_whole_workdir_may_be_a_link(nursery, user, copied, tmp_path):
    linked = tmp_path / "linked"
    linked.symlink_to(copied)
    done = run(nursery, user, linked)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("finished before, skipped") == 3
    assert writing.write(linked).problems == []


def test_a_link_beside_the_settings_is_named(copied, secret):
    (copied / "notes").symlink_to(copied.parent)
    (copied / "thesis.tex").symlink_to(secret)
    written = writing.write(copied)
    assert written.problems == [
        f"{copied / 'notes'} is a link; it is left out, because links are "
        "not followed."
    ]


@sampled("name", [(rows.ROWS,), (rows.EPOCHS,)], (rows.ROWS,))
def test_a_linked_line_file_quotes_nothing(nursery, user, copied, secret, name):
    path = copied / SETTINGS[0] / name
    path.unlink()
    path.symlink_to(secret)
    refused = run(nursery, user, copied)
    check_refused(refused, path, "link")
    with pytest.raises(ValueError) as error:
        writing.write(copied)
    assert "chapter" not in refused.stderr + str(error.value)


@sampled(
    "name, kind",
    [
        (name, kind)
        for name in (rows.ROWS, rows.EPOCHS, "run.json")
        for kind in ("pipe", "device", "folder")
    ],
    (rows.ROWS, "pipe"),
    ("run.json", "device"),
)
def test_special_files_are_not_read(nursery, user, copied, name, kind):
    """None of them blocks, and none has no end."""
    place = copied / (name if name == "run.json" else f"{SETTINGS[0]}/{name}")
    place.unlink()
    if kind == "pipe":
        os.mkfifo(place)
    elif kind == "folder":
        place.mkdir()
    else:
        make_device(place)
    done = run(nursery, user, copied)
    assert done.returncode == 1 and str(place) in done.stderr
    assert "Traceback" not in done.stderr
    try:
        problems = writing.write(copied).problems
    except ValueError as error:
        problems = [str(error)]
    assert any(str(place) in problem for problem in problems)


def make_device(path):
    try:
        os.mknod(path, 0o20666, os.makedev(1, 5))  # /dev/zero
        os.close(os.open(path, os.O_RDONLY))
    except PermissionError:
        pytest.skip("needs the right to make and open devices")


@sampled("target", [("file",), ("dangling",), ("folder",)], ("folder",))
def test_figures_and_pages_are_no_way_to_other_files(
    copied, secret, tmp_path, target
):
    folder = copied / "report"
    names = sorted(path.name for path in folder.iterdir())
    assert any(name.endswith(".png") for name in names)
    if target == "folder":
        elsewhere = tmp_path / "elsewhere"
        folder.rename(elsewhere)
        before = {p: p.stat().st_mtime_ns for p in elsewhere.iterdir()}
        folder.symlink_to(elsewhere)
        with pytest.raises(writing.Unwritten, match="link") as error:
            writing.write(copied)
        assert "shrink_perturb 0.5/0.1" in error.value.said
        assert before == {p: p.stat().st_mtime_ns for p in elsewhere.iterdir()}
        return
    for name in names:
        path = folder / name
        path.unlink()
        path.symlink_to(secret if target == "file" else tmp_path / "nowhere")
        if name.endswith((".png", ".svg")):
            (problem,) = writing.write(copied).problems
            assert "could not be drawn" in problem and "link" in problem
        else:
            with pytest.raises(writing.Unwritten, match="a link"):
                writing.write(copied)
        path.unlink()


@pytest.mark.slow
def test_two_reports_at_once_tear_no_figure(copied):
    """Whoever looks sees a whole file at any instant."""
    script = (
        "import sys\nfrom ws_keras.report import writing\n"
        "for _ in range(2):\n    writing.write(sys.argv[1])\n"
    )
    figures = sorted((copied / "report").glob("*.png"))
    writers = [
        subprocess.Popen([sys.executable, "-c", script, str(copied)])
        for _ in range(2)
    ]
    while any(writer.poll() is None for writer in writers):
        for path in figures:
            content = path.read_bytes()
            assert content.startswith(b"\x89PNG")
            assert content.endswith(b"IEND\xaeB`\x82")
    assert [writer.wait() for writer in writers] == [0, 0]
    assert not [p for p in (copied / "report").iterdir() if p.name[0] == "."]


@pytest.mark.slow
def test_folders_without_end(copied):
    """1,500 of them in each other: named, and nothing is lost."""
    depth = copied.joinpath("own", *"x" * 30)
    depth.mkdir(parents=True)
    before = os.getcwd()
    os.chdir(depth)
    try:
        for _ in range(1500):
            os.mkdir("deep")
            os.chdir("deep")
    finally:
        os.chdir(before)
    try:
        (problem,) = writing.write(copied).problems
        folder = workdirs.Workdir(copied)
        run_ = folder.load()
        folder.prepare(run_["config"], run_["versions"], overwrite=True)
    finally:
        subprocess.run(["rm", "-rf", copied / "own/x"], check=True)
        old = copied.with_name("run.old-1")
        subprocess.run(["rm", "-rf", old / "own/x"], check=True)
    assert "too many folders" in problem
    assert (old / SETTINGS[0] / rows.ROWS).exists()


@pytest.mark.slow
def test_a_link_that_comes_while_a_run_trains(nursery, user, tmp_path, secret):
    """The folder that is written to becomes another between two rounds."""
    workdir, elsewhere = tmp_path / "run", tmp_path / "elsewhere"
    out = tmp_path / "out"
    nursery.start(*command(user, workdir), out=out)
    place = workdir / "own/cold/seed0"
    while not (place / rows.ROWS).exists():
        pass
    place.rename(tmp_path / "kept")
    elsewhere.mkdir()
    place.symlink_to(elsewhere)
    assert nursery.wait() == 1, out.read_text()
    assert "may be a link" in out.read_text()
    assert "Traceback" not in out.read_text()
    assert list(elsewhere.iterdir()) == []
