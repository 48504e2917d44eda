"""How commands read what they are given, and how they name themselves."""

import fcntl
import importlib
import os
import pathlib
import pty
import re
import shlex
import struct
import subprocess
import sys
import termios

import pytest

from launch import called

ROOT = pathlib.Path(__file__).parents[2]
QUICK = ("--config=quickstart", "--list")
ARMS = ("cold", "warm", "shrink_perturb-0.5-0.1")


def listed(done):
    """Ids of the settings that `--list` has shown."""
    assert done.returncode == 0, done.stderr
    return re.findall(r"^(\S+/seed\d+) ", done.stdout, re.MULTILINE)


@pytest.fixture(scope="module")
def shown(nursery):
    """Runs `--list` and returns the ids that it shows."""
    return lambda *arguments: listed(nursery.run(*arguments, "--list"))


def test_a_config_by_name_with_a_space(shown):
    expected = [f"quickstart/{arm}/seed2" for arm in ARMS]
    assert shown("--config", "quickstart", "--config.seeds", "2") == expected
    assert shown("-config", "quickstart", "--config.seeds=(2,)") == expected


def test_the_order_of_config_and_fields_does_not_matter(shown):
    expected = [f"quickstart/{arm}/seed2" for arm in ARMS]
    assert shown("--config.seeds=2", "--config=quickstart") == expected
    # The last of two counts, as for any flag.
    again = ("--config=fig2_online", "--config.seeds=2", "--config=quickstart")
    assert shown(*again) == expected


def test_a_flagfile_may_hold_the_config(shown, tmp_path):
    inner, outer = tmp_path / "inner.txt", tmp_path / "outer.txt"
    inner.write_text("# the usual\n--config=quickstart\n--config.seeds=0,4\n")
    outer.write_text(f"--flagfile={inner}\n--config.arms=cold,warm\n")
    every = [
        f"quickstart/{arm}/seed{seed}"
        for seed in (0, 4)
        for arm in ("cold", "warm")
    ]
    assert shown(f"--flagfile={outer}") == every
    assert shown("--settings=warm", "--flagfile", str(outer)) == every[1::2]
    path = ROOT / "configs/quickstart.py"
    inner.write_text(f"--config {path}\n--config.seeds=0,4\n")
    with_space = shown("--config.arms=cold,warm", f"--flagfile={inner}")
    assert with_space == every


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (
            "--config=quickstart\n--config.seedz=1",
            "Did you mean --config.seeds=1?",
        ),
        ("--config=quickstart\n--wrokdir=x", "Did you mean --workdir=x?"),
        ("--config=quickstert", "--config=quickstert; there is no file"),
        (None, "No such file or directory"),
    ],
)
def test_a_wrong_flagfile_is_a_sentence(nursery, tmp_path, lines, words):
    path = tmp_path / "flags.txt"
    if lines is not None:
        path.write_text(lines)
    done = nursery.run(f"--flagfile={path}", "--list")
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert words in done.stderr


