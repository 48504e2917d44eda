"""The exact moments at which a schedule is due."""

import pytest

from ws_keras.callbacks.schedule import Schedule


def _epochs(schedule, count):
    return [e for e in range(count) if schedule.is_due_at_epoch(e)]


def test_epochs_that_are_due():
    assert _epochs(Schedule("epoch", every=3), 10) == [3, 6, 9]
    assert _epochs(Schedule("epoch", every=3, until=9), 10) == [3, 6]
    assert _epochs(Schedule("epoch", epochs=(0, 4)), 10) == [0, 4]
    assert _epochs(Schedule("epoch", epochs=(0, 4), until=4), 10) == [0]
    assert _epochs(Schedule("fit"), 10) == []
    assert _epochs(Schedule("step", every=1), 10) == []


@pytest.mark.parametrize("stride", [1, 2, 3, 4, 7])
def test_steps_that_are_due_whatever_the_stride(stride):
    schedule = Schedule("step", every=5)
    fired, before = [], 0
    for steps in range(0, 40, stride):
        if schedule.is_due_at_step(before, steps, epoch=0):
            fired.append(steps)
        before = steps
    want = sorted({-(-due // stride) * stride for due in range(5, 40, 5)})
    assert fired == [step for step in want if step < 40]


def test_steps_end_with_until():
    schedule = Schedule("step", every=5, until=2)
    assert schedule.is_due_at_step(4, 5, epoch=1)
    assert not schedule.is_due_at_step(4, 5, epoch=2)


@pytest.mark.parametrize(
    ("schedule", "num_epochs", "message"),
    [
        ({"when": "epoch", "every": 4}, 4, "every=4.* of 4 epochs"),
        ({"when": "epoch", "every": 4}, 5, None),
        ({"when": "epoch", "every": 4, "last": True}, 4, None),
        ({"when": "epoch", "every": 4, "last": True}, 3, "True in a fit of 3"),
        ({"when": "epoch", "epochs": (7,)}, 7, r"epochs=\[7\].* of 7"),
        ({"when": "epoch", "epochs": (7,), "last": True}, 7, None),
        # 10 steps in each epoch.
        ({"when": "step", "every": 20}, 2, "every=20.* with 20 steps in 2"),
        ({"when": "step", "every": 20, "last": True}, 2, None),
        ({"when": "step", "every": 21, "last": True}, 2, "every=21"),
        ({"when": "step", "every": 19}, 2, None),
        ({"when": "step", "every": 20, "until": 2, "last": True}, 9, "until=2"),
        ({"when": "step", "every": 20, "until": 2, "last": True}, 2, "until=2"),
        ({"when": "step", "every": 19, "until": 2}, 9, None),
        ({}, 1, None),
    ],
)
def test_a_schedule_that_is_never_due_is_refused(schedule, num_epochs, message):
    schedule = Schedule(**schedule)
    if message is None:
        schedule.check_reachable(num_epochs, lambda n: 10 * n)
        return
    with pytest.raises(ValueError, match=message):
        schedule.check_reachable(num_epochs, lambda n: 10 * n)


def test_a_fit_of_unknown_length_is_let_pass():
    schedule = Schedule("step", every=10**9)
    assert schedule.check_reachable(1, lambda n: None) is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"when": "batch"}, "Received: when='batch'"),
        ({"when": "fit", "every": 2}, "every=2"),
        ({"when": "fit", "until": 2}, "until=2"),
        ({"when": "epoch"}, "every=None, epochs=None"),
        ({"when": "epoch", "every": 1, "epochs": (2,)}, "every=1"),
        ({"when": "epoch", "every": 0}, "Received: every=0"),
        ({"when": "epoch", "every": 1.5}, "Received: every=1.5"),
        ({"when": "epoch", "every": True}, "Received: every=True"),
        ({"when": "epoch", "epochs": 5}, "Received: epochs=5"),
        ({"when": "epoch", "epochs": [1.5]}, r"Received: epochs=\[1.5\]"),
        ({"when": "epoch", "epochs": [True]}, r"Received: epochs=\[True\]"),
        ({"when": "epoch", "epochs": ["a"]}, r"Received: epochs=\['a'\]"),
        ({"when": "epoch", "every": 1, "until": "x"}, "Received: until='x'"),
        ({"when": "step", "every": 1, "until": 2.5}, "Received: until=2.5"),
        ({"when": "fit", "last": True}, "last=True"),
        ({"when": "epoch", "epochs": ()}, r"epochs=\[\]"),
        ({"when": "epoch", "epochs": (-1,)}, r"epochs=\[-1\]"),
        ({"when": "epoch", "every": 3, "until": 3}, "until=3"),
        ({"when": "epoch", "epochs": (3, 5), "until": 2}, "until=2"),
        ({"when": "step"}, "every=None"),
        ({"when": "step", "every": 2, "epochs": (1,)}, r"epochs=\(1,\)"),
        ({"when": "step", "every": -2}, "every=-2"),
        ({"when": "step", "every": 2, "until": 0}, "until=0"),
    ],
)
def test_bad_schedules_are_refused_with_a_sentence(arguments, message):
    with pytest.raises(ValueError, match=message):
        Schedule(**arguments)
