"""A run's folder in the real TensorBoard, in a real browser."""

import json
import pathlib
import shutil
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

from ws_keras.storage import events
from ws_keras.storage import rows

# The server takes long to start; tests/storage/test_events.py reads the files.
pytestmark = pytest.mark.slow
NAMES = ("chromium", "chromium-browser", "google-chrome")
BROWSER = next(filter(None, map(shutil.which, NAMES)), None)
needs_browser = pytest.mark.skipif(BROWSER is None, reason="no Chromium")
CHOICES = {"arm": ("warm", "cold")}
SETTINGS = ("own/cold/seed0", "own/warm/seed0")


def write(folder, setting):
    with events.Events(
        folder / setting, {"arm": setting.split("/")[1]}, choices=CHOICES
    ) as w:
        for epoch in range(1, 9):
            w.epoch(
                rows.Epoch(
                    setting=setting,
                    round=1,
                    epoch=epoch,
                    loss=1 / epoch,
                    train_accuracy=10.0 * epoch,
                    accuracy=5.0 * epoch,
                    learning_rate=0.001,
                    samples_per_second=100.0,
                )
            )


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    for setting in SETTINGS:
        write(folder, setting)
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    program = pathlib.Path(sys.executable).with_name("tensorboard")
    log = (folder / "log.txt").open("w")
    server = subprocess.Popen(
        [str(program), f"--logdir={folder}", f"--port={port}"],
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    try:
        yield _ready(f"http://localhost:{port}", server)
    finally:
        server.terminate()
        server.wait()
        log.close()


def _ready(address, server):
    """Waits until the server has read all runs."""
    for _ in range(240):
        assert server.poll() is None
        try:
            if len(tags(address)) == len(SETTINGS):
                return address
        except OSError:
            pass
        time.sleep(0.5)
    raise AssertionError("TensorBoard did not read the runs in two minutes")


def tags(address):
    url = f"{address}/data/plugin/scalars/tags"
    with urllib.request.urlopen(url) as answer:
        return json.load(answer)


def test_each_setting_is_a_run_with_its_scalars(address):
    found = tags(address)
    assert set(found) == set(SETTINGS)
    for setting in SETTINGS:
        names = {f"epoch/{name}" for name in events.EPOCH_TAGS}
        assert set(found[setting]) >= names


def asked(address, path, body=None):
    url = f"{address}/data/plugin/{path}"
    request = urllib.request.Request(
        url, body, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def test_the_server_has_descriptions_and_charts_of_all_arms(address):
    about = tags(address)[SETTINGS[0]]["epoch/train_accuracy"]
    assert "during the epoch" in about["description"]
    charts = [
        chart
        for category in asked(address, "custom_scalars/layout")["category"]
        for chart in category["chart"]
    ]
    assert ["round/accuracy"] in [c["multiline"]["tag"] for c in charts]


def test_the_table_of_hyperparameters_has_what_differs_first(address):
    found = asked(address, "hparams/experiment", b"{}")["hparamInfos"]
    (arm,) = found
    assert arm["type"] == "DATA_TYPE_STRING" and arm["differs"]
    assert arm["domainDiscrete"] == ["cold", "warm"]


@needs_browser
def test_a_browser_shows_the_scalars(address, tmp_path):
    done = subprocess.run(
        [
            BROWSER,
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            f"--user-data-dir={tmp_path}",
            "--window-size=1400,1000",
            "--virtual-time-budget=30000",
            "--dump-dom",
            f"{address}/#timeseries",
        ],
        capture_output=True,
        text=True,
        timeout=180,
    )
    page = done.stdout
    for name in ("epoch/loss", "epoch/train_accuracy", *SETTINGS):
        assert name in page, f"{name} is not in a page of {len(page)} bytes"
