"""Rows that serve two figures, and a run against another."""

import functools
import re

import pytest

from ws_keras.report import reading
from ws_keras.report import together
from ws_keras.report import view as views
from ws_keras.report import writing
from ws_keras.storage import workdir as workdirs

VERSIONS = {"keras": "3.15.1"}


@pytest.fixture
def make(tmp_path, make_row):
    """Returns a function that writes a folder of one experiment."""

    def write(
        name, arms, accuracies=None, versions=VERSIONS, data=None, **config
    ):
        folder = workdirs.Workdir(tmp_path / name.replace("/", "-"))
        experiment = name.partition("/")[0]
        fields = {"experiment": experiment, "precision": "float32", **config}
        planned = ["cold", "warm", "shrink_perturb-0.6-0.01"]
        folder.prepare(
            fields,
            versions,
            data=data,
            settings=[
                f"{experiment}/{arm}/seed{s}" for arm in planned for s in (0, 1)
            ],
        )
        for arm in arms:
            values = (accuracies or {}).get(arm, (50.0, 51.0))
            for seed, accuracy in enumerate(values):
                row = make_row(
                    setting=f"{experiment}/{arm}/seed{seed}",
                    experiment=experiment,
                    arm=arm.partition("-")[0],
                    shrink=0.6 if "-" in arm else float(arm == "warm"),
                    perturb=0.01 if "-" in arm else float(arm == "cold"),
                    seed=seed,
                    accuracy=accuracy,
                    last=True,
                )
                folder.append(row)
        return folder.path

    return write


def test_settings_that_are_lacking_come_from_the_other_figure(make):
    fig2 = make("fig2_online", ["warm"])
    before = {p: p.read_bytes() for p in fig2.rglob("*") if p.is_file()}
    fig7 = make("fig7_shrink_sweep", ["cold", "warm", "shrink_perturb-1-0.01"])
    found = together.joined(reading.read(fig2), reading.read(fig7))
    assert {row.setting for row in found.rows} == {
        f"fig2_online/{arm}/seed{seed}"
        for arm in ("cold", "warm")
        for seed in (0, 1)
    }
    assert {row.experiment for row in found.rows} == {"fig2_online"}
    page = writing.write(fig2, also=fig7).markdown.read_text()
    assert "The rows of cold (seed0, seed1) come from the run of fig7_" in page
    assert {path: path.read_bytes() for path in before} == before


def test_more_seeds_of_the_same_experiment(make, make_row):
    """They were not planned in the first folder."""
    first = make("fig2_online", ["cold", "warm"])
    second = make("fig2_online/more", [], seeds=[5])
    for arm in ("cold", "warm", "fire"):
        row = make_row(
            setting=f"fig2_online/{arm}/seed5",
            experiment="fig2_online",
            arm=arm,
            seed=5,
            last=True,
        )
        workdirs.Workdir(second).append(row)
    report = writing.write(first, also=second)
    page = report.markdown.read_text()
    assert "differs only in the arms or seeds" in page
    found = together.joined(reading.read(first), reading.read(second))
    assert {row.seed for row in found.rows} == {0, 1, 5}
    assert len({row.setting for row in found.rows}) == 7


