"""What the documentation shows, executed."""

import doctest
import importlib
import pathlib
import re
import textwrap

import keras
import numpy as np
import pytest
import tensorflow as tf
import ws_keras.configs.quickstart

from ws_keras import experiment
from ws_keras import settings
from ws_keras.data import datasets
from ws_keras.report import charts
from ws_keras.report import claims
from ws_keras.report import sections
from ws_keras.report import view
from ws_keras.report import writing
from ws_keras.report.render import drawing
from ws_keras.report.render import html
from ws_keras.report.render import markdown
from ws_keras.report.render import palette
from ws_keras.storage import events
from ws_keras.storage import rows
from ws_keras.storage import workdir

ROOT = pathlib.Path(__file__).parents[1]
FILES = [
    path
    for folder in ("ws_keras", "launch")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if ">>> " in path.read_text()
]


# They train for seconds.
LONG = ("experiment", "growing", "searching", "keeper", "hare_and_tortoise")
SNIPPETS = [
    pytest.param(
        path,
        code,
        id=f"{path.stem}-{number}",
        marks=pytest.mark.slow if path.stem in LONG else (),
    )
    for path in sorted((ROOT / "ws_keras").rglob("*.py"))
    for number, code in enumerate(
        re.findall(r" {4}```python\n(.*?) {4}```", path.read_text(), re.DOTALL)
    )
]


def imported(path):
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    return importlib.import_module(name.removesuffix(".__init__"))


def stand_ins(code):
    """What a snippet calls the reader's own."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 64)
    x = (y[:, None] + rng.normal(0, 0.1, (64, 3))).astype("float32")
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    def build():
        model = keras.Sequential(
            [
                keras.Input((3,)),
                keras.layers.Dense(4, "relu"),
                keras.layers.BatchNormalization(),
                keras.layers.Dense(2),
            ]
        )
        model.compile(keras.optimizers.Adam(0.03), loss, metrics=["accuracy"])
        return model

    if "last_week.keras" in code:
        build().save("last_week.keras")
    config = ws_keras.configs.quickstart.get_config()
    config.train.epochs = config.rounds.limit = 1
    row = rows.Row(
        **dict.fromkeys(("round", "num_samples", "epochs", "steps"), 1),
        **dict.fromkeys(("seed", "sample_passes"), 1),
        **dict.fromkeys(("shrink", "perturb", "train_seconds"), 1.0),
        **dict.fromkeys(("trace_seconds", "eval_seconds", "loss"), 1.0),
        **dict.fromkeys(("train_accuracy", "accuracy", "eval_loss"), 1.0),
        **dict.fromkeys(("experiment", "dataset", "model"), "quickstart"),
        setting="quickstart/warm/seed0",
        arm="warm",
        optimizer="adam",
        stopped_by="epochs",
        last=True,
    )
    if "runs/fig2" in code:
        folder = workdir.Workdir("runs/fig2")
        folder.prepare(config.to_dict(), {"keras": keras.__version__})
        rows.append(folder.rows_path(row.setting), row)
    epoch = rows.Epoch(
        **dict.fromkeys(("loss", "train_accuracy", "accuracy"), 1.0),
        **dict.fromkeys(("learning_rate", "samples_per_second"), 1.0),
        setting=row.setting,
        round=1,
        epoch=1,
    )
    series = sections.Series("warm", "warm", (1, 2), (3.0, 4.0))
    panel = sections.Panel("Round", "Accuracy (%)", (series,))
    chart = sections.Chart("rounds", "Rounds", (panel,))
    return {
        "keras": keras,
        "ws_keras": ws_keras,
        "datasets": datasets,
        "experiment": experiment,
        "charts": charts,
        "claims": claims,
        "view": view,
        "writing": writing,
        "rows": rows,
        "workdir": workdir,
        "events": events,
        "build": build,
        "model": build(),
        "loss": loss,
        "config": config,
        "setting": settings.product(config)[0],
        "row": row,
        "epoch": epoch,
        "folder": pathlib.Path("runs/events"),
        "path": pathlib.Path("page.html"),
        "chart": chart,
        "section": sections.Section("Charts", (chart,)),
        "sections": [sections.Section("Charts", (chart,))],
        "drawing": drawing,
        "html": html,
        "markdown": markdown,
        "palette": palette,
        "grown_data": tf.data.Dataset.from_tensor_slices((x, y)).batch(16),
        **{f"x{name}": x for name in ("", "_old", "_all", "_may", "_test")},
        **{f"y{name}": y for name in ("", "_old", "_all", "_may", "_test")},
        **{f"x_{name}": x[::-1] for name in ("new", "june")},
        **{f"y_{name}": y[::-1] for name in ("new", "june")},
    }


@pytest.mark.parametrize(("path", "code"), SNIPPETS)
def test_snippets_of_docstrings(path, code, tmp_path, monkeypatch):
    """They run, and show something that is defined beside them."""
    monkeypatch.chdir(tmp_path)
    module = imported(path)
    names = {**vars(module), **stand_ins(code)}
    exec(compile(textwrap.dedent(code), path.name, "exec"), names)
    defined = re.findall(r"^(?:def|class) (\w+)", path.read_text(), re.M)
    assert any(name in code for name in defined)


def test_each_public_name_has_an_example():
    for name in ws_keras.__all__:
        text = getattr(ws_keras, name).__doc__
        assert "Example:" in text, name


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_examples_of_docstrings(path):
    found = doctest.testmod(imported(path), extraglobs={"np": np})
    assert found.attempted and not found.failed
