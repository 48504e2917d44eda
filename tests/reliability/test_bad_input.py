"""Bad input by the hundred: a sentence, and nothing half written.

Where slow tests run, it is by the thousand.
`.npz` files and checkpoints have tests of this kind beside their own ones.
"""

import json
import math
import string

import hypothesis
import keras
import ml_collections
import numpy as np
import pytest
from hypothesis import strategies as st
from tensorflow.python.framework import config as tensorflow_config
from ws_keras.configs import base

from ws_keras import allocation
from ws_keras import experiment
from ws_keras import protocol
from ws_keras import settings as all_settings
from ws_keras.data import datasets
from ws_keras.report import writing
from ws_keras.storage import rows
from ws_keras.storage import workdir as workdirs
from ws_keras.training import devices

THOUSANDS = hypothesis.settings(
    max_examples=1000,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(hypothesis.HealthCheck),
)
SOME = hypothesis.settings(THOUSANDS, max_examples=50)


def counts(few, many):
    """Parametrizes by how many inputs there are; many are slow."""
    slow = pytest.param(many, marks=pytest.mark.slow)
    return pytest.mark.parametrize("count", [few, slow])


def check_each(check, count, *given, **named):
    """Checks so many inputs."""
    limits = hypothesis.settings(THOUSANDS, max_examples=count)
    limits(hypothesis.given(*given, **named)(check))()


@pytest.fixture(scope="module", autouse=True)
def _without_determinism():
    """Configs that train here turn it on for the process, other tests too."""
    yield
    tensorflow_config.disable_op_determinism()


FIELDS = {
    name: value
    for name, value in base.get_config().to_dict().items()
    if not isinstance(value, dict)
} | {
    f"{group}.{name}": value
    for group, fields in base.get_config().to_dict().items()
    if isinstance(fields, dict)
    for name, value in fields.items()
    if not isinstance(value, dict)
}
# No large numbers: ten million channels are wrong for a machine, not as such.
VALUES = st.one_of(
    st.booleans(),
    st.integers(-3, 40),
    st.floats(-2, 40),
    st.sampled_from([float("nan"), float("inf"), -float("inf"), -0.0, 1e-300]),
    st.text(max_size=5),
    st.sampled_from(
        ["cold", "warm", "shrink_perturb-1-nan", "mlp", "batch", "reset"]
    ),
    st.lists(st.integers(-2, 3), max_size=4).map(tuple),
    st.lists(st.text(max_size=3), max_size=2).map(tuple),
)


def dataset():
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (30, 4, 4, 3), np.uint8)
    return datasets.Dataset("d", x, rng.integers(0, 3, 30).astype("int32"), 3)


def config_with(changes):
    """The config with some fields changed; `None` where the flag fails."""
    config = base.get_config()
    config.unlock()
    # A valid start, small enough for a thousand models.
    config.update(
        ml_collections.ConfigDict({"model": {"width": 2, "blocks": (1,)}})
    )
    config.rounds.step, config.train.batch_size = 8, 4
    config.lock()
    try:
        config.update_from_flattened_dict(changes)
    except (TypeError, ValueError, KeyError):
        return None
    return config


CHANGES = st.dictionaries(st.sampled_from(sorted(FIELDS)), VALUES, min_size=1)


def check_config(changes):
    config = config_with(changes)
    hypothesis.assume(config is not None)
    try:
        setting = all_settings.product(config)[0]
        protocol.check(config)
        allocation.sizes(config, 30)
        experiment.start(config)
        experiment.validate(config, setting, dataset())
    except ValueError as error:
        assert "Received: " in str(error)


@counts(40, 1000)
def test_any_config_is_refused_in_a_sentence_or_accepted(count):
    check_each(check_config, count, CHANGES)


@THOUSANDS
@hypothesis.given(st.text(max_size=30))
def test_any_arm(text):
    try:
        name, shrink, perturb = all_settings.parse_arm(text)
    except ValueError as error:
        assert "Received: " in str(error)
    else:
        assert name
        for number in (shrink, perturb):
            assert math.isnan(number) or 0 <= number < np.inf


@SOME
@hypothesis.given(st.text(string.printable, max_size=12))
def test_any_choice_of_settings(text):
    every = all_settings.product(base.get_config())
    try:
        assert all_settings.select(every, text)
    except ValueError as error:
        assert "Received: " in str(error)


