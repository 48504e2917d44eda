"""Random draws by address, which are independent of each other."""

import zlib

import numpy as np


def generator(seed: int, *address: str | int) -> np.random.Generator:
    """Returns the NumPy generator of an address.

    The stream depends only on `seed` and `address`. Therefore an interrupted
    run continues with the same draws, an arm does not change the data order of
    another arm, and the global generators of Python, NumPy and Keras are not
    used.

    Example:

    >>> a = generator(0, "order", 1, 5).permutation(3)
    >>> b = generator(0, "order", 1, 5).permutation(3)
    >>> bool((a == b).all())
    True

    Args:
        seed: Non-negative integer, the seed of the setting.
        address: Strings and non-negative integers, such as `("order", round,
            epoch)`.

    Returns:
        A new `numpy.random.Generator`.
    """
    words = [_word(part) for part in address]
    # The length distinguishes ("a", 0) from ("a",): SeedSequence ignores
    # trailing zeros.
    sequence = np.random.SeedSequence([seed, len(words), *words])
    return np.random.default_rng(sequence)


def derive(seed: int, *address: str | int) -> int:
    """Returns a 31-bit integer seed of an address, for Keras."""
    return int(generator(seed, *address).integers(2**31 - 1))


def _word(part: str | int) -> int:
    if isinstance(part, str):
        return zlib.crc32(part.encode("utf8"))
    return int(part)
