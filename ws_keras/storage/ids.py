"""Ids of settings, which are also the names of their folders."""

import re

from ws_keras.storage import lines

_LONGEST = 200  # bytes of a name; file systems take 255


def check(setting: str) -> None:
    """Checks that an id of a setting can be the name of a folder.

    Raises:
        ValueError: It cannot.
    """
    parts = setting.split("/")
    if not all(re.fullmatch(r"(?!\.+$)[\w.=+,-]+", p) for p in parts):
        raise ValueError(
            "A setting id must be names of letters, digits and _.=+,- "
            f"joined by slashes. Received: setting={setting[:_LONGEST]!r}."
        )
    longest = max(parts, key=lambda part: len(part.encode()))
    if len(longest.encode()) > _LONGEST or len(parts) >= lines.DEPTH:
        raise ValueError(
            f"A setting id must have at most {lines.DEPTH - 1} names of at "
            f"most {_LONGEST} bytes each. Received: {len(parts)} names, the "
            f"longest of {len(longest.encode())} bytes "
            f"({longest[:_LONGEST]!r})."
        )
