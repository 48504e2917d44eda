"""A search among arms: what it runs, what it spends, what it says."""

import re

import keras
import numpy as np
import pytest
from sklearn import datasets

import ws_keras
from ws_keras import comparison
from ws_keras import searching
from ws_keras.arms import registry
from ws_keras.data import doubts
from ws_keras.training import terms

UNTIL = terms.Until(threshold=1.0, max_epochs=2)
SHORT = terms.Until(epochs=1)


@pytest.fixture(scope="module")
def digits():
    """Four rounds of 100 digits, and 200 that are held out."""
    x, y = datasets.load_digits(return_X_y=True)
    x = (x[:600] / 16).astype("float32")
    rounds = [(x[i : i + 100], y[i : i + 100]) for i in range(0, 400, 100)]
    return rounds, (x[400:600], y[400:600])


def build():
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((64,)),
            keras.layers.Dense(16, activation="relu"),
            keras.layers.Dense(10),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=["accuracy"])
    return model


def search(digits, wanted, until=UNTIL, **arguments):
    rounds, held_out = digits
    return ws_keras.fit_rounds(
        build(),
        rounds,
        held_out,
        wanted,
        until=until,
        verbose=0,
        **arguments,
    )


CANDIDATES = ("shrink_perturb-0.6-0.01", "shrink_perturb-0.2-0.1", "fire")


@pytest.fixture(scope="module")
def found(digits):
    rounds, held_out = digits
    wanted = ws_keras.Search(CANDIDATES, minutes=None, seeds=3)
    return search((rounds[:3], held_out), wanted, SHORT)


def test_the_last_stage_has_seeds_that_chose_nothing(found):
    assert {row.seed for row in found.rows} == {2, 3, 4}
    arms = {row.setting.split("/")[-2] for row in found.rows}
    assert {"cold", "warm"} < arms and len(arms) == 4
    assert {row.round for row in found.rows} == {1, 2, 3}


def test_stages_are_told_with_all_that_ran_in_them(found):
    first, second = re.findall(
        r"Stage (\d), one seed, (.+): (.+)\.", str(found)
    )
    assert first[:2] == ("1", "2 rounds")
    assert second[:2] == ("2", "3 rounds")
    for arm in ("cold", "warm", *CANDIDATES):
        assert arm in first[2]
    # The better half of five.
    assert second[2].count(" %)") == 3


def test_without_a_recommendation_there_is_no_line_of_code(found):
    assert found.recommended is None
    assert "begin the next round" not in str(found)


@pytest.mark.slow
def test_a_recommendation_comes_with_its_cost_and_its_line_of_code(digits):
    """With a huge margin, the cheapest arm is recommended: not cold."""
    rounds, held_out = digits
    wanted = ws_keras.Search(["fire"], minutes=None, seeds=3)
    until = terms.Until(threshold=0.3, max_epochs=9)
    found = search((rounds[:2], held_out), wanted, until, margin=95)
    assert found.start in ("warm", "fire")
    line = searching.all_arms.parse(found.start).code
    assert f"To begin the next round so:\n\n    {line}" in str(found)
    assert f"Recommendation: begin with {found.start}." in str(found)
    (cost,) = searching._expected(found, found.start)
    assert cost in str(found) and "95 % interval" in cost


