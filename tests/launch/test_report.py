"""`python -m launch.report` prints tables, or one sentence and status 1."""

import json
import os
import pathlib
import resource
import subprocess
import sys

import pytest

from ws_keras.storage import checkpoint
from ws_keras.storage import rows
from ws_keras.storage import workdir

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]


def _command(*arguments, **options):
    return subprocess.run(
        [sys.executable, "-m", "launch.report", *arguments],
        capture_output=True,
        text=True,
        encoding="utf8",
        cwd=CHECKOUT,
        check=False,
        **options,
    )


@pytest.fixture
def run_folder(tmp_path):
    folder = workdir.Workdir(tmp_path / "run")
    folder.prepare({"experiment": "quickstart"}, {"keras": "3.15.1"})
    for arm, accuracy in (("cold", 60.0), ("warm", 55.5)):
        setting = f"quickstart/{arm}/seed0"
        row = rows.Row(
            setting=setting,
            experiment="quickstart",
            arm=arm,
            shrink=float(arm == "warm"),
            perturb=float(arm == "cold"),
            seed=0,
            round=1,
            num_samples=500,
            epochs=4,
            steps=32,
            sample_passes=2000,
            train_seconds=1.0,
            trace_seconds=1.0,
            eval_seconds=1.0,
            train_accuracy=99.5,
            accuracy=accuracy,
            loss=0.1,
            eval_loss=1.0,
            stopped_by="threshold",
            last=True,
            dataset="textures",
            model="resnet18",
            optimizer="adam",
        )
        rows.append(folder.rows_path(setting), row)
    return folder.path


def test_prints_summary_and_paths(run_folder):
    done = _command(f"--workdir={run_folder}")
    assert (done.returncode, done.stderr) == (0, "")
    assert "−4.5" in done.stdout
    assert done.stdout.splitlines()[-1].endswith("report/report.md")
    assert (run_folder / "report" / "report.md").exists()
    assert (run_folder / "report" / "report.html").exists()


def test_rows_that_cannot_be_opened_are_named(run_folder):
    path = run_folder / "quickstart/cold/seed0/rows.jsonl"
    path.unlink()
    path.mkdir()
    done = _command(f"--workdir={run_folder}")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"Not shown: {path}: Is a directory; left out." in done.stdout


def test_what_the_system_refuses_is_a_sentence(tmp_path):
    """A name that is too long stands for a disk that fails."""
    done = _command(f"--workdir={tmp_path / ('x' * 300)}")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1 and "Cannot access" in done.stderr


def test_without_room_for_the_page_no_older_one_stays(run_folder):
    page = run_folder / "report" / "report.html"
    page.parent.mkdir()
    page.write_text("of an earlier week")

    def small_files_only():
        resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))

    done = _command(f"--workdir={run_folder}", preexec_fn=small_files_only)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Not shown: report.html: File too large." in done.stdout
    assert not page.exists()
    assert (run_folder / "report" / "report.md").exists()


@pytest.mark.parametrize("name", ["report", "report/report.html"])
def test_numbers_are_shown_where_the_report_cannot_be_written(run_folder, name):
    path = run_folder / name
    if name == "report":
        path.touch()
    else:
        path.mkdir(parents=True)
    (run_folder / "quickstart/warm/seed0/epochs.jsonl").write_text("torn")
    done = _command(f"--workdir={run_folder}")
    assert done.returncode == 1
    assert f"Received: {path} (" in done.stderr
    assert done.stderr.count("\n") == 1
    assert "−4.5" in done.stdout
    assert "epochs.jsonl: the last line is incomplete" in done.stdout
    assert "report.md" not in done.stdout


def test_help_shows_own_flags_first():
    for name in ("--help", "-h", "--helpshort"):
        done = _command(name)
        assert done.returncode == 0
        assert done.stdout.startswith("Writes a report about a run")
        assert "--workdir" in done.stdout
        assert "--verbosity" not in done.stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "`--workdir` is required. Try --help."),
        (["--workdr=x"], "Unknown flag. Received: --workdr=x. Did you mean"),
        (["runs/one"], "Did you mean --workdir=runs/one?"),
        (["--workdir=x", "stray"], "A command takes flags only"),
        (["--workdir=missing"], "`--workdir` must be the folder of a run"),
    ],
)
def test_mistakes_are_one_sentence_and_status_1(arguments, sentence):
    done = _command(*arguments)
    assert done.returncode == 1
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_verbosity_shows_the_traceback():
    done = _command("--workdir=missing", "--verbosity=1")
    assert done.returncode == 1
    assert "Traceback" in done.stderr


