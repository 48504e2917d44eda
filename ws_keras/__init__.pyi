"""What type checkers and editors see; `__init__.py` imports it late."""

from ws_keras.arms import Arm as Arm
from ws_keras.arms import number as number
from ws_keras.arms import register_arm as register_arm
from ws_keras.callbacks.continual_backprop import (
    ContinualBackprop as ContinualBackprop,
)
from ws_keras.callbacks.diagnostics import Diagnostics as Diagnostics
from ws_keras.callbacks.hare_and_tortoise import (
    HareAndTortoise as HareAndTortoise,
)
from ws_keras.callbacks.rescaling import (
    SoftWeightRescaling as SoftWeightRescaling,
)
from ws_keras.callbacks.rewarm import Rewarm as Rewarm
from ws_keras.callbacks.self_normalized import (
    SelfNormalizedResets as SelfNormalizedResets,
)
from ws_keras.callbacks.shrink_perturb import ShrinkPerturb as ShrinkPerturb
from ws_keras.callbacks.stopping import StopAtAccuracy as StopAtAccuracy
from ws_keras.callbacks.unit_resets import ReDo as ReDo
from ws_keras.data.registered import register_dataset as register_dataset
from ws_keras.diagnostics.probe import Probe as Probe
from ws_keras.growing import fit_rounds as fit_rounds
from ws_keras.growth.outputs import grow_outputs as grow_outputs
from ws_keras.growth.vocabulary import grow_vocabulary as grow_vocabulary
from ws_keras.losses.adversarial import adversarial as adversarial
from ws_keras.losses.confidence import ConfidencePenalty as ConfidencePenalty
from ws_keras.losses.distillation import distill as distill
from ws_keras.losses.l2 import l2 as l2
from ws_keras.losses.l2_init import l2_init as l2_init
from ws_keras.losses.parseval import parseval as parseval
from ws_keras.searching import Search as Search
from ws_keras.training.terms import Until as Until
from ws_keras.transforms.dash import dash as dash
from ws_keras.transforms.fire import fire as fire
from ws_keras.transforms.norm_reset import norm_reset as norm_reset
from ws_keras.transforms.redo import redo as redo
from ws_keras.transforms.reset_layers import reset_layers as reset_layers
from ws_keras.transforms.shrink_perturb import cold_start as cold_start
from ws_keras.transforms.shrink_perturb import shrink_perturb as shrink_perturb
from ws_keras.transforms.statistics import recalibrate as recalibrate

__version__: str
