"""Shrink-perturb and other warm-starting methods for Keras."""

import importlib

__version__ = "0.2.0"

# Imported on first use, so that reading rows does not import TensorFlow.
_PUBLIC = {
    "Arm": "ws_keras.arms",
    "ConfidencePenalty": "ws_keras.losses.confidence",
    "ContinualBackprop": "ws_keras.callbacks.continual_backprop",
    "Diagnostics": "ws_keras.callbacks.diagnostics",
    "HareAndTortoise": "ws_keras.callbacks.hare_and_tortoise",
    "Probe": "ws_keras.diagnostics.probe",
    "ReDo": "ws_keras.callbacks.unit_resets",
    "Rewarm": "ws_keras.callbacks.rewarm",
    "Search": "ws_keras.searching",
    "SelfNormalizedResets": "ws_keras.callbacks.self_normalized",
    "ShrinkPerturb": "ws_keras.callbacks.shrink_perturb",
    "SoftWeightRescaling": "ws_keras.callbacks.rescaling",
    "StopAtAccuracy": "ws_keras.callbacks.stopping",
    "Until": "ws_keras.training.terms",
    "adversarial": "ws_keras.losses.adversarial",
    "cold_start": "ws_keras.transforms.shrink_perturb",
    "dash": "ws_keras.transforms.dash",
    "distill": "ws_keras.losses.distillation",
    "fire": "ws_keras.transforms.fire",
    "fit_rounds": "ws_keras.growing",
    "grow_outputs": "ws_keras.growth.outputs",
    "grow_vocabulary": "ws_keras.growth.vocabulary",
    "l2": "ws_keras.losses.l2",
    "l2_init": "ws_keras.losses.l2_init",
    "norm_reset": "ws_keras.transforms.norm_reset",
    "number": "ws_keras.arms",
    "parseval": "ws_keras.losses.parseval",
    "recalibrate": "ws_keras.transforms.statistics",
    "redo": "ws_keras.transforms.redo",
    "register_arm": "ws_keras.arms",
    "register_dataset": "ws_keras.data.registered",
    "reset_layers": "ws_keras.transforms.reset_layers",
    "shrink_perturb": "ws_keras.transforms.shrink_perturb",
}
__all__ = sorted(_PUBLIC)


def __getattr__(name: str):
    if name in _PUBLIC:
        return getattr(importlib.import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'ws_keras' has no attribute {name!r}")


def __dir__():
    return [*globals(), *_PUBLIC]
