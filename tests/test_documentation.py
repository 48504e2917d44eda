"""What the documentation shows, executed."""

import doctest
import importlib
import pathlib
import re
import shlex

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf8")
FILES = [
    path
    for folder in ("ws_keras", "launch")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if ">>> " in path.read_text()
]


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_examples_of_docstrings(path):
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    module = importlib.import_module(name.removesuffix(".__init__"))
    found = doctest.testmod(module, extraglobs={"np": np})
    assert found.attempted and not found.failed


def test_example_of_the_readme():
    (code,) = blocks("python")
    assert len(code.splitlines()) <= 14
    names = {}
    exec(compile(code, "README.md", "exec"), names)
    model, stop = names["model"], names["stop"]
    assert stop.stopped_by == "threshold"
    _, accuracy = model.evaluate(names["x"], names["y"], verbose=0)
    assert accuracy > 0.8


def test_commands_of_the_readme_name_what_exists():
    commands = [line for block in blocks("bash") for line in block.splitlines()]
    assert len(commands) == 3
    setup, tests, cifar = commands
    assert "ws-run --config=quickstart" in setup
    assert tests.endswith("python -m pytest")
    for flag in shlex.split(cifar)[1:]:
        assert flag.startswith(("--config", "--workdir"))
    for name in re.findall(r"--config=(\w+)", README):
        assert (ROOT / "configs" / f"{name}.py").is_file()


def test_links_of_the_documents_lead_somewhere():
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text("utf8")):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name}: {target}"
