"""A config file that fails: the file, the line and the error in a sentence."""

import dataclasses
import runpy

import pytest
from ws_keras.configs import base

from launch import config_files
from ws_keras import settings as all_settings

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
    "nothing": ("x = 1\n", None, "function get_config"),
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


HEAD = "from ws_keras.configs import base\nimport ws_keras\n"
BODY = "def get_config():\n    config = base.get_config()\n    {}\n"
# The text of a file, and words of the sentence, which names file and line.
FIELDS = {
    "unknown": ("config.arm = ('cold',)", ["'arm'", "Did you mean 'arms'?"]),
    "nested": ("config.train.epoch = 3", ["'epoch'", "mean 'epochs'?"]),
    "nothing like it": ("config.zzz = 3", ["'zzz'", "print(config)"]),
    "read": ("config.trian.epochs", ["'trian'", "mean 'train'?"]),
    "flat": (
        "config.update_from_flattened_dict({'train.epoch': 3})",
        ["'epoch'", "Did you mean 'epochs'?"],
    ),
    "type": ("config.train.epochs = 'six'", ["'epochs'", "int", "six"]),
    "group": ("config.rounds = 5", ["'rounds'", "ConfigDict", "5"]),
    "one text": ("config.arms = 'cold'", ["'arms'", "type tuple", "cold"]),
}


@pytest.mark.parametrize("name", FIELDS)
def test_wrong_fields_are_named_with_the_right_one(tmp_path, name):
    line, words = FIELDS[name]
    path = tmp_path / "own.py"
    path.write_text(HEAD + BODY.format(line))
    with pytest.raises(config_files.ConfigError) as error:
        with config_files.blamed(str(path)):
            runpy.run_path(str(path))["get_config"]()
    sentence = str(error.value)
    for word in [*words, f"{path}, line 5", "Received: "]:
        assert word in sentence
    assert len(sentence) < 400


def test_an_error_of_this_package_names_the_line(tmp_path):
    path = tmp_path / "own.py"
    path.write_text(HEAD + "\nws_keras.number('1 to 2')\n")
    with pytest.raises(ValueError, match=f"must be a range.*{path}, line 4"):
        with config_files.blamed(str(path)):
            runpy.run_path(str(path))


def test_functions_and_their_arguments(refused):
    config = "from ws_keras.configs import base\n"
    sentence = refused(f"{config}get_config = base.get_config()\n")
    assert "a function get_config" in sentence
    sentence = refused(f"{config}def get_config(size):\n    return 1\n")
    assert "a colon" in sentence and "'size'" in sentence
    both = f"{config}get_config = base.get_config\n"
    assert "settings = [1]" in refused(f"{both}settings = [1]\n")
    view = "VIEW = {'title': 'Mine'}\n"
    assert "report.view.View" in refused(both + view)


def test_settings_that_no_row_tells_apart():
    """A report would give the mean of both as one arm."""
    config = base.get_config()
    small, large = (
        all_settings.Setting(
            f"own/{units}/cold/seed0",
            "cold",
            0.0,
            1.0,
            0,
            (("model.units", units),),
        )
        for units in (8, 16)
    )
    with pytest.raises(config_files.ConfigError) as error:
        config_files.settings("own.py", [small, large], config)
    for word in ["own.py", "own/8/cold/seed0", "own/16/cold/seed0", "labels"]:
        assert word in str(error.value)
    labelled = [
        dataclasses.replace(setting, labels=setting.overrides)
        for setting in (small, large)
    ]
    assert config_files.settings("own.py", labelled, config) == labelled
    named = dataclasses.replace(large, overrides=(("model.name", "mlp"),))
    found = [small, named]
    assert config_files.settings("own.py", found, config) == found


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ([], ["returns []"]),
        (["own/cold/seed0"] * 2, ["once", "'own/cold/seed0' twice"]),
    ],
)
def test_settings_that_would_run_nothing_or_twice(names, words):
    found = [all_settings.Setting(name, "cold", 0.0, 1.0, 0) for name in names]
    with pytest.raises(config_files.ConfigError) as error:
        config_files.settings("own.py", found, base.get_config())
    for word in ["own.py", *words]:
        assert word in str(error.value)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("model.unit", 3, "model.unit=3.*Did you mean 'model.units'"),
        ("modle.units", 3, "modle.units=3.*Did you mean 'model.units'"),
        ("model.units", "a", "model.units='a'"),
    ],
)
def test_settings_change_fields_of_the_config(field, value, words):
    setting = all_settings.Setting(
        "own/cold/seed0", "cold", 0.0, 1.0, 0, ((field, value),)
    )
    with pytest.raises(config_files.ConfigError, match=f"{words}.*own.py"):
        config_files.settings("own.py", [setting], base.get_config())


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
