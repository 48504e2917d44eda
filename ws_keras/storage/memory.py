"""The free memory, and the memory of a process, in bytes.

Libraries know the memory of the machine, but not the limit of a container.
Where neither is known, as outside Linux, there is no limit.
"""

import math
import pathlib

_PROC = pathlib.Path("/proc")
_CGROUP = pathlib.Path("/sys/fs/cgroup")
# Names of limit and use in both versions of control groups.
_FILES = (
    ("", "memory.max", "memory.current"),
    ("memory", "memory.limit_in_bytes", "memory.usage_in_bytes"),
)


def available(
    proc: pathlib.Path = _PROC, cgroup: pathlib.Path = _CGROUP
) -> float:
    """Returns the memory that new processes can have.

    It is the smaller one of the machine's free memory and what the control
    groups of this process may still take.

    Args:
        proc: Where the proc file system is mounted.
        cgroup: Where the control groups are.

    Returns:
        Bytes; infinity if it is not known.
    """
    machine = _field(proc / "meminfo", "MemAvailable")
    groups = (_room(*place) for place in _groups(proc, cgroup))
    return min(machine or math.inf, *groups, math.inf)


def resident(pid: int, proc: pathlib.Path = _PROC) -> float:
    """Returns the resident memory of a process, 0 once it has ended."""
    return _field(proc / str(pid) / "status", "VmRSS") or 0.0


def peak(pid: int, proc: pathlib.Path = _PROC) -> float:
    """Returns the largest resident memory that a process has had so far."""
    return _field(proc / str(pid) / "status", "VmHWM") or 0.0


def _groups(proc: pathlib.Path, cgroup: pathlib.Path):
    """Yields folder, limit file and use file of the groups of this process."""
    for line in _text(proc / "self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers not in ("", "memory"):
            continue
        root, limit, use = _FILES[controllers == "memory"]
        inside = pathlib.PurePosixPath(path.lstrip("/"))
        for folder in (inside, *inside.parents):
            yield cgroup / root / folder, limit, use


def _room(folder: pathlib.Path, limit: str, use: str) -> float:
    try:
        left = int(_text(folder / limit)) - int(_text(folder / use))
    except ValueError:  # no such file, or "max"
        return math.inf
    # Part of the use are cached files, which the system frees when needed.
    cached = _stat(folder, "total_inactive_file")
    return left + (cached or _stat(folder, "inactive_file"))


def _stat(folder: pathlib.Path, name: str) -> int:
    for line in _text(folder / "memory.stat").splitlines():
        if line.startswith(f"{name} "):
            return int(line.split()[1])
    return 0


def _field(path: pathlib.Path, name: str) -> float | None:
    for line in _text(path).splitlines():
        if line.startswith(f"{name}:"):
            return 1024.0 * int(line.split()[1])
    return None


def _text(path: pathlib.Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
