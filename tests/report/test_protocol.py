"""Numbers are compared only where the run was done as theirs."""

import pytest

from ws_keras.report import protocol


def _found(make_arm, config, block="table1", **fields):
    return protocol.differences(block, config, make_arm("warm", [50], **fields))


def _set(config, field, value):
    *groups, name = field.split(".")
    for group in groups:
        config = config.setdefault(group, {})
    config[name] = value


def test_the_authors_config_is_the_papers(make_arm, authors_config):
    assert _found(make_arm, authors_config) == []


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("model.width", 64, "model.width 64, not 16"),
        ("train.threshold", 0.999, "train.threshold 0.999, not 0.99"),
        ("data.split", "official_test", "data.split official_test, not held_"),
        ("penalty.name", "l2", "penalty.name l2, not none"),
        ("train.epochs", 1, "train.epochs 1, not None"),
        ("second.learning_rate", 0.1, "second.learning_rate 0.1, not None"),
        ("second.batch_size", 16, "second.batch_size 16, not None"),
        ("model.norm", "none", "model.norm none, not batch"),
        ("model.blocks", [1, 1, 1, 1], "model.blocks [1, 1, 1, 1], not (2,"),
        ("precision", "mixed_bfloat16", "precision mixed_bfloat16, not fl"),
    ],
)
def test_other_fields_are_named(make_arm, authors_config, field, value, words):
    _set(authors_config, field, value)
    (found,) = _found(make_arm, authors_config)
    assert found.startswith(words)


def test_width_says_nothing_of_other_models(make_arm, authors_config):
    authors_config["model"]["width"] = 64
    assert _found(make_arm, authors_config, model="mlp") == []


@pytest.mark.parametrize(
    ("field", "value", "model", "optimizer"),
    [
        ("model.units", 50, "mlp", "sgd"),
        ("model.depth", 5, "mlp", "adam"),
        ("model.activation", "tanh", "mlp", "adam"),
        ("model.use_bias", False, "logistic", "sgd"),
        ("optimizer.epsilon", 1e-3, "resnet18", "adam"),
    ],
)
def test_fields_of_one_model_or_optimizer(
    make_arm, authors_config, field, value, model, optimizer
):
    _set(authors_config, field, value)
    ours = {"model": model, "optimizer": optimizer}
    (found,) = _found(make_arm, authors_config, **ours)
    assert found.startswith(f"{field} ")
    others = {"model": "resnet18", "optimizer": "sgd"}
    assert _found(make_arm, authors_config, **others) == []


@pytest.mark.parametrize(
    ("block", "field"),
    [("fig3", "second.learning_rate"), ("fig4", "train.first_epochs")],
)
def test_what_a_figure_varies_is_no_difference(
    make_arm, authors_config, block, field
):
    _set(authors_config, field, 7)
    found = _found(make_arm, authors_config, block=block)
    assert not [words for words in found if field in words]


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
    _set(authors_config, field, value)
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
