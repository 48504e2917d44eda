"""Rows survive writing, killing and reading."""

import dataclasses
import json
import math
import os
import subprocess
import sys
import zlib

import numpy as np
import pytest

from ws_keras.storage import lines
from ws_keras.storage import rows


def test_round_trip_keeps_every_field(make_row, tmp_path):
    path = tmp_path / "a" / "b" / "rows.jsonl"
    written = [make_row(round=1), make_row(round=2, last=True)]
    for row in written:
        rows.append(path, row)
    assert rows.read(path) == written


def test_numpy_scalars_are_written_as_numbers(make_row, tmp_path):
    path = tmp_path / "rows.jsonl"
    rows.append(
        path,
        make_row(
            accuracy=np.float32(50.5), steps=np.int64(7), last=np.bool_(True)
        ),
    )
    line = json.loads(path.read_text())
    assert (line["accuracy"], line["steps"], line["last"]) == (50.5, 7, True)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_null_and_read_as_nan(make_row, tmp_path, value):
    path = tmp_path / "rows.jsonl"
    rows.append(path, make_row(loss=value, stopped_by="nan", last=True))
    assert '"loss": null' in path.read_text()
    assert math.isnan(rows.read(path)[0].loss)


def test_torn_last_line_is_dropped(make_row, tmp_path):
    path = tmp_path / "rows.jsonl"
    rows.append(path, make_row())
    whole = path.read_bytes()
    for end in (1, 20, len(whole) - 1):
        path.write_bytes(whole + whole[:end])
        assert rows.read(path) == [make_row()]
        assert rows.scan(path).torn


def test_append_cuts_a_torn_line_off(make_row, tmp_path):
    path = tmp_path / "rows.jsonl"
    rows.append(path, make_row(round=1))
    with open(path, "a") as file:
        file.write('{"setting": "fig')
    rows.append(path, make_row(round=2))
    assert [row.round for row in rows.read(path)] == [1, 2]
    path.write_text("torn from the start")
    rows.append(path, make_row(round=3))
    assert [row.round for row in rows.read(path)] == [3]


def test_bad_line_is_named_by_file_and_line(make_row, tmp_path):
    path = tmp_path / "rows.jsonl"
    rows.append(path, make_row())
    with open(path, "a") as file:
        file.write("oops\n")
    rows.append(path, make_row())
    with pytest.raises(ValueError, match=r"rows\.jsonl, line 2: not a JSON"):
        rows.read(path)
    scanned = rows.scan(path)
    assert len(scanned.records) == 2
    assert len(scanned.errors) == 1
    assert not scanned.torn


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema": 4}, "reads rows of schema 1, 2, 3. Received: schema=4"),
        ({"colour": "red"}, r"unknown=\['colour'\]"),
        ({"seed": True}, "`seed` must be int. Received: seed=True"),
        ({"accuracy": "50"}, "`accuracy` must be float"),
        ({"round": None}, "`round` must be int"),
        ({"stopped_by": "boredom"}, "`stopped_by` must be one of"),
        ({"measures": {"norm": "x"}}, "`measures` must hold numbers. Received"),
        ({"measures": {"norm": 10**400}}, "`measures` must be smaller than"),
        ({"labels": {"width": -(10**400)}}, "`labels` must be smaller than"),
        ({"steps": 10**400}, "`steps` must be smaller than"),
        ({"accuracy": 10**400}, "`accuracy` must be smaller than"),
    ],
)
def test_foreign_fields_are_refused(make_row, tmp_path, change, message):
    line = {**dataclasses.asdict(make_row()), **change}
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(line) + "\n")
    with pytest.raises(ValueError, match=message):
        rows.read(path)


def test_labels_and_measures_come_back(make_row, tmp_path):
    path = tmp_path / "rows.jsonl"
    labels = {"train.batch_size": 16, "penalty": "l2"}
    row = make_row(labels=labels, measures={"entropy": 0.5, "norm": math.inf})
    rows.append(path, row)
    (found,) = rows.read(path)
    assert found.labels == labels
    assert found.measures["entropy"] == 0.5
    assert math.isnan(found.measures["norm"])


@pytest.mark.parametrize("literal", ["Infinity", "-Infinity", "1e999", "NaN"])
def test_foreign_numbers_that_are_not_finite_are_nan(
    make_row, tmp_path, unsigned, literal
):
    path = tmp_path / "rows.jsonl"
    rows.append(path, make_row(accuracy=12.5, measures={"norm": 12.5}))
    path.write_text(unsigned(path).replace("12.5", literal))
    (found,) = rows.read(path)
    assert math.isnan(found.accuracy) and math.isnan(found.measures["norm"])


def test_label_of_nothing_is_a_word(make_row, tmp_path):
    path = tmp_path / "rows.jsonl"
    rows.append(path, make_row(labels={"penalty": None, "width": 16}))
    assert '"penalty": null' in path.read_text()
    assert rows.read(path)[0].labels == {"penalty": "none", "width": 16}


