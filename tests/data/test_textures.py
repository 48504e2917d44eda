"""The embedded data set is what its documentation says."""

import numpy as np
import pytest

from ws_keras.data import textures


def test_shape_kind_and_balance():
    x, y = textures.generate(1050, "train")
    assert x.shape == (1050, 16, 16, 3) and x.dtype == np.uint8
    assert y.dtype == np.int32
    assert np.bincount(y).tolist() == [105] * 10


def test_an_odd_number_is_balanced_within_one():
    _, y = textures.generate(1007, "test")
    assert sorted(np.bincount(y)) == [100] * 3 + [101] * 7


def test_same_name_same_images_other_name_others():
    x, y = textures.generate(200, "train")
    again, labels = textures.generate(200, "train")
    np.testing.assert_array_equal(x, again)
    np.testing.assert_array_equal(y, labels)
    other, _ = textures.generate(200, "test")
    assert (x != other).mean() > 0.9


def test_no_two_images_are_alike():
    x, _ = textures.generate(1000, "train")
    assert len(np.unique(x.reshape(1000, -1), axis=0)) == 1000


def test_images_made_far_apart_share_no_noise():
    x, _ = textures.generate(2000, "train")
    x = x.reshape(2000, -1).astype(float)
    x -= x.mean(1, keepdims=True)
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    assert abs((x[:1000] * x[1000:]).sum(1).mean()) < 0.02


@pytest.mark.slow
def test_spectrum_of_a_class_peaks_at_its_orientation_and_frequency():
    x, y = textures.generate(6000, "train")
    gray = x.mean(-1) - x.mean((1, 2, 3), keepdims=True)[..., 0]
    power = abs(np.fft.fft2(gray, s=(64, 64))) ** 2
    # Frequencies in half-waves across 16 pixels, as the documentation.
    line = np.fft.fftfreq(64) * 2 * 16
    v, u = np.meshgrid(line, line, indexing="ij")
    radius = np.hypot(u, v)
    means, directions = [], []
    for label in range(10):
        weight = power[y == label].mean(0)
        # What all classes share (noise, clutter, gradient) does not count.
        weight = np.clip(weight - power.mean(0), 0, None)
        means.append((weight * radius).sum() / weight.sum())
        double = np.angle((weight * np.exp(2j * np.arctan2(v, u))).sum())
        directions.append(double / 2 % np.pi)
    assert max(means[:5]) < min(means[5:])
    expected = np.arange(10) % 5 * np.pi / 5
    error = (np.array(directions) - expected + np.pi / 2) % np.pi - np.pi / 2
    # Half a step between orientations would be 0.31.
    assert abs(error).max() < 0.1
