"""What the processor can do, as Linux tells it."""

import pathlib
import re

from . import speed

_CPUINFO = pathlib.Path("/proc/cpuinfo")
_BFLOAT16 = {"avx512_bf16", "amx_bf16", "bf16"}  # the last one is ARM's


def has_bfloat16(path: pathlib.Path = _CPUINFO) -> bool | None:
    """Returns whether it computes with bfloat16; `None` is not known.

    Args:
        path: What Linux says of it. Defaults to that of this machine.
    """
    try:
        text = path.read_text()
    except OSError:
        return None
    found = re.search(r"^(?:flags|Features)\s*: (.*)$", text, re.MULTILINE)
    return None if found is None else bool(_BFLOAT16 & {*found[1].split()})


def notice(precision: str) -> str | None:
    """Returns what is to be known of a precision on this machine.

    Args:
        precision: That of a config.
    """
    if precision == "float32" or has_bfloat16() is not False:
        return None
    if speed.has_accelerator():
        return None
    return (
        "This processor has no bfloat16 arithmetic (AVX512_BF16 or AMX): it is "
        "emulated, and training is far slower than in float32. Received: "
        f"precision={precision!r}."
    )
