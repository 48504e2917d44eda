"""A model's past is written beside it, and is that of no other model."""

import dataclasses
import hashlib
import json
import os

import numpy as np
import pytest

from ws_keras.data import digests
from ws_keras.data import history
from ws_keras.data import splits

X = np.random.default_rng(1).normal(size=(300, 4))
Y = np.random.default_rng(2).integers(0, 3, 300)


def past(count, rule=None):
    rule = rule or splits.Rule()
    found = digests.samples(X[:count])
    chosen = rule.chosen(found)
    return history.of(rule, found[~chosen], found[chosen], Y[:count])


def written(folder, found, model=b"weights"):
    path = folder / "week.keras"
    path.write_bytes(model)
    with history.place(path).open("wb") as file:
        history.write(file, found, hashlib.sha256(model).hexdigest())
    return path


def test_round_trip(tmp_path):
    rule = splits.Rule("random", 0.3, 5, "number")
    given = dataclasses.replace(past(200, rule), features=("b", "a"))
    found = history.read(written(tmp_path, given))
    assert found.rule == rule and found.count == 200
    assert found.features == ("b", "a")
    seen = found.has_trained_on(digests.samples(X))
    chosen = rule.chosen(digests.samples(X))
    np.testing.assert_array_equal(seen, ~chosen & (np.arange(300) < 200))
    np.testing.assert_array_equal(
        found.knows(digests.samples(X)), np.arange(300) < 200
    )


def test_records_of_other_versions(tmp_path):
    """Older ones are read and said to be older; later ones are refused."""
    path = written(tmp_path, past(200))
    assert not history.read(path).is_older
    with np.load(history.place(path)) as arrays:
        parts = dict(arrays)
    about = json.loads(str(parts["head"]))
    for version in (1, 99):
        head = np.array(json.dumps({**about, "version": version}))
        with history.place(path).open("wb") as file:
            np.savez(file, **{**parts, "head": head})
        if version == 1:
            assert history.read(path).is_older
            assert not (history.read(path) + past(200)).is_older
        else:
            with pytest.raises(ValueError, match="version 99"):
                history.read(path)


def test_no_file_is_no_history(tmp_path):
    assert history.read(tmp_path / "week.keras") is None


def test_a_model_that_was_saved_again_has_another_past(tmp_path):
    path = written(tmp_path, past(200))
    path.write_bytes(b"other weights")
    with pytest.raises(history.Stale, match="saved again"):
        history.read(path)


@pytest.mark.parametrize("cut", [0, 10, 700])
def test_damaged_file(tmp_path, cut):
    path = written(tmp_path, past(200))
    place = history.place(path)
    place.write_bytes(place.read_bytes()[:cut])
    with pytest.raises(ValueError, match="must be the record"):
        history.read(path)


def test_histories_add_up():
    both = past(100) + past(200, splits.Rule(seed=9))
    assert both.rule.seed == 9 and both.count == 200
    first = past(100)
    assert np.isin(first.trained, both.trained).all()


def test_the_same_samples_in_other_numbers_are_noticed():
    found = past(200)
    scaled = digests.samples((X - X.mean(0)) / X.std(0))
    assert found.is_rescaled(scaled, Y)
    assert not found.is_rescaled(digests.samples(X), Y)
    assert not found.is_rescaled(scaled, Y[::-1])
    assert not found.is_rescaled(scaled[:100], Y[:100])


def test_what_is_no_plain_file_is_refused_at_once(tmp_path):
    path = tmp_path / "week.keras"
    path.write_bytes(b"weights")
    os.mkfifo(history.place(path))
    with pytest.raises(ValueError, match="named pipe"):
        history.read(path)
    history.place(path).unlink()
    history.place(path).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ValueError, match="a link"):
        history.read(path)


def test_a_record_that_would_unpack_to_more_is_refused(tmp_path):
    path = tmp_path / "week.keras"
    path.write_bytes(b"weights")
    with history.place(path).open("wb") as file:
        np.savez_compressed(file, head=np.zeros(10**7))
    with pytest.raises(ValueError, match="larger than the file"):
        history.read(path)
