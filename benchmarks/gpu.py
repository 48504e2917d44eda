r"""How fast an accelerator does the work: Keras on JAX beside PyTorch.

    python -m benchmarks.gpu [--parts=training,seeds,transform] [--rows=FILE] \
        [--dtypes=float32,bfloat16] [--batches=128,256,512]
    python -m benchmarks.gpu --small

The parts: training of the narrow ResNet-18, at batch 128 and at each next
batch until neither program gets faster; many seeds of it at once (`jax.vmap`
over stacked weights); shrink-perturb of a billion weights. Images lie on the
device and batches are gathered there. Before anything is timed, both programs
train from the same weights and must have the same losses. Repetitions
alternate between the programs, a ratio is taken within each, and medians and
quartiles are reported. On a GPU `float32` allows TensorFloat-32 to both.
Without an accelerator less is done, on the CPU; `--small` is a trial of
seconds. Neither TensorFlow nor the network is needed; without PyTorch its
figures are left out.
"""

import dataclasses
import functools
import json
import os
import pathlib
import sys
import time

# Before they are imported: JAX leaves memory to PyTorch on the same device.
os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")

try:
    import jax
except ImportError:
    sys.exit("This benchmark needs JAX: pip install -e '.[bench]'")
import jax.numpy as jnp
import keras
import numpy as np
from absl import app
from absl import flags

import ws_keras
from benchmarks import output
from benchmarks import work
from launch import lists
from ws_keras import models
from ws_keras.report import tables
from ws_keras.report.render import markdown

try:
    import torch

    from benchmarks.programs import torch_networks
except ImportError:
    torch = None

flags.adopt_module_key_flags(output)

SHRINK, PERTURB = 0.4, 0.1
CHECKED = 3  # first steps of which the losses are compared
# Largest relative difference of them, with and without full precision.
EXACT, ROUNDED = 1e-3, 5e-2
RISE = 1.03  # a larger batch that gives less than this ends the search
# Ways of PyTorch on a GPU; the first that works is taken.
WAYS = {
    "compiled with CUDA graphs": "reduce-overhead",
    "compiled": "default",
    "eager": None,
}

_ROWS = flags.DEFINE_string(
    "rows",
    None,
    "File to which rows are added. Default: gpu.jsonl in `--output`; none for "
    "a trial.",
)
_SMALL = flags.DEFINE_bool("small", False, "Whether all is tiny, for a trial.")
_PARTS = lists.define(
    "parts", ["training", "seeds", "transform"], "What to measure."
)
_DTYPES = lists.define("dtypes", ["float32", "bfloat16"], "Precisions.")
_BATCHES = lists.define("batches", [], "Batch sizes, in this order.")
_OPTIMIZER = flags.DEFINE_enum("optimizer", "adam", ["adam", "sgd"], "Rule.")
_LOOP = flags.DEFINE_enum(
    "loop", "scan", ["scan", "dispatch"], "How JAX does many steps."
)


