"""Event files, read back by TensorBoard's own reader."""

import errno
import math
import os
import subprocess
import sys
import time

import pytest
from tensorboard.backend.event_processing import event_accumulator
from tensorboard.plugins.custom_scalar import layout_pb2
from tensorboard.plugins.custom_scalar import metadata as layouts
from tensorboard.plugins.hparams import api_pb2
from tensorboard.plugins.hparams import metadata

from ws_keras.storage import boards
from ws_keras.storage import events
from ws_keras.storage import rows


def read(folder):
    found = event_accumulator.EventAccumulator(str(folder))
    found.Reload()
    return found


def points(found, tag):
    return [(event.step, event.value) for event in found.Scalars(tag)]


def epoch(number, **changes):
    values = {
        "setting": "own/warm/seed0",
        "round": 1 + number // 3,
        "epoch": number,
        "loss": 1 / number,
        "train_accuracy": 50.0 + number,
        "accuracy": 40.0 + number,
        "learning_rate": 0.001,
        "samples_per_second": 100.0,
    }
    return rows.Epoch(**{**values, **changes})


def test_epochs_count_on_across_rounds(tmp_path):
    with events.Events(tmp_path, {"arm": "warm"}) as writer:
        for number in range(1, 7):
            writer.epoch(epoch(number))
    found = read(tmp_path)
    assert points(found, "epoch/accuracy") == [(n, 40 + n) for n in range(1, 7)]
    assert points(found, "epoch/loss") == [
        (n, pytest.approx(1 / n)) for n in range(1, 7)
    ]
    assert set(found.Tags()["scalars"]) == {
        f"epoch/{name}" for name in events.EPOCH_TAGS
    }


