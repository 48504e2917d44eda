"""The comparisons: the programs, and the ratio that each aims at."""

import functools
import tempfile
from collections.abc import Callable
from collections.abc import Iterator

from benchmarks import commands
from benchmarks import pairs
from benchmarks import whole
from benchmarks.pairs import AUTHORS
from benchmarks.pairs import OURS

BEST = "best PyTorch"
COMPILED = "best PyTorch, compiled"
BARE = "bare tf.function loop"
FLOOR = "read, draw and write once"
# Samples in all, of which two thirds are trained on: 16, 256 and 256 steps.
SAMPLES = {"resnet18": 3072, "mlp": 49_152, "logistic": 49_152}
BEST_OPTIONS = {
    "resnet18": {"stored": "uint8"},
    "mlp": {"stored": "float32"},
    "logistic": {"stored": "float32"},
}


def training(count: int) -> Iterator[pairs.Row]:
    """Epochs of the narrow ResNet-18, through all that `launch.run` does."""
    at_least = {AUTHORS: 1.5, BEST: 1.1, COMPILED: 1.1, BARE: 0.95}
    for rule in ("sgd", "adam"):
        shared = common("resnet18", rule)
        yield from pairs.compare(
            f"ResNet-18, {rule}, float32",
            {
                OURS: {"module": "ours", **shared},
                AUTHORS: {"module": "torch_authors", **shared},
                **_best(shared),
                BARE: {"module": "bare", **shared},
            },
            count,
            at_least,
            tolerance=5e-3,
        )


def _best(shared: dict, **options) -> dict[str, dict]:
    """Returns the best PyTorch, as it is and compiled."""
    stored = BEST_OPTIONS[shared["network"]]
    best = {"module": "torch_best", **shared, **stored, **options}
    return {BEST: best, COMPILED: {**best, "compiled": True}}


def fused(count: int) -> Iterator[pairs.Row]:
    """What batch norm in one operation gives, in bare loops."""
    shared = {"module": "bare", **common("resnet18", "sgd")}
    yield from pairs.compare(
        "ResNet-18, sgd, batch norm in one operation",
        {"fused": shared, "Keras' composition": {"composed": True, **shared}},
        count,
        tolerance=5e-3,
    )


def bfloat16(count: int) -> Iterator[pairs.Row]:
    """Epochs of the narrow ResNet-18 in mixed bfloat16."""
    shared = common("resnet18", "sgd")
    yield from pairs.compare(
        "ResNet-18, sgd, bfloat16",
        {
            OURS: {"module": "ours", "precision": "mixed_bfloat16", **shared},
            **_best(shared, bfloat16=True),
        },
        count,
        {BEST: 1.0, COMPILED: 1.0},
        tolerance=1e-2,
    )


def small_networks(count: int) -> Iterator[pairs.Row]:
    """Epochs of the MLP and of logistic regression."""
    for network in ("mlp", "logistic"):
        shared = common(network, "adam")
        yield from pairs.compare(
            f"{network}, adam, float32",
            {
                OURS: {"module": "ours", **shared},
                AUTHORS: {"module": "torch_authors", **shared},
                **_best(shared),
                BARE: {"module": "bare", **shared},
            },
            count,
            {AUTHORS: 4.0, BEST: 1.15, COMPILED: 1.15},
            tolerance=1e-2,
        )


def evaluation(count: int) -> Iterator[pairs.Row]:
    """Evaluation of 16,667 images, as after each round."""
    shared = {**common("resnet18", "sgd"), "samples": 50_000, "train": False}
    yield from pairs.compare(
        "evaluation of 16,667 images",
        {
            OURS: {"module": "ours", **shared},
            AUTHORS: {"module": "torch_authors", **shared},
            BEST: {"module": "torch_best", **shared},
        },
        count,
        tolerance=1e-3,
    )


def transform(count: int) -> Iterator[pairs.Row]:
    """Shrink-perturb of 0.7, 25 and 300 million weights."""
    for network, noise in _TRANSFORMED:
        shared = {"module": "transform", "network": network}
        yield from pairs.compare(
            f"shrink_perturb of {network}, {noise} noise",
            {
                OURS: {"what": "ours", "noise": noise, **shared},
                FLOOR: {"what": "floor", **shared},
            },
            count,
            {FLOOR: 1 / 1.3} if network != "resnet18" else None,
        )


