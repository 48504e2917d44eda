"""The flag that all benchmarks share: where what they measure goes."""

from absl import flags

FOLDER = flags.DEFINE_string(
    "output", "results/benchmarks", "Folder of what is measured."
)
