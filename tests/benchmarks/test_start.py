"""What the way to a first step is in, by the stack."""

import time

import pytest

from benchmarks import start

TRAINER = "/x/keras/src/backend/tensorflow/trainer.py"
TRACING = ("/x/tensorflow/python/framework/func_graph.py", start.TRACING)


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
            next(iter(start.PARTS)),
        ),
        ([], "others"),
    ],
)
def test_a_stack_belongs_to_the_first_part_that_fits(stack, part):
    assert start.part(stack) == part


def test_the_time_goes_to_what_the_thread_is_in(monkeypatch):
    def waiting(name):
        deadline = time.monotonic() + 60
        before = sampler.seconds[name]
        while sampler.seconds[name] < before + 0.05:
            assert time.monotonic() < deadline
            time.sleep(0.001)

    def another(name):
        waiting(name)

    parts = {"a": [(__file__, "another")], "b": [(__file__, "waiting")]}
    monkeypatch.setattr(start, "PARTS", parts)
    began = time.perf_counter()
    with start.Sampler() as sampler:
        another("a")
        waiting("b")
    assert sum(sampler.seconds.values()) <= time.perf_counter() - began
    seen = dict(sampler.seconds)
    time.sleep(3 * start.INTERVAL)
    assert sampler.seconds == seen  # it has ended


def test_the_table_has_medians_and_the_whole():
    name = "trace of a training step"
    runs = [{name: 1.0, "others": 3.0}, {name: 2.0, "others": 4.0}, {name: 9.0}]
    lines = start.table(runs).splitlines()
    assert f"| {name} | 2.00 |" in lines
    assert lines[-2] == "| others | 3.00 |"
    assert lines[-1] == "| all | 6.00 |"