def test_a_later_run_of_another_figure_adds_seeds(make, make_row):
    """A seed that was not planned, by a later version with other measures."""
    versions = [{**VERSIONS, "ws_keras": v} for v in ("0.1.0", "0.2.0")]
    fig2 = make(
        "fig2_online",
        ["cold", "warm"],
        versions=versions[0],
        diagnostics={"shrunk": []},
    )
    fig7, more = (
        make(
            name,
            [],
            versions=versions[1],
            seeds=[9],
            diagnostics={"shrunk": [1.0]},
        )
        for name in ("fig7_shrink_sweep", "fig2_online/more")
    )
    for folder, experiment, arm, anew in (
        (fig7, "fig7_shrink_sweep", "cold", 55.0),
        (fig7, "fig7_shrink_sweep", "dash-0.3-0.3", 55.0),
        (more, "fig2_online", "warm", 45.0),
    ):
        row = make_row(
            setting=f"{experiment}/{arm}/seed9",
            experiment=experiment,
            arm=arm,
            shrink=1.0,
            perturb=0.0,
            seed=9,
            accuracy=44.0,
            last=True,
            measures={"shrunk/1/accuracy": anew},
        )
        workdirs.Workdir(folder).append(row)
    page = writing.write(fig2, also=[fig7, more]).markdown.read_text()
    assert (
        "It differs only in the arms or seeds, what is measured beside "
        "training and its version (ws_keras 0.2.0 instead of 0.1.0)." in page
    )
    found = reading.read(fig2)
    for other in (fig7, more):
        found = together.joined(found, reading.read(other))
    settings = {row.setting for row in found.rows}
    assert settings == {
        f"fig2_online/{arm}/seed{seed}"
        for arm in ("cold", "warm")
        for seed in (0, 1, 9)
    }
    # One of three seeds has been measured so.
    assert "55.0 (n = 1)" in page and "45.0 (n = 1)" in page
    # The third seed alone has both accuracies; it has 44 at the end.
    anew = page.partition("moments measured anew</summary>")[2]
    lines = [re.findall(r"[\w.]+", line) for line in anew.splitlines()]
    assert ["cold", "44.0", "55.0"] in lines
    assert ["warm", "44.0", "45.0"] in lines


def test_how_many_steps_run_at_once_changes_no_number(make):
    fig2 = make("fig2_online", ["warm"], train={"steps_per_execution": None})
    other = {"steps_per_execution": 1}
    fig7 = make("fig7_shrink_sweep", ["cold"], train=other)
    found = together.joined(reading.read(fig2), reading.read(fig7))
    assert len({row.setting for row in found.rows}) == 4


@pytest.mark.parametrize(
    ("fields", "word"),
    [({"precision": "mixed_bfloat16"}, "precision"), ({"new": 1}, None)],
)
def test_another_config_serves_no_second_figure(make, fields, word):
    fig2 = reading.read(make("fig2_online", ["warm"], new=2))
    other = reading.read(make("fig7_shrink_sweep", ["cold"], **fields))
    with pytest.raises(ValueError, match=word or "new 2 instead of 1"):
        together.joined(fig2, other)


@pytest.mark.parametrize("older", ["first", "second"])
def test_a_field_that_an_older_config_lacks_has_its_default(make, older):
    """Else a run with another value of a new field would pass for the same."""
    fields = [{}, {"extra_epochs": 2}]
    first, second = fields if older == "first" else reversed(fields)
    fig2 = make("fig2_online", ["warm"], train=first)
    fig7 = make("fig7_shrink_sweep", ["cold", "warm"], train=second)

    def recipes(experiment, run, default):
        return views.Recipe(defaults={"train": {"extra_epochs": default}})

    same = functools.partial(recipes, default=2)
    assert "cold" in writing.write(fig2, same, also=fig7).markdown.read_text()
    other = functools.partial(recipes, default=0)
    for call in (other, views.none):
        with pytest.raises(ValueError, match=r"train\.extra_epochs .*2"):
            writing.write(fig2, call, also=fig7)
    page = writing.write(fig2, other, against=fig7).markdown.read_text()
    words = ["2", "0"] if older == "second" else ["0", "2"]
    assert f"train.extra_epochs {words[0]} instead of {words[1]}." in page
    page = writing.write(fig2, same, against=fig7).markdown.read_text()
    assert "extra_epochs" not in page and "configs are equal" in page


# Two files of one relative path, or one file that has changed.
DATA = [{"npz:weeks.npz": "0a"}, {"npz:weeks.npz": "0b"}]


