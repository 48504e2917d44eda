"""Which devices the replicas of a run lie on."""

import re

import keras

_NAME = re.compile(r"(cpu|gpu|tpu):\d+")
# Parts of a CPU make nothing faster, and TensorFlow takes memory for each.
_MOST_PARTS = 64


def find(devices: int | str | None = None) -> list[str]:
    """Returns the names of the devices that are meant.

    On a machine without an accelerator a number splits the CPU into so many
    logical devices, if TensorFlow has not begun to use it yet.

    Example:

    ```python
    (name,) = find(1)  # "cpu:0" where there is nothing else
    ```

    Args:
        devices: A number, for the first ones; names such as
            `"gpu:0,gpu:1"`; or `None` for all accelerators or, where there
            are none, all CPU devices. Defaults to `None`.

    Returns:
        List of names such as `"gpu:0"`.

    Raises:
        ValueError: If `devices` is neither, or there are no such devices.
    """
    wanted = _parsed(devices)
    count = wanted if isinstance(wanted, int) else 1
    known = _known(count)
    kind = _kind(known[0])
    usual = [name for name in known if _kind(name) == kind]
    if wanted is None:
        return usual
    chosen = usual[:count] if isinstance(wanted, int) else wanted
    if len(chosen) < count or not set(chosen) <= set(known):
        raise ValueError(
            "`devices` must be devices of this machine. Received: "
            f"devices={devices!r}. This machine has {', '.join(known)}."
        )
    if len(chosen) == 1 and chosen != usual[:1]:
        raise ValueError(
            "`devices` must name several devices, or the first one, which "
            f"is used without a strategy. Received: devices={devices!r}. "
            "Hide the other devices from the process, for example with "
            "CUDA_VISIBLE_DEVICES."
        )
    return chosen


def _parsed(devices) -> int | list[str] | None:
    text = str(devices).replace(" ", "").lower()
    if devices is None:
        return None
    if text.isdecimal() and int(text) > 0:
        return int(text)
    names = text.split(",")
    if (
        not all(map(_NAME.fullmatch, names))
        or len(set(names)) < len(names)
        or len(set(map(_kind, names))) > 1
    ):
        raise ValueError(
            "`devices` must be a positive number, or different names of one "
            f"kind such as 'gpu:0,gpu:1'. Received: devices={devices!r}."
        )
    return names


def _kind(name: str) -> str:
    return name.partition(":")[0]


def _known(count: int) -> list[str]:
    """All devices, accelerators first."""
    if keras.backend.backend() == "tensorflow":
        names = _of_tensorflow(count)
    else:
        listed = keras.distribution.list_devices
        names = dict.fromkeys([*listed(), *listed("cpu")])
    return sorted(names, key=lambda name: _kind(name) == "cpu")


def _of_tensorflow(count: int) -> list[str]:
    import tensorflow as tf

    if not tf.config.get_visible_devices("GPU"):
        _split_cpu(tf, count)
    names = [device.name for device in tf.config.list_logical_devices()]
    names = [name.removeprefix("/device:").lower() for name in names]
    return list(filter(_NAME.fullmatch, names))


def _split_cpu(tf, count: int) -> None:
    cpu = tf.config.list_physical_devices("CPU")[0]
    parts = tf.config.get_logical_device_configuration(cpu) or [None]
    if len(parts) >= count:
        return
    if count > _MOST_PARTS:
        raise ValueError(
            f"`devices` must be at most {_MOST_PARTS} if the CPU is split into "
            f"devices. Received: devices={count}."
        )
    part = tf.config.LogicalDeviceConfiguration()
    try:
        tf.config.set_logical_device_configuration(cpu, [part] * count)
    except RuntimeError:
        raise ValueError(
            "`devices` must be given before TensorFlow uses the CPU, because "
            "TensorFlow cannot split the CPU afterwards. Received: devices="
            f"{count}, after TensorFlow has used {len(parts)}."
        ) from None