def test_rows_of_the_first_schema_are_read(make_row, tmp_path):
    line = dataclasses.asdict(make_row())
    del line["labels"], line["measures"]
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps({**line, "schema": 1}) + "\n")
    assert rows.read(path) == [make_row()]


def test_rows_of_before_have_no_cpu_seconds(make_row, tmp_path):
    line = dataclasses.asdict(make_row())
    del line["cpu_seconds"]
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps({**line, "schema": 2}) + "\n")
    (row,) = rows.read(path)
    assert math.isnan(row.cpu_seconds)
    assert dataclasses.replace(row, cpu_seconds=4.5) == make_row()


@pytest.mark.parametrize("name", ["labels", "measures"])
@pytest.mark.parametrize("value", [3, None, {"a": [1]}, {"a": {}}])
def test_labels_and_measures_are_plain(make_row, tmp_path, name, value):
    line = {**dataclasses.asdict(make_row()), name: value}
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(line) + "\n")
    with pytest.raises(ValueError, match=f"`{name}` must .*Received"):
        rows.read(path)


@pytest.mark.parametrize("line", ["[1, 2]", "3", "null", '{"seed": 1}', ""])
def test_lines_that_are_no_row_are_refused(tmp_path, line):
    path = tmp_path / "rows.jsonl"
    path.write_text(line + "\n")
    with pytest.raises(ValueError, match="line 1: not"):
        rows.read(path)


def test_read_workdir_finds_all_settings(make_row, make_run):
    folder = make_run([make_row(seed=seed) for seed in (2, 0, 1)])
    found = rows.read_workdir(folder.path)
    assert [row.seed for row in found] == [0, 1, 2]
    assert rows.read_workdir(folder.path / "nothing here") == []


def test_epochs_round_trip(make_epochs, tmp_path):
    path = tmp_path / "epochs.jsonl"
    assert rows.read_epochs(path) == []
    written = make_epochs("a/seed0")
    for epoch in written:
        rows.append_epoch(path, epoch)
    found = rows.read_epochs(path)
    assert [e.epoch for e in found] == [1, 2, 3, 4, 5]
    assert [e.round for e in found] == [1, 1, 1, 2, 2]
    assert math.isnan(found[1].accuracy)
    assert found[2] == written[2]


def test_results_import_neither_keras_nor_tensorflow():
    code = (
        "import sys\n"
        "from ws_keras.report import writing\n"
        "from ws_keras.storage import rows, workdir\n"
        "bad = {'keras', 'tensorflow', 'jax', 'matplotlib', 'pandas'}\n"
        "print(*bad & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("\n", "")


def test_what_is_read_at_once_equals_what_is_read_line_by_line(
    tmp_path, make_row
):
    path = tmp_path / "rows.jsonl"
    plain = [make_row(round=number) for number in (1, 2, 3)]
    for row in plain:
        rows.append(path, row)
    assert rows.read(path) == plain
    # A nan, which is written as null, makes a file be read line by line.
    rows.append(path, make_row(round=4, loss=math.nan))
    found = rows.read(path)
    assert found[:3] == plain and math.isnan(found[3].loss)
    assert [row.round for row in found] == [1, 2, 3, 4]
    assert all(type(row) is rows.Row for row in found)


@pytest.mark.parametrize(
    "change",
    [
        lambda lines: [lines[0] + "," + lines[1], lines[2]],
        lambda lines: [lines[0] + "," + lines[1], lines[2][:90], lines[2][90:]],
        # A row in two lines at a comma, and two rows in one line.
        lambda lines: [
            *lines[0].replace(', "labels"', ',\n"labels"').split(",\n"),
            lines[1] + "," + lines[2],
        ],
        # The same, inside a text.
        lambda lines: [
            *lines[0].replace("resnet18", "}\n{").split("\n"),
            lines[1] + "," + lines[2],
        ],
        lambda lines: [lines[0].replace("{", '{"seed": 0, ', 1), lines[1]],
        lambda lines: [lines[0].replace('"norm"', '"norm": 1, "norm"')],
        lambda lines: [
            lines[0]
            .replace("resnet18", "a\\u003ab")
            .replace("{", '{"seed" : 0, ', 1)
        ],
        lambda lines: [lines[0].replace('"threshold"', '"boredom"'), lines[1]],
        lambda lines: [lines[0].replace('"seed": 0', '"seed": true'), lines[1]],
        lambda lines: [lines[0].replace("80", "8" * 400), lines[1]],
        lambda lines: [lines[0].replace(": 0.25", ': "x"'), lines[1]],
        lambda lines: [lines[0].replace("0.25", "8" * 400), lines[1]],
    ],
)
def test_a_damaged_line_is_found_in_whatever_company(
    tmp_path, make_row, unsigned, change
):
    path = tmp_path / "rows.jsonl"
    for number in (1, 2, 3):
        rows.append(path, make_row(round=number, measures={"norm": 0.25}))
    lines = change(unsigned(path).splitlines())
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(ValueError, match="line 1"):
        rows.read(path)


def test_files_are_found_in_the_order_of_their_parts(tmp_path):
    names = ["b/rows.jsonl", "a/z/rows.jsonl", "a/rows.jsonl", "a-b/rows.jsonl"]
    for name in names:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "b/epochs.jsonl").touch()
    (tmp_path / "link").symlink_to(tmp_path / "b")
    found = rows.find(tmp_path)
    assert found == [
        str(path) for path in sorted(tmp_path.glob("**/rows.jsonl"))
    ]
    assert len(found) == 4
    assert len(rows.find(tmp_path, (rows.ROWS, rows.EPOCHS))) == 5
    assert rows.find(tmp_path / "missing") == []


