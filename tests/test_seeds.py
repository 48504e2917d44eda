"""Random draws by address."""

import random

import numpy as np
import pytest

from ws_keras import seeds


def draw(seed, *address):
    return seeds.generator(seed, *address).random(4).tolist()


def test_an_address_is_a_stream():
    assert draw(3, "order", 1, 5) == draw(3, "order", 1, 5)


def test_other_addresses_are_other_streams():
    addresses = [
        (0, "order", 1, 5),
        (1, "order", 1, 5),
        (0, "split", 1, 5),
        (0, "order", 5, 1),
        (0, "order", 1),
        (0, "order", 1, 5, 0),
        (0, "order"),
        (0,),
    ]
    found = {tuple(draw(*address)) for address in addresses}
    assert len(found) == len(addresses)


def test_a_stream_is_the_same_in_every_process_and_version():
    # Python's own hash of strings would differ from process to process.
    assert seeds.derive(0, "start") == 1433536385


def test_derived_seeds_fit_31_bits():
    found = [seeds.derive(seed, "noise") for seed in range(500)]
    assert 0 <= min(found) and max(found) < 2**31
    assert len(set(found)) == 500


def states():
    numpy = np.random.get_state()
    # A draw moves the position; the words change once in 624 draws.
    return random.getstate(), numpy[1].tolist(), numpy[2]


def test_global_generators_are_left_alone():
    np.random.random()
    before = states()
    draw(0, "order", 1)
    seeds.derive(0, "start")
    assert states() == before


def test_negative_seeds_are_refused():
    with pytest.raises(ValueError, match="non-negative"):
        seeds.generator(-1)
    with pytest.raises(ValueError, match="non-negative"):
        seeds.derive(0, "order", -1)
