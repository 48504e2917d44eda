"""Numbers are compared only where the run was done as theirs."""

import pytest

from ws_keras.results import protocol


def _found(make_arm, config, block="table1", **fields):
    return protocol.differences(block, config, make_arm("warm", [50], **fields))


def test_the_authors_config_is_the_papers(make_arm, authors_config):
    assert _found(make_arm, authors_config) == []


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("model.width", 64, "model.width 64, not 16"),
        ("train.threshold", 0.999, "train.threshold 0.999, not 0.99"),
        ("data.split", "official_test", "data.split official_test, not held_"),
        ("penalty.name", "l2", "penalty.name l2, not none"),
    ],
)
def test_other_fields_are_named(make_arm, authors_config, field, value, words):
    group, name = field.split(".")
    authors_config.setdefault(group, {})[name] = value
    (found,) = _found(make_arm, authors_config)
    assert found.startswith(words)


def test_width_says_nothing_of_other_models(make_arm, authors_config):
    authors_config["model"]["width"] = 64
    assert _found(make_arm, authors_config, model="mlp") == []


def test_labels_say_more_than_the_config(make_arm, authors_config):
    labels = {"optimizer.learning_rate": 0.1}
    (found,) = _found(make_arm, authors_config, labels=labels)
    assert found == "optimizer.learning_rate 0.1, not 0.001"


def test_sizes(make_arm, authors_config):
    (found,) = _found(make_arm, authors_config, rounds=(500, 1000))
    assert found == "500 and 1,000 samples, not 16,666 and 33,333"
    assert _found(make_arm, authors_config, rounds=(33333,)) == []


def test_a_round_that_ended_at_its_cap_is_not_the_papers(
    make_arm, authors_config
):
    (found,) = _found(make_arm, authors_config, stopped_by="cap")
    assert found == "rounds that ended at the cap of epochs"


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("optimizer.weight_decay", 0.1, "optimizer.weight_decay 0.1, not None"),
        ("transform.norms", "keep", "transform.norms keep, not mix"),
        ("transform.step_shrink", 0.9, "transform.step_shrink 0.9, not 1"),
    ],
)
def test_what_no_paper_does_needs_no_word(
    make_arm, authors_config, field, value, words
):
    """An older config lacks these fields, which is no difference."""
    group, name = field.split(".")
    authors_config[group][name] = value
    assert _found(make_arm, authors_config) == [words]
    # DASH's shrink-perturb leaves gamma and beta alone.
    dash = _found(make_arm, authors_config, block="dash_table1")
    assert (words in dash) == (field != "transform.norms")


def test_what_is_not_known_is_not_the_papers(make_arm):
    found = _found(make_arm, {})
    assert "model.width not known, not 16" in found
    # Nobody augments unless they say so.
    assert not [words for words in found if "augmentation" in words]


def test_rounds_and_fields_of_rows(make_arm, authors_config):
    found = _found(make_arm, authors_config, block="dash_table1")
    assert "2 rounds, not 50" in found
    found = _found(
        make_arm, authors_config, block="fig4", optimizer="adam", model="mlp"
    )
    assert found[:2] == [
        "model mlp, not resnet18",
        "optimizer adam, not sgd",
    ]
