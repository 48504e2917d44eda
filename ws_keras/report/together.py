"""Two folders in one report: shared rows, and a run against another run."""

import collections
import dataclasses
import itertools
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any

from ws_keras.report import ablation
from ws_keras.report import claims
from ws_keras.report import formatting
from ws_keras.report import reading
from ws_keras.report import recipe
from ws_keras.report import runs
from ws_keras.report import sections

# Fields that may differ between experiments that share rows. How many steps run
# at once changes the speed alone, and diagnostics are computed beside training.
# `strategy` was the field of old configs for what is a flag since.
_OF_NAME = (
    "experiment",
    "arms",
    "seeds",
    "strategy",
    "train.expected_epochs",
    "train.steps_per_execution",
    "diagnostics",
)
_OF_VERSIONS = ("python", "ws_keras")
_MARGIN = 1.0  # points
_SHOWN = 6


def joined(
    found: reading.Folder,
    other: reading.Folder,
    defaults: Mapping[str, Any] | None = None,
) -> reading.Folder:
    """Returns a folder with settings that another folder lends to it.

    A run may serve two figures: ten rounds of a cold start are the same in
    Figure 2 and in Figure 7. Rows stay in the folder of their own experiment,
    and the report of the other one shows them under its name. A run of the same
    experiment may also add arms and seeds.

    Args:
        found: The folder that is shown.
        other: Folder of an experiment whose data are the same, and whose
            config is the same but for its name, arms and seeds.
        defaults: The values of fields that an older config lacks. Defaults to
            none: a field that one config lacks must then be `None` in the
            other.

    Returns:
        A `Folder`, whose `run` says under `"borrowed"` what comes from where.

    Raises:
        ValueError: The configs, data or versions are not the same or not
            known, or nothing is missing that the other folder has.
    """
    for folder, flag in ((found, "--workdir"), (other, "--with")):
        if "config" not in folder.run:
            raise ValueError(
                "`--with` requires that the config of both runs is known. "
                f"Received: {flag}={folder.path}, whose run.json is missing or "
                "cannot be read. Restore it from a copy."
            )
    defaults = defaults or {}
    configs = (folder.run["config"] for folder in (found, other))
    versions = (folder.run.get("versions", {}) for folder in (found, other))
    changes = _changes(*configs, defaults, _OF_NAME)
    changes += _changed(*versions, _OF_VERSIONS)
    changes += _other_data(found.run, other.run)
    if changes:
        raise ValueError(
            "`--with` must be a run of the same config, data and versions, "
            "except for name, arms, seeds and diagnostics. Received: "
            f"--with={other.path}, with "
            f"{', '.join(changes[:_SHOWN])}. To compare the two runs, use "
            "--against."
        )
    name = found.run["config"]["experiment"]
    had = {row.setting for row in found.rows}
    # Arms, of which another figure may add seeds.
    planned = set(map(_arm, found.run.get("settings") or []))
    if other.run["config"]["experiment"] == name:
        planned = set()  # it has more of the same, not another figure
    taken = {
        row.setting: ours
        for row in other.rows
        if (ours := f"{name}/{row.setting.partition('/')[2]}") not in had
        and (not planned or _arm(ours) in planned)
    }
    if not taken:
        raise ValueError(
            "`--with` must hold settings that `--workdir` lacks. Received: "
            f"--with={other.path}, which has none of them."
        )
    rows = [
        dataclasses.replace(r, setting=taken[r.setting], experiment=name)
        for r in other.rows
        if r.setting in taken
    ]
    epochs = [
        dataclasses.replace(e, setting=taken[e.setting])
        for e in other.epochs
        if e.setting in taken
    ]
    borrowed = [
        *found.run.get("borrowed", []),
        _origin(found, other, taken, defaults),
    ]
    return dataclasses.replace(
        found,
        run={**found.run, "borrowed": borrowed},
        rows=[*found.rows, *rows],
        epochs=[*found.epochs, *epochs],
        problems=[*found.problems, *other.problems],
    )


def said(run: dict[str, Any]) -> Iterator[sections.Text]:
    """Yields a sentence about the rows that come from other folders."""
    for entry in run.get("borrowed", []):
        yield sections.Text(
            f"The rows of {_named(entry['settings'])} come from the run of "
            f"{entry['experiment']} in {entry['folder']} (revision "
            f"{entry['revision']}). It differs only in "
            f"{formatting.listed(entry['differs'])}.",
            "banner",
        )


