import keras
import pytest

from launch import processor


@pytest.mark.parametrize(
    ("text", "has"),
    [
        ("processor: 0\nflags\t\t: fpu avx2 avx512_bf16 sse\n", True),
        ("flags\t\t: fpu amx_bf16 amx_tile\n", True),
        ("flags\t\t: fpu avx2 avx512f\n", False),
        ("Features\t: fp asimd bf16\n", True),
        ("processor: 0\n", None),
    ],
)
def test_what_linux_says(tmp_path, text, has):
    path = tmp_path / "cpuinfo"
    path.write_text(text)
    assert processor.has_bfloat16(path) is has


def test_elsewhere_nothing_is_known(tmp_path):
    assert processor.has_bfloat16(tmp_path / "missing") is None


def test_only_what_is_slow_has_a_notice(monkeypatch):
    monkeypatch.setattr(processor, "has_bfloat16", lambda: False)
    listed = ["cpu:0"]
    monkeypatch.setattr(keras.distribution, "list_devices", lambda: listed)
    found = processor.notice("mixed_bfloat16")
    assert "no bfloat16" in found and "mixed_bfloat16" in found
    assert processor.notice("float32") is None
    listed.append("gpu:0")
    assert processor.notice("mixed_bfloat16") is None
    del listed[1:]
    for known in (True, None):
        monkeypatch.setattr(processor, "has_bfloat16", lambda k=known: k)
        assert processor.notice("mixed_bfloat16") is None
