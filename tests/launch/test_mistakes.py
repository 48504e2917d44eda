"""What commands say of wrong flags: one answer, with the nearest right flag.

All cases run in children of one process that cannot import Keras, so that no
case waits for it.
"""

import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from launch import called

ROOT = pathlib.Path(__file__).parents[2]
# Runs each command in a child, and prints its status and its errors.
PROGRAM = """
import importlib, json, os, sys, tempfile
sys.modules.update(dict.fromkeys(("keras", "tensorflow", "jax", "torch")))
# What defines no flags is imported once, for all children.
import ml_collections, ws_keras.arms, ws_keras.data.datasets
import ws_keras.data.history, ws_keras.report.writing
ws_keras.arms.names()
for name, *arguments in json.loads(sys.argv[1]):
    with tempfile.TemporaryFile() as errors:
        child = os.fork()
        if not child:
            os.dup2(errors.fileno(), 2)
            sys.argv = [f"launch/{name}.py", *arguments]
            try:
                importlib.import_module(f"launch.{name}").run()
            finally:
                sys.stderr.flush()
                os._exit(1)
        os.waitpid(child, 0)
        errors.seek(0)
        print(json.dumps(errors.read().decode()))
"""
FIELD = "--config.rounds.stepp=3"
CASES = {
    ("run", "--confg=quickstart"): "Did you mean --config=quickstart?",
    ("run", "--confg.model.width=3"): "mean --config.model.width=3?",
    ("run", "--config=quickstrat"): "Did you mean --config=quickstart?",
    ("run", "--config=fig2"): "Did you mean --config=fig2_online?",
    (
        *("run", "--config=quickstart"),
        *("--config.optimizer.name=sgd", "--config.rounds.name=3"),
    ): "no field 'name'. Received: --config.rounds.name=3.",
    ("run", "quickstart"): "Did you mean --config=quickstart?",
    ("run", "--config=quickstart", FIELD): "mean --config.rounds.step=3?",
    ("sweep", "--config=quickstart", FIELD): "mean --config.rounds.step=3?",
    ("run", "--config=quickstart", "--config.optimzer.name=adam"): (
        "mean --config.optimizer.name=adam?"
    ),
    ("run", "--config=quickstart", "--config.rounds.limit=abc"): (
        "`--config.rounds.limit` must be a whole number. Received: "
        "--config.rounds.limit=abc."
    ),
    ("run", "--config=quickstart", "--config.rounds=3"): "group of fields",
    ("run", "--config=quickstart", "--list=maybe"): "must be true or false",
    ("run", "--nodownlod"): "Did you mean --nodownload?",
    ("run", "--strategy=mirrord"): "Did you mean --strategy=mirrored?",
    ("run", "--checkpoint_epochs=0"): "must be a positive integer",
    ("run", "--config=quickstart", "--workdir=x", "--config.arms=wram"): (
        "Did you mean 'warm'?"
    ),
    (
        *("run", "--config=quickstart", "--workdir=x"),
        "--config.data.name=cifr10",
    ): "Did you mean 'cifar10'?",
    **{
        (command, "--config=quickstart", "--workdir=x", f"--config.{field}"): (
            words
        )
        for command in ("run", "sweep")
        for field, words in (
            ("optimizer.name=adamm", "Did you mean 'adam'?"),
            ("model.name=resnet-18", "Did you mean 'resnet18'?"),
            ("penalty.name=l1", "`penalty.name` must be one of"),
            ("transform.noise=frsh", "Did you mean 'fresh'?"),
            ("optimizer.learning_rate=0", "Received: optimizer.learning_rate"),
            ("data.label_noise=2", "Received: data.label_noise=2"),
            ("diagnostics.measures=norm", "diagnostics.measures='norm'"),
            ("data.source=mnist", "requires rounds.protocol='transfer'"),
        )
    },
    ("report", "runs/quickstart"): "Did you mean --workdir=runs/quickstart?",
    ("report", "--workdir=none", "--chek"): "Did you mean --check?",
    ("retrain", "--modle=a.keras"): "Did you mean --model=a.keras?",
    ("retrain", "--out=a.keras"): "`--model` is required",
    ("retrain", "--margin=one"): "`--margin` must be a number. Received",
    ("retrain", "--mode=maxx"): "Did you mean --mode=max?",
}
# Further flags of a whole `ws-retrain` command.
RETRAIN = {
    "--model=none.keras": "none.keras, which is not a file",
    "--model=none.py:build": "there is no file none.py",
    "--data=npz:none.npz": "Received: no such file",
    "--data=today.npz": "Did you mean --data=npz:today.npz?",
    "--data=csv:none.csv": "Received: no such file",
    "--data=cifar": "Did you mean 'cifar10'?",
    "--held_out=test.csv": "Did you mean --held_out=csv:test.csv?",
    "--held_out=2": "--held_out=2",
    "--target=lable": "must hold `lable`. Received: arrays ['x', 'y']",
    # The names of Keras' own files are no mistake: the next thing is one.
    "--data=npz:keras.npz --target=y --order_by=week": "must hold `week`",
    "--order_by=week": "must hold `week`",
    "--shrink=1.4": "Received: --shrink=1.4",
    "--compare=cold,wram": "Did you mean 'warm'?",
    "--start=wram": "Did you mean 'warm'?",
    "--learning_rate=0": "`--learning_rate` must be positive",
    "--margin=-1": "`--margin` must be positive",
    "--batch_size=0": "`--batch_size` must be at least 1",
    "--max_epochs=0": "`--max_epochs` must be at least 1",
    "--patience=0": "`--patience` must be at least 1",
    "--checkpoint_minutes=0": "`--checkpoint_minutes` must be positive",
    "--replay=1.5": "`--replay` must be a fraction",
    "--old_samples=-1": "`--old_samples` must be at least 0",
    "--held_out=npz:today.npz --groups=person": "--groups=person with --held",
    "--split_seed=-1": "Received: --split_seed=-1",
    "--out=none/new.keras": "The folder of `--out` must exist",
    "--out=new.h5": "must end with .keras",
    "--out=old.keras": "old.keras exists",
}


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    """What each command writes to the standard error."""
    folder = tmp_path_factory.mktemp("mistakes")
    x, y = np.ones((9, 2)), np.ones(9, int)
    np.savez(folder / "today.npz", x=x, y=y)
    np.savez(folder / "keras.npz", x_train=x, y_train=y)
    (folder / "old.keras").write_bytes(b"old")
    (folder / "model.py").write_text("def build(): ...\n")
    whole = {"model": "model.py:build", "data": "npz:today.npz"}
    whole |= {"out": "new.keras", "compare": "cold"}
    commands = [*CASES]
    for flag in RETRAIN:
        name, _, value = flag.removeprefix("--").partition("=")
        given = {**whole, name: value}
        flags = " ".join(f"--{name}={value}" for name, value in given.items())
        commands.append(("retrain", *flags.split()))
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(commands)],
        cwd=folder,
        env={"PATH": "", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    lines = map(json.loads, done.stdout.splitlines())
    return dict(zip([*CASES, *RETRAIN], lines, strict=True))


@pytest.mark.parametrize("case", [*CASES, *RETRAIN], ids=str)
def test_a_wrong_flag_is_answered_before_keras_is_imported(said, case):
    words = {**CASES, **RETRAIN}[case]
    assert words in said[case]
    assert said[case].count("\n") == 1 and "Error" not in said[case]


def test_messages_of_functions_are_in_words_of_the_command(monkeypatch):
    monkeypatch.setattr(called.flags, "FLAGS", {"seeds": 0, "compare": 0})
    text = "Set `seeds` or `x`. Received: seeds=2, x=3. Fewer `candidates`."
    assert called.as_flags(text, {"candidates": "compare"}) == (
        "Set `--seeds` or `x`. Received: --seeds=2, x=3. Fewer `--compare`."
    )
    # Code stays code.
    code = "ws_keras.Search(seeds=3)"
    assert called.as_flags(code) == code
