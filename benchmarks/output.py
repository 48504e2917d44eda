"""Writes what benchmarks measure, and checks beforehand that it can."""

import importlib.util
import pathlib
import sys
import tempfile

from absl import flags

FOLDER = flags.DEFINE_string(
    "output", "results/benchmarks", "Folder of what is measured."
)


def folder(*packages: str) -> pathlib.Path:
    """Returns the folder, or leaves with a sentence if something is missing.

    To be called before the first turn, since the last one may be hours away.

    Args:
        packages: Names of the packages that will be imported.
    """
    check(*packages)
    path = pathlib.Path(FOLDER.value)
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        sys.exit(
            "`--output` must be a folder that can be written. Received: "
            f"--output={path} ({error.strerror})."
        )
    return path


def check(*packages: str) -> None:
    """Leaves with a sentence if a package is not installed."""
    missing = [name for name in packages if not _is_there(name)]
    if missing:
        sys.exit(
            f"This benchmark needs {' and '.join(packages)}. Received: an "
            f"environment without {' and '.join(missing)}. Install what is "
            f"missing with: pip install -e '.[bench]'"
        )


def _is_there(name: str) -> bool:
    # Without importing it, which takes seconds, and threads that measure.
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False
