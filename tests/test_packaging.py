"""The wheel, installed and used from an empty folder."""

import os
import pathlib
import shutil
import subprocess
import sys
import zipfile

import pytest

ROOT = pathlib.Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    # A copy, so that the build leaves nothing in the checkout.
    left_out = shutil.ignore_patterns(
        ".*", "build", "runs", "results/*/events*", "*.egg-info"
    )
    shutil.copytree(ROOT, source, ignore=left_out)
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps"]
        + ["--no-build-isolation", "-w", str(folder), str(source)],
        check=True,
    )
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """A fresh environment that borrows only the dependencies."""
    folder = tmp_path_factory.mktemp("fresh")
    subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", str(folder)],
        check=True,
    )
    python = folder / "bin/python"
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", str(python), "install"]
        + ["-q", "--no-deps", "--no-index", str(wheel)],
        check=True,
    )
    (packages,) = folder.glob("lib/python*/site-packages")
    # Behind the environment's own; `site` does not follow the .pth files of
    # this folder, so an editable install there stays out.
    borrowed = [path for path in sys.path if path.endswith("site-packages")]
    (packages / "borrowed.pth").write_text("\n".join(borrowed) + "\n")
    return folder


def test_names_at_the_top_of_site_packages(wheel):
    with zipfile.ZipFile(wheel) as file:
        names = {name.split("/")[0] for name in file.namelist()}
    assert {n for n in names if not n.endswith(".dist-info")} == {"ws_keras"}


def test_wheel_holds_commands_configs_and_the_papers_numbers(wheel):
    with zipfile.ZipFile(wheel) as file:
        names = set(file.namelist())
    for part in ("launch/run.py", "configs/quickstart.py"):
        assert f"ws_keras/{part}" in names
    assert {
        "ws_keras/report/paper.csv",
        "ws_keras/report/render/page.css",
        "ws_keras/report/render/page.js",
    } <= names
    parts = {part for name in names for part in name.split("/")}
    assert not [part for part in parts if part.startswith("test")]


@pytest.mark.quick(every=2)
@pytest.mark.parametrize(
    "command, words, lines",
    [
        (["ws-run", "--config=quickstart", "--list"], "quickstart/warm/", 17),
        (["ws-run", "--help"], "ws-run --config=quickstart", None),
        (["ws-report", "--help"], "ws-report --workdir=", None),
        (["ws-retrain", "--help"], "ws-retrain --model=", None),
        (["ws-sweep", "--help"], "ws-sweep --config=quickstart", None),
        (
            ["ws-sweep", "--config=quickstart", "--workdir=x"]
            + ["--launcher=slurm", "--dry-run"],
            "-m ws_keras.launch.run --config=",
            31,
        ),
    ],
)
def test_commands_run_from_an_empty_folder(
    installed, tmp_path, command, words, lines
):
    # Those that these tests run with would be in the script for Slurm.
    environment = {
        k: v
        for k, v in os.environ.items()
        if k != "PYTHONPATH" and not k.startswith("TF_")
    }
    name, *arguments = command
    done = subprocess.run(
        [str(installed / "bin" / name), *arguments],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == "" and words in done.stdout
    assert lines is None or len(done.stdout.splitlines()) == lines
    if "--help" in command:
        assert "python -m" not in done.stdout and "launch." not in done.stdout
    assert list(tmp_path.iterdir()) == []


EXECUTE = r"""
import re
import sys

import nbclient
import nbformat

notebook = nbformat.read(sys.argv[1], as_version=4)
for cell in notebook.cells:
    if cell.cell_type == "code":  # IPython goes on after a command that failed
        checked = r"\1\n\2assert not _exit_code, _exit_code"
        cell.source = re.sub(r"(?m)^(( *)!.+)$", checked, cell.source)
nbclient.NotebookClient(notebook, timeout=1200).execute()
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    sorted(
        path.stem
        for path in (ROOT / "docs").rglob("*.md")
        if "file_format: mystnb" in path.read_text(encoding="utf8")
    ),
)
def test_guides_run_as_notebooks_in_an_empty_folder(
    installed, tmp_path, tmp_path_factory, name
):
    pytest.importorskip("jupytext")
    notebooks = tmp_path_factory.mktemp("notebooks")
    script = ROOT / "docs/guide_notebooks.py"
    subprocess.run([sys.executable, str(script), str(notebooks)], check=True)
    path = notebooks / f"{name}.ipynb"
    text = path.read_text(encoding="utf8")
    assert "_notebooks/" not in text and ".md)" not in text
    # Jupyter may have been started without the environment's commands.
    folders = ["/usr/bin", "/bin"]
    done = subprocess.run(
        [str(installed / "bin/python"), "-c", EXECUTE, str(path)],
        cwd=tmp_path,
        env={**os.environ, "PATH": os.pathsep.join(folders)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
