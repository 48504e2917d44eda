"""The page of all config fields agrees with the config and its checks."""

import pathlib
import re
import sys

import pytest
from ws_keras.configs import base

from ws_keras import names
from ws_keras import protocol
from ws_keras.data import datasets
from ws_keras.models import initializers
from ws_keras.models import inputs
from ws_keras.models import perceptron
from ws_keras.models import resnet

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "docs"))

import config_fields

FIELDS = {
    field.name: field
    for fields in config_fields.sections().values()
    for field in fields
}
CHOICES = {
    "data.name": datasets.NAMES,
    "data.normalization": (*inputs.NORMALIZATIONS, *inputs.AUTO),
    "data.split": names.SPLITS,
    "data.augmentation": names.AUGMENTATIONS,
    "rounds.protocol": names.PROTOCOLS,
    "rounds.acquisition": names.ACQUISITIONS,
    "model.name": names.MODELS,
    "model.initializer": initializers.NAMES,
    "model.norm": resnet.NORMS,
    "model.activation": perceptron.ACTIVATIONS,
    "optimizer.name": names.OPTIMIZERS,
    "penalty.name": names.PENALTIES,
    "diagnostics.measures": names.MEASURES,
}


def flat(values, prefix=""):
    for name, value in values.items():
        if isinstance(value, dict):
            yield from flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def choices(field):
    """Returns the quoted values in a list of valid values, not their notes."""
    return re.findall(r'"([^"]+)"', re.sub(r"\([^)]*\)", "", field.valid))


def test_the_page_is_up_to_date():
    page = config_fields.PAGE.read_text(encoding="utf8")
    assert page == config_fields.written()


def test_the_page_has_all_fields_with_their_defaults():
    expected = dict(flat(base.get_config().to_dict()))
    assert {name: each.default for name, each in FIELDS.items()} == expected


@pytest.mark.parametrize("name", CHOICES)
def test_the_page_lists_all_names_that_the_package_knows(name):
    listed = choices(FIELDS[name])
    own = {"npz:PATH", "my_module:build", "my_module:function"}
    other = {"keras.optimizers:AdamW"}
    assert set(listed) - own - other == set(CHOICES[name])


@pytest.mark.parametrize(
    "name",
    [
        "transform.noise",
        "transform.norms",
        "transform.statistics",
        "transform.optimizer",
        "precision",
        "train.measured",
    ],
)
def test_listed_values_are_accepted_and_others_are_not(name):
    def check(value):
        config = base.get_config()
        config.update_from_flattened_dict({name: value})
        protocol.check(config)

    for value in choices(FIELDS[name]):
        check(value)
    with pytest.raises(ValueError, match="must be"):
        check("unknown")


def test_each_default_is_among_the_listed_values():
    for name, field in FIELDS.items():
        if isinstance(field.default, str) and choices(field):
            assert field.default in choices(field), name
        if field.default is None:
            assert "`None`" in field.valid, name


def test_a_field_without_valid_values_is_an_error():
    with pytest.raises(ValueError, match=r"train\.epochs"):
        config_fields._fields("train.epochs", "Epochs.", base.get_config())
