"""Arms by name: text form, ranges, and who may define which name."""

import dataclasses
import math
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies

from ws_keras import arms
from ws_keras.arms import registry

OWN = """
import ws_keras

@ws_keras.register_arm({name!r})
class Own(ws_keras.Arm):
    '''An arm of a test.'''

    factor: float = ws_keras.number("[0, 1]")
"""


@pytest.fixture(autouse=True)
def restored(monkeypatch):
    """Leaves the arms of the package alone after each test."""
    arms.names()
    known = registry._known
    monkeypatch.setattr(known, "_known", dict(known._known))


def define(name, module, file=None, source=OWN):
    """Executes a module that defines an arm, as config files are."""
    scope = {"__name__": module} | ({"__file__": file} if file else {})
    code = compile(source.format(name=name), file or "<cell>", "exec")
    exec(code, scope)
    return scope["Own"]


def inside(field):
    """Numbers in the range of a field, as the text of arms may hold them."""
    low, high = field.metadata["low"], field.metadata["high"]
    opening, closing = field.metadata["open"]
    if field.type is int:
        return strategies.integers(int(low), 10**6)
    return strategies.floats(
        low,
        None if high == math.inf else high,
        exclude_min=opening == "(",
        exclude_max=closing == ")" and high != math.inf,
        allow_nan=False,
        allow_infinity=False,
    )


@pytest.mark.parametrize("name", arms.names())
@given(data=strategies.data())
@settings(max_examples=30, deadline=None)
def test_text_of_an_arm_means_the_same_arm(name, data):
    cls = registry._known[name]
    fields = dataclasses.fields(cls)
    numbers = [data.draw(inside(field)) for field in fields]
    arm = cls(*numbers)
    again = arms.parse(arm.text)
    assert type(again) is cls and again == arm
    assert arms.name_of(arm.text) == name
    assert [type(getattr(again, f.name)) for f in fields] == [
        f.type for f in fields
    ]


@pytest.mark.parametrize("name", arms.names())
def test_each_arm_says_what_it_is(name):
    cls = registry._known[name]
    assert cls.summary().endswith(".")
    assert cls.form() in arms.forms()
    assert f"| `{cls.form()}` |" in arms.table()


@pytest.mark.parametrize(
    "text, words",
    [
        ("dash-0.3-0", ["alpha", "in (0, 1]", "alpha=0.0", "'dash-0.3-0.0'"]),
        ("dash-1.3-0.3", ["shrink", "in [0, 1]", "Received: shrink=1.3"]),
        ("dash-0.3-1.3", ["alpha", "in (0, 1]", "Received: alpha=1.3"]),
        ("shrink_perturb-0.4--2", ["perturb", "at least 0", "perturb=-2.0"]),
        ("shrink_perturb-0.4-inf", ["finite", "perturb=inf"]),
        ("first_layers-1.5", ["a whole number", "layers=1.5"]),
        ("dash-0.3", ["'dash-SHRINK-ALPHA'", "2 numbers", "with 1 number"]),
        ("dash-a-0.3", ["'dash-SHRINK-ALPHA'", "not a number"]),
        ("cold-1", ["is 'cold', with 0 numbers", "with 1 number"]),
        ("distill-1-2-3", ["with 0 to 2 numbers", "with 3 numbers"]),
        ("tepid", ["'dash-SHRINK-ALPHA'", "arm='tepid'"]),
        ("dasch-0.3-0.1", ["Did you mean 'dash-SHRINK-ALPHA'?"]),
        ("dash 0.3/0.1", ["Did you mean 'dash-0.3-0.1'?"]),
        (
            "Shrink-perturb 0.4/0.1",
            ["Did you mean 'shrink_perturb-0.4-0.1'?"],
        ),
        ("warm-reset", ["is 'warm', with 0 numbers"]),
        ("head-reset", ["Did you mean 'head_reset'?"]),
        ("warmup", ["Did you mean 'warm'?"]),
        ("warm-", ["arm='warm-'"]),
        ("-warm", ["arm='-warm'"]),
        ("dash-1.2.3-0.3", ["arm='dash-1.2.3-0.3'"]),
        ("dash-0.3-0.1 ", ["arm='dash-0.3-0.1 '"]),
        ("dash-0.3-0.1x", ["arm='dash-0.3-0.1x'"]),
        ("", ["arm=''"]),
    ],
)
def test_bad_arms_are_named_with_the_way_out(text, words):
    with pytest.raises(ValueError) as error:
        arms.parse(text)
    for word in words:
        assert word in str(error.value)