def test_other_data_of_the_same_name_serve_no_second_figure(make):
    ours, theirs = (
        reading.read(make(name, arms, data=data))
        for name, arms, data in zip(
            ("own/a", "own/b"), (["warm"], ["cold"]), DATA, strict=True
        )
    )
    with pytest.raises(ValueError, match="other content of 'npz:weeks.npz'"):
        together.joined(ours, theirs)
    # Runs of earlier versions have no fingerprint, or one of less.
    older = reading.read(make("own/c", ["cold"], data={"npz:old.npz": "0b"}))
    assert len(together.joined(ours, older).rows) == 4


def test_a_comparison_names_data_that_have_changed(make):
    folders = [
        make(f"own/{name}", ["cold"], data=data)
        for name, data in zip("ab", DATA, strict=True)
    ]
    first = writing.write(folders[0], against=folders[1]).summary
    assert (
        "Compared with own-b: other content of 'npz:weeks.npz'."
        in first.splitlines()[0]
    )


@pytest.mark.parametrize("lacks", ["own/a", "own/b"])
def test_rows_of_an_unknown_config_serve_no_second_figure(make, lacks):
    folders = {
        name: make(name, arms)
        for name, arms in (("own/a", ["warm"]), ("own/b", ["cold"]))
    }
    (folders[lacks] / workdirs.RUN).unlink()
    ours, theirs = map(reading.read, folders.values())
    with pytest.raises(ValueError, match=f"{folders[lacks]}, whose run.json"):
        together.joined(ours, theirs)


def test_damage_in_the_other_run_is_shown(make):
    ours, theirs = make("own/a", ["cold"]), make("own/b", ["cold", "warm"])
    path = theirs / "own/warm/seed0/rows.jsonl"
    path.write_text(path.read_text().replace("5", "6"))
    page = writing.write(ours, against=theirs).markdown.read_text()
    assert str(path) in page


def test_a_folder_that_adds_nothing_is_refused(make):
    fig2 = reading.read(make("fig2_online", ["cold", "warm"]))
    other = reading.read(make("fig7_shrink_sweep", ["cold"]))
    with pytest.raises(ValueError, match="lacks"):
        together.joined(fig2, other)


@pytest.mark.parametrize(
    ("argument", "flag"), [("also", "--with"), ("against", "--against")]
)
def test_an_error_names_the_flag_of_its_folder(make, tmp_path, argument, flag):
    folder = {argument: tmp_path / "missing"}
    with pytest.raises(ValueError, match=f"^`{flag}` must be .*missing"):
        writing.write(make("fig2_online", ["cold"]), **folder)


ALIKE = {"cold": (75.5, 76.0, 75.2, 76.3, 75.6)}
NEARLY = {"cold": (75.6, 76.0, 75.4, 76.2, 75.5)}
OTHER = {"cold": (70.6, 71.0, 70.4, 71.2, 70.5)}
NOISY = {"cold": (78.0, 73.0, 77.0, 74.0, 76.5)}


@pytest.mark.parametrize(
    ("theirs", "answer"),
    [(NEARLY, "holds"), (OTHER, "does not hold"), (NOISY, "inconclusive")],
)
def test_two_precisions_are_compared_seed_by_seed(make, theirs, answer):
    ours = make("table1/a", ["cold"], ALIKE, precision="mixed_bfloat16")
    usual = make("table1/b", ["cold"], theirs)
    report = writing.write(ours, against=usual)
    said = report.summary.partition("\n")[0]
    assert "precision mixed_bfloat16 instead of float32" in said
    assert f"cold ends within 1 point of the other run: {answer} (" in said
    page = report.markdown.read_text()
    assert "Beside another run" in page
    # Differences -0.1, 0, -0.2, 0.1, 0.1: mean -0.02, deviation 0.1304.
    if theirs is NEARLY:
        assert "−0.0 ± 0.1" in page and "−0.2 to +0.1" in page


def test_arms_that_are_in_one_run_alone_are_not_compared(make):
    ours = make("table1/a", ["warm"])
    usual = make("table1/b", ["cold"])
    report = writing.write(ours, against=usual)
    assert "no arm in common" in report.summary
