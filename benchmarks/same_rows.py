r"""Do two revisions give the same rows, bit for bit?

A fixed set of tiny runs covers each arm, each protocol, and each choice of the
configs that changes what is computed, with two seeds. What they compute is
written as one line a row, without the times:

    python -m benchmarks.same_rows --write=before.jsonl
    python -m benchmarks.same_rows --against=before.jsonl

The second command runs the set again and names each field that differs. Rows
are equal on one machine only: another processor adds in another order.
"""

import argparse
import json
import pathlib
import platform
import subprocess
import sys
import tempfile

from ws_keras.diagnostics import probe

_TINY = {
    "data.name": "textures",
    "data.samples": "192",
    "rounds.step": "64",
    "rounds.limit": "2",
    "model.width": "4",
    "model.blocks": "(1,1,1)",
    "train.batch_size": "32",
    "train.max_epochs": "2",
    "train.monitor_samples": "50",
    "seeds": "(0,1)",
}
_THREE = {"arms": "('cold','warm','shrink_perturb-0.6-0.01')"}
_MLP = {**_THREE, "model.name": "mlp", "model.units": "16"}
_ALL_ARMS = (
    "cold",
    "warm",
    "warm_reset",
    "head_reset",
    "shrink_perturb-1-1e-2",
    "shrink_perturb-0.4-0.1",
    "last_layer-0.4-0.1",
    "first_layers-3",
    "dash-0.3-0.3",
    "l2_init-0.0001",
)

# Name -> config and what it has otherwise than the tiny one.
CASES = {
    "arms": ("which_arm", {"arms": str(_ALL_ARMS), "rounds.limit": "3"}),
    "two_phase": ("which_arm", {**_THREE, "rounds.protocol": "two_phase"}),
    "one_phase": (
        "which_arm",
        {**_THREE, "rounds.protocol": "one_phase", "rounds.fraction": "1.0"},
    ),
    "transfer": (
        "which_arm",
        {**_MLP, "rounds.protocol": "transfer", "data.source": "textures"},
    ),
    "active": ("which_arm", {**_MLP, "rounds.protocol": "active"}),
    "badge": (
        "which_arm",
        {**_MLP, "rounds.protocol": "active", "rounds.acquisition": "badge"},
    ),
    "kept": (
        "which_arm",
        {
            **_THREE,
            "transform.noise": "gaussian",
            "transform.norms": "keep",
            "transform.statistics": "keep",
            "transform.optimizer": "keep",
            "transform.first_round": "False",
        },
    ),
    "every_step": (
        "which_arm",
        {
            **_MLP,
            "transform.step_shrink": "0.999",
            "transform.step_perturb": "0.001",
        },
    ),
    "l2": (
        "which_arm",
        {**_MLP, "penalty.name": "l2", "penalty.weight": ".01"},
    ),
    "confidence": (
        "which_arm",
        {**_MLP, "penalty.name": "confidence", "penalty.weight": ".1"},
    ),
    "adversarial": (
        "which_arm",
        {**_MLP, "penalty.name": "adversarial", "penalty.weight": ".02"},
    ),
    "second": (
        "which_arm",
        {
            **_MLP,
            "optimizer.name": "sgd",
            "optimizer.learning_rate": ".01",
            "optimizer.momentum": ".9",
            "second.learning_rate": ".001",
            "second.batch_size": "16",
            "second.epochs": "3",
        },
    ),
    "decay": ("which_arm", {**_MLP, "optimizer.weight_decay": ".01"}),
    "augmented": (
        "which_arm",
        {
            **_THREE,
            "data.augmentation": "standard",
            "data.normalization": "channel",
            "data.split": "official_test",
            "model.norm": "layer",
            "model.initializer": "keras",
        },
    ),
    "measured": (
        "which_arm",
        {
            **_MLP,
            "train.measured": "clean",
            "train.patience": "1",
            "diagnostics.measures": str(probe.MEASURES),
            "diagnostics.samples": "64",
            "diagnostics.shrunk": "(1.0,0.5)",
        },
    ),
    "half": ("which_arm", {**_MLP, "precision": "mixed_bfloat16"}),
    "epochs": ("which_arm", {**_MLP, "train.epochs": "2"}),
}
# They tell of the machine and the minute, not of what was computed.
_TIMES = ("second", "schema", "checksum", "time", "revision", "crc32")


def rows(case: str) -> list[dict]:
    """Runs one case and returns its rows without times, in their order."""
    config, changes = CASES[case]
    with tempfile.TemporaryDirectory() as folder:
        fields = {**_TINY, **changes}
        command = [sys.executable, "-m", "launch.run", f"--config={config}"]
        command += [f"--config.{name}={v}" for name, v in fields.items()]
        command.append(f"--workdir={folder}")
        done = subprocess.run(
            command, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise SystemExit(f"{case}: {done.stdout}\n{done.stderr}")
        found = []
        for path in sorted(pathlib.Path(folder).rglob("*.jsonl")):
            for line in path.read_text().splitlines():
                found.append({"file": path.name, **json.loads(line)})
    kept = [_without_times(row) for row in found]
    return sorted(kept, key=lambda row: json.dumps(row, sort_keys=True))


def machine() -> str:
    """Returns what bits depend on: the processor and the packages."""
    from importlib import metadata

    flags = ""
    info = pathlib.Path("/proc/cpuinfo")
    if info.exists():
        lines = info.read_text().splitlines()
        flags = next((x for x in lines if x.startswith("model name")), "")
    versions = [metadata.version(name) for name in ("keras", "tensorflow")]
    return " ".join([platform.machine(), flags.partition(": ")[2], *versions])


def _without_times(row: dict) -> dict:
    return {
        name: value
        for name, value in row.items()
        if not any(part in name for part in _TIMES)
    }


def differences(before: list[dict], after: list[dict]) -> list[str]:
    """Returns a line for each field that differs."""
    found = []
    if len(before) != len(after):
        found.append(f"{len(before)} rows before, {len(after)} after")
    for old, new in zip(before, after, strict=False):
        for name in sorted(old.keys() | new.keys()):
            if repr(old.get(name)) != repr(new.get(name)):
                found.append(
                    f"{old.get('setting')} round {old.get('round')}: {name} "
                    f"was {old.get(name)!r} and is {new.get(name)!r}"
                )
    return found


def main():
    """Writes the rows of all cases, or compares them with written ones."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", help="file to write the rows to")
    parser.add_argument("--against", help="file that --write has made")
    parser.add_argument("--cases", nargs="*", default=list(CASES))
    flags = parser.parse_args()
    found = {case: rows(case) for case in flags.cases}
    if flags.write:
        text = json.dumps({"machine": machine(), "cases": found}, indent=0)
        pathlib.Path(flags.write).write_text(text + "\n")
    if flags.against:
        before = json.loads(pathlib.Path(flags.against).read_text())
        lines = [
            f"{case}: {line}"
            for case in flags.cases
            for line in differences(before["cases"][case], found[case])
        ]
        print("\n".join(lines) or f"{len(found)} cases are the same")
        sys.exit(bool(lines))


if __name__ == "__main__":
    main()