@pytest.mark.filterwarnings("ignore:.*(reset|slow copy|Keras)")
def test_the_line_of_code_of_each_arm_runs(digits, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rounds, held_out = digits
    rounds = [(x[:40], y[:40]) for x, y in rounds[:2]]
    x, y = (np.concatenate(parts) for parts in zip(*rounds, strict=True))
    model = build()
    names = {
        **{"rounds": rounds, "held_out": held_out, "x": x, "y": y},
        **{"ws_keras": ws_keras, "build": build, "model": model},
    }
    begun = model.get_weights()
    for text, word in {
        "cold": "build()",
        "warm": "fit(x, y)",
        "warm_reset": "optimizer='reset'",
        "shrink_perturb-0.6-0.01": "ShrinkPerturb(0.6, 0.01, data=x)",
        "fire": "fire(model)",
        "norm_reset": "norm_reset(model)",
        "dash-0.2-0.3": "dash(model, rounds, 0.2, 0.3)",
        "hare_tortoise-2-0.9": "HareAndTortoise(2, 0.9)",
        "weight_averaging-0.9": "HareAndTortoise(1000000000, 0.9)",
        "redo-0.1-50": "ReDo(x, 0.1, 50)",
        "snr-0.9": "SelfNormalizedResets(x, 0.9)",
        "continual_backprop-0.01-9": "ContinualBackprop(x, 0.01, 9)",
        "soft_rescaling-0.1": "SoftWeightRescaling(0.1)",
    }.items():
        line = searching.all_arms.parse(text).code
        assert word in line
        model.set_weights(begun)
        before = int(model.optimizer.iterations)
        exec(line.replace("(x, y", "(x, y, verbose=0"), names)
        trained = names["model"]  # `cold` builds another one
        # Three batches of at most 32; some starts reset the optimizer.
        assert int(trained.optimizer.iterations) in (3, before + 3)
        names["model"] = model
        assert not np.array_equal(trained.get_weights()[0], begun[0])
    line = searching.all_arms.parse("l2_init-0.01").code
    until = "until=ws_keras.Until(epochs=1), verbose=0, seeds="
    exec(line.replace("seeds=", until), names)
    saved = keras.models.load_model("next.keras", compile=False)
    assert saved.count_params() == model.count_params()


def test_a_budget_below_one_run_of_each_says_what_it_needs(digits):
    with pytest.raises(ValueError, match="passes") as error:
        search(digits, ws_keras.Search(CANDIDATES, passes=2000))
    # Two rounds of 100 and 200 samples, two epochs, five arms.
    assert f"{5 * 2 * 300:,} sample passes" in str(error.value)


def test_a_budget_that_ends_before_the_last_stage_decides_nothing(digits):
    found = search(digits, ws_keras.Search(CANDIDATES, passes=12_000))
    assert sum(row.sample_passes for row in found.rows) == 3000
    assert found.recommended is None
    assert "No recommendation. The budget" in found.verdict


@pytest.mark.slow
def test_a_search_keeps_its_stages_and_goes_on(digits, tmp_path):
    wanted = ws_keras.Search((), minutes=None, seeds=3)
    first = search(digits, wanted, workdir=tmp_path)
    again = search(digits, wanted, workdir=tmp_path)
    assert [row.accuracy for row in first.rows] == [
        row.accuracy for row in again.rows
    ]
    # What is there already is not trained again.
    assert [row.train_seconds for row in first.rows] == [
        row.train_seconds for row in again.rows
    ]


def test_the_word_alone_is_a_search_of_ten_minutes(digits):
    assert searching.of("search") == searching.Search()
    assert searching.is_wanted("search")
    assert not searching.is_wanted(("cold", "warm"))
    with pytest.raises(ValueError, match="Did you mean 'search'"):
        searching.is_wanted("serach")
    assert not any(searching.is_wanted(name) for name in registry.names())


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({"candidates": ("cool",)}, "arm"),
        ({"candidates": "fire"}, "candidates"),
        ({"minutes": 0}, "minutes"),
        ({"minutes": "20"}, "minutes"),
        ({"minutes": True}, "minutes"),
        ({"passes": float("nan")}, "passes"),
        ({"seeds": 3.5}, "seeds"),
        ({"seeds": "5"}, "seeds"),
        ({"passes": -1}, "passes"),
        ({"seeds": 2}, "seeds"),
    ],
)
def test_bad_arguments_are_named(arguments, word):
    with pytest.raises(ValueError, match=word):
        ws_keras.Search(**arguments)


def test_seeds_beside_a_search_are_refused(digits):
    with pytest.raises(ValueError, match="seeds"):
        search(digits, "search", seeds=(0, 1))


def replay(make_row, calls, accuracies, factors):
    """A measure of arms with known results: round n has 100 * n samples."""

    def measure(arms, seeds, count):
        calls.append((list(arms), list(seeds), count))
        found = [
            make_row(
                setting=f"rounds/{arm}/seed{seed}",
                arm=arm,
                seed=seed,
                round=number,
                num_samples=100 * number,
                accuracy=accuracies[arm],
                sample_passes=factors.get(arm, 1) * 100 * number,
                last=number == count,
            )
            for arm in arms
            for seed in seeds
            for number in range(1, count + 1)
        ]
        return comparison.Comparison(found, "The verdict.")

    return measure


