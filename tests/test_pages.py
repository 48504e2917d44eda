"""README and documentation pages: code runs, commands and links exist."""

import ast
import functools
import pathlib
import re
import shlex
import subprocess
import sys
import tomllib

import keras
import pytest

import ws_keras
from ws_keras.data import textures

ROOT = pathlib.Path(__file__).parents[1]
README = ROOT / "README.md"
PAGES = [
    README,
    ROOT / "CHANGELOG.md",
    ROOT / "results/README.md",
    ROOT / "results/benchmarks/README.md",
    *sorted((ROOT / ".github").glob("*.md")),
    *sorted((ROOT / "docs").glob("[!_]*.md")),
    *sorted((ROOT / "docs/guides").glob("*.md")),
]
each_page = pytest.mark.parametrize(
    "page", PAGES, ids=lambda page: str(page.relative_to(ROOT))
)


def text_of(page):
    return page.read_text(encoding="utf8")


def blocks(page, language):
    return re.findall(
        rf"^```{language}\n(.*?)^```", text_of(page), re.DOTALL | re.MULTILINE
    )


def commands(page):
    """Yields the words of each command of this package on a page."""
    for block in blocks(page, "bash"):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            for number, word in enumerate(words):
                if re.fullmatch(r"(\S*/)?ws-(run|sweep|report|retrain)", word):
                    end = words.index(">") if ">" in words else None
                    yield word.split("/")[-1], words[number + 1 : end]


@functools.cache
def flags(command):
    """Returns the flags that the help of a command lists."""
    name = command.removeprefix("ws-")
    done = subprocess.run(
        [sys.executable, "-m", f"ws_keras.launch.{name}", "--help"],
        capture_output=True,
        text=True,
    )
    return set(re.findall(r"^  --(?:\[no\])?(\w+)", done.stdout, re.MULTILINE))


def has_field(name, field):
    module = __import__(f"ws_keras.configs.{name}", fromlist=["get_config"])
    config = module.get_config()
    *path, last = field.split(".")
    for part in path:
        config = config[part]
    return last in config


@each_page
def test_commands_have_existing_flags_and_configs(page):
    for command, words in commands(page):
        name = "base"
        for word in words:
            if not word.startswith("--"):
                continue
            flag = word.removeprefix("--").split("=")[0].replace("-", "_")
            if word.startswith("--config="):
                name = word.removeprefix("--config=")
                if name.endswith(".py"):  # a reader's own, or an example
                    assert "/" not in name or (ROOT / name).is_file(), word
                    name = "base"
                elif "NAME" not in name:
                    assert (ROOT / "configs" / f"{name}.py").is_file(), word
            elif flag.startswith("config."):
                assert has_field(name, flag.removeprefix("config.")), word
            else:
                plain = flag.removeprefix("no")
                assert {flag, plain} & flags(command), f"{command} {word}"


@each_page
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#\s]+)\)", text_of(page)):
        if not re.match(r"\w+:", target):
            assert (page.parent / target).exists(), target


@each_page
def test_anchors_exist(page):
    pattern = r"\]\(([^)#\s]*\.md)?#([\w-]+)\)"
    for target, anchor in re.findall(pattern, text_of(page)):
        other = page.parent / target if target else page
        titles = re.findall(r"^#+ (.+)$", text_of(other), re.MULTILINE)
        plain = [re.sub(r"[^\w\- ]", "", t.lower()) for t in titles]
        assert anchor in {t.replace(" ", "-") for t in plain}, anchor


def test_readme_gives_the_test_command():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    command = settings["tool"]["ws_keras"]["test"]
    assert f"```bash\n{command}\n```" in text_of(README)
    assert "pyproject.toml" in (ROOT / ".ci/run").read_text()


def stand_ins():
    """What the README calls the reader's own: those of an example."""
    example = (ROOT / "examples/compare_on_your_data.py").read_text()
    names = {}
    exec(example.split("rounds = ")[0], names)
    x, y = names["x"], names["y"]
    own = {"x": x[:750], "y": y[:750], "x_test": x[750:], "y_test": y[750:]}
    return {"build": names["build"], **own, "ws_keras": ws_keras}


def is_gain(code):
    """Whether a block prints what the callback gains; others recommend."""
    return "StopAtAccuracy" in code


@pytest.mark.parametrize(
    "epochs", [1, pytest.param(99, marks=pytest.mark.slow)]
)
def test_what_the_callback_gains_in_the_readme(capsys, epochs):
    """With few epochs, blocks, samples it runs; with all of them it gains."""
    keras.utils.set_random_seed(0)
    (code,) = filter(is_gain, blocks(README, "python"))
    assert code.count("epochs=99") == 2
    code, names = code.replace("epochs=99", f"epochs={epochs}"), {}
    count = 200 if epochs == 1 else 1000
    if epochs == 1:
        assert "blocks=(1, 1, 1)" in code
        code = code.replace("blocks=(1, 1, 1)", "blocks=(1,)")
        code = code.replace("(1000,", f"({count},").replace(":500]", ":100]")
    exec(compile(code, "README.md", "exec"), names)
    last = capsys.readouterr().out.splitlines()[-1]
    gain = float(re.search(r"([+-][\d.]+) points", last)[1])
    model, test = names["model"], textures.generate(count, "test")
    # The last fit has measured the moments anew.
    used = model.evaluate(*test, verbose=0)[1]
    assert used == pytest.approx(names["accuracy"][0.4])
    if epochs > 1:
        assert gain > 3
        assert names["stop"].stopped_by == "threshold"


def test_other_code_of_the_readme(capsys):
    others = [c for c in blocks(README, "python") if not is_gain(c)]
    assert others
    for code in others:
        code = code.replace("seeds=range(5)", "seeds=range(1)")
        exec(compile(code, "README.md", "exec"), stand_ins())
        assert "ecommend" in capsys.readouterr().out


def test_every_public_name_is_on_the_api_page_and_in_the_stub():
    page = text_of(ROOT / "docs/api.md")
    stub = (ROOT / "ws_keras/__init__.pyi").read_text()
    listed = re.findall(r"auto(?:class|function):: ws_keras\.(\w+)", page)
    assert sorted(listed) == ws_keras.__all__
    typed = {
        node.names[0].asname: node.module
        for node in ast.parse(stub).body
        if isinstance(node, ast.ImportFrom)
    }
    assert typed == ws_keras._PUBLIC


def test_words_of_the_glossary_stand_in_its_order():
    titles = re.findall(r"^## (.+)$", text_of(ROOT / "docs/glossary.md"), re.M)
    assert titles == sorted(titles)


@each_page
def test_files_of_the_repository_that_are_named_exist(page):
    pattern = r"`((?:tests|configs|examples|launch|ws_keras)/[\w/]+\.py)"
    for name in re.findall(pattern, text_of(page)):
        if "NAME" not in name:
            assert (ROOT / name).exists(), name


def test_the_catalogue_has_every_experiment():
    page = text_of(ROOT / "docs/results.md")
    names = {p.stem for p in (ROOT / "configs").glob("*.py")}
    for name in names - {"__init__", "base"}:
        assert f"| `{name}` |" in page, name
