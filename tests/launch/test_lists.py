"""Lists on a command line, with commas and given again."""

import pytest
from absl import flags
from ml_collections import config_dict
from ml_collections import config_flags

from launch import lists


@pytest.fixture
def config(tmp_path, request):
    """Parses arguments for a config with a tuple and a list."""
    path = tmp_path / "own.py"
    path.write_text(
        "import ml_collections\n\n\n"
        "def get_config():\n"
        "    return ml_collections.ConfigDict({\n"
        '        "arms": ("cold",), "sizes": [1, 2], "none": (),\n'
        '        "deep": {"blocks": (2, 2)},\n'
        "    })\n"
    )

    def parse(*arguments):
        values = flags.FlagValues()
        argv = ["own", f"--config={path}", *arguments]
        lists.accept_in_configs()
        config_flags.DEFINE_config_file(
            "config", None, flag_values=values, sys_argv=argv
        )
        values(argv)
        return values.config

    return parse


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("cold", ("cold",)),
        ("cold,warm", ("cold", "warm")),
        ("cold, warm", ("cold", "warm")),
        ("cold,", ("cold",)),
        ("(cold,warm)", ("cold", "warm")),
        ("[cold,warm]", ("cold", "warm")),
        ("('cold','warm')", ("cold", "warm")),
        ("['cold','warm']", ("cold", "warm")),
        ("cold,'warm'", ("cold", "warm")),
        ("cold,shrink_perturb-1-1e-5", ("cold", "shrink_perturb-1-1e-5")),
        ("'npz:a,b.npz',cold", ("npz:a,b.npz", "cold")),
        ("/data/own*.npz,x", ("/data/own*.npz", "x")),
        ("1", (1,)),
        ("1,2", (1, 2)),
        ("0.5,1e-3", (0.5, 0.001)),
        ("(1,)", (1,)),
        ("()", ()),
        ("", ()),
    ],
)
def test_fields_of_configs_take_commas(config, text, value):
    assert config(f"--config.arms={text}").arms == value
    # With a space, and for fields that are lists or lie deeper.
    assert config("--config.arms", text).arms == value
    assert config(f"--config.sizes={text}").sizes == list(value)
    assert config(f"--config.none={text}").none == value
    assert config(f"--config.deep.blocks={text}").deep.blocks == value


def test_fields_given_again_add_up_and_others_stay(config):
    found = config("--config.arms=cold", "--config.arms=warm")
    assert found.arms == ("cold", "warm")
    assert found.sizes == [1, 2] and found.none == ()
    found = config("--config.sizes=3", "--config.sizes=4")
    assert found.sizes == [3, 4] and found.arms == ("cold",)
    assert isinstance(found, config_dict.ConfigDict)


@pytest.mark.parametrize(
    ("arguments", "value"),
    [
        ([], ["all"]),
        (["--own_list=a"], ["a"]),
        (["--own_list=a,b"], ["a", "b"]),
        (["--own_list=a", "--own_list=b"], ["a", "b"]),
        (["--own_list", "a,b", "-own_list", "c"], ["a", "b", "c"]),
        (["--own_list=a,b", "--own_list=b"], ["a", "b"]),
        (["--own_list="], []),
    ],
)
def test_list_flags_add_up(arguments, value, monkeypatch):
    values = flags.FlagValues()
    monkeypatch.setattr(
        flags, "DEFINE_flag", lambda flag: values.__setitem__(flag.name, flag)
    )
    lists.define("own_list", ["all"], "Some.")
    values(["own", *arguments])
    assert values.own_list == value
