"""Checkpoint files that are whole, and what becomes of damaged ones."""

import errno
import hashlib
import json
import os
import subprocess
import sys
import time

import hypothesis
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ws_keras.storage import checkpoint
from ws_keras.training import keeper as keepers

STATE = {"rounds": 2, "place": None, "best": float("-inf"), "name": "ä"}
ARRAYS = [
    np.arange(6, dtype="float32").reshape(2, 3),
    np.array(7, "int64"),
    np.zeros((0, 4), "float32"),
    np.asfortranarray(np.arange(6.0).reshape(2, 3)),
]


def test_what_is_saved_comes_back(tmp_path):
    path = checkpoint.save(tmp_path, STATE, ARRAYS)
    found = checkpoint.load(path)
    assert found.state == STATE
    for data, array in zip(found.arrays, ARRAYS, strict=True):
        back = np.frombuffer(data, array.dtype).reshape(array.shape)
        np.testing.assert_array_equal(back, array)


def test_the_last_two_are_kept(tmp_path):
    for number in range(5):
        checkpoint.save(tmp_path, {"n": number}, [])
    found = [checkpoint.load(p).state["n"] for p in checkpoint.paths(tmp_path)]
    assert found == [4, 3]
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "checkpoint-00000004.ckpt",
        "checkpoint-00000005.ckpt",
    ]


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    path = checkpoint.save(tmp_path_factory.mktemp("whole"), STATE, ARRAYS)
    return path.read_bytes()


def test_every_single_flipped_bit_is_recognized(tmp_path, content):
    path = tmp_path / "checkpoint-00000001.ckpt"
    for position in range(len(content)):
        damaged = bytearray(content)
        damaged[position] ^= 1 << position % 8
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match="must be whole. Received: .*ckpt"):
            checkpoint.load(path)


def test_every_truncation_is_recognized(tmp_path, content):
    path = tmp_path / "checkpoint-00000001.ckpt"
    for length in range(len(content)):
        path.write_bytes(content[:length])
        with pytest.raises(ValueError, match="must be whole"):
            checkpoint.load(path)


@hypothesis_settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200), st.booleans())
def test_any_file_is_a_checkpoint_or_a_sentence(tmp_path_factory, body, signed):
    """Even one whose checksum is right: somebody may have made it."""
    path = tmp_path_factory.getbasetemp() / "any.ckpt"
    body = b"ws_keras checkpoint 1\n" + body
    path.write_bytes(body + hashlib.sha256(body).digest() * signed)
    try:
        found = checkpoint.load(path)
    except ValueError as error:
        assert "must be whole. Received: " in str(error)
    else:
        assert signed and type(found.state) is dict


def state(rounds, step=None, replicas=1):
    """What a keeper needs to find: of a round's end, or of a step in one."""
    place = None if step is None else {"epoch": 0, "step": step}
    return {
        "rounds": rounds,
        "epochs": rounds,
        "trace_seconds": 0.0,
        "place": place,
        "row": None,
        "notes": {},
        "replicas": replicas,
    }


def test_one_that_lacks_what_a_run_needs_is_named(tmp_path):
    checkpoint.save(tmp_path, state(1), [])
    path = checkpoint.save(tmp_path, {"rounds": 2, "place": None}, [])
    keeper = keepers.Keeper(tmp_path)
    assert keeper.newest().state == state(1)
    (problem,) = keeper.problems
    assert f"Received: {path}, which lacks epochs, notes" in problem


def test_one_from_between_epochs_stays_beside_the_last_two(tmp_path):
    """Only that one goes on with another number of replicas."""
    keeper = keepers.Keeper(tmp_path, replicas=2)
    for rounds, step in ((1, None), (1, 0), (1, 3), (1, 5), (1, 7)):
        keeper.save(state(rounds, step), [])
    steps = [
        (checkpoint.load(p).state["place"] or {}).get("step")
        for p in checkpoint.paths(tmp_path)
    ]
    assert steps == [7, 5, 0]
    assert keepers.Keeper(tmp_path, replicas=2).newest().state["place"] == {
        "epoch": 0,
        "step": 7,
    }
    assert keepers.Keeper(tmp_path).newest().state["place"]["step"] == 0
    keeper.save(state(2), [])
    keeper.save(state(3), [])
    assert len(checkpoint.paths(tmp_path)) == 2