def _named(settings: list[str]) -> str:
    """Returns the arms and seeds of settings, such as `cold (seed0, seed1)`."""
    seeds = collections.defaultdict(list)
    for setting in settings:
        arm, _, seed = setting.rpartition("/")
        seeds[arm].append(seed)
    alike = collections.defaultdict(list)
    for arm, some in seeds.items():
        alike[", ".join(some)].append(arm)
    found = [f"{', '.join(arms)} ({some})" for some, arms in alike.items()]
    return "; ".join(found)


def beside(
    found: list[runs.Run],
    other: list[runs.Run],
    folders: tuple[reading.Folder, reading.Folder],
) -> sections.Section:
    """Returns what a run changes against another, paired by seed.

    Args:
        found: Experiments of the folder that is shown.
        other: Experiments of the other folder.
        folders: Both folders, in this order.

    Returns:
        A section that begins with a verdict, and has a table if arms are the
        same.
    """
    known = {_key(arm): arm for run in other for arm in run.arms}
    pairs = {
        arm: known[_key(arm)]
        for run in found
        for arm in run.arms
        if _key(arm) in known and arm.runs.finished
    }
    results = [
        claims.alike(
            f"{claims.named(arm)} ends within {_MARGIN:g} point of the "
            "other run",
            arm.final(),
            theirs.final(),
            _MARGIN,
        )
        for arm, theirs in pairs.items()
    ]
    defaults = found[0].recipe.defaults
    changes = [
        *_other_data(*(folder.run for folder in folders)),
        *_changes(found[0].config, other[0].config, defaults, _OF_NAME),
    ]
    words = ", ".join(changes[:_SHOWN]) or "the configs are equal"
    said = f"Compared with {folders[1].path.name}: {words}. " + (
        " ".join(f"{r.claim}: {r.answer.value} ({r.because})." for r in results)
        or "The two runs have no arm in common."
    )
    table = [ablation.table(list(pairs), pairs.get)] if pairs else []
    blocks = (sections.Text(said, "answer"), *table)
    return sections.Section("Beside another run", blocks)


def _key(arm: runs.Arm) -> tuple:
    return *arm.cell[1:], arm.name


def _changes(
    ours: Mapping, theirs: Mapping, defaults: Mapping, free: Iterable[str]
) -> list[str]:
    """Returns in words the fields whose values differ.

    A field that a config lacks has its default, and else `None`.
    """
    pair = [_flat(config) for config in (ours, theirs)]
    known = {**dict.fromkeys(itertools.chain(*pair)), **_flat(defaults)}
    return _changed(*({**known, **fields} for fields in pair), free)


def _flat(config: Mapping) -> dict[str, Any]:
    return dict(recipe.flat(config))


def _changed(ours: Mapping, theirs: Mapping, free: Iterable[str]) -> list[str]:
    """Returns in words the fields of theirs that ours has otherwise."""
    return recipe.said(recipe.changes(ours, theirs, theirs, free))


def _other_data(ours: Mapping, theirs: Mapping) -> list[str]:
    """Returns words for data sets of one name whose content differs.

    A file may have changed between two runs, or two folders may hold files of
    one relative path.
    """
    known, others = ours.get("data") or {}, theirs.get("data") or {}
    return [
        f"other content of {name!r}"
        for name, sign in known.items()
        if others.get(name, sign) != sign
    ]


def _arm(setting: str) -> str:
    """Returns a setting without its seed."""
    return setting.rpartition("/")[0]


def _origin(
    found: reading.Folder,
    other: reading.Folder,
    taken: dict,
    defaults: Mapping[str, Any],
) -> dict[str, Any]:
    """Returns where borrowed rows come from."""
    entries = [other.run, *other.run.get("continued", [])]
    revisions = [str(entry.get("git_revision"))[:7] for entry in entries]
    return {
        "experiment": other.run["config"]["experiment"],
        "folder": other.path.name,
        "revision": " and ".join(dict.fromkeys(revisions)),
        "differs": list(_differing(found, other, defaults)),
        "settings": sorted(name.partition("/")[2] for name in taken.values()),
    }


def _differing(
    found: reading.Folder, other: reading.Folder, defaults: Mapping[str, Any]
) -> Iterator[str]:
    """Yields in words what differs between the runs of two folders."""
    ours, theirs = found.run["config"], other.run["config"]
    if ours["experiment"] == theirs["experiment"]:
        yield "the arms or seeds"
    else:
        yield "the name of the experiment"
    if _changes(ours, theirs, defaults, set(_OF_NAME) - {"diagnostics"}):
        yield "what is measured beside training"
    versions = (folder.run.get("versions", {}) for folder in (other, found))
    for text in _changed(*versions, ["python"]):
        yield f"its version ({text})"
