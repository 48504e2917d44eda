"""Ratios of programs that run in turn."""

import dataclasses
import importlib.util

import keras
import pytest

from benchmarks import pairs
from benchmarks import report
from benchmarks import shares
from benchmarks import suite
from benchmarks import turns


def replies(walls, loss=1.0, **facts):
    return [
        {"wall": w, "cpu": 2 * w, "samples": 100, "loss": loss, **facts}
        for w in walls
    ]


def test_ratios_are_taken_within_each_round():
    """A stall of the machine in one round moves one ratio, not the median."""
    ours = replies([1.0, 1.0, 50.0, 1.0, 1.0], memory=3.0)
    theirs = replies([2.0, 2.2, 2.0, 1.8, 2.0])
    row = pairs.row("work", "ours", ours, "peer", theirs, at_least=1.5)
    assert row.wall == (1.8, 2.0, 2.0)
    assert row.samples_per_second == 100
    assert row.peer_cpu_seconds_per_1000 == 40
    assert row.facts == {"memory": 3.0}
    assert [turn["wall"] for turn in row.turns] == [
        (1.0, 2.0),
        (1.0, 2.2),
        (50.0, 2.0),
        (1.0, 1.8),
        (1.0, 2.0),
    ]
    assert row.turns[2]["cpu"] == (100.0, 4.0)
    assert row.turns[2]["samples"] == (100, 100)
    assert row.conditions["keras"] == keras.__version__
    assert row.conditions["date"] >= "2026" and row.conditions["cores"] > 0


def test_rows_come_back_and_new_ones_replace_those_of_the_same_work(tmp_path):
    path = tmp_path / "new" / "rows.jsonl"
    first, second = (
        pairs.row(work, "ours", replies([1, 2]), "peer", replies([2, 2]))
        for work in ("a", "b")
    )
    pairs.write(path, [first, second])
    newer = dataclasses.replace(first, pairs=9)
    pairs.write(path, [newer])
    again = pairs.read(path)
    assert [row.work for row in again] == ["b", "a"] and again[1].pairs == 9
    assert again[0].turns[0] == {
        "ended": None,
        "wall": [1, 2],
        "cpu": [2, 4],
        "samples": [100, 100],
    }
    report.write(path.parent)
    assert (tmp_path / "new" / "ratios.png").stat().st_size > 1000
    assert (tmp_path / "new" / "tables.md").read_text().count("| peer |") == 2


@pytest.mark.slow
def test_the_floor_reads_and_writes_what_shrink_perturb_does():
    """Both programs run for real, in processes of their own."""
    rows = pairs.compare(
        "transform",
        {
            "ours": {"module": "transform", "what": "ours", "network": "mlp"},
            "floor": {"module": "transform", "what": "floor", "network": "mlp"},
        },
        count=2,
    )
    assert rows[0].facts["weights"] == 318_410
    assert rows[0].facts["largest_variable"] == pytest.approx(4 * 0.3072)
    assert all(ratio > 0 for ratio in (*rows[0].wall, *rows[0].cpu))


@pytest.mark.slow
def test_programs_that_do_not_the_same_are_refused():
    programs = {
        network: {"module": "transform", "what": "floor", "network": network}
        for network in ("mlp", "logistic")
    }
    with pytest.raises(RuntimeError, match="same weights"):
        pairs.compare("transform", programs, count=1)


@pytest.mark.slow
def test_a_program_that_fails_is_named():
    with pytest.raises(RuntimeError, match="'transform' has failed"):
        turns.Program("transform", what="ours", network="unknown")


@pytest.mark.slow
@pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="needs PyTorch"
)
@pytest.mark.parametrize("network", ["resnet18", "mlp", "logistic"])
def test_all_programs_train_alike(network):
    """Ours, a bare loop and both peers: equal weights, equal losses."""
    shared = {**suite.common(network, "sgd"), "samples": 768}
    programs = {
        name: {"module": name, **shared}
        for name in ("ours", "bare", "torch_authors", "torch_best")
    }
    rows = pairs.compare(network, programs, count=1, tolerance=1e-3)
    assert [row.peer for row in rows] == list(programs)[1:]


@pytest.mark.parametrize(
    "work, share",
    [
        ("ResNet-18, sgd, float32", 0.25),
        ("ResNet-18, sgd, bfloat16", 2.0),
        ("evaluation of 16,667 images", 0.125),
        ("mlp, adam, float32", 0.1),
        # 300 million weights of 4 bytes, read and written, a hundred times.
        ("shrink_perturb of 300 million, fresh noise", 24.0),
        ("mlp, 5 seeds, bare loops", None),
        ("fit with an idle ShrinkPerturb", None),
    ],
)
def test_shares_of_what_the_machine_gives(work, share):
    found = {
        "copy_gb_per_s": 10.0,
        "samples_per_second_float32": {"resnet18": 400.0, "mlp": 1000.0},
        "samples_per_second_bfloat16": {"resnet18": 50.0},
        "evaluated_per_second_float32": {"resnet18": 800.0},
    }
    row = pairs.row(work, "ours", replies([1, 1]), "peer", replies([2, 2]))
    assert shares.share(row, found) == (share and pytest.approx(share))