ARMS = ("fire", "dash-0.3-0.3", "head_reset", "redo-0.1", "l2_init-0.01")
# The references come last and next to last.
ACCURACIES = {
    **dict(zip(ARMS, (84.0, 88.0, 80.0, 86.0, 82.0), strict=True)),
    "cold": 78.0,
    "warm": 76.0,
}


def test_each_stage_takes_the_better_half_and_the_best_two(make_row):
    calls = []
    wanted = ws_keras.Search(ARMS, minutes=None, seeds=4)
    measure = replay(make_row, calls, ACCURACIES, {})
    found = searching.search(measure, wanted, 5, first_seed=10)
    best = ["dash-0.3-0.3", "redo-0.1", "fire", "l2_init-0.01"]
    assert calls == [
        (["cold"], [10], 3),
        (["warm", *ARMS], [10], 3),
        (best, [11], 5),
        (["cold", "warm", *best[:2]], [12, 13, 14, 15], 5),
    ]
    assert found.verdict.endswith("The verdict.")


# Of six rounds, three have 600 samples and all have 2,100. Cold trains three
# times on each: the first stage takes 9 * 600 passes, the four best arms on
# all rounds 4 * 2,100, and a seed of the last stage 6 * 2,100.
FIRST, SECOND, SEED = 5400, 8400, 12_600


@pytest.mark.parametrize(
    "passes, seeds, has_second",
    [
        (FIRST + SECOND + 5 * SEED, 5, True),
        (FIRST + SECOND + 5 * SEED - 1, 4, True),
        (FIRST + SECOND + 3 * SEED, 3, True),
        # Three seeds matter more than a second look at one.
        (FIRST + SECOND + 3 * SEED - 1, 3, False),
        (FIRST + 3 * SEED, 3, False),
        (FIRST + 3 * SEED - 1, 0, False),
    ],
)
def test_a_budget_leaves_out_seeds_and_then_a_stage(
    make_row, passes, seeds, has_second
):
    calls = []
    wanted = ws_keras.Search(ARMS, minutes=None, passes=passes)
    measure = replay(make_row, calls, ACCURACIES, {"cold": 3})
    found = searching.search(measure, wanted, 6)
    assert len(calls) == 2 + has_second + bool(seeds)
    assert ("Stage 2" in found.verdict) == has_second
    if seeds:
        assert len(calls[-1][1]) == seeds
    assert (f"{seeds} of 5 seeds" in found.verdict) == (0 < seeds < 5)
    assert ("No recommendation. The budget" in found.verdict) == (not seeds)


def test_minutes_are_expected_from_the_passes_so_far(make_row):
    budget = searching._Budget(ws_keras.Search(minutes=10))
    for passes, minutes in ((400, 1.0), (600, 0.5), (1000, 0.5)):
        seconds = dict.fromkeys(("trace_seconds", "eval_seconds"), 0.0)
        row = make_row(sample_passes=passes, train_seconds=0.0, **seconds)
        budget.count([row], minutes)
    assert budget.cost(3000).startswith("about 3.0 minutes or 3,000")
    # No minute has passed since the budget was made.
    assert budget.affords(9_500) and not budget.affords(10_001)


def ended(make_row, arm, sample_passes, **fields):
    return make_row(
        setting=f"rounds/{arm}/seed0",
        arm=arm,
        sample_passes=sample_passes,
        last=True,
        **fields,
    )


def test_the_order_prefers_the_cheaper_within_the_margin(make_row):
    found = [
        ended(make_row, "cold", 100, accuracy=90.0),
        ended(make_row, "warm", 40, accuracy=89.5),
        ended(make_row, "fire", 5, accuracy=80.0),
        ended(make_row, "redo-0.1", 1, accuracy=np.nan),
        ended(make_row, "head_reset", 10, accuracy=88.0),
    ]
    order = searching._order(found, 1.0)
    assert order == ["warm", "cold", "head_reset", "fire", "redo-0.1"]


