"""A config file that fails: the file, the line and the error in a sentence."""

import runpy

import pytest

from launch import config_files

# Text of a file, the line that is at fault, and words of the error.
FAILING = {
    "syntax": ("def get_config(:\n", 1, "SyntaxError: invalid syntax"),
    "raise": (
        "def get_config():\n    x = 1\n    raise RuntimeError('no luck')\n",
        3,
        "RuntimeError: no luck",
    ),
    "value": ("\nraise ValueError('odd')\n", 2, "ValueError: odd"),
    "import": ("import nonesuch\n", 1, "No module named 'nonesuch'"),
    "nul": ("x = 1\0\n", None, "null bytes"),
    "recursion": (
        "def get_config():\n    return get_config()\n",
        2,
        "RecursionError",
    ),
    "exit": ("import sys\nsys.exit(0)\n", 2, "SystemExit: 0"),
    "quiet exit": (
        "def get_config():\n    raise SystemExit\n",
        2,
        "SystemExit",
    ),
    "file": (
        "def get_config():\n    open('/nonesuch/file')\n",
        2,
        "/nonesuch/file",
    ),
    "nothing": ("x = 1\n", None, "no attribute 'get_config'"),
    "settings": (
        "from ws_keras.configs import base\nget_config = base.get_config\n"
        "def settings(config):\n    return 1 / 0\n",
        4,
        "ZeroDivisionError",
    ),
}


@pytest.fixture
def refused(nursery, tmp_path):
    """Returns the sentence in which the command refuses a config."""

    def run(text, *more):
        path = tmp_path / "own.py"
        path.write_bytes(text if type(text) is bytes else text.encode())
        config = ":".join([f"--config={path}", *more])
        done = nursery.run(config, "--list")
        assert (done.returncode, done.stdout) == (1, "")
        lines = done.stderr.strip().splitlines()
        assert str(path) in lines[-1] and "Received: " in lines[-1]
        assert "Traceback" not in done.stderr
        return lines[-1]

    return run


@pytest.mark.parametrize("name", FAILING)
def test_file_line_and_error(refused, tmp_path, name):
    text, line, words = FAILING[name]
    sentence = refused(text)
    where = f"{tmp_path / 'own.py'}, line {line} ("
    assert (where in sentence) == (line is not None)
    assert words in sentence


@pytest.mark.parametrize("value", ["5", "None", "{'arms': 1}", "'text'"])
def test_what_is_no_config(refused, value):
    sentence = refused(f"def get_config():\n    return {value}\n")
    assert f"returns {value}" in sentence and "ConfigDict" in sentence


def test_what_are_no_settings(refused):
    text = FAILING["settings"][0]
    for value in ("7", "[7]"):
        sentence = refused(text.replace("1 / 0", value))
        assert f"returns {value}" in sentence and "Setting" in sentence


def test_bytes_that_are_no_text(refused):
    assert "codec can't decode" in refused(b"\xff\xfe\n")


def test_an_argument_that_nobody_takes(refused):
    text = "def get_config():\n    pass\n"
    sentence = refused(text, "3")
    assert "takes 0 positional arguments" in sentence
    assert "colon" in sentence


def test_an_error_of_this_package_stays_as_it_is(tmp_path):
    """It says which value is wrong; the file only passes it on."""
    path = tmp_path / "own.py"
    path.write_text("from ws_keras import settings\nsettings.parse_arm('x')\n")
    with pytest.raises(ValueError, match="^An arm must be") as error:
        with config_files.blamed(str(path)):
            runpy.run_path(str(path))
    assert not isinstance(error.value, config_files.ConfigError)


def test_a_key_that_was_pressed_is_nobodys_fault(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        with config_files.blamed(str(tmp_path / "own.py")):
            raise KeyboardInterrupt
