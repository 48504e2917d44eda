"""The printed number of each arm, found by what its last row says."""

import dataclasses
import math

from ws_keras.report import bands
from ws_keras.report import paper
from ws_keras.storage import rows

_RUNS = 5  # of the replication


def kind(row: rows.Row) -> str:
    """Returns the arm without its numbers."""
    return row.arm.partition("-")[0]


def table1(row: rows.Row) -> bands.Printed | None:
    """Returns the cell of Table 1, warm or cold."""
    found = paper.numbers()["table1"]["cells"].get(_key(row))
    return found and bands.Printed(*found)


def replication_table1(row: rows.Row) -> bands.Printed | None:
    """Returns the cell of the replication's Table 1."""
    found = paper.numbers()["replication_table1"]["cells"].get(_key(row))
    return found and with_deviation(bands.Printed(*found))


def replication_gap(row: rows.Row) -> float:
    """Returns cold minus warm in a cell of the replication's Table 1.

    Args:
        row: Of either arm, in a cell that the replication has.

    Returns:
        Points, 0 where the two lie within two standard errors of both.
    """
    cells = paper.numbers()["replication_table1"]["cells"]
    keys = (_key(dataclasses.replace(row, arm=arm)) for arm in ("cold", "warm"))
    (cold, cold_error), (warm, warm_error) = map(cells.get, keys)
    gap = round(cold - warm, 1)
    return gap if abs(gap) > 2 * math.hypot(cold_error, warm_error) else 0.0


def with_deviation(number: bands.Printed) -> bands.Printed:
    """Returns a number of the replication with the deviation of its runs."""
    # It prints standard errors.
    std = round(number.std * math.sqrt(_RUNS), 1)
    return bands.Printed(number.value, std)


def curves(row: rows.Row) -> bands.Printed | None:
    """Returns the level at which a curve of Fig. 1 ends."""
    found = paper.numbers()["fig1"]["final"].get(row.arm)
    return found and bands.Printed(found)


def penalties(row: rows.Row) -> bands.Printed | None:
    """Returns the cell of the appendix' Table 3."""
    block = paper.numbers()["appendix_table3"]
    name = f"{row.labels.get('penalty.name')}/{row.arm}"
    weight = row.labels.get("penalty.weight")
    if name not in block["cells"] or weight not in block["weights"]:
        return None
    place = block["weights"].index(weight)
    return bands.Printed(*block["cells"][name][place])


def noise(row: rows.Row) -> bands.Printed | None:
    """Returns the accuracy in the appendix' Table 4."""
    block = paper.numbers()["appendix_table4"]
    if row.arm == "cold":
        # Printed without a deviation.
        return bands.Printed(block["cold"]["accuracy"])
    if not is_noise(row) or row.perturb not in block["perturb"]:
        return None
    return bands.Printed(
        *block["accuracy"][block["perturb"].index(row.perturb)]
    )


def noise_cost(row: rows.Row) -> bands.Printed | None:
    """Returns how long the appendix' Table 4 trained, as a share of cold."""
    block = paper.numbers()["appendix_table4"]
    if not is_noise(row) or row.perturb not in block["perturb"]:
        return None
    minutes = block["minutes"][block["perturb"].index(row.perturb)][0]
    ratio = minutes / block["cold"]["minutes"]
    return bands.Printed(ratio, share=bands.RATIO_SHARE, decimals=2)


def is_noise(row: rows.Row) -> bool:
    """Returns whether an arm goes on without shrinking."""
    return row.arm in ("warm", "shrink_perturb") and row.shrink == 1


def offline(row: rows.Row) -> bands.Printed | None:
    """Returns the level of the replication's shrink-perturb on halves."""
    name = f"{row.shrink:g}" if row.arm == "shrink_perturb" else row.arm
    found = paper.numbers()["replication_offline"]["accuracy"].get(name)
    return found and bands.Printed(found)


def weight_decay(row: rows.Row) -> bands.Printed | None:
    """Returns the level of the replication under weight decay."""
    block = paper.numbers()["replication_weight_decay"]
    weight = row.labels.get("penalty.weight")
    if row.arm not in block or weight not in block["weights"]:
        return None
    value = block[row.arm][block["weights"].index(weight)]
    return bands.Printed(value, decimals=2)