_TRANSFORMED = (
    ("resnet18", "fresh"),
    ("resnet50", "fresh"),
    ("resnet50", "gaussian"),
    ("300 million", "fresh"),
    ("300 million", "gaussian"),
)


def callback(count: int) -> Iterator[pairs.Row]:
    """`ShrinkPerturb` in `fit` where it has nothing to do."""
    shared = {"module": "callback", "samples": 4096}
    yield from pairs.compare(
        "fit with an idle ShrinkPerturb",
        {
            "with": {"idle": True, **shared},
            "without": {"idle": False, **shared},
        },
        4 * count,
        {"without": 0.99},
        tolerance=1e-6,
    )


def diagnostics(count: int) -> Iterator[pairs.Row]:
    """Gradient norms of 512 old and 512 new samples every 100 steps."""
    shared = {"module": "diagnostics", "samples": 12_800, "every": 100}
    yield from pairs.compare(
        "fit of ResNet-18 with gradient norms every 100 steps",
        {
            "with": {"measured": 512, **shared},
            "without": {"measured": 0, **shared},
        },
        count,
        {"without": 1 / 1.1},
        tolerance=1e-6,
    )


def full_epoch(count: int) -> Iterator[pairs.Row]:
    """An epoch of the 33,333 training images of CIFAR-10's size."""
    shared = {**common("resnet18", "sgd"), "samples": 50_000}
    yield from pairs.compare(
        "ResNet-18, sgd, float32, epoch of 33,333",
        {
            OURS: {"module": "ours", **shared},
            AUTHORS: {"module": "torch_authors", **shared},
            BEST: _best(shared)[BEST],
        },
        count,
        {AUTHORS: 1.5, BEST: 1.1},
        tolerance=5e-3,
    )


def many_seeds(count: int) -> Iterator[pairs.Row]:
    """Five seeds in one step, against one after the other."""
    for network in ("mlp", "logistic"):
        shared = {
            "module": "many_seeds",
            "network": network,
            "samples": 8192,
        }
        yield from _together(f"{network}, 5 seeds, bare loops", shared, count)


def many_convolutions(count: int) -> Iterator[pairs.Row]:
    """A convolution of five networks in one operation, or in five."""
    for framework in ("tensorflow", "jax"):
        shared = {"module": "many_convolutions", "framework": framework}
        work = f"3x3 convolutions of 5 seeds, {framework}"
        yield from _together(work, shared, count)


def _together(work: str, shared: dict, count: int) -> Iterator[pairs.Row]:
    programs = {
        "together": {"stacked": True, **shared},
        "one by one": {"stacked": False, **shared},
    }
    at_least = {"one by one": 2.0}
    yield from pairs.compare(work, programs, count, at_least, tolerance=1e-4)


def round_start(count: int) -> Iterator[pairs.Row]:
    """Short rounds: the start of a round is what is not its epochs."""
    shared = {
        "module": "round_start",
        "network": "resnet18",
        "optimizer": "adam",
    }
    yield from pairs.compare(
        "short rounds, ResNet-18",
        {
            "shrink_perturb": {"arm": "shrink_perturb-0.4-0.1", **shared},
            "warm": {"arm": "warm", **shared},
        },
        count,
    )


SUITE: dict[str, Callable[[int], Iterator[pairs.Row]]] = {
    function.__name__: function
    for function in (
        training,
        full_epoch,
        fused,
        bfloat16,
        small_networks,
        evaluation,
        transform,
        callback,
        diagnostics,
        many_seeds,
        many_convolutions,
        round_start,
        whole.online,
        whole.sweep,
        whole.small_sweep,
        whole.quickstart,
    )
}

# What the peers are made of.
NEEDS = {
    **dict.fromkeys(
        (
            "training",
            "full_epoch",
            "bfloat16",
            "small_networks",
            "evaluation",
            "online",
        ),
        ("torch",),
    ),
    "many_convolutions": ("jax",),
}


@functools.cache
def _weights(network: str) -> str:
    """Writes the starting weights of a network; returns the path."""
    path = f"{tempfile.gettempdir()}/ws_keras_{network}.npz"
    commands.python(
        f"work.save_weights({path!r}, {{v.path: v.numpy() for v in "
        f"ours.model({network!r}, 'sgd').weights}})"
    )
    return path


def common(network: str, optimizer: str) -> dict:
    """Returns the arguments that all programs of a work share."""
    return {
        "network": network,
        "optimizer": optimizer,
        "weights": _weights(network),
        "samples": SAMPLES[network],
    }
