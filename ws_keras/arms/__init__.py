"""Arms: ways to begin a round. One file per method; found by being here.

Nothing here imports Keras before an arm acts, so that the report and the
commands can read the names of arms at once.
"""

from ws_keras.arms.arm import Arm
from ws_keras.arms.arm import number
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
