"""What a program is in, by its stack."""

import ast
import importlib
import pathlib
import time

import keras
import pytest
import tensorflow as tf

from benchmarks import parts

TRAINER = "/x/keras/src/backend/tensorflow/trainer.py"
TRACING = (
    "/x/tensorflow/python/framework/func_graph.py",
    "func_graph_from_py_func",
)


@pytest.mark.parametrize(
    ("stack", "part"),
    [
        (
            [("a.py", "f"), (TRAINER, "fit"), TRACING],
            "trace of a training step",
        ),
        ([(TRAINER, "evaluate"), TRACING], "trace of an evaluation"),
        # The order counts: this one trains while something is traced.
        ([TRACING, (TRAINER, "fit")], "others"),
        ([("a.py", "fit"), TRACING], "others"),
        (
            [("/y/launch/start_up.py", "keras"), TRACING],
            "import of TensorFlow and Keras",
        ),
        ([], "others"),
    ],
)
def test_a_stack_belongs_to_the_first_part_that_fits(stack, part):
    assert parts.part(stack, parts.PARTS["start"]) == part


def test_the_calls_that_tell_the_parts_exist():
    """A renamed function would count as something else."""
    roots = [pathlib.Path(parts.__file__).parents[1]]
    roots += [pathlib.Path(m.__file__).parents[1] for m in (keras, tf)]
    for known in parts.PARTS.values():
        for file, function in {
            call for calls in known.values() for call in calls
        }:
            if file == "<frozen importlib._bootstrap>":
                assert hasattr(importlib._bootstrap, function)
                continue
            found = [root / file for root in roots]
            found += [root / "tensorflow" / "python" / file for root in roots]
            (path,) = {path for path in found if path.is_file()}
            names = [
                node.name
                for node in ast.walk(ast.parse(path.read_text()))
                if isinstance(node, ast.FunctionDef)
            ]
            assert function in names, (file, function)


def test_the_time_goes_to_what_the_program_is_in():
    def waiting(name):
        deadline = time.monotonic() + 60
        before = sampler.seconds[name]
        while sampler.seconds[name] < before + 0.05:
            assert time.monotonic() < deadline
            time.sleep(0.001)

    def another(name):
        waiting(name)

    known = {"a": [(__file__, "another")], "b": [(__file__, "waiting")]}
    began = time.perf_counter()
    with parts.Sampler(known) as sampler:
        another("a")
        waiting("b")
    assert sum(sampler.seconds.values()) <= time.perf_counter() - began
    seen = dict(sampler.seconds)
    time.sleep(3 * parts.INTERVAL)
    assert sampler.seconds == seen  # it has ended


def test_the_table_has_medians_and_the_whole():
    name = "trace of a training step"
    runs = [{name: 1.0, "others": 3.0}, {name: 2.0, "others": 4.0}, {name: 9.0}]
    lines = parts.table(runs, [name]).splitlines()
    assert f"| {name} | 2.000 |" in lines
    assert lines[-2] == "| others | 3.000 |"
    assert lines[-1] == "| all | 6.000 |"
