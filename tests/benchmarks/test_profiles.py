"""Where a step goes, and what an earlier revision took."""

import collections
import pathlib
import subprocess

import pytest

from benchmarks import profiles
from benchmarks import revisions


def test_the_table_sums_what_it_does_not_show():
    found = collections.Counter(
        {f"op{i}": float(20 - i) for i in range(profiles.SHOWN + 2)}
    )
    lines = profiles.table("here", found, steps=2).splitlines()
    assert lines[2] == "| op0 | 10.0 |"
    hidden = sum(20 - i for i in (profiles.SHOWN, profiles.SHOWN + 1))
    assert lines[-2] == f"| others | {hidden / 2:.1f} |"
    assert lines[-1] == f"| all | {sum(found.values()) / 2:.1f} |"


def test_operations_of_the_steps_graph_are_summed_by_kind():
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    space = xplane_pb2.XSpace()
    plane = space.planes.add(name="/host:CPU")
    names = ["while/body/a/conv:Conv2D", "while/body/b/conv:Conv2D", "Run"]
    for number, name in enumerate(names):
        plane.event_metadata[number].name = name
    for metadata_id in (0, 0, 1, 2):
        line = plane.lines.add()
        line.events.add(metadata_id=metadata_id, duration_ps=2_000_000_000)
    found = profiles._operations(space.SerializeToString())
    assert found == {"Conv2D": pytest.approx(6.0)}


@pytest.mark.slow
def test_a_checkout_of_a_revision_comes_and_goes(tmp_path):
    git = ["git", "-C", str(revisions.ROOT)]
    if subprocess.run([*git, "rev-parse"], capture_output=True).returncode:
        pytest.skip("needs the project's history")
    with revisions.checkout("HEAD", tmp_path) as path:
        assert (path / "launch" / "run.py").is_file()
        command = revisions.command(path, str(tmp_path), "data.npz")
        assert command[:3] == ["env", "-C", str(path)]
    assert not pathlib.Path(path).exists()
