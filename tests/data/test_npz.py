"""A user's own arrays, good, bad and damaged."""

import io
import os
import zipfile

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ws_keras.data import npz

IMAGES = np.arange(5 * 4 * 4 * 3, dtype=np.uint8).reshape(5, 4, 4, 3)
LABELS = np.array([0, 2, 1, 0, 2])
SETTINGS = hypothesis.settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
)


@pytest.fixture
def saved(tmp_path):
    def save(**given):
        path = tmp_path / "given.npz"
        np.savez(path, **given)
        return path

    return save


def test_images_come_back_as_they_are(saved):
    found = npz.read(saved(x=IMAGES, y=LABELS))
    np.testing.assert_array_equal(found["x"], IMAGES)
    np.testing.assert_array_equal(found["y"], LABELS)
    assert found["x"].dtype == np.uint8 and found["y"].dtype == np.int32


def test_samples_that_need_no_change(saved):
    for x in (IMAGES.reshape(5, -1), IMAGES.astype("float32") / 7):
        found = npz.read(saved(x=x, y=LABELS))["x"]
        assert found.dtype == x.dtype
        np.testing.assert_array_equal(found, x)


def test_gray_images_get_a_channel(saved):
    found = npz.read(saved(x=IMAGES[..., 0], y=LABELS))
    np.testing.assert_array_equal(found["x"], IMAGES[..., :1])


def test_flat_floats_become_float32(saved):
    x = np.linspace(-2, 3, 10).reshape(5, 2)
    found = npz.read(saved(x=x, y=LABELS.astype(np.uint8)))
    np.testing.assert_array_equal(found["x"], x.astype(np.float32))


def test_test_part_and_compressed_files(tmp_path):
    path = tmp_path / "small.npz"
    np.savez_compressed(
        path, x=IMAGES, y=LABELS, x_test=IMAGES[:2], y_test=LABELS[:2]
    )
    found = npz.read(path, with_test=True)
    np.testing.assert_array_equal(found["x_test"], IMAGES[:2])
    assert npz.num_samples(path) == 5


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"y": LABELS - 1}, "labels `y` from 0 on. Received: -1 to 1"),
        ({"y": LABELS * 1.0}, "Received: dtype float64, shape (5,)"),
        ({"y": LABELS[:, None]}, "shape (5, 1)"),
        ({"y": LABELS[:4]}, "Received: 4 labels, 5 samples"),
        ({"y": np.full(5, 2**40)}, "Received: 1099511627776"),
        ({"x": IMAGES.astype(int)}, "Received: dtype int64"),
        ({"x": IMAGES[0, 0, 0]}, "Received: shape (3,)"),
        ({"x": IMAGES[:0], "y": LABELS[:0]}, "Received: shape (0, 4, 4, 3)"),
        ({"x": np.full((5, 2), np.nan)}, "Received: NaN or infinity"),
        ({"x": np.full((5, 2), np.inf)}, "Received: NaN or infinity"),
        ({"x": np.full((5, 2), "1")}, "as uint8 or floats"),
        ({"x": np.ones((5, 2, 1, 1, 1), "uint8")}, "of rank 2 or 3 or 4"),
        ({"y": np.array([0, None] * 2 + [1])}, "`y` as a plain, whole array"),
        ({"x": IMAGES[..., 0] / 2}, "Received: shape (5, 4, 4)"),
        ({"x": np.array([{}] * 5)}, "objects. Save it as numbers or texts"),
        # A pickle of equal texts is shorter than their pointers.
        (
            {"y": np.array(["a", "b"] * 400, object)},
            "objects. Save it as numbers or texts",
        ),
        ({"x_test": IMAGES}, "must hold `y_test`"),
        ({"x_test": IMAGES[:, :2], "y_test": LABELS}, "of one shape"),
        ({"x_test": IMAGES / 1, "y_test": LABELS}, "uint8 and (4, 4, 3) fl"),
        ({"x_test": IMAGES, "y_test": LABELS + 1}, "up to 2 and 3"),
    ],
)
def test_bad_arrays(saved, changes, words):
    path = saved(**{"x": IMAGES, "y": LABELS, **changes})
    with pytest.raises(ValueError) as error:
        npz.read(path)
    assert words in str(error.value) and str(path) in str(error.value)


def test_missing_arrays(saved):
    with pytest.raises(ValueError, match="must hold `x`. Received: ..y"):
        npz.read(saved(y=LABELS))
    with pytest.raises(ValueError, match="must hold `y`. Received: ..x"):
        npz.num_samples(saved(x=IMAGES))
    with pytest.raises(ValueError, match="must hold `x_test`"):
        npz.read(saved(x=IMAGES, y=LABELS), with_test=True)


def test_files_that_are_none(tmp_path):
    np.save(tmp_path / "single.npy", IMAGES)
    (tmp_path / "text.npz").write_text("no arrays")
    (tmp_path / "empty.npz").touch()
    for name, words in (
        ("none.npz", "no such file"),
        ("single.npy", "a single array"),
        ("text.npz", "must be an .npz file"),
        ("empty.npz", "must be an .npz file"),
        ("", "must be an .npz file"),
    ):
        with pytest.raises(ValueError) as error:
            npz.read(tmp_path / name)
        assert words in str(error.value)


