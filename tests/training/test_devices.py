"""Which devices are meant, and what cannot be meant."""

import pytest
import tensorflow as tf

from ws_keras.training import devices
from ws_keras.training import strategy


@pytest.fixture(autouse=True)
def _begun():
    # From here on the CPU of this process is not split any more.
    assert tf.config.list_logical_devices("CPU")


@pytest.mark.parametrize("wanted", [None, 1, "1", "cpu:0", " CPU:0 "])
def test_the_only_device(wanted):
    if tf.config.list_logical_devices("GPU"):
        pytest.skip("the machine has others")
    assert devices.find(wanted) == ["cpu:0"]


@pytest.mark.parametrize(
    "wanted",
    [
        0,
        -1,
        "two",
        "",
        "1.5",
        True,
        "gpu",
        "gpu:0,",
        "gpu:0,gpu:0",
        "cpu:0,gpu:0",
        "cpu:0;cpu:1",
    ],
)
def test_what_names_no_devices(wanted):
    with pytest.raises(ValueError, match=r"Received: devices=") as error:
        devices.find(wanted)
    assert repr(wanted) in str(error.value)


def test_devices_that_are_not_there():
    with pytest.raises(
        ValueError, match="devices='cpu:0,cpu:77'. This machine has"
    ):
        devices.find("cpu:0,cpu:77")


def test_more_than_there_are_once_tensorflow_has_begun():
    with pytest.raises(ValueError, match="Received: devices=77"):
        devices.find(77)


@pytest.mark.parametrize(
    "arguments, words",
    [
        (("spread",), "strategy='spread'"),
        (("data_parallel",), "Received: the backend 'tensorflow'"),
        (("none", 2), "devices=2 with strategy='none'"),
        (("mirrored", "gpu"), "devices='gpu'"),
    ],
)
def test_strategies_that_are_not_possible(arguments, words):
    with pytest.raises(ValueError, match=words):
        strategy.Strategy(*arguments)


def test_a_strategy_on_one_device_is_none_and_says_so():
    where = strategy.Strategy("mirrored", "cpu:0")
    assert where.num_replicas == 1
    with where.scope():
        assert not tf.distribute.has_strategy()
    assert where.notice == (
        "`strategy='mirrored'` found one device, cpu:0. The model is "
        "trained on it without a strategy."
    )
    assert strategy.Strategy().notice is None