@dataclasses.dataclass(frozen=True)
class Setup:
    """What is done and how much; the defaults are for an accelerator."""

    width: int = 16
    blocks: int = 2  # of a stage
    images: int = 50_000
    every: int = 1  # pixel of an image, along both sides
    batches: tuple[int, ...] = (128, 256, 512, 1024, 2048, 4096, 8192, 16384)
    samples: int = 65_536  # of a repetition, or more where steps are few
    fewest_steps: int = 20
    seeds: tuple[int, ...] = (5, 16)
    weights: int = 10**9
    applications: int = 10  # of the transform, in a repetition
    repetitions: int = 7
    optimizer: str = "adam"
    loop: str = "scan"

    def data(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns images and labels."""
        x, y = work.images(self.images)
        return np.ascontiguousarray(x[:, :: self.every, :: self.every]), y

    def order(self, batch: int, count: int = 1) -> np.ndarray:
        """Returns the samples of each step, `(steps, seeds, batch)`."""
        steps = max(self.fewest_steps, self.samples // batch)
        rng = np.random.default_rng(0)
        found = rng.integers(self.images, size=(count, steps, batch))
        return found.swapaxes(0, 1).astype(np.int32)


ON_CPU = Setup(
    images=4096, samples=0, fewest_steps=CHECKED, seeds=(5,), weights=10**6
)
SMALL = dataclasses.replace(
    ON_CPU,
    width=8,  # PyTorch's convolutions of 4 channels crash on some CPUs
    blocks=1,
    images=256,
    every=4,
    batches=(8,),
    seeds=(2,),
    applications=1,
    repetitions=2,
)


class Report:
    """Collects figures: a line of JSON for each as it comes, then a table.

    Args:
        path: File to which lines are added, or `None`.
        facts: What all rows have in common.
    """

    def __init__(self, path: str | None, facts: dict):
        self._path, self._facts, self._lines = path, facts, []

    def add(self, what, program, values, unit, dtype, batch=0, seeds=1):
        """Adds the median and the quartiles of a figure's repetitions."""
        low, median, high = map(float, np.quantile(values, (0.25, 0.5, 0.75)))
        row = {
            **self._facts,
            "work": what,
            "program": program,
            "dtype": dtype,
            "batch": batch,
            "seeds": seeds,
            "median": median,
            "low": low,
            "high": high,
            "unit": unit,
            "repetitions": len(values),
            "each": list(map(float, values)),
        }
        if self._path:
            with pathlib.Path(self._path).open("a", encoding="utf8") as file:
                file.write(json.dumps(row) + "\n")
        digits = ",.0f" if median >= 1000 else ".3f"
        line = [what, program, dtype, str(batch or tables.NOTHING), str(seeds)]
        line += [format(value, digits) for value in (median, low, high)]
        self._lines.append([*line, unit])
        print(*self._lines[-1], sep=" | ", flush=True)

    def note(self, text: str) -> None:
        """Adds a line without figures."""
        self._lines.append([text, *[tables.NOTHING] * 8])

    def table(self) -> str:
        """Returns all figures."""
        header = "work program dtype batch seeds median low high unit"
        return markdown.table(header.split(), self._lines)


def race(report, what, programs, unit, dtype, repetitions, ours=1) -> list:
    """Lets programs do pieces of work in turn and reports their rates.

    All of them have done one piece before. Each of the first `ours` programs is
    compared with each other one.

    Returns:
        The median rate of each program.
    """
    rounds = [[p.amount / p() for p in programs] for _ in range(repetitions)]
    rates = list(zip(*rounds, strict=True))
    for program, values in zip(programs, rates, strict=True):
        about = dtype, program.batch, program.seeds
        report.add(what, program.name, values, unit, *about)
    for i, one in enumerate(programs[:ours]):
        for j, other in enumerate(programs[ours:], ours):
            values = np.divide(rates[i], rates[j])
            name = f"{one.name} / {other.name}"
            about = dtype, one.batch, one.seeds
            report.add(what, name, values, "ratio", *about)
    return [float(np.median(values)) for values in rates]


class JaxTraining:
    """Trains one seed, or several at once, under Keras on JAX.

    A call does the steps of a repetition and returns its seconds. `losses`
    are those of the first call's steps, `(steps, seeds)`.
    """

    def __init__(self, setup: Setup, dtype: str, batch: int, seeds: int = 1):
        self.name = "Keras on JAX" + f", {seeds} seeds" * (seeds > 1)
        self.batch, self.seeds, self.losses = batch, seeds, None
        order = setup.order(batch, seeds)
        self.amount = order.size
        self._inputs = [jnp.asarray(a) for a in (*setup.data(), order)]
        network = setup.width, setup.blocks, dtype
        how = setup.optimizer, setup.loop, seeds > 1
        model, rule, self._run = _program(*network, *how)
        states = [_begun(model, rule, seed) for seed in range(seeds)]
        self._state = states[0]
        if seeds > 1:
            self._state = jax.tree.map(lambda *v: jnp.stack(v), *states)
        else:
            self._inputs[-1] = self._inputs[-1][:, 0]

    def __call__(self) -> float:
        began = time.perf_counter()
        done = self._run(self._state, *self._inputs)
        self._state, losses = jax.block_until_ready(done)
        seconds = time.perf_counter() - began
        if self.losses is None:
            self.losses = np.asarray(losses).reshape(-1, self.seeds)
        return seconds


@functools.cache
def _model(width: int, blocks: int, dtype: str) -> keras.Model:
    return models.build(
        "resnet18",
        input_shape=(None, None, 3),
        width=width,
        blocks=(blocks,) * 4,
        dtype="float32" if dtype == "float32" else f"mixed_{dtype}",
    )


@functools.cache
def _program(width, blocks, dtype, optimizer, loop, several: bool):
    """Returns a model, its optimizer and the function of many steps."""
    model = _model(width, blocks, dtype)
    rule = keras.optimizers.SGD(work.LEARNING_RATE)
    if optimizer == "adam":
        rule = keras.optimizers.Adam(work.LEARNING_RATE, epsilon=work.EPSILON)
    rule.build(model.trainable_variables)
    step = _step(model, rule)
    return model, rule, _many(jax.vmap(step) if several else step, loop)


def _begun(model, rule, seed: int) -> list:
    """Returns the arrays that training changes, as a seed begins."""
    ws_keras.cold_start(model, seed=seed)
    parts = [model.trainable_variables, model.non_trainable_variables]
    # Copies, because a step gives the memory of its state away.
    return [[jnp.copy(v.value) for v in p] for p in (*parts, rule.variables)]


def _step(model, rule):
    cross_entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    def loss(trainable, others, x, y):
        logits, others = model.stateless_call(
            trainable, others, x, training=True
        )
        return cross_entropy(y, logits), others

    def step(state, x, y):
        trainable, others, slots = state
        (value, others), gradients = jax.value_and_grad(loss, has_aux=True)(
            trainable, others, x, y
        )
        trainable, slots = rule.stateless_apply(slots, gradients, trainable)
        return [trainable, others, slots], value

    return step


def _many(step, loop: str):
    """Returns a function of many steps: one program, or a program a step."""

    def gathered(state, x, y, chosen):
        return step(state, x[chosen], y[chosen])

    def scan(state, x, y, order):
        return jax.lax.scan(lambda s, c: gathered(s, x, y, c), state, order)

    one = jax.jit(gathered, donate_argnums=0)

    def dispatch(state, x, y, order):
        losses = []
        for chosen in order:
            state, loss = one(state, x, y, chosen)
            losses.append(loss)
        return state, jnp.stack(losses)

    return dispatch if loop == "dispatch" else jax.jit(scan, donate_argnums=0)


class TorchTraining:
    """The same for one seed in PyTorch, in one of the `WAYS`."""

    seeds = 1

    def __init__(self, setup: Setup, dtype: str, batch: int, way: str):
        self.name = f"PyTorch, {way}"
        self.batch, self.losses = batch, None
        network = torch_networks.ResNet18(setup.width)
        network.blocks = [
            name for name in network.blocks if int(name[-1]) <= setup.blocks
        ]
        model = _model(setup.width, setup.blocks, "float32")
        ws_keras.cold_start(model, seed=0)
        network.load_state_dict(network.state_dict() | _for_torch(model))
        self._network = network.to(
            _device(), memory_format=torch.channels_last
        ).train()
        self._rule = torch_networks.optimizer(
            setup.optimizer, self._network, fused=True
        )
        arrays = *setup.data(), setup.order(batch)[:, 0]
        x, y, order = (torch.as_tensor(a, device=_device()) for a in arrays)
        self._x, self._y, self._order = x, y.long(), order
        self.amount = order.numel()
        self._lower = dtype == "bfloat16"
        self._loss_of = self._loss
        if WAYS[way]:
            # A network that was compiled before would count as a change.
            torch.compiler.reset()
            self._loss_of = torch.compile(
                self._loss, mode=WAYS[way], dynamic=False
            )

    def __call__(self) -> float:
        _wait()
        began = time.perf_counter()
        losses = torch.stack([self._step(chosen) for chosen in self._order])
        _wait()
        seconds = time.perf_counter() - began
        if self.losses is None:
            self.losses = losses.cpu().numpy()[:, None]
        return seconds

    def _step(self, chosen):
        loss = self._loss_of(self._x[chosen], self._y[chosen])
        self._rule.zero_grad(set_to_none=True)
        loss.backward()
        self._rule.step()
        # A CUDA graph writes its next loss to the same place.
        return loss.detach().clone()

    def _loss(self, x, y):
        # Memory of (batch, height, width, channels) is channels-last.
        x = (x.float() / 127.5 - 1).permute(0, 3, 1, 2)
        with torch.autocast(_device(), torch.bfloat16, enabled=self._lower):
            return torch.nn.functional.cross_entropy(self._network(x), y)


def _for_torch(model: keras.Model) -> dict:
    kinds = {"gamma": "weight", "beta": "bias", "kernel": "weight"}
    kinds |= {"moving_mean": "running_mean", "moving_variance": "running_var"}
    found = {}
    for variable in model.weights:
        layer, kind = variable.path.split("/")
        if layer.startswith("stage"):
            block, rest = layer.split("_")[:2], layer.split("_")[2:]
            layer = "_".join(block) + "." + "_".join(rest)
        array = np.asarray(variable.value)
        array = array.transpose(3, 2, 0, 1) if array.ndim == 4 else array.T
        found[f"{layer}.{kinds.get(kind, kind)}"] = torch.tensor(array)
    return found


def _device() -> str:
    return "cuda" if jax.default_backend() == "gpu" else "cpu"


def _wait() -> None:
    if _device() == "cuda":
        torch.cuda.synchronize()


def no_torch() -> str:
    """Returns why there is no PyTorch to compare with, or nothing."""
    if torch is None:
        return "not installed"
    backend = jax.default_backend()
    if backend != "cpu" and not (
        backend == "gpu" and torch.cuda.is_available()
    ):
        return f"does not see the {backend.upper()}"
    return ""


def check_losses(programs, tolerance: float) -> None:
    """Raises a RuntimeError unless programs begin with the same losses."""
    first, *others = (p.losses[:CHECKED, 0] for p in programs)
    for program, losses in zip(programs[1:], others, strict=True):
        if not np.allclose(losses, first, tolerance, 0):
            raise RuntimeError(
                f"{program.name!r} does not train as {programs[0].name!r}: "
                f"losses {losses} instead of {first}."
            )


def check_alike(report: Report, setup: Setup) -> None:
    """Trains a few steps in full precision and compares the losses.

    By SGD: Adam makes steps of rounding errors where gradients are nearly 0.
    """
    setup = dataclasses.replace(
        setup, samples=0, fewest_steps=CHECKED, optimizer="sgd"
    )
    about = setup, "float32", setup.batches[0]
    with (
        jax.default_matmul_precision("highest"),
        torch.backends.cudnn.flags(enabled=True, allow_tf32=False),
    ):
        programs = [JaxTraining(*about), TorchTraining(*about, "eager")]
        for program in programs:
            program()
    check_losses(programs, EXACT)
    for program in programs:
        what, loss = f"loss after {CHECKED} steps", program.losses[-1:, 0]
        report.add(what, program.name, loss, "nats", "float32", about[-1])


def _ready(build, *arguments):
    """Returns a program after its first piece; `None` if memory ends."""
    try:
        program = build(*arguments)
        program()
        return program
    except RuntimeError as error:
        text = str(error).lower()
        if "resource_exhausted" in text or "out of memory" in text:
            return None
        raise


def _torch_ready(*about):
    for way in list(WAYS) if _device() == "cuda" else ["eager"]:
        try:
            return _ready(TorchTraining, *about, way)
        except Exception as error:
            if way == "eager":
                raise
            print(f"PyTorch, {way}: {type(error).__name__}: {error}"[:300])


def training(report: Report, setup: Setup, dtype: str) -> None:
    """Times one seed at each batch, then each program at its best one."""
    best = {}
    for batch in setup.batches:
        about = setup, dtype, batch
        programs = [_ready(JaxTraining, *about)]
        if not no_torch():
            programs.append(_torch_ready(*about))
        programs = [program for program in programs if program]
        if not programs:
            break
        check_losses(programs, ROUNDED)
        common = programs, "samples/s", dtype, setup.repetitions
        rates = race(report, "ResNet-18 training", *common)
        rising = False
        for program, rate in zip(programs, rates, strict=True):
            kind = type(program)
            if kind not in best or rate > RISE * best[kind][0]:
                best[kind], rising = (rate, program), True
        if not rising:
            break
    programs = [program for _, program in best.values()]
    if len({program.batch for program in programs}) < 2:
        return  # they have met at their best
    for program in programs:
        program()  # later ones may have made it compile once more
    common = programs, "samples/s", dtype, setup.repetitions
    race(report, "ResNet-18 training, best batches", *common)


def many_seeds(report: Report, setup: Setup, dtype: str) -> None:
    """Times several seeds in one program, summed, against one seed."""
    about = setup, dtype, setup.batches[0]
    one = _ready(JaxTraining, *about)
    for count in setup.seeds:
        many = _ready(JaxTraining, *about, count)
        if many is None:
            break
        check_losses([one, many], ROUNDED)
        common = [many, one], "samples/s", dtype, setup.repetitions
        race(report, "ResNet-18, many seeds", *common)


class InPlace:
    """Changes weights again and again; a call returns its seconds."""

    batch, seeds = 0, 1

    def __init__(self, name, setup, change, state, wait):
        self.name, self._change, self._wait = name, change, wait
        self._times, self._state = setup.applications, state
        self.amount = 8 * setup.weights * setup.applications / 1e9

    def __call__(self) -> float:
        self._wait(self._state)
        began = time.perf_counter()
        for _ in range(self._times):
            self._state = self._change(*self._state)
        self._wait(self._state)
        return time.perf_counter() - began

    def check(self):
        """Raises a RuntimeError unless each application has new noise."""
        for _ in range(2):
            self._state = self._change(*self._state)
        found = float(self._state[0][: 10**6].std())
        want = PERTURB * np.hypot(SHRINK, 1)
        if not abs(found / want - 1) < 0.02:
            raise RuntimeError(
                f"{self.name!r} gives weights that deviate by {found}, "
                f"instead of {want}."
            )
        return self


def _jax_mix(weights, key):
    key, once = jax.random.split(key)
    noise = jax.random.normal(once, weights.shape)
    return SHRINK * weights + PERTURB * noise, key


def _jax_scale(weights, factor):
    return weights * factor, factor


def _torch_mix(weights):
    weights.mul_(SHRINK).add_(torch.randn_like(weights), alpha=PERTURB)
    return (weights,)


def transform(report: Report, setup: Setup) -> None:
    """Times shrink-perturb with each generator of JAX, a copy and PyTorch."""
    programs = []
    for kind in ("threefry2x32", "rbg"):
        state = jnp.zeros(setup.weights), jax.random.key(0, impl=kind)
        change = jax.jit(_jax_mix, donate_argnums=0)
        name = f"JAX, {kind}"
        program = InPlace(name, setup, change, state, jax.block_until_ready)
        programs.append(program.check())
    # Reads and writes each weight once, which nothing can do faster.
    state = jnp.ones(setup.weights), jnp.float32(0.999)
    change = jax.jit(_jax_scale, donate_argnums=0)
    copy = InPlace("copy, scaled", setup, change, state, jax.block_until_ready)
    copy()
    programs.append(copy)
    if not no_torch():
        programs += _torch_transforms(setup)
    common = programs, "GB/s", "float32", setup.repetitions
    what = f"shrink-perturb of {setup.weights:,} weights"
    race(report, what, *common, ours=2)


def _torch_transforms(setup: Setup) -> list:
    programs = []
    for way in ["eager", "compiled"] if _device() == "cuda" else ["eager"]:
        state = (torch.zeros(setup.weights, device=_device()),)
        change = _torch_mix if way == "eager" else torch.compile(_torch_mix)
        name = f"PyTorch, {way}"
        program = InPlace(name, setup, change, state, lambda _: _wait())
        try:
            programs.append(program.check())
        except Exception as error:
            if way == "eager":
                raise
            print(f"{name}: {type(error).__name__}: {error}"[:300])
    return programs


PARTS = {"training": training, "seeds": many_seeds, "transform": transform}


def _setup() -> Setup:
    setup = ON_CPU if jax.default_backend() == "cpu" else Setup()
    setup = SMALL if _SMALL.value else setup
    batches = tuple(map(int, _BATCHES.value)) or setup.batches
    return dataclasses.replace(
        setup, batches=batches, optimizer=_OPTIMIZER.value, loop=_LOOP.value
    )


def _rows() -> str | None:
    if _ROWS.value or _SMALL.value:
        return _ROWS.value
    return str(output.folder("jax") / "gpu.jsonl")


def main(_) -> None:
    """Measures what the flags say."""
    if keras.backend.backend() != "jax":
        raise app.UsageError("Set the environment's KERAS_BACKEND to jax.")
    if not set(_PARTS.value) <= set(PARTS):
        raise app.UsageError(f"`--parts` takes some of {list(PARTS)}.")
    if _SMALL.value:
        jax.config.update("jax_disable_most_optimizations", True)
    setup = _setup()
    facts = {
        "card": jax.devices()[0].device_kind,
        "jax": jax.__version__,
        "keras": keras.__version__,
        "torch": torch.__version__ if torch else None,
        "optimizer": setup.optimizer,
        "loop": setup.loop,
    }
    print(json.dumps(facts), flush=True)
    report = Report(_rows(), facts)
    if no_torch():
        report.note(f"PyTorch: {no_torch()}")
    elif {"training", "seeds"} & set(_PARTS.value):
        torch.set_float32_matmul_precision("high")
        torch.backends.cudnn.benchmark = True
        check_alike(report, setup)
    for name in _PARTS.value:
        if name == "transform":
            transform(report, setup)
            continue
        # A trial is nearly all compiling; one precision shows that it works.
        for dtype in _DTYPES.value[:1] if _SMALL.value else _DTYPES.value:
            PARTS[name](report, setup, dtype)
    print(f"\n{report.table()}")


if __name__ == "__main__":
    app.run(main)
