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
    {"_keras"},
    {"callers", "checks", "names", "references", "registering", "seeds"},
    {"storage"},
    {"data", "models"},
    {"transforms"},
    {"growth"},
    {"diagnostics"},
    {"arms", "settings", "losses", "callbacks"},
    {"training"},
    {"report"},
    {"protocol", "allocation", "reuse"},
    {"round_view", "building", "active", "measuring", "networks", "outcomes"},
    {"own_loss", "baseline", "progress", "arguments"},
    {"experiment"},
    {"keeping", "comparison", "concluding"},
    {"comparing", "searching", "growing"},
]
BELOW = ("report", "storage", "arms")
# They import TensorBoard, and all others import them late.
BOARDS = ("ws_keras.storage.boards", "ws_keras.storage.events")
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
    late = {"tensorflow", "tensorflow_datasets", "tensorboard", "jax", "torch"}
    if name_of(path) in BOARDS:
        late -= {"tensorboard"}
    for name, at_top in imported(path):
        is_late = name.split(".")[0] in late
        if name_of(path) not in BOARDS:
            is_late |= name in BOARDS
        assert not (at_top and is_late), name


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


# Documented ones of the standard library.
DOCUMENTED = {"_asdict", "_exit", "_getframe", "_replace"}
# Attributes that are looked up by a string.
BY_NAME = {"getattr", "setattr", "hasattr", "delattr"}


def is_private(name):
    return (
        isinstance(name, str)
        and name.startswith("_")
        and not name.startswith("__")
        and name not in DOCUMENTED | {"_"}
    )


def roots_of_ours(tree):
    """Names that are this package's: classes, modules, and objects' own."""
    found = {"self", "cls"}
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.ImportFrom):
            first = (node.module or "").split(".")[0]
            if node.level or first in ("ws_keras", "launch", "benchmarks"):
                found.update(a.asname or a.name for a in node.names)
    return found


def root(node):
    """The name of an attribute's object; that of `a.b` is not `a`."""
    while isinstance(node, ast.Attribute) and node.attr[:1].isupper():
        node = node.value  # a class of a module
    return node.id if isinstance(node, ast.Name) else None


def reached(node):
    """The object that a node looks into, and the name it looks for."""
    if isinstance(node, ast.Attribute):
        return node.value, node.attr
    if isinstance(node, ast.Call) and ast.unparse(node.func) in BY_NAME:
        return node.args[0], getattr(node.args[1], "value", None)
    if isinstance(node, ast.Subscript):
        held = node.value
        if isinstance(held, ast.Call) and ast.unparse(held.func) == "vars":
            return held.args[0], getattr(node.slice, "value", None)
    return None, None


def private_uses(text):
    """Returns the private names of others that a file's text uses."""
    tree = ast.parse(text)
    ours, found = roots_of_ours(tree), []
    for node in ast.walk(tree):
        owner, name = reached(node)
        if is_private(name) and root(owner) not in ours:
            found.append(name)
        modules = [getattr(node, "module", None) or ""]
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        inner = ("keras.src", "tensorflow.python")
        found += [name for name in modules if name.startswith(inner)]
    return found


def taken_over(text):
    """Returns Keras' private names that are the file's own in no place."""
    nodes = list(ast.walk(ast.parse(text)))
    ours = {n.name for n in nodes if isinstance(n, ast.FunctionDef)}
    ours |= {
        n.attr
        for n in nodes
        if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Store)
    }
    used = {
        getattr(n, "attr", getattr(n, "value", None))
        for n in nodes
        if isinstance(n, ast.Attribute | ast.Constant)
    }
    return (used & KERAS_NAMES) - ours


PRIVATE = sorted((PACKAGE / "_keras").glob("*.py"))
KERAS_NAMES = {
    name
    for path in PRIVATE
    for node in ast.walk(ast.parse(path.read_text()))
    for name in (getattr(node, "attr", None), getattr(node, "value", None))
    if is_private(name)
}


@pytest.mark.parametrize(
    "path", [p for p in EVERYTHING if p not in PRIVATE], ids=name_of
)
def test_private_parts_of_keras_are_reached_in_one_place(path):
    text = path.read_text()
    assert not [*private_uses(text), *taken_over(text)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("model._flatten_layers()", "_flatten_layers"),
        ("getattr(loss, '_fn_kwargs', {})", "_fn_kwargs"),
        ("self.model._initial_epoch = None", "_initial_epoch"),
        ("vars(layer)['_trainable'] = True", "_trainable"),
        ("import keras.src.models", "keras.src.models"),
        ("from keras.src import models", "keras.src"),
        ("keras.layers.Dense._name", "_name"),
        ("f(x)[0]._y", "_y"),
        ("self._own", None),
        ("getattr(self, '_own')", None),
        ("from ws_keras import a\na._x", None),
        ("from ws_keras import a\na.B._x", None),
        ("class A: pass\nA._x", None),
        ("row._replace(a=1)", None),
        ("x.__class__", None),
    ],
)
def test_the_rule_tells_private_names_of_others(text, found):
    assert private_uses(text) == ([found] if found else [])