def test_each_line_carries_a_checksum_of_its_text(make_row, tmp_path):
    path = tmp_path / "rows.jsonl"
    rows.append(path, make_row(dataset="npz:\u00e9.npz"))
    text, checksum = (
        path.read_bytes().removesuffix(b'"}\n').split(b', "crc32": "')
    )
    assert zlib.crc32(text) == int(checksum, 16)


def test_any_flipped_bit_is_found(make_row, make_epochs, tmp_path):
    """Wherever it is but at the very end, where it tears the last line."""
    files = {
        tmp_path / "rows.jsonl": lambda path: rows.scan(path),
        tmp_path / "epochs.jsonl": lambda path: rows.scan(path, rows.Epoch),
    }
    for number in (1, 2):
        rows.append(tmp_path / "rows.jsonl", make_row(round=number))
        rows.append_epoch(tmp_path / "epochs.jsonl", make_epochs("a")[number])
    for path, scan in files.items():
        content = path.read_bytes()
        for bit in range(0, 8 * len(content), 17):
            where, mask = bit // 8, 1 << bit % 8
            changed = bytearray(content)
            changed[where] ^= mask
            path.write_bytes(changed)
            found = scan(path)
            assert found.errors or found.torn, bit


def test_a_changed_digit_is_told_from_a_number(make_row, unsigned, tmp_path):
    path = tmp_path / "rows.jsonl"
    for number in (1, 2):
        rows.append(path, make_row(round=number))
    text = path.read_text().replace("99.2", "99.3", 1)
    path.write_text(text)
    with pytest.raises(ValueError, match="line 1: its crc32 must.*Move the"):
        rows.read(path)
    assert [row.round for row in rows.scan(path).records] == [2]
    # A change on purpose: without its checksum a line is as it says.
    path.write_text(unsigned(path))
    assert rows.read(path)[0].train_accuracy == 99.3


def test_rows_with_and_without_checksums_stand_in_one_file(
    make_row, unsigned, tmp_path
):
    """A run that went on with a newer version."""
    path = tmp_path / "rows.jsonl"
    rows.append(path, make_row(round=1))
    path.write_text(unsigned(path))
    rows.append(path, make_row(round=2, dataset="npz:a:b.npz"))
    assert rows.read(path) == [
        make_row(round=1),
        make_row(round=2, dataset="npz:a:b.npz"),
    ]


@pytest.mark.parametrize("kind", ["link", "pipe", "zero"])
def test_other_things_than_files_are_not_read(make_row, tmp_path, kind):
    path, secret = tmp_path / "rows.jsonl", tmp_path / "secret"
    secret.write_text("the secret\n")
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to(secret if kind == "link" else "/dev/zero")
    for use in (rows.read, lambda path: rows.append(path, make_row())):
        with pytest.raises(ValueError, match="regular file") as error:
            use(path)
        assert "secret" not in str(error.value).replace(str(tmp_path), "")
    assert secret.read_text() == "the secret\n"


def test_a_file_beyond_all_rows_is_refused(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.touch()
    os.truncate(path, 2**28 + 1)
    with pytest.raises(ValueError, match="at most 268,435,456 bytes"):
        rows.read(path)


def test_links_and_depths_are_told_apart_from_files(tmp_path):
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "a/b/rows.jsonl").touch()
    (tmp_path / "a/notes").symlink_to(tmp_path / "a/b/rows.jsonl")
    (tmp_path / "folder").symlink_to(tmp_path / "a")
    (tmp_path / "gone").symlink_to(tmp_path / "unmounted")
    (tmp_path / "c").mkdir()
    (tmp_path / "c/rows.jsonl").symlink_to(tmp_path / "a/b/rows.jsonl")
    deep = tmp_path.joinpath("d", *"x" * 40)
    deep.mkdir(parents=True)
    found = lines.find(tmp_path, (rows.ROWS,))
    assert found.files == [str(tmp_path / "a/b/rows.jsonl")]
    names = ("c/rows.jsonl", "folder", "gone")
    assert found.links == [str(tmp_path / name) for name in names]
    assert found.deep == [str(tmp_path.joinpath("d", *"x" * 31))]