def transfer(row: rows.Row, source: str) -> bands.Printed | None:
    """Returns the point of Fig. 9 for a source and the target of a row."""
    block = paper.numbers()["fig9"]
    curves = block["panels"].get(f"{source}/{row.dataset}", {})
    fraction = row.labels.get("rounds.fraction", 1.0)
    if row.arm not in curves or fraction not in block["fractions"]:
        return None
    if row.arm == "shrink_perturb" and (row.shrink, row.perturb) != (
        block["shrink"],
        block["perturb"],
    ):
        return None
    value = curves[row.arm][block["fractions"].index(fraction)]
    is_rough = fraction in block["rough_fractions"]
    return bands.Printed(value, points=3.0 if is_rough else 2.0)


def online(row: rows.Row) -> bands.Printed | None:
    """Returns the point of Fig. 2 or Fig. 7 at the samples of a row."""
    curve = paper.online(row, "accuracy")
    value = curve.at(row.num_samples) if curve else None
    return bands.Printed(value) if value else None


def shrink_sweep(row: rows.Row) -> bands.Printed | None:
    """Returns the point of Fig. 7, whose shrink 0 the paper calls random.

    So it stands beside a cold start; shrink 0 with perturb 0.01, the other
    reading, is beside it too.
    """
    if row.arm == "cold":
        perturb = paper.numbers()["fig7"]["perturb"]
        row = dataclasses.replace(
            row, arm="shrink_perturb", shrink=0.0, perturb=perturb
        )
    return online(row)


def online_cost(row: rows.Row) -> bands.Printed | None:
    """Returns the seconds of a round in Fig. 7, as a share of cold's."""
    block = paper.numbers()["fig7"]
    seconds = block["round_seconds"].get(f"{row.shrink:g}")
    fits = row.perturb == block["perturb"] and row.shrink > 0
    if row.arm != "shrink_perturb" or not fits or not seconds:
        return None
    if row.num_samples != block["num_samples"][-1]:
        return None
    ratio = seconds[1] / block["round_seconds"]["0"][1]
    return bands.Printed(ratio, share=bands.RATIO_SHARE, decimals=2)


def replication_online(row: rows.Row) -> bands.Printed | None:
    """Returns the replication's point at the samples of a row."""
    series = paper.numbers()["replication_online"]["series"]
    threshold = row.labels.get("train.threshold", 0.99)
    found = series.get(f"{row.dataset}/{threshold}", {})
    if row.arm not in ("cold", "warm") or not found:
        return None
    if row.num_samples not in found["num_samples"]:
        return None
    place = found["num_samples"].index(row.num_samples)
    return bands.Printed(found[row.arm][place])


def dash(row: rows.Row, field: str = "accuracy") -> bands.Printed | None:
    """Returns accuracy or steps of the last chunk in DASH's Table 1.

    Its accuracies match within two deviations or two points, its steps within
    30 %; so do `mean_accuracy` and `mean_steps`, means over the chunks.
    """
    block = paper.numbers()["dash_table1"]
    found = block["cells"].get(f"{row.dataset}/{kind(row)}") or {}
    if row.model != block["model"] or not found.get(field):
        return None
    if not _has_numbers_of_dash(row, block["arms"]):
        return None
    mean, std = found[field]
    if field.endswith("accuracy"):
        return bands.Printed(mean, std, least=bands.READ_OFF_POINTS)
    return bands.Printed(mean, share=bands.RATIO_SHARE, decimals=0)


def _has_numbers_of_dash(row: rows.Row, arms: dict) -> bool:
    if row.arm == "shrink_perturb":
        return [row.shrink, row.perturb] == arms["shrink_perturb"]
    numbers = "-".join(f"{number:g}" for number in arms["dash"])
    return kind(row) != "dash" or row.arm == f"dash-{numbers}"


def _key(row: rows.Row) -> str:
    # Momentum has the name of SGD and a label of its own.
    optimizer = row.labels.get("optimizer", row.optimizer)
    return f"{row.dataset}/{row.model}/{optimizer}/{row.arm}"