@pytest.fixture(scope="module")
def lines(tmp_path_factory):
    """Rows and epochs of a finished setting, as lines."""
    row = rows.Row(
        setting="own/warm/seed0",
        experiment="own",
        arm="warm",
        shrink=1.0,
        perturb=0.0,
        seed=0,
        round=1,
        num_samples=20,
        epochs=2,
        steps=6,
        sample_passes=40,
        train_seconds=0.5,
        trace_seconds=1.5,
        eval_seconds=0.1,
        train_accuracy=50.0,
        accuracy=40.0,
        loss=float("nan"),
        eval_loss=1.5,
        stopped_by="epochs",
        last=True,
        dataset="d",
        model="mlp",
        optimizer="adam",
    )
    path = tmp_path_factory.mktemp("lines") / rows.ROWS
    rows.append(path, row)
    epochs = path.with_name(rows.EPOCHS)
    rows.append_epoch(
        epochs,
        rows.Epoch(
            setting="own/warm/seed0",
            round=1,
            epoch=2,
            loss=0.5,
            train_accuracy=50.0,
            accuracy=float("nan"),
            learning_rate=0.1,
            samples_per_second=8.0,
            measures={"gradient_norm": 2.0},
        ),
    )
    return tuple(unsigned(file.read_bytes()) for file in (path, epochs))


def unsigned(line: bytes) -> bytes:
    """A line of before checksums, so that its fields alone are judged."""
    values = json.loads(line)
    del values["crc32"]
    return json.dumps(values).encode() + b"\n"


JSON = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(max_size=6),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2),
        st.dictionaries(st.text(max_size=4), inner, max_size=2),
    ),
    max_leaves=4,
)


NUMBERS = ["loss", "round", "train_accuracy"]


def changed(line: bytes, name, value) -> bytes:
    values = json.loads(line)
    values[name] = value
    return json.dumps(values).encode() + b"\n"


@st.composite
def damaged(draw, line):
    """A row file with one thing wrong, or many."""
    kinds = ["bytes", "field", "cut", "flip", "line", "deep", "long"]
    kind = draw(st.sampled_from(kinds))
    if kind == "bytes":
        return draw(st.binary(max_size=60))
    if kind == "deep":
        return line + b"[" * 100_000 + b"\n"
    if kind == "long":
        return changed(line, draw(st.sampled_from(NUMBERS)), 10**400)
    if kind == "line":
        return line + json.dumps(draw(JSON)).encode() + b"\n"
    if kind == "field":
        names = [*json.loads(line), "other"]
        return changed(line, draw(st.sampled_from(names)), draw(JSON))
    where = draw(st.integers(0, len(line) - 1))
    if kind == "cut":
        return line[:where]
    bit = 1 << draw(st.integers(0, 7))
    return line[:where] + bytes([line[where] ^ bit]) + line[where + 1 :]


@counts(300, 1000)
def test_any_row_file(tmp_path, lines, count):
    line, _ = lines
    path = tmp_path / "any.jsonl"

    def check(content):
        path.write_bytes(content)
        try:
            found = rows.read(path)
        except ValueError as error:
            assert "Received: " in str(error) and str(path) in str(error)
        else:
            assert all(isinstance(row, rows.Row) for row in found)
        # Whatever is in it, the next row is read back.
        rows.append(path, rows.decode(json.loads(line)))
        assert rows.scan(path).records[-1].setting == "own/warm/seed0"
        assert not rows.scan(path).torn

    check_each(check, count, damaged(line))


@counts(300, 1000)
def test_any_file_of_epochs(tmp_path, lines, count):
    _, line = lines
    path = tmp_path / "any_epochs.jsonl"

    def check(content):
        path.write_bytes(content)
        try:
            found = rows.read_epochs(path)
        except ValueError as error:
            assert "Received: " in str(error) and str(path) in str(error)
        else:
            assert all(isinstance(epoch, rows.Epoch) for epoch in found)

    check_each(check, count, damaged(line))


DEVICES = st.one_of(
    st.text(max_size=8),
    st.integers(-2, 10**9),
    st.lists(
        st.sampled_from(["cpu:0", "cpu:1", "gpu:0", "CPU:0 ", "1", "", ":"]),
        max_size=3,
    ).map(",".join),
)


