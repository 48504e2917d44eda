"""Seconds of epochs, by a clock that the test sets."""

import pytest

from ws_keras.training import place as places


class Time:
    """A clock."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def test_an_epoch_that_goes_on_has_the_seconds_of_both_processes():
    time = Time()
    watch = places.Stopwatch(time, [7.0, 8.0], 2.0)
    time.now += 50  # between the processes
    watch.begin()
    time.now += 3
    assert watch.part == pytest.approx(5.0)
    watch.end()
    # The next one begins at zero, and the time between them counts for none.
    time.now += 20
    watch.begin()
    time.now += 4
    watch.end()
    assert watch.seconds == pytest.approx([7.0, 8.0, 5.0, 4.0])


def test_what_is_no_training_is_not_counted():
    time = Time()
    watch = places.Stopwatch(time, [], 0.0)
    watch.begin()
    time.now += 3
    for seconds in (10, 30):
        with watch.left_out():
            time.now += seconds
        time.now += 1
    watch.end()
    assert watch.seconds == pytest.approx([5.0])