def test_the_order_of_an_error_begins_with_the_smallest(make_row):
    def error(arm, sample_passes, mae):
        return ended(
            make_row,
            arm,
            sample_passes,
            labels={"monitor": "mae", "mode": "min"},
            measures={"mae": mae},
        )

    found = [
        error("cold", 100, 2.0),
        error("fire", 5, 2.5),
        error("warm", 40, 1.52),
        error("head_reset", 50, 1.51),
    ]
    # Two are within 1 % of cold's error, of which the cheaper is first.
    order = searching._order(found, None)
    assert order == ["warm", "head_reset", "cold", "fire"]


def test_one_round_is_refused_before_anything_is_trained(digits):
    rounds, held_out = digits
    with pytest.raises(ValueError, match="second round on. Received: 1 round"):
        ws_keras.fit_rounds(build(), rounds[:1], held_out, "search")


def test_what_the_next_round_is_expected_to_cost(found):
    arms = {row.setting.split("/")[-2] for row in found.rows}
    arm = min(arms - {"cold", "warm"})
    (words,) = searching._expected(found, arm)

    def passes(name):
        return [
            row.sample_passes
            for row in sorted(found.rows, key=lambda row: row.seed)
            if row.round == 3 and row.setting.split("/")[-2] == name
        ]

    ours, cold = passes(arm), passes("cold")
    share = np.exp(np.mean(np.log(ours) - np.log(cold)))
    assert f"took {np.mean(ours):,.0f} sample passes" in words
    assert f"{100 * share:.0f} % of those of a cold start" in words
    assert searching._expected(found, "cold") == []


@pytest.mark.slow
def test_doubts_about_the_data_are_said_once(digits):
    """Each of three stages, and the check before them, sees the same data."""
    rounds, (x, y) = digits
    rounds = [(x[y < 9], y[y < 9]) for x, y in rounds[:2]]
    shared = np.r_[x[:40], rounds[1][0][:1]], np.r_[y[:40], rounds[1][1][:1]]
    wanted = ws_keras.Search(["fire"], minutes=None, seeds=3)
    with pytest.warns(doubts.DoubtfulData) as caught:
        found = search((rounds, shared), wanted, SHORT, batch_size=64)
    texts = [str(one.message) for one in caught]
    texts = [text for text in texts if "held-out samples" in text]
    assert len(texts) == 2, texts
    assert "1 of 41" in texts[0] and "class 9" in texts[1]
    # The verdict has them nevertheless.
    assert "1 of 41 held-out" in str(found) and "class 9" in str(found)


def timed(make_row, arms, seeds, count):
    """Rows of one minute and 1,000 passes each, which are there at once."""
    found = [
        make_row(
            arm=arm,
            seed=seed,
            setting=f"search/{arm}/seed{seed}",
            round=number,
            num_samples=100 * number,
            sample_passes=1000,
            train_seconds=50.0,
            trace_seconds=6.0,
            eval_seconds=4.0,
            last=number == count,
        )
        for arm in arms
        for seed in seeds
        for number in range(1, count + 1)
    ]
    return comparison.Comparison(found, "No recommendation.")


@pytest.mark.parametrize(
    ("budget", "seeds"),
    [
        ({"minutes": 15.0}, set()),  # 4 for stage 1, and 4 for each seed: 16
        ({"minutes": 17.0}, {1, 2, 3}),
        ({"minutes": 21.0}, {2, 3, 4}),  # also 4 for stage 2
        ({"minutes": None, "passes": 15_000}, set()),
        ({"minutes": None, "passes": 16_000}, {1, 2, 3}),
    ],
)
def test_rows_of_an_interrupted_search_count_with_their_time(
    make_row, budget, seeds
):
    """Else a search that goes on spends its budget a second time."""
    ran = []

    def measure(*given):
        ran.append(given)
        return timed(make_row, *given)

    wanted = searching.Search((), **budget)
    found = searching.search(measure, wanted, 2)
    decided = {seed for _, some, _ in ran for seed in some if len(some) > 1}
    assert decided == seeds
    if not seeds:
        words = r"takes about 12\.0 minutes or 12,000 sample passes more with 3"
        assert re.search(words, found.verdict)
        assert sum(row.sample_passes for row in found.rows) == 4000
