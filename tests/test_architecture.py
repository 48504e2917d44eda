"""Imports flow one way, and heavy packages come late."""

import ast
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]
PACKAGE = ROOT / "ws_keras"
FILES = sorted(PACKAGE.rglob("*.py"))

# Each part may import itself and what stands before it.
ORDER = [
    {"checks", "references", "registering", "seeds"},
    {"storage"},
    {"data", "models"},
    {"transforms"},
    {"growth"},
    {"diagnostics"},
    {"arms", "settings", "losses", "callbacks"},
    {"training"},
    {"report"},
    {"protocol", "reuse"},
    {"round_view", "building", "active", "measuring", "networks", "outcomes"},
    {"own_loss", "baseline", "progress"},
    {"experiment"},
    {"keeping", "comparison", "comparing", "searching", "growing"},
]
BELOW = ("report", "storage", "arms")
ANALYSIS = sorted((PACKAGE / "report").rglob("*.py"))


def name_of(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def imported(path):
    """Names of all that a file imports, with whether it is at its top."""
    tree = ast.parse(path.read_text())
    top = set(map(id, tree.body))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, id(node) in top
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports inside the package are absolute"
            for alias in node.names:
                yield f"{node.module}.{alias.name}", id(node) in top


def rank(name):
    for number, parts in enumerate(ORDER):
        for part in parts:
            if name == part or name.startswith(f"{part}."):
                return number
    raise AssertionError(f"{name} has no place in the order")


def own(name):
    return name.removeprefix("ws_keras.")


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_imports_flow_one_way(path):
    if path == PACKAGE / "__init__.py":
        assert not [n for n, _ in imported(path) if n.startswith("ws_keras")]
        return
    ours = rank(own(name_of(path)))
    for name, _ in imported(path):
        if name.startswith("ws_keras."):
            assert rank(own(name)) <= ours, name


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_nothing_here_knows_flags_configs_or_commands(path):
    for name, _ in imported(path):
        first, *rest = name.split(".")
        assert first not in ("absl", "configs", "launch", "ml_collections")
        assert rest[:1] not in (["configs"], ["launch"])


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_tensorflow_is_imported_late(path):
    late = ("tensorflow", "tensorflow_datasets", "tensorboard", "jax", "torch")
    for name, at_top in imported(path):
        assert not (at_top and name.split(".")[0] in late), name


@pytest.mark.parametrize("path", ANALYSIS, ids=name_of)
def test_analysis_sees_rows_alone(path):
    for name, _ in imported(path):
        assert name.split(".")[0] not in ("keras", "tensorflow", "tensorboard")
        if name.startswith("ws_keras."):
            assert own(name).startswith(BELOW), name


def test_reading_results_does_not_wait_for_keras():
    script = (
        "import sys\n"
        "import ws_keras.report.writing\n"
        "print(sorted({'keras', 'tensorflow'} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True
    )
    assert done.stdout == "[]\n", done.stderr


EVERYTHING = [
    path
    for folder in ("ws_keras", "launch", "configs", "examples", "benchmarks")
    for path in sorted((ROOT / folder).rglob("*.py"))
]
# Each would run what a file says.
RUNNING = {"eval", "exec", "compile"}
UNSAFE = {"pickle", "dill", "cloudpickle", "marshal", "shelve", "joblib"}


@pytest.mark.parametrize("path", EVERYTHING, ids=name_of)
def test_nothing_is_unpickled_or_evaluated(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names]
            names.append(getattr(node, "module", None) or "")
            assert not {n.split(".")[0] for n in names} & UNSAFE
        if isinstance(node, ast.Call):
            keywords = {k.arg: k.value for k in node.keywords}
            for name, wanted in (("allow_pickle", False), ("safe_mode", True)):
                if name in keywords:
                    assert keywords[name].value is wanted
            called = node.func
            if isinstance(called, ast.Name):
                assert called.id not in RUNNING, node.lineno
            if isinstance(called, ast.Attribute):
                if called.attr == "load" and ast.unparse(called) == "np.load":
                    assert "allow_pickle" in keywords
                if called.attr == "load_model":
                    assert "safe_mode" in keywords
