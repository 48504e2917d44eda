"""A view is found by the name of its config, or in a user's own file."""

import subprocess
import sys

import pytest

from launch import recipes
from ws_keras.report import view

OWN = '''"""My experiment."""
from ws_keras.configs import base
from ws_keras.report import view

def get_config():
    config = base.get_config()
    config.experiment = "mine"
    return config

VIEW = view.View(title="Mine", x=view.SAMPLES)
'''


@pytest.fixture
def own(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(OWN)
    return path


def run(path, experiment="mine"):
    config = {"experiment": experiment}
    return {"config": config, "config_file": str(path)}


def test_configs_of_the_package_are_found_by_name():
    found = recipes.find("fig2_online", {})
    assert found.view.paper[0] == "fig2_online"
    assert found.config["model"]["width"] == 16
    assert found.defaults["optimizer"]["momentum"] == 0.0


@pytest.mark.parametrize(
    "name", ["base", "nowhere", "../setup", "", "__init__"]
)
def test_other_names_have_no_recipe(name):
    assert recipes.find(name, {}) is None


def test_a_users_own_file_has_its_view(own):
    found = recipes.find("mine", run(own))
    assert found.view == view.View(title="Mine", x=view.SAMPLES)
    assert found.config["experiment"] == "mine"


def test_a_file_that_imports_keras_starts_it_as_commands_do(own, monkeypatch):
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS")
    title = "os.environ['TF_ENABLE_ONEDNN_OPTS']"
    own.write_text(
        OWN.replace('"Mine"', title).replace("\n", "\nimport os\n", 1)
    )
    assert recipes.find("mine", run(own)).view.title == "1"


def test_get_config_receives_the_argument_of_the_run(own):
    text = OWN.replace("get_config():", "get_config(size):", 1)
    text = text.replace('"mine"', '"mine"\n    config.model.units = int(size)')
    own.write_text(text)
    found = recipes.find("mine", {**run(own), "config_argument": "7"})
    assert found.config["model"]["units"] == 7


def test_a_users_own_file_imports_what_lies_beside_it(own, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    (own.parent / "beside_mine.py").write_text("TITLE = 'From beside'\n")
    changed = OWN.replace('"Mine"', "beside_mine.TITLE")
    own.write_text(changed.replace("\nfrom", "\nimport beside_mine\nfrom", 1))
    assert recipes.find("mine", run(own)).view.title == "From beside"


def test_a_file_that_is_gone_or_of_another_experiment_is_let_pass(own):
    assert recipes.find("other", run(own)) is None
    gone = run(own)
    own.unlink()
    assert recipes.find("mine", gone) is None
    assert recipes.find("mine", {"config": 3, "config_file": 3}) is None


def test_a_file_without_a_view_is_shown_by_its_rows(own):
    own.write_text(OWN.partition("VIEW")[0])
    assert recipes.find("mine", run(own)).view == view.View()


def test_no_file_beside_the_rows_is_run(own):
    """A folder that was sent by somebody must not run what it brings."""
    (own.parent / "run.json").write_text("{}")
    assert recipes.find("mine", run(own)) is None
    relative = {**run(own), "config_file": own.name}
    assert recipes.find("mine", relative) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (OWN + "VIEW = 3\n", "VIEW.*must be.*Received"),
        (OWN + "1 / 0\n", "ZeroDivisionError"),
        (OWN.replace('"Mine"', "3"), "`title` of a View.*title=3.*line 10"),
    ],
)
def test_a_file_that_fails_is_a_sentence(own, text, words):
    own.write_text(text)
    with pytest.raises(ValueError, match=words):
        recipes.find("mine", run(own))


def test_views_are_found_without_keras(tmp_path):
    code = (
        "import sys\n"
        "from launch import recipes\n"
        "for path in sorted(recipes.CONFIGS.glob('*.py')):\n"
        "    recipes.find(path.stem, {})\n"
        "print(sorted({'keras', 'tensorflow', 'jax'} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=recipes.CONFIGS.parent,
        check=False,
    )
    assert done.stdout == "[]\n", done.stderr
