"""What settings cost: sample passes, as in earlier runs, and hours."""

from collections.abc import Mapping

from . import speed as speeds

# Epochs that a round needs as a rule. Adam: those of our rows of the ResNet-18
# with 1,000 to 10,000 images (see docs/sweeps.md); `shrink_perturb` is that of
# shrink 0.5. SGD at 0.001: the paper's times of Figure 1 and Table 4.
_USUAL = {
    "adam": {"cold": 19, "warm": 10, "shrink_perturb": 18, "last_layer": 14},
    "sgd": {"cold": 160, "warm": 80, "shrink_perturb": 150, "last_layer": 110},
}
_HALF = 0.5


def passes(setting, config, sizes: list[int]) -> list[float]:
    """Returns the sample passes that each round of a setting may take.

    The first round of every arm starts from scratch and takes the epochs of a
    cold start.

    Args:
        setting: The `Setting`.
        config: Its config.
        sizes: Samples of each round.
    """
    train = config.train
    cold = min(train.max_epochs, _epochs("cold", config))
    own = _epochs(setting.method.costs_like, config, setting.shrink)
    first = _given(train.first_epochs, train.epochs, cold)
    later = _given(
        config.second.epochs, train.epochs, min(train.max_epochs, own)
    )
    return [sizes[0] * first, *(size * later for size in sizes[1:])]


def _epochs(kind: str, config, shrink: float = 0.0) -> float:
    """Returns the epochs of a round that its config or earlier runs expect."""
    expected = config.train.expected_epochs.items()
    known = {name: count for name, count in expected if count is not None}
    usual = _USUAL.get(config.optimizer.name, _USUAL["adam"])
    if kind in known:
        return known[kind]
    if kind != "shrink_perturb":
        middle = known.get("shrink_perturb", usual["shrink_perturb"])
        return usual.get(kind, middle)
    # The less is left of the weights, the longer it takes.
    both = {**usual, **known}
    slope = (both["shrink_perturb"] - both["warm"]) / _HALF
    return both["warm"] + slope * (1 - shrink)


def _given(*choices: float | None) -> float:
    return next(choice for choice in choices if choice is not None)


def table(
    costs: Mapping[str, float],
    what: str = "setting",
    speed: Mapping[str, speeds.Speed] | None = None,
) -> str:
    """Returns a table of settings and their cost.

    Args:
        costs: Name to sample passes.
        what: What the names are of. Defaults to `"setting"`.
        speed: Name to its `Speed`, for one column more. Defaults to `None`,
            which is not known.
    """
    lines = [(name, f"{cost:,.0f}") for name, cost in costs.items()]
    # The sum of what is shown, so that it can be checked.
    total = sum(int(cost.replace(",", "")) for _, cost in lines)
    hint = "; hours: --probe" if what == "setting" and speed is None else ""
    head = (what, f"sample passes (estimate{hint})")
    lines = [head, *lines, (f"{len(costs)} {what}s", f"{total:,.0f}")]
    if speed is not None:
        # One unit for all, so that they add up.
        by_cpu = any(found.by_cpu for found in speed.values())
        hours = [
            cost * speed[name].seconds(by_cpu) / 3600
            for name, cost in costs.items()
        ]
        column = ["CPU-hours" if by_cpu else "hours"]
        column += [_number(value) for value in [*hours, sum(hours)]]
        lines = [(*line, c) for line, c in zip(lines, column, strict=True)]
    return _aligned(lines)


def _number(hours: float) -> str:
    return f"{hours:,.2f}" if hours >= 0.1 else f"{hours:.1g}"


def _aligned(lines: list[tuple[str, ...]]) -> str:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    shown = []
    for name, *numbers in lines:
        cells = zip(numbers, widths[1:], strict=True)
        right = [cell.rjust(width) for cell, width in cells]
        shown.append("  ".join([name.ljust(widths[0]), *right]))
    return "\n".join(shown)