def test_a_full_disk_is_an_error_of_the_system(tmp_path):
    """The file size limit of the process stands for the disk's end."""
    script = """
import resource, sys
from ws_keras.storage import boards
from ws_keras.storage import events
writer = events.Events(sys.argv[1], {"arm": "warm"})
resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000))
for number in range(10**4):
    try:
        writer._writer.add_scalar("a", 1.0, number)
        writer._writer.flush()
    except OSError as error:
        print(error.errno, number > 10)
        break
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        capture_output=True,
        text=True,
    )
    assert done.stdout == f"{errno.EFBIG} True\n"
    assert len(points(read(tmp_path), "a")) > 10


def test_points_are_on_the_disk_after_a_round_and_after_seconds(
    tmp_path, monkeypatch, make_row
):
    with events.Events(tmp_path, {}) as writer:
        writer.epoch(epoch(1))
        writer.round(make_row())
        assert points(read(tmp_path), "epoch/loss") == [(1, 1.0)]
        now = time.monotonic()
        monkeypatch.setattr(time, "monotonic", lambda: now + 11)
        writer.epoch(epoch(2))
        assert len(points(read(tmp_path), "epoch/loss")) == 2


def test_an_accuracy_that_was_not_measured_is_left_out(tmp_path):
    with events.Events(tmp_path, {}) as writer:
        writer.epoch(epoch(1, accuracy=math.nan, loss=math.nan))
    found = read(tmp_path)
    assert "epoch/accuracy" not in found.Tags()["scalars"]
    ((step, loss),) = points(found, "epoch/loss")
    assert step == 1 and math.isnan(loss)


def test_rounds_are_at_their_numbers_of_samples(tmp_path, make_row):
    with events.Events(tmp_path, {}) as writer:
        for number in (1, 2):
            row = make_row(round=number, num_samples=1000 * number)
            writer.round(row)
    found = read(tmp_path)
    for name in events.ROUND_TAGS:
        expected = pytest.approx(getattr(row, name))
        assert points(found, f"round/{name}")[1] == (2000, expected)


def test_a_reader_sees_a_round_while_the_writer_is_open(tmp_path, make_row):
    with events.Events(tmp_path, {}) as writer:
        writer.round(make_row(round=1, num_samples=1000))
        assert len(points(read(tmp_path), "round/accuracy")) == 1


def test_gap_to_cold_is_written_once(tmp_path, make_row):
    ours = [
        make_row(arm="warm", round=n, num_samples=n, accuracy=30.0 + n)
        for n in (1, 2)
    ]
    cold = [make_row(round=n, num_samples=n, accuracy=35.5) for n in (1, 2)]
    for _ in range(2):
        events.write_gap(tmp_path, ours, cold)
    assert points(read(tmp_path), events.GAP) == [(1, -4.5), (2, -3.5)]


def test_a_cold_start_of_one_round_has_a_gap_to_the_last_round(
    tmp_path, make_row
):
    """Round 1 of the arm has half of the samples that the cold one has."""
    ours = [
        make_row(arm="warm", round=n, num_samples=500 * n, accuracy=30.0 + n)
        for n in (1, 2)
    ]
    cold = [make_row(arm="cold", round=1, num_samples=1000, accuracy=35.5)]
    events.write_gap(tmp_path, ours, cold)
    assert points(read(tmp_path), events.GAP) == [(1000, -3.5)]


def test_rounds_of_other_samples_have_no_gap(tmp_path, make_row):
    """The cold setting has diverged in its first round."""
    ours = [make_row(round=n, num_samples=500 * n) for n in (1, 2)]
    cold = [make_row(arm="cold", round=1, num_samples=500)]
    events.write_gap(tmp_path, ours, cold)
    assert events.GAP not in read(tmp_path).Tags()["scalars"]


def test_charts_of_all_arms_are_laid_out(tmp_path):
    with events.Events(tmp_path, {"arm": "warm"}):
        pass
    (event,) = read(tmp_path).Tensors(layouts.CONFIG_SUMMARY_TAG)
    layout = layout_pb2.Layout.FromString(event.tensor_proto.string_val[0])
    charts = [chart for part in layout.category for chart in part.chart]
    assert ["round/accuracy"] in [chart.multiline.tag for chart in charts]


def test_hparams_are_there_for_their_tab(tmp_path):
    given = {"arm": "warm", "shrink": 1.0, "seed": 3}
    with events.Events(tmp_path, given):
        pass
    found = read(tmp_path)
    content = found.PluginTagToContent(metadata.PLUGIN_NAME)
    session = metadata.parse_session_start_info_plugin_data(
        content[metadata.SESSION_START_INFO_TAG]
    )
    assert session.hparams["arm"].string_value == "warm"
    assert session.hparams["shrink"].number_value == 1.0
    experiment = metadata.parse_experiment_plugin_data(
        content[metadata.EXPERIMENT_TAG]
    )
    assert {info.name for info in experiment.hparam_infos} == set(given)
    assert "round/accuracy" in {
        info.name.tag for info in experiment.metric_infos
    }


def test_a_run_that_goes_on_has_each_point_once(tmp_path, make_row):
    """Epochs 1 to 4 were written; the checkpoint and its files know 1 to 3,
    and of these the killed process has lost the third."""
    first = [epoch(number) for number in range(1, 4)]
    with events.Events(tmp_path, {"arm": "warm"}) as writer:
        for number in (1, 2, 4):
            writer.epoch(epoch(number))
        writer.round(make_row(round=1, num_samples=10))
        writer.round(make_row(round=2, num_samples=20))
    times = [e.wall_time for e in read(tmp_path).Scalars("epoch/loss")]
    (path,) = tmp_path.glob("*tfevents*")
    # As a killed process leaves it.
    path.write_bytes(path.read_bytes() + b"torn")
    row = make_row(round=1, num_samples=10)
    with events.Events(tmp_path, {"arm": "warm"}, first, [row]) as writer:
        for number in (4, 5):
            writer.epoch(epoch(number, loss=7.0 + number))
        writer.round(make_row(round=2, num_samples=20))
    (_,) = tmp_path.glob("*tfevents*")
    found = read(tmp_path)
    assert points(found, "epoch/loss") == [
        (1, 1.0),
        (2, 0.5),
        (3, pytest.approx(1 / 3)),
        (4, 11.0),
        (5, 12.0),
    ]
    assert [step for step, _ in points(found, "round/accuracy")] == [10, 20]
    again = [e.wall_time for e in found.Scalars("epoch/loss")]
    assert again[:2] == times[:2]


def test_an_open_tensorboard_forgets_what_will_come_again(tmp_path):
    """The reader of a TensorBoard that watches the folder all the time."""
    with events.Events(tmp_path, {}) as writer:
        for number in (1, 2, 3):
            writer.epoch(epoch(number))
    watching = read(tmp_path)
    # Within a second, names of files are in their order up to the ninth.
    time.sleep(1.1)
    with events.Events(tmp_path, {}, [epoch(1)]) as writer:
        writer.epoch(epoch(2, loss=9.0))
        writer.epoch(epoch(3, loss=8.0))
    watching.Reload()
    expected = [(1, 1.0), (2, 9.0), (3, 8.0)]
    assert points(watching, "epoch/loss") == expected


def test_diagnostics_and_measures_have_curves(tmp_path, make_row):
    with events.Events(tmp_path, {}) as writer:
        for number in (1, 2):
            writer.epoch(epoch(number, measures={"norm": 2.0 * number}))
            row = make_row(
                round=number,
                num_samples=1000 * number,
                measures={"shrunk/0.5/entropy": 0.5 * number},
            )
            writer.round(row)
    found = read(tmp_path)
    assert points(found, "diagnostics/norm") == [(1, 2.0), (2, 4.0)]
    name = "measures/shrunk/0.5/entropy"
    assert points(found, name) == [(1000, 0.5), (2000, 1.0)]


def record(content, length=None):
    """A record of an event file with right checksums."""
    import struct

    from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import crc32c

    def masked(part):
        crc = crc32c(part)
        return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF

    size = struct.pack("<Q", len(content) if length is None else length)
    return (
        size
        + struct.pack("<I", masked(size))
        + content
        + struct.pack("<I", masked(content))
    )


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"noise" * 100,
        record(b"\xff" * 50),
        record(b"", length=2**62),
        record(b"", length=2**40),
        record(b"\x2a\xff\xff\xff\xff\x0f"),
    ],
    ids=["empty", "noise", "no event", "endless", "terabyte", "long field"],
)
def test_hostile_event_files_cost_their_times_alone(tmp_path, content):
    path = tmp_path / f"{events.PREFIX}.1.other.1"
    path.write_bytes(content)
    with events.Events(tmp_path, {"arm": "warm"}, [epoch(1)]) as writer:
        writer.epoch(epoch(2))
    assert not path.exists()
    assert points(read(tmp_path), "epoch/loss") == [(1, 1.0), (2, 0.5)]


def test_event_files_that_are_none(tmp_path):
    """Neither read nor written through, and made room for."""
    secret = tmp_path / "thesis.tex"
    secret.write_text("chapter 1")
    folder = tmp_path / "setting"
    folder.mkdir()
    (folder / f"{events.PREFIX}.1.a").symlink_to(secret)
    (folder / f"{events.PREFIX}.1.b").symlink_to("/dev/zero")
    os.mkfifo(folder / f"{events.PREFIX}.1.c")
    with events.Events(folder, {"arm": "warm"}, [epoch(1)]):
        pass
    assert secret.read_text() == "chapter 1"
    assert len(list(folder.iterdir())) == 1
    assert points(read(folder), "epoch/loss") == [(1, 1.0)]


@pytest.mark.parametrize(
    ("stopped_by", "status"),
    [("threshold", api_pb2.STATUS_SUCCESS), ("nan", api_pb2.STATUS_FAILURE)],
)
def test_a_finished_setting_has_its_end(tmp_path, make_row, stopped_by, status):
    def ends():
        found = read(tmp_path).PluginTagToContent(metadata.PLUGIN_NAME)
        return found.get(metadata.SESSION_END_INFO_TAG)

    first = make_row(round=1, num_samples=10, last=False)
    with events.Events(tmp_path, {"arm": "warm"}) as writer:
        writer.round(first)
        assert not ends()
        writer.round(
            make_row(round=2, num_samples=20, last=True, stopped_by=stopped_by)
        )
    end = metadata.parse_session_end_info_plugin_data(ends())
    assert end.status == status


def test_numbers_have_types_domains_and_order(tmp_path):
    values = {"optimizer": "adam", "arm": "dash", "shrink": 0.5}
    values |= {"perturb": math.nan, "seed": 3}
    choices = {"seed": (4, 3), "arm": ("warm", "dash"), "shrink": (1.0, 0.5)}
    with events.Events(tmp_path, values, name="dash/3", choices=choices):
        pass
    content = read(tmp_path).PluginTagToContent(metadata.PLUGIN_NAME)
    experiment = metadata.parse_experiment_plugin_data(
        content[metadata.EXPERIMENT_TAG]
    )
    infos = {info.name: info for info in experiment.hparam_infos}
    assert list(infos) == ["shrink", "perturb", "seed", "arm", "optimizer"]
    assert infos["seed"].type == api_pb2.DATA_TYPE_FLOAT64
    assert [v for v in infos["seed"].domain_discrete] == [3, 4]
    assert [v for v in infos["arm"].domain_discrete] == ["dash", "warm"]
    assert infos["perturb"].domain_interval.max_value == 1.0
    assert infos["seed"].differs and not infos["optimizer"].differs
    start = metadata.parse_session_start_info_plugin_data(
        content[metadata.SESSION_START_INFO_TAG]
    )
    assert start.group_name == "dash/3"
    # A number that this arm does not have.
    assert "perturb" not in start.hparams


def test_a_value_that_is_no_choice_takes_the_domain_away(tmp_path):
    """TensorBoard hides trials whose value is not among the boxes."""
    choices = {"arm": ("warm", "cold")}
    with events.Events(tmp_path, {"arm": "dash"}, choices=choices):
        pass
    content = read(tmp_path).PluginTagToContent(metadata.PLUGIN_NAME)
    (info,) = metadata.parse_experiment_plugin_data(
        content[metadata.EXPERIMENT_TAG]
    ).hparam_infos
    assert not info.HasField("domain_discrete")


@pytest.mark.parametrize("absent", [(), (events.GAP,), ("epoch/accuracy",)])
def test_no_table_or_chart_waits_for_what_is_not_written(tmp_path, absent):
    """Plots of TensorBoard leave out trials that lack a metric."""
    with events.Events(tmp_path, {"arm": "warm"}, absent=absent):
        pass
    found = read(tmp_path)
    experiment = metadata.parse_experiment_plugin_data(
        found.PluginTagToContent(metadata.PLUGIN_NAME)[metadata.EXPERIMENT_TAG]
    )
    metrics = {info.name.tag for info in experiment.metric_infos}
    assert metrics == set(boards.COMPARED) - set(absent)
    (layout,) = found.Tensors(layouts.CONFIG_SUMMARY_TAG)
    (content,) = layout.tensor_proto.string_val
    shown = {
        tag
        for category in layout_pb2.Layout.FromString(content).category
        for chart in category.chart
        for tag in chart.multiline.tag
    }
    every = {t for charts in boards.CHARTS.values() for t in charts.values()}
    assert shown == every - set(absent)


def test_every_tag_has_a_description():
    written = [f"epoch/{name}" for name in events.EPOCH_TAGS]
    written += [f"round/{name}" for name in events.ROUND_TAGS]
    written += [events.GAP, "diagnostics/gradient_norm_old", "measures/a"]
    assert all(boards.description(tag) for tag in written)
    assert boards.description("own/tag") == ""
    shown = [
        tag for charts in boards.CHARTS.values() for tag in charts.values()
    ]
    assert set(shown) <= set(written) and set(boards.COMPARED) <= set(written)
