"""The first sentences say what the rows say, and what is wrong with them."""

import pytest

from ws_keras.report import answer
from ws_keras.report import runs


def said(found, **options):
    return " ".join(answer.sentences(runs.Run("own", found, **options)))


def test_warm_and_the_best_other_arm(online_rows):
    text = said(online_rows)
    assert text == (
        "After 3,000 samples, warm is 2.0 points of accuracy below cold (n = "
        "2, 95 % interval 2.0 to 2.0) and takes 100 % of cold's sample passes "
        "(100 to 100 %). The arm shrink_perturb 0.6/0.01 is 1.0 points of "
        "accuracy above cold (n = 2, 95 % interval 1.0 to 1.0) and takes 100 % "
        "of cold's sample passes (100 to 100 %). Of these +1.0 points, +1.0 "
        "(n = 2, 95 % interval 1.0 to 1.0) come from round 1, where the "
        "transform only acts on the first initialization, and +0.0 (n = 2, "
        "95 % interval 0.0 to 0.0) from the later rounds."
    )


def test_what_is_not_told_apart_is_said_so(make_arm):
    found = [*make_arm("cold", (50, 60, 55)), *make_arm("warm", (55, 50, 58))]
    expected = (
        "warm does not differ significantly from cold: −0.7 points of accuracy "
    )
    assert expected in said(found)
    assert ". It takes 100 % of cold's sample passes (100 to" in said(found)


def test_one_seed_has_no_interval(make_arm):
    found = [*make_arm("cold", (50,)), *make_arm("warm", (45,))]
    expected = "warm is 5.0 points of accuracy below cold (one seed, no inter"
    assert expected in said(found)


def test_the_best_of_several(make_arm):
    found = make_arm("cold", (50, 50, 51))
    for shrink, level in (("0.8", 49), ("0.4", 60)):
        arm = f"shrink_perturb-{shrink}-0.1"
        found += make_arm(arm, (level, level + 1, level))
    text = said(found)
    assert text.startswith(
        "After 33,333 samples, the best of 2 other arms, shrink_perturb "
        "0.4/0.1, is "
    )


def test_several_cells_are_counted(make_arm):
    found = []
    for model, level in (("mlp", 40), ("logistic", 50.1), ("resnet18", 55)):
        fields = {"model": model, "cell": f"{model}/"}
        found += make_arm("cold", (50, 50.2, 50.1), **fields)
        found += make_arm("warm", (level, level + 0.1, level), **fields)
    assert said(found) == (
        "Warm is significantly below cold in 1 of 3 models, and significantly "
        "above it in 1. The differences range from −10.1 to +4.9 points."
    )


def test_equal_differences_have_no_range(make_arm):
    found = []
    for model in ("mlp", "logistic"):
        fields = {"model": model, "cell": f"{model}/"}
        found += make_arm("cold", (50, 50.2, 50.1), **fields)
        found += make_arm("warm", (48, 48.1, 48.2), **fields)
    assert said(found).endswith("The differences are −2.0 points.")


def test_a_first_round_is_shown(make_row):
    found = [
        make_row(arm="cold", accuracy=31.0),
        make_row(arm="warm", accuracy=30.0),
    ]
    assert said(found) == (
        "Accuracy after up to 1,000 samples: cold 31.0 % (one seed), warm "
        "30.0 % (one seed)."
    )


def banners(found, **options):
    return answer.banners(runs.Run("own", found, **options))


def test_whole_runs_have_no_banner(online_rows):
    assert banners(online_rows) == []


def test_a_partial_run_has_one_banner(online_rows):
    planned = (*{r.setting for r in online_rows}, "own/x/seed0")
    (text,) = banners(online_rows, planned=planned)
    assert text.startswith("This run is incomplete: 6 of 7 settings are")


@pytest.mark.parametrize(
    ("dataset", "level", "is_chance"),
    [
        ("cifar10", 10.4, True),
        ("cifar10", 15.0, False),
        ("cifar100", 1.1, True),
        ("cifar100", 10.0, False),
        ("npz:/own.npz", 1.0, False),
    ],
)
def test_all_arms_at_chance(make_arm, dataset, level, is_chance):
    found = [
        *make_arm("cold", (level, level), dataset=dataset),
        *make_arm("warm", (level, level - 0.5), dataset=dataset),
    ]
    texts = banners(found)
    assert bool(texts) == is_chance
    assert not texts or "at chance level" in texts[0]


@pytest.mark.parametrize(
    ("epochs", "loss", "is_said"),
    [(1, 4.0, True), (1, 1.2, False), (5, 4.0, False)],
)
def test_a_round_of_one_epoch_with_a_jump(make_row, epochs, loss, is_said):
    found = [
        make_row(eval_loss=1.0),
        make_row(round=2, eval_loss=loss, epochs=epochs, last=True),
    ]
    texts = banners(found)
    assert bool(texts) == is_said
    if is_said:
        assert "In 1 round, training stopped after one epoch" in texts[0]
        assert "fig2_online/warm/seed0 round 2: 1.00 to 4.00" in texts[0]