@THOUSANDS
@hypothesis.given(DEVICES)
def test_any_devices(text):
    keras.ops.zeros(1)  # from here on no CPU can be split
    try:
        found = devices.find(text)
    except ValueError as error:
        assert "Received: devices=" in str(error)
    else:
        assert found == ["cpu:0"]


@pytest.mark.slow
@counts(20, 50)
def test_any_row_in_a_report(tmp_path, lines, count):
    def check(data):
        check_report(tmp_path, data, {rows.ROWS: lines[0]})

    check_each(check, count, data=st.data())


@pytest.mark.slow
@SOME
@hypothesis.given(data=st.data())
def test_any_epoch_in_a_report(tmp_path_factory, lines, data):
    folder = tmp_path_factory.getbasetemp() / "reported_epochs"
    files = dict(zip((rows.ROWS, rows.EPOCHS), lines, strict=True))
    check_report(folder, data, files)


def check_report(folder, data, files):
    """The report shows what can be shown, and names the rest."""
    path = folder / "own/warm/seed0"
    path.mkdir(parents=True, exist_ok=True)
    (folder / "run.json").write_text('{"config": {}}')
    for name, line in files.items():
        (path / name).write_bytes(line + data.draw(damaged(line)))
    try:
        found = writing.write(folder)
    except ValueError as error:
        assert "Received: " in str(error)
    else:
        assert found.markdown.read_text().startswith("# ")


RECORD = {
    "config": {"lr": 0.1},
    "versions": {"keras": "2"},
    "schema": rows.SCHEMA,
    "data": {"mnist": "a1"},
    "continued": [{"versions": {}}],
}


RECORDS = st.one_of(
    st.binary(max_size=40),
    JSON.map(lambda v: json.dumps(v).encode()),
    st.builds(
        lambda name, value: json.dumps({**RECORD, name: value}).encode(),
        st.sampled_from([*RECORD, "other"]),
        JSON,
    ),
    st.just(b"[" * 100_000),
)


@counts(300, 1000)
def test_any_run_record(tmp_path, count):
    record = workdirs.Workdir(tmp_path)

    def check(content):
        (tmp_path / "run.json").write_bytes(content)
        with pytest.raises(ValueError, match="be read|belongs to another"):
            record.prepare({"lr": 0.1}, {"keras": "3"})
        assert (tmp_path / "run.json").read_bytes() == content

    check_each(check, count, RECORDS)


@THOUSANDS
@hypothesis.given(st.text(max_size=12))
def test_no_name_leaves_the_workdir(tmp_path_factory, name):
    folder = workdirs.Workdir(tmp_path_factory.getbasetemp() / "inside")
    try:
        found = folder.folder(name)
    except ValueError as error:
        assert "Received: " in str(error)
    else:
        assert found.resolve().is_relative_to(folder.path)
        assert found.resolve() != folder.path


ARGUMENTS = st.one_of(
    st.text(string.printable.strip(), max_size=8).map(
        lambda text: f"--config={text}"
    ),
    st.tuples(
        st.sampled_from(sorted(FIELDS)),
        st.text(string.printable.strip(), max_size=8),
    ).map(lambda pair: "--config.{}={}".format(*pair)),
    st.tuples(
        st.sampled_from(
            ["settings", "strategy", "checkpoint_minutes", "download", "nolist"]
        ),
        st.text(string.printable.strip(), max_size=6),
    ).map(lambda pair: "--{}={}".format(*pair)),
    st.text(string.ascii_letters + "-=.", min_size=1, max_size=8).map(
        lambda text: f"--{text}"
    ),
)


def check_command(nursery, folder, arguments):
    """A command that only lists: a table, the help, or one sentence."""
    out = folder / "out"
    nursery.start("--config=quickstart", *arguments, "--list", out=out)
    status, text = nursery.wait(), out.read_text(errors="replace")
    assert "Traceback" not in text, text
    if status:
        assert status == 1 and len(text.strip().splitlines()) == 1, text
    assert text.strip()
    assert [path.name for path in folder.iterdir()] == ["out"]


@counts(20, 1500)
def test_any_flags(nursery, tmp_path, count):
    def check(arguments):
        check_command(nursery, tmp_path, arguments)

    check_each(check, count, st.lists(ARGUMENTS, min_size=1, max_size=3))