def test_a_flagfile_that_is_missing_is_no_traceback():
    """In a process of its own: flags are read while modules are imported."""
    done = subprocess.run(
        [sys.executable, "-m", "launch.sweep", "--flagfile=/no/such", "--list"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert "/no/such" in done.stderr


def test_settings_given_again_add_up(shown):
    found = shown(
        "--config=quickstart",
        "--config.seeds=0,1",
        "--settings=warm",
        "--settings=quickstart/cold/seed1",
    )
    assert found == [
        "quickstart/warm/seed0",
        "quickstart/cold/seed1",
        "quickstart/warm/seed1",
    ]


@pytest.mark.parametrize(
    ("given", "more"), [("5", "0,1,2,3,4"), ("1", "0,1,2"), ("42", "0,1,2")]
)
def test_one_number_of_seeds_is_said_to_be_a_seed(nursery, given, more):
    done = nursery.run(*QUICK, f"--config.seeds={given}")
    assert listed(done) == [f"quickstart/{arm}/seed{given}" for arm in ARMS]
    assert f"number {given}" in done.stderr
    assert f"--config.seeds={more}." in done.stderr


@pytest.mark.parametrize("given", ["0", "(5,)", "5,6", "[5]"])
def test_seeds_that_are_clear_need_no_word(nursery, given):
    done = nursery.run(*QUICK, f"--config.seeds={given}")
    assert done.returncode == 0 and done.stderr == ""


def test_an_arm_that_is_none_shows_how_several_are_given(nursery):
    done = nursery.run(*QUICK, "--config.arms=cold;warm")
    assert done.returncode == 1 and "--config.arms=cold,warm" in done.stderr


@pytest.mark.parametrize(
    ("program", "own", "other"),
    [
        ("/opt/bin/ws-sweep", "ws-sweep --x", "ws-run"),
        ("C:/bin/ws-sweep.exe", "ws-sweep --x", "ws-run"),
        (
            "/home/me/launch/sweep.py",
            "python -m launch.sweep --x",
            "python -m launch.run",
        ),
    ],
)
def test_commands_are_named_as_the_running_one(
    monkeypatch, program, own, other
):
    monkeypatch.setattr(sys, "argv", [program])
    for text in ("python -m launch.sweep --x", "ws-sweep --x"):
        assert called.named(text) == own
    assert called.named("launch.run") == other == called.command("run")
    assert called.named("relaunch.runner ws-runs") == "relaunch.runner ws-runs"


@pytest.mark.parametrize("name", ["run", "sweep", "report", "retrain"])
def test_help_from_a_checkout_names_the_module(name):
    done = subprocess.run(
        [sys.executable, "-m", f"launch.{name}", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert f"python -m launch.{name} --" in done.stdout
    assert "ws-" not in done.stdout
    assert "Default: ." not in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_the_way_on_leaves_overwrite_out(monkeypatch, tmp_path):
    """Once more it would move away what is to go on."""
    given = ["--config=own.py", "--overwrite", "--workdir=a b"]
    script = tmp_path / "ws-run"
    script.touch(mode=0o755)
    importlib.import_module("launch.run")  # whose flag --overwrite is
    monkeypatch.setattr(sys, "argv", [str(script), *given])
    monkeypatch.setattr(sys, "orig_argv", ["python", "-P", str(script), *given])
    kept = ["--config=own.py", "--workdir=a b"]
    monkeypatch.setenv("PATH", "/nowhere")
    assert shlex.split(called.again()) == [str(script), *kept]
    monkeypatch.setenv("PATH", str(tmp_path))
    assert shlex.split(called.again()) == ["ws-run", *kept]
    module = ["python", "-m", "launch.run", *given]
    monkeypatch.setattr(sys, "argv", ["/x/launch/run.py", *given])
    monkeypatch.setattr(sys, "orig_argv", module)
    expected = [sys.executable, "-m", "launch.run", *kept]
    assert shlex.split(called.again()) == expected


def on_terminal(*arguments, columns, until):
    """Runs a command on a terminal, with Ctrl-C once `until` is shown.

    Returns:
        Exit status, and what was written.
    """
    child, terminal = pty.fork()
    if not child:
        os.chdir(ROOT)
        os.environ["TERM"] = "xterm"
        os.execv(sys.executable, [sys.executable, "-m", *arguments])
    size = struct.pack("HHHH", 24, columns, 0, 0)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, size)
    text, is_sent = "", False
    while True:
        try:
            part = os.read(terminal, 4096)
        except OSError:  # the other side is closed
            break
        if not part:
            break
        text += part.decode(errors="replace")
        if not is_sent and until in text:
            os.write(terminal, b"\x03")
            is_sent = True
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), text


def screen(text):
    """Lines as a terminal shows them in the end."""
    lines = []
    for line in text.replace("\r\n", "\n").split("\n"):
        shown = ""
        for part in line.split("\r"):
            is_cut = "\x1b[K" in part
            part = part.replace("\x1b[K", "")
            shown = part if is_cut else part + shown[len(part) :]
        lines.append(shown)
    return lines


@pytest.mark.slow
@pytest.mark.parametrize("command", ["run", "sweep"])
def test_ctrl_c_leaves_a_clean_terminal_and_the_way_on(nursery, sweep, command):
    """And the command that is shown finishes the work."""
    workdir = sweep.folder / f"terminal-{command}"
    name = f"launch.{command}"
    given = (
        f"--config={sweep.config}",
        f"--workdir={workdir}",
        "--settings=cold",
        "--noreport",
        "--config.train.epochs=30",
    )
    until = "epoch " if command == "run" else "1 running"
    status, text = on_terminal(name, *given, columns=72, until=until)
    assert status == 130, text
    lines = [line for line in screen(text) if line.strip()]
    # Nothing of the progress line is left, before or behind the words.
    assert lines[0].startswith("Stopping: ")
    assert not [line for line in lines if "epoch 1" in line or "^C" in line]
    assert shlex.split(lines[-1]) == [sys.executable, "-m", name, *given]
    done = nursery.run(*given, command=name)
    assert done.returncode == 0, done.stderr
    (path,) = workdir.glob("**/rows.jsonl")
    assert len(path.read_text().splitlines()) == 4


def test_sweep_takes_all_flags_of_run():
    shown = {}
    for name in ("run", "sweep"):
        done = subprocess.run(
            [sys.executable, "-m", f"launch.{name}", "--help"],
            cwd=ROOT,
            capture_output=True,
            text=True,
        )
        shown[name] = set(re.findall(r"^  --(\S+)", done.stdout, re.MULTILINE))
    assert len(shown["run"]) > 10 and shown["run"] < shown["sweep"]


@pytest.mark.parametrize("flags", [(), ("--verbosity=1",)])
def test_a_warning_comes_without_the_code_that_gave_it(flags):
    script = (
        "import warnings; from launch import cli\n"
        "def main(_): warnings.warn('The moments lag.')\n"
        f"cli.run(main, ['name', *{flags}])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0
    where = " (<string>:2, UserWarning)" if flags else ""
    assert done.stderr == f"Warning: The moments lag.{where}\n"
