"""The share of the machine's speed that a program reaches."""

from benchmarks import pairs

_TITLES = {"ResNet-18": "resnet18", "mlp": "mlp", "logistic": "logistic"}
_WEIGHTS = {"resnet18": 0.70e6, "resnet50": 25.6e6, "300 million": 300e6}


def share(row: pairs.Row, found: dict) -> float | None:
    """Returns a row's rate as a share of what the machine's parts allow.

    Training by its convolutions or products, an evaluation by forward
    convolutions, a transform as reading and writing each weight once.

    Args:
        row: A comparison.
        found: What `limits.json` holds.

    Returns:
        A fraction; `None` for work that has no such limit.
    """
    rate = row.samples_per_second
    for network, weights in _WEIGHTS.items():
        if row.work.startswith(f"shrink_perturb of {network}"):
            # Four bytes, read and written.
            return rate * 8 * weights / 1e9 / found["copy_gb_per_s"]
    dtype = "bfloat16" if "bfloat16" in row.work else "float32"
    allowed = found[f"samples_per_second_{dtype}"]
    if row.work.startswith("evaluation"):
        return rate / found["evaluated_per_second_float32"]["resnet18"]
    for title, network in _TITLES.items():
        if row.work.startswith(title) and "seeds" not in row.work:
            return rate / allowed[network]
    return None