def test_numbers_keep_their_order():
    arm = arms.parse("shrink_perturb-0.25-0.75")
    assert (arm.shrink, arm.perturb) == (0.25, 0.75)
    arm = arms.parse("dash-0.125-0.5")
    assert (arm.shrink, arm.alpha) == (0.125, 0.5)


def test_rows_name_the_same_arm():
    for text in ("cold", "shrink_perturb-0.25-0.75", "dash-0.125-0.5"):
        arm = arms.parse(text)
        name = arm.name if arm.in_row else text
        assert arms.of_row(name, *registry.strengths(arm)) == arm
    assert registry.strengths(arms.parse("cold")) == (0, 1)
    assert registry.strengths(arms.parse("warm")) == (1, 0)
    assert math.isnan(registry.strengths(arms.parse("dash-0.3-0.1"))[1])


def test_a_name_may_be_defined_again_by_its_own_module_alone():
    cls = define("own", "a")
    assert arms.parse("own-0.5") == cls(0.5)
    again = define("own", "a")  # a cell that is run anew
    assert again is not cls and type(arms.parse("own-0.5")) is again
    with pytest.raises(ValueError, match="'own' exists already, defined in a"):
        define("own", "b")
    assert type(arms.parse("own-0.5")) is again


def test_a_file_is_known_whatever_it_is_loaded_as(tmp_path):
    file = tmp_path / "config.py"
    define("own", "_ws_keras_config", str(file))
    define("own", "config", str(file))
    with pytest.raises(ValueError, match="exists already"):
        define("own", "_ws_keras_config", str(tmp_path / "other.py"))


def test_a_file_defines_a_name_once(tmp_path):
    file = str(tmp_path / "config.py")
    define("own", "a", file)
    twice = OWN + OWN.replace("Own(", "Two(")
    with pytest.raises(ValueError, match="exists already.* by Own.* by Two"):
        define("own", "a", file, source=twice)


@pytest.mark.parametrize("name", ["warm", "dash"])
def test_names_of_the_package_are_taken(name):
    with pytest.raises(ValueError, match=f"'{name}' exists already"):
        define(name, "a")


@pytest.mark.parametrize("name", ["Own", "own-1", "1own", "", "own.x", 3])
def test_bad_names(name):
    with pytest.raises(ValueError, match="lower-case"):
        define(name, "a")


def test_an_arm_has_one_name():
    cls = define("own", "a")
    with pytest.raises(ValueError, match="one name"):
        arms.register_arm("other")(cls)


def test_fields_are_numbers():
    with pytest.raises(ValueError, match="factor: <class 'str'>"):
        define("own", "a", source=OWN.replace("factor: float", "factor: str"))
    with pytest.raises(ValueError, match="subclass of ws_keras.Arm"):
        arms.register_arm("own")(object)


@pytest.mark.parametrize("value", [True, "0.5", None, math.nan, 1.5])
def test_objects_are_checked_too(value):
    cls = define("own", "a")
    with pytest.raises(ValueError, match=r"factor of an arm must be in \[0, 1"):
        cls(value)


@pytest.mark.parametrize(
    "interval",
    ["", "0, 1", "[0; 1]", "[a, 1]", "[0, 1", "[1, 0]", "[nan, 1]", 0.5],
)
def test_bad_ranges(interval):
    with pytest.raises(ValueError, match="must be a range"):
        arms.number(interval)


def test_numbers_may_be_left_out():
    source = OWN.replace('"[0, 1]"', '"[0, 1]", default=0.5')
    cls = define("own", "a", source=source)
    assert arms.parse("own") == cls() == cls(0.5)
    assert arms.parse("own-0.25") == cls(0.25)
    assert cls.form() == "own[-FACTOR]"


def test_arms_are_known_without_keras():
    script = (
        "import sys\n"
        "from ws_keras import arms, settings\n"
        "arms.parse('dash-0.3-0.1'), arms.table()\n"
        "print(sorted({'keras', 'tensorflow', 'jax'} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True
    )
    assert done.stdout == "[]\n", done.stderr
