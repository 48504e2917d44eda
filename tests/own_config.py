"""A user's config file, and the arrays that it names, for tests of commands."""

import pathlib

import numpy as np

ARMS = ("cold", "warm", "shrink_perturb-0.5-0.1")
# A small MLP on a few features.
MLP = {"data.normalization": "none", "model.name": "mlp", "model.units": 6}
_TEXT = '''
"""Three arms of a small network on a user's own arrays."""
from ws_keras.configs import base


def get_config():
    config = base.get_config()
    config.experiment = "own"
    config.arms = {arms}
    config.seeds = (0,)
    config.data.name = "npz:{path}"
{fields}
    return config
'''


def table(count: int) -> dict[str, np.ndarray]:
    """Returns samples of four features, of three classes."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, count)
    x = (y[:, None] + rng.normal(0, 1, (count, 4))).astype("float32")
    return {"x": x, "y": y}


def write(folder: pathlib.Path, arrays: dict, fields: dict) -> pathlib.Path:
    """Writes `own.npz` and `own.py` into a folder.

    Args:
        folder: The folder.
        arrays: `x` and `y`.
        fields: Fields of the config and their values.

    Returns:
        The path of the config file.
    """
    np.savez(folder / "own.npz", **arrays)
    lines = [f"    config.{key} = {value!r}" for key, value in fields.items()]
    text = _TEXT.format(
        arms=ARMS, path=folder / "own.npz", fields="\n".join(lines)
    )
    path = folder / "own.py"
    path.write_text(text)
    return path
