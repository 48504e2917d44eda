"""The cells of the factorial are a regular fraction of resolution IV."""

import collections
import itertools

import numpy as np
from ws_keras.configs import factorial

from ws_keras import settings as all_settings

CONFIG = factorial.get_config()
SETTINGS = factorial.settings(CONFIG)


def signs():
    """Cells as rows of -1 and 1."""
    cells = {s.labels for s in SETTINGS}
    levels = factorial.FACTORS
    return np.array(
        [
            [1 if value == levels[name][1] else -1 for name, value in cell]
            for cell in sorted(cells)
        ]
    )


def test_sixteen_cells_are_balanced_in_each_pair_of_factors():
    cells = signs()
    assert cells.shape == (16, 6)
    np.testing.assert_array_equal(cells.T @ cells, 16 * np.eye(6))
    assert (cells.sum(0) == 0).all()


def test_no_main_effect_is_that_of_an_interaction_of_two():
    cells = signs()
    for a, b in itertools.combinations(range(6), 2):
        product = cells[:, a] * cells[:, b]
        others = [c for c in range(6) if c not in (a, b)]
        assert (cells[:, others].T @ product == 0).all()


def test_each_cell_has_all_arms_and_seeds_seed_by_seed():
    found = collections.Counter((s.labels, s.seed) for s in SETTINGS)
    assert set(found.values()) == {len(CONFIG.arms)}
    seeds = [setting.seed for setting in SETTINGS]
    assert seeds == sorted(seeds) and len(set(seeds)) == len(CONFIG.seeds)


def test_levels_are_fields_and_cold_has_one_round():
    for setting in SETTINGS:
        own, labels = all_settings.apply(CONFIG, setting), dict(setting.labels)
        is_cold = setting.arm == "cold"
        assert (own.rounds.protocol == "one_phase") == is_cold
        assert (own.model.norm == "batch") == (labels["norm"] == "batch norm")
        is_kept = labels["optimizer state"] == "kept"
        assert (own.transform.optimizer == "keep") == is_kept
        assert bool(own.train.extra_epochs) == (labels["beyond 99 %"] != "stop")
        assert bool(own.optimizer.warm_up) == (labels["re-warming"] != "level")
