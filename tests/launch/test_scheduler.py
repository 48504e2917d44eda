"""The queue of a sweep: order, room, second trials, interruptions."""

import pytest

from launch import scheduler


class Pool:
    """Ends what it has begun at the next call, as it was told to end it."""

    def __init__(self, words=None, room=2, stops=True):
        self.words = words or {}
        self.room = room
        self.begun = []
        self.stopped = []
        self.most = 0
        self._running = []
        self._stops = stops

    def has_room(self):
        return len(self._running) < self.room

    def start(self, setting):
        self.begun.append(setting)
        self._running.append(setting)
        self.most = max(self.most, len(self._running))

    def ended(self):
        ended, self._running = self._running, []
        for setting in ended:
            words = self.words.get(setting, [])
            yield setting, words.pop(0) if words else None

    def stop(self, at_once):
        self.stopped.append(at_once)


class Watcher:
    def __init__(self, on_look=lambda: None):
        self.events = []
        self._on_look = on_look

    def look(self, running, waiting):
        self._on_look()

    def ended(self, setting, words, again):
        self.events.append((setting, words, again))


COSTS = {"short": 1.0, "long": 9.0, "middle": 4.0}


def test_the_longest_begins_first():
    pool = Pool()
    result = scheduler.Scheduler(COSTS, pool, Watcher()).run()
    assert pool.begun == ["long", "middle", "short"] and pool.most == 2
    assert sorted(result.finished) == sorted(COSTS)
    assert result.failed == {} and result.left == []


def test_what_fails_is_tried_once_more_behind_the_others():
    pool = Pool({"long": ["killed"], "short": ["bad", "bad again"]})
    watcher = Watcher()
    result = scheduler.Scheduler(COSTS, pool, watcher).run()
    assert pool.begun == ["long", "middle", "short", "long", "short"]
    assert sorted(result.finished) == ["long", "middle"]
    assert result.failed == {"short": "bad again"}
    assert ("long", "killed", True) in watcher.events
    assert ("short", "bad again", False) in watcher.events


@pytest.mark.parametrize("retries", [0, 3])
def test_number_of_trials(retries):
    pool = Pool({"long": ["bad"] * 9})
    result = scheduler.Scheduler(COSTS, pool, Watcher(), retries).run()
    assert pool.begun.count("long") == 1 + retries
    assert result.failed == {"long": "bad"}


def test_an_interruption_begins_nothing_more_and_tries_nothing_again():
    pool = Pool({"long": ["killed by signal 15 (SIGTERM)"]}, room=1)
    queue = scheduler.Scheduler(COSTS, pool, Watcher())
    pool.start, start = lambda s: (start(s), queue.interrupt()), pool.start
    result = queue.run()
    assert pool.begun == ["long"]
    assert result.finished == [] and result.failed == {}
    assert result.left == ["long", "middle", "short"]


def test_a_second_interruption_is_at_once():
    class Stubborn(Pool):
        def ended(self):
            return super().ended() if True in self.stopped else []

    pool = Stubborn({name: ["killed"] for name in COSTS})
    queue = scheduler.Scheduler(COSTS, pool, Watcher(lambda: queue.interrupt()))
    result = queue.run()
    assert pool.stopped == [False, True]
    assert result.finished == [] and len(result.left) == 3


def test_an_interruption_that_comes_after_the_last_one_leaves_nothing():
    watcher = Watcher()
    queue = scheduler.Scheduler(COSTS, Pool(room=3), watcher)
    watcher.ended = lambda *_: queue.interrupt()
    result = queue.run()
    assert sorted(result.finished) == sorted(COSTS) and result.left == []
