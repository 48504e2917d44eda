"""Hashes of samples, which depend only on the values of a sample."""

import hashlib
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence

import numpy as np

_BYTES = 8
_BLOCK = 1024  # number of samples that are converted at a time


def samples(x: np.ndarray) -> np.ndarray:
    """Computes a digest of each sample.

    Numbers are compared in single precision, so that samples have the same
    digests whether they are stored as `uint8` or as `float64`. Equal samples
    have equal digests. Different samples have equal digests with a probability
    of about 1 in 2**64.

    Example:

    >>> a = samples(np.array([[1, 2], [3, 4], [1, 2]], "uint8"))
    >>> bool(a[0] == a[2]), bool(a[0] == samples(np.array([[1.0, 2.0]]))[0])
    (True, True)

    Args:
        x: Array of numbers, booleans or strings, `(n, ...)`.

    Returns:
        An array of `uint64`, `(n,)`.
    """
    flat = x.reshape(len(x), -1)
    is_numbers = flat.dtype.kind in "biuf"
    rows = _canonical(flat) if is_numbers else map(_joined, flat)
    return _digests(rows, len(flat))


def several(arrays: Sequence[np.ndarray]) -> np.ndarray:
    """Computes a digest of each sample over several arrays.

    Args:
        arrays: Arrays `(n, ...)`; see `samples`.

    Returns:
        An array of `uint64`, `(n,)`; for one array, the result of `samples`.
    """
    found = [samples(array) for array in arrays]
    if len(found) == 1:
        return found[0]
    return _digests(
        (row.tobytes() for row in np.stack(found, 1)), len(found[0])
    )


def keys(values: np.ndarray) -> np.ndarray:
    """Computes a digest of each key, such as the id of a customer.

    Integers have the digest of their decimal digits, for any integer dtype.
    Texts of digits have the digest of their number: a CSV file with the id
    01234 is read as numbers this week, but as texts as soon as another id has
    letters.

    Args:
        values: Array of integers or strings, `(n,)`.

    Returns:
        An array of `uint64`, `(n,)`.
    """
    return _digests(map(_key, values.tolist()), len(values))


def padded(values: np.ndarray) -> np.ndarray:
    """Tells which samples hold a text of digits with leading zeros.

    Example:

    >>> padded(np.array(["007", "7", "0", "A07"])).tolist()
    [True, False, False, False]

    Args:
        values: Array `(n, ...)`.

    Returns:
        An array of booleans, `(n,)`.
    """
    flat = values.reshape(len(values), -1)
    if flat.dtype.kind not in "OUS":
        return np.zeros(len(flat), bool)
    return np.array([any(map(_is_padded, row)) for row in flat.tolist()], bool)


def chances(digests: np.ndarray, seed: int) -> np.ndarray:
    """Maps each digest to a pseudo-random number in [0, 1).

    Equal digests map to equal numbers.

    Args:
        digests: Array of `uint64`.
        seed: Non-negative integer that determines the mapping.

    Returns:
        An array of `float64`.
    """
    salt = hashlib.blake2b(str(seed).encode(), digest_size=_BYTES).digest()
    mixed = digests ^ np.frombuffer(salt, "<u8")[0]
    # The finalizer of SplitMix64 (Steele, Lea & Flood, 2014).
    with np.errstate(over="ignore"):
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(
            0xBF58476D1CE4E5B9
        )
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(
            0x94D049BB133111EB
        )
        mixed ^= mixed >> np.uint64(31)
    return (mixed >> np.uint64(11)).astype(np.float64) / 2.0**53


def _digests(rows: Iterable[bytes], count: int) -> np.ndarray:
    found = np.empty(count, "<u8")
    for place, row in enumerate(rows):
        digest = hashlib.blake2b(row, digest_size=_BYTES).digest()
        found[place] = int.from_bytes(digest, "little")
    return found.astype(np.uint64)


def _canonical(flat: np.ndarray) -> Iterator[bytes]:
    for start in range(0, len(flat), _BLOCK):
        with np.errstate(over="ignore", invalid="ignore"):
            # Adding zero maps -0.0 to 0.0.
            block = flat[start : start + _BLOCK].astype("<f4") + np.float32(0)
        block[np.isnan(block)] = np.nan
        yield from (row.tobytes() for row in block)


def _joined(row: np.ndarray) -> bytes:
    words = [_word(value) for value in row.tolist()]
    # Lengths distinguish ("a", "bc") from ("ab", "c").
    return b"".join(len(word).to_bytes(8, "little") + word for word in words)


def _key(value) -> bytes:
    word = _word(value)
    return (word.lstrip(b"0") or b"0") if word.isdigit() else word


def _is_padded(value) -> bool:
    word = _word(value)
    return len(word) > 1 and word.isdigit() and word.startswith(b"0")


def _word(value) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).encode("utf8", "surrogatepass")