def test_unknown_config_field_is_a_sentence(tmp_path):
    pytest.importorskip("ml_collections")
    (tmp_path / "config.py").write_text(
        "import ml_collections\n"
        "def get_config():\n"
        "    return ml_collections.ConfigDict({'model': {'width': 16}})\n"
    )
    (tmp_path / "command.py").write_text(
        "'''A command.'''\n"
        "from ml_collections import config_flags\n"
        "from launch import cli\n"
        "_CONFIG = config_flags.DEFINE_config_file('config', None, 'File.')\n"
        "def main(_):\n"
        "    print(_CONFIG.value.model.width)\n"
        "cli.run(main)\n"
    )

    def command(*arguments):
        code = f"import runpy; runpy.run_path({str(tmp_path)!r} + '/command.py'"
        code += ", run_name='__main__')"
        return subprocess.run(
            [sys.executable, "-c", code, *arguments],
            capture_output=True,
            text=True,
            cwd=CHECKOUT,
            check=False,
        )

    config = f"--config={tmp_path / 'config.py'}"
    assert command(config, "--config.model.width=64").stdout == "64\n"
    for wrong in ("--config.model.widht=64", "--config.model.width=wide"):
        done = command(config, wrong)
        assert done.returncode == 1
        assert done.stderr.count("\n") == 1
    assert "widht" in command(config, "--config.model.widht=1").stderr


def test_checkout_has_the_names_of_the_wheel():
    code = (
        "import launch\n"
        "from ws_keras.launch import cli\n"
        "import ws_keras.configs\n"
        "print(cli.__name__)"
    )
    inside = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=CHECKOUT,
        check=False,
    )
    assert inside.stdout == "ws_keras.launch.cli\n", inside.stderr


def _checked(folder):
    return _command(f"--workdir={folder}", "--check")


def test_a_whole_folder_is_checked_and_nothing_written(run_folder):
    before = sorted(run_folder.rglob("*"))
    done = _checked(run_folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "2 files with 2 lines, 2 of them with a checksum, and 0 checkpoints: "
        "nothing is wrong.\n"
    )
    assert sorted(run_folder.rglob("*")) == before


def test_rows_of_before_checksums_are_counted(run_folder):
    path = run_folder / "quickstart/cold/seed0/rows.jsonl"
    values = json.loads(path.read_text())
    del values["crc32"]
    path.write_text(json.dumps(values) + "\n")
    done = _checked(run_folder)
    assert done.returncode == 0
    assert "2 lines, 1 of them with a checksum" in done.stdout


def test_a_flipped_digit_is_found(run_folder):
    path = run_folder / "quickstart/cold/seed0/rows.jsonl"
    path.write_text(path.read_text().replace("60.0", "61.0"))
    done = _checked(run_folder)
    assert done.returncode == 1
    problem, total = done.stdout.splitlines()
    assert f"{path}, line 1: its crc32 must be" in problem
    assert total.endswith("1 wrong.")


def test_all_that_is_wrong_is_named(run_folder):
    """Each in a line of its own, whatever else is wrong."""
    cold, warm = (
        run_folder / "quickstart" / arm / "seed0" for arm in ("cold", "warm")
    )
    (run_folder / "run.json").write_text("{")
    (run_folder / "away").symlink_to(cold)
    moved = run_folder / "quickstart/moved/seed0/rows.jsonl"
    moved.parent.mkdir(parents=True)
    moved.write_bytes((cold / "rows.jsonl").read_bytes())
    os.mkfifo(warm / "epochs.jsonl")
    with open(warm / "rows.jsonl", "a") as file:
        file.write('{"setting"')
    kept = checkpoint.save(warm, {}, [])
    lost = checkpoint.save(warm, {}, [])
    lost.write_bytes(lost.read_bytes()[:-1])
    done = _checked(run_folder)
    assert done.returncode == 1 and kept.exists() and lost.exists()
    *problems, total = done.stdout.splitlines()
    assert len(problems) == 7 and total.endswith("1 checkpoints: 7 wrong.")
    for place, words in (
        (run_folder / "run.json", "cannot be read"),
        (run_folder / "run.json", "changed since"),
        (run_folder / "away", "link"),
        (f"{moved}, line 1", "Received: round 1 of quickstart/cold/seed0"),
        (warm / "epochs.jsonl", "a named pipe"),
        (warm / "rows.jsonl", "incomplete"),
        (lost, "damaged"),
    ):
        found = [p for p in problems if f"{place}" in p and words in p]
        assert len(found) == 1, place


def test_what_is_no_folder_is_not_checked(tmp_path):
    done = _checked(tmp_path / "missing")
    assert done.returncode == 1
    assert done.stderr.startswith("`--workdir` must be a folder.")


def test_committed_rows_are_whole():
    folder = CHECKOUT / "results" / "fig2_online_10000"
    done = _checked(folder)
    assert done.returncode == 0, done.stdout
    assert "nothing is wrong" in done.stdout