def check(path):
    """What holds of any file: all invariants, or a sentence."""
    try:
        found = npz.read(path)
    except ValueError as error:
        assert "Received: " in str(error) and str(path) in str(error)
        return
    for x, y in (("x", "y"), ("x_test", "y_test"))[: len(found) // 2]:
        assert found[x].dtype in (np.uint8, np.float32)
        assert found[y].dtype == np.int32
        assert (
            found[x].ndim in (2, 4)
            and found[x].shape[1:] == (found["x"].shape[1:])
        )
        assert 0 < found[x].size and len(found[x]) == len(found[y])
        assert np.isfinite(found[x]).all()
        assert 0 <= found[y].min() <= found[y].max() <= found["y"].max()


@SETTINGS
@hypothesis.given(data=st.data())
def test_any_arrays(tmp_path, data):
    dtypes = st.one_of(
        arrays.integer_dtypes(),
        arrays.unsigned_integer_dtypes(),
        arrays.floating_dtypes(),
        arrays.boolean_dtypes(),
        arrays.complex_number_dtypes(),
        arrays.unicode_string_dtypes(max_len=2),
    )
    shapes = arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=3)
    names = st.sampled_from(["x", "y", "x_test", "y_test", "z"])
    given = data.draw(
        st.dictionaries(names, arrays.arrays(dtypes, shapes), max_size=4)
    )
    path = tmp_path / "any.npz"
    np.savez(path, **given)
    check(path)


@pytest.mark.quick(1)
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_a_damaged_file(tmp_path, save):
    path = tmp_path / "damaged.npz"
    save(path, x=IMAGES, y=LABELS)
    whole = path.read_bytes()
    for index, byte in enumerate(whole):
        for wrong in (byte ^ 255, byte ^ 1):
            changed = whole[:index] + bytes([wrong]) + whole[index + 1 :]
            path.write_bytes(changed)
            check(path)
        path.write_bytes(whole[:index])
        with pytest.raises(ValueError, match="Received: "):
            npz.read(path)


def header(text):
    text = text.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


@pytest.mark.parametrize(
    "member",
    [
        b"hello",
        header("{'descr': '|u1', "),
        header("{'descr': ',u1', 'fortran_order': False, 'shape': (1, 2)}"),
        header("{b'descr': '|u1', 'fortran_order': False, 'shape': (1,)}"),
    ],
    ids=["no array", "open brace", "no dtype", "bytes for a key"],
)
def test_a_whole_archive_of_damaged_arrays(tmp_path, member):
    path = tmp_path / "given.npz"
    labels = io.BytesIO()
    np.save(labels, np.array([0]))
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("x.npy", member)
        file.writestr("y.npy", labels.getvalue())
    with pytest.raises(ValueError, match="`x` as a plain.* Received: "):
        npz.read(path)


def test_a_single_label_is_no_array(tmp_path):
    path = tmp_path / "given.npz"
    np.savez(path, x=np.zeros((1, 2), "uint8"), y=np.array(3))
    with pytest.raises(ValueError, match="Received: "):
        npz.num_samples(path)


def asking(path, shape, dtype="<f8", content=b""):
    """A file whose header asks for an array and whose archive has another."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": dtype, "fortran_order": False, "shape": shape}
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("x.npy", header.getvalue() + content)
        labels = io.BytesIO()
        np.save(labels, LABELS)
        file.writestr("y.npy", labels.getvalue())
    return path


def test_a_header_that_asks_for_more_than_there_is(tmp_path):
    """Petabytes, and nobody takes them."""
    path = asking(tmp_path / "x.npz", (5, 10**14), content=bytes(800))
    with pytest.raises(ValueError, match="whole array.*with 800 bytes"):
        npz.read(path)
    path = asking(tmp_path / "x.npz", (5, 10**30))
    with pytest.raises(ValueError, match="whole array"):
        npz.read(path)


def test_arrays_beyond_the_memory_that_is_left(tmp_path):
    """A small file of zeros that would unfold; read where there is room."""
    count = 2_000_000
    path = asking(tmp_path / "x.npz", (5, count), "<f8", bytes(40 * count))
    assert path.stat().st_size < 200_000
    # What is read, and its copy as float32.
    needed = 5 * count * (8 + 4) + LABELS.nbytes
    words = "available memory, 0.11 GiB. .*x of 0.11 GiB, y of 0.00"
    with pytest.raises(ValueError, match=words):
        npz.read(path, available=lambda: needed - 1)
    found = npz.read(path, available=lambda: needed)
    assert found["x"].shape == (5, count)


def test_a_label_is_a_class_and_no_number(saved):
    x = IMAGES
    for top in (2**31 - 1, 2**16):
        with pytest.raises(ValueError, match="from 0 on, below 65,536"):
            npz.read(saved(x=x, y=np.array([0, 1, 2, 3, top])))
    assert npz.read(saved(x=x, y=LABELS + 65_533))["y"].max() == 65_535
    many = np.arange(70_000)
    found = npz.read(saved(x=many[:, None].astype("float32"), y=many))
    assert found["y"].max() == 69_999


def test_special_files_are_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe.npz")
    (tmp_path / "zero.npz").symlink_to("/dev/zero")
    (tmp_path / "folder.npz").mkdir()
    for name in ("pipe", "zero", "folder"):
        for read in (npz.read, npz.num_samples):
            with pytest.raises(ValueError, match="than a regular file"):
                read(tmp_path / f"{name}.npz")


def test_a_link_to_data_is_followed(saved, tmp_path):
    """What a user names is the user's to link."""
    path = tmp_path / "linked.npz"
    path.symlink_to(saved(x=IMAGES, y=LABELS))
    assert npz.num_samples(path) == 5
    assert len(npz.read(path)["x"]) == 5
