"""The speed that the machine itself reaches through TensorFlow and NumPy.

    python -m benchmarks.limits

Writes `limits.json` to `results/benchmarks`: the rates of matrix products,
convolutions and memory, and how many samples per second the networks could
train on if nothing else took time.
"""

import json
import os
import statistics
import time
from concurrent import futures

import numpy as np
from absl import app
from absl import flags

from benchmarks import output
from benchmarks import pairs
from benchmarks import turns
from benchmarks import work

flags.adopt_module_key_flags(output)

MATRIX = 2048
# Height and channels of the four stages of the narrow ResNet-18.
STAGES = ((32, 16), (16, 32), (8, 64), (4, 128))
BATCH = 128
REPEATS = 7


def operations(model) -> int:
    """Returns the operations of a training step for one sample.

    Multiplications and additions of convolutions and dense layers, forward
    and for both gradients.
    """
    total = 0
    for layer in model.layers:
        if hasattr(layer, "kernel"):
            places = 1
            if len(layer.output.shape) == 4:
                places = layer.output.shape[1] * layer.output.shape[2]
            total += 3 * 2 * places * int(np.prod(layer.kernel.shape))
    return total


def evaluation_bound(found: dict[str, float]) -> float:
    """Returns the images a second that ResNet-18 could be evaluated on."""
    from ws_keras import models

    rate = found["forward_convolution_float32_gflops"] * 1e9
    # Forward is a third of a training step.
    return 3 * rate / operations(models.build("resnet18"))


def bounds(found: dict[str, float], dtype: str) -> dict[str, float]:
    """Returns the samples a second that the rates allow each network."""
    from ws_keras import models

    limits = {}
    for name in work.PARAMETERS:
        unit = "convolution" if name == "resnet18" else "matmul"
        rate = found[f"{unit}_{dtype}_gflops"] * 1e9
        limits[name] = rate / operations(models.build(name))
    return limits


def main(_) -> None:
    """Measures, writes and prints."""
    folder = output.folder()
    found = rates()
    allowed = {
        f"samples_per_second_{dtype}": bounds(found, dtype)
        for dtype in ("float32", "bfloat16")
    }
    evaluated = evaluation_bound(found)
    allowed["evaluated_per_second_float32"] = {"resnet18": evaluated}
    where = {"conditions": pairs.conditions()}
    text = json.dumps({**found, **allowed, **where}, indent=2)
    (folder / "limits.json").write_text(f"{text}\n")
    print(text)


def rates() -> dict[str, float]:
    """Returns GFLOP/s of products and convolutions, and GB/s of memory."""
    import tensorflow as tf

    found = {"copy_gb_per_s": _bandwidth()}
    for name in ("float32", "bfloat16"):
        dtype = tf.as_dtype(name)
        a = tf.cast(tf.random.normal([MATRIX, MATRIX]), dtype)
        seconds = _median(lambda a=a: tf.linalg.matmul(a, a))
        found[f"matmul_{name}_gflops"] = 2 * MATRIX**3 / seconds / 1e9
        for key, rate in _convolutions(dtype).items():
            found[f"{key}_{name}_gflops"] = rate
    return found


def _convolutions(dtype) -> dict[str, float]:
    """Rates of 3x3 convolutions over the four stages.

    Forward alone, and with both gradients.
    """
    import tensorflow as tf

    work = forward_seconds = seconds = 0.0
    for size, channels in STAGES:
        x = tf.cast(tf.random.normal([BATCH, size, size, channels]), dtype)
        kernel = tf.cast(tf.random.normal([3, 3, channels, channels]), dtype)

        @tf.function
        def forward(x, kernel):
            return tf.nn.conv2d(x, kernel, 1, "SAME")

        @tf.function
        def step(x, kernel, forward=forward):
            with tf.GradientTape() as tape:
                tape.watch([x, kernel])
                y = forward(x, kernel)
            return y, *tape.gradient(y, [x, kernel], x)

        forward_seconds += _median(lambda x=x, k=kernel, f=forward: f(x, k))
        seconds += _median(lambda x=x, k=kernel, step=step: step(x, k))
        work += 2 * 9 * channels**2 * size**2 * BATCH
    return {
        "forward_convolution": work / forward_seconds / 1e9,
        "convolution": 3 * work / seconds / 1e9,
    }


def _bandwidth() -> float:
    """Rate of copying, each core a part, in GB/s read and written."""
    source = np.ones(2**26, np.float32)  # 268 MB, larger than any cache
    target = np.empty_like(source)
    cores = len(os.sched_getaffinity(0))
    parts = list(
        zip(
            np.array_split(target, cores),
            np.array_split(source, cores),
            strict=True,
        )
    )
    with futures.ThreadPoolExecutor(cores) as pool:

        def copy():
            return list(pool.map(lambda part: np.copyto(*part), parts))

        seconds = _median(copy)
    return 2 * source.nbytes / seconds / 1e9


def _median(call) -> float:
    call()
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        _wait(call())
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def _wait(result) -> None:
    """Waits for a tensor, or for the first of several."""
    if isinstance(result, tuple):
        result = result[0]
    getattr(result, "numpy", lambda: None)()


if __name__ == "__main__":
    os.environ.update(turns.env())
    app.run(main)
