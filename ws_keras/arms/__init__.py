"""Arms: ways to begin a round. Each file of this folder defines a method.

Keras is imported only when an arm acts, so that reports and commands can read
the names of arms quickly.
"""

from ws_keras.arms.arm import Arm
from ws_keras.arms.fields import number
from ws_keras.arms.registry import forms
from ws_keras.arms.registry import name_of
from ws_keras.arms.registry import names
from ws_keras.arms.registry import of_row
from ws_keras.arms.registry import parse
from ws_keras.arms.registry import register_arm
from ws_keras.arms.registry import table
from ws_keras.arms.round import Round

__all__ = [
    "Arm",
    "Round",
    "forms",
    "name_of",
    "names",
    "number",
    "of_row",
    "parse",
    "register_arm",
    "table",
]