def test_a_damaged_one_is_named_and_the_one_before_it_is_used(tmp_path):
    for number in (1, 2):
        path = checkpoint.save(tmp_path, state(number), ARRAYS)
    path.write_bytes(path.read_bytes()[:-9])
    keeper = keepers.Keeper(tmp_path)
    assert keeper.newest().state == state(1)
    (problem,) = keeper.problems
    assert str(path) in problem and "damaged" in problem
    # It no longer counts as one of the two that are kept.
    checkpoint.save(tmp_path, state(3), [])
    kept = [
        checkpoint.load(p).state["rounds"] for p in checkpoint.paths(tmp_path)
    ]
    assert kept == [3, 1]


def test_what_a_killed_writer_left_is_removed(tmp_path):
    path = checkpoint.save(tmp_path, state(1), [])
    (tmp_path / f".{path.name}.123").write_bytes(b"half")
    assert keepers.Keeper(tmp_path).newest().state == state(1)
    assert list(tmp_path.iterdir()) == [path]


def test_one_that_is_not_accepted_is_passed_over(tmp_path):
    for number in (1, 2):
        checkpoint.save(tmp_path, state(number), [])
    keeper = keepers.Keeper(tmp_path)
    assert keeper.newest(lambda state: state["rounds"] < 2).state == state(1)
    assert keeper.newest(lambda state: False) is None
    assert keeper.problems == []


