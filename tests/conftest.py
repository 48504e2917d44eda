"""What all tests share."""

import collections
import gc
import os

import pytest

from tests.nursery import Nursery

# Garbage is collected once all is imported; see `_frozen_imports`.
gc.disable()

pytest_plugins = ["tests.made_rows"]

# Before TensorFlow is imported: its messages hide what a test prints, and the
# commands turn its fast kernels on.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

# They wait for processes of their own: begun first, they do not keep one of
# two test processes busy when all other tests are done.
_LONG = ("test_examples.py", "test_backends.py", "test_run.py")


@pytest.hookimpl(tryfirst=True)  # before those that are slow are left out
def pytest_collection_modifyitems(items):
    """Moves the long files to the front, and marks cases as slow."""
    items.sort(key=lambda item: item.path.name not in _LONG)
    cases = collections.Counter()
    for item in items:
        quick = item.get_closest_marker("quick")
        if quick is None:
            continue
        function = item.nodeid.partition("[")[0]
        number = cases[function]
        cases[function] += 1
        every = quick.kwargs.get("every")
        if number % every if every else number >= quick.args[0]:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session", autouse=True)
def _frozen_imports():
    """Spares the million objects of the imports each garbage collection."""
    import keras  # noqa: F401

    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def nursery():
    """Starts commands without the seconds of their imports."""
    with Nursery() as found:
        yield found
