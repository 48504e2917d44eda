"""The installed commands: Ctrl-C during their imports is one sentence too."""

import importlib
import sys

_INTERRUPTED = 130


def report() -> None:
    """Entry point of `ws-report`."""
    _run("report")


def retrain() -> None:
    """Entry point of `ws-retrain`."""
    _run("retrain")


def run() -> None:
    """Entry point of `ws-run`."""
    _run("run")


def sweep() -> None:
    """Entry point of `ws-sweep`."""
    _run("sweep")


def _run(name: str) -> None:
    try:
        module = importlib.import_module(f".{name}", __package__)
    except KeyboardInterrupt:
        print("Interrupted before anything was done.", file=sys.stderr)
        sys.exit(_INTERRUPTED)
    module.run()