def test_a_failing_disk_leaves_the_older_one_and_no_part(tmp_path):
    """The file size limit of the process stands for the disk's end."""
    script = """
import json, resource, signal, sys
import hypothesis
import numpy as np
from ws_keras.storage import checkpoint
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
checkpoint.save(sys.argv[1], json.loads(sys.argv[2]), [])
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
try:
    checkpoint.save(sys.argv[1], {}, [np.zeros(100_000)])
except OSError as error:
    print(error.errno)
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)] + [json.dumps(state(1))],
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stdout) == errno.EFBIG
    assert os.listdir(tmp_path) == ["checkpoint-00000001.ckpt"]
    assert keepers.Keeper(tmp_path).newest().state == state(1)


def test_when_one_is_due(tmp_path):
    keeper = keepers.Keeper(tmp_path, minutes=None, epochs=3)
    due = [n for n in range(1, 10) if keeper.is_due(n)]
    assert due == [3, 6, 9]
    assert not keepers.Keeper(tmp_path, minutes=60).is_due(1)
    keeper = keepers.Keeper(tmp_path, minutes=1e-9)
    assert keeper.is_due(1)
    keeper.stop.want()
    assert keepers.Keeper(tmp_path, minutes=None, stop=keeper.stop).is_due(1)


@pytest.mark.parametrize("seconds, is_due", [(30, False), (600, True)])
def test_five_minutes_are_more_than_thirty_seconds(
    tmp_path, monkeypatch, seconds, is_due
):
    keeper = keepers.Keeper(tmp_path, minutes=5)
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + seconds)
    assert keeper.is_due(1) == is_due


@pytest.mark.parametrize("name, value", [("minutes", 0), ("epochs", -1)])
def test_bad_intervals(tmp_path, name, value):
    with pytest.raises(
        ValueError, match=f"Received: checkpoint_{name}={value}"
    ):
        keepers.Keeper(tmp_path, **{name: value})


INSIDE = {
    "epoch": 2,
    "step": 3,
    "seconds": [1.0, 2.0],
    "part": 0.5,
    "cpu_seconds": [1.0, 2.0],
    "cpu_part": 0.5,
    "rule": {"value": 0.5, "best": 0.5, "waited": 1},
    "measures": {"norm": 1.0, "entropy": None},
}


def whole_state():
    return {**state(1), "place": INSIDE, "notes": {"chosen": [3, 1]}}


def test_a_place_inside_a_round_is_accepted(tmp_path):
    checkpoint.save(tmp_path, whole_state(), [])
    assert keepers.Keeper(tmp_path).newest().state == whole_state()


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"rounds": "1"}, "rounds: '1'"),
        ({"rounds": -1}, "rounds: '-1'"),
        ({"rounds": True}, "rounds: 'True'"),
        ({"epochs": 10**30}, "epochs"),
        ({"trace_seconds": "1"}, "trace_seconds"),
        ({"replicas": None}, "replicas"),
        ({"row": [1]}, "row"),
        ({"row": {"setting": "x"}}, "row: not the fields of Row"),
        ({"notes": None}, "notes"),
        ({"notes": {"chosen": [-1]}}, "kind of notes"),
        ({"notes": {"chosen": "abc"}}, "kind of notes"),
        ({"place": 3}, "place"),
        ({"place": {"epoch": 1}}, "place of ['epoch']"),
        ({"place": {**INSIDE, "extra": 1}}, "place of"),
        ({"place": {**INSIDE, "step": 0.5}}, "step"),
        ({"place": {**INSIDE, "seconds": 5}}, "seconds"),
        ({"place": {**INSIDE, "seconds": [1.0]}}, "number of seconds"),
        ({"place": {**INSIDE, "seconds": ["a", "b"]}}, "kind of seconds"),
        ({"place": {**INSIDE, "rule": {"evil": 1}}}, "rule than"),
        ({"place": {**INSIDE, "rule": {"best": "x"}}}, "rule than"),
        ({"place": {**INSIDE, "measures": {"a": []}}}, "kind of measures"),
    ],
)
def test_a_right_checksum_over_nonsense(tmp_path, changes, words):
    """Somebody has written it on purpose; the one before it is used."""
    checkpoint.save(tmp_path, state(1), [])
    path = checkpoint.save(tmp_path, {**whole_state(), **changes}, [])
    keeper = keepers.Keeper(tmp_path)
    assert keeper.newest().state == state(1)
    (problem,) = keeper.problems
    assert f"Received: {path} with another {words}" in problem
    assert path.with_suffix(".damaged").exists()


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=3,
)


@hypothesis.settings(
    max_examples=300,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(hypothesis.HealthCheck),
)
@hypothesis.given(
    st.sampled_from([*state(1), *(f"place.{name}" for name in INSIDE)]), JSON
)
def test_any_state_with_a_right_checksum(tmp_path_factory, name, value):
    """Used or set aside, and never a traceback."""
    folder = tmp_path_factory.mktemp("any")
    group, _, part = name.partition(".")
    found = whole_state()
    found[group] = {**INSIDE, part: value} if part else value
    checkpoint.save(folder, found, [])
    keeper = keepers.Keeper(folder)
    assert (keeper.newest() is None) == bool(keeper.problems)


def test_names_that_are_no_numbers_are_no_checkpoints(tmp_path):
    for name in ("evil", "-1", "1.5", "\u0661", "99999999"):
        (tmp_path / f"checkpoint-{name}.ckpt").touch()
    path = checkpoint.save(tmp_path, state(1), [])
    assert path.name == "checkpoint-100000000.ckpt"
    assert checkpoint.paths(tmp_path)[0] == path
    assert keepers.Keeper(tmp_path).newest().state == state(1)


def test_a_checkpoint_that_is_a_link_or_a_folder(tmp_path):
    folder = tmp_path / "setting"
    first = checkpoint.save(folder, state(1), [])
    path = folder / "checkpoint-00000002.ckpt"
    path.symlink_to(first)
    with pytest.raises(ValueError, match="regular file"):
        keepers.Keeper(folder).newest()
    path.unlink()
    path.mkdir()
    keeper = keepers.Keeper(folder)
    assert keeper.newest().path == first and "damaged" in keeper.problems[0]


def test_a_checkpoint_beyond_all_memory(tmp_path):
    path = checkpoint.save(tmp_path, state(1), [])
    os.truncate(path, 2**43)
    with pytest.raises(ValueError, match="the free memory"):
        keepers.Keeper(tmp_path).newest()
    assert path.exists()
