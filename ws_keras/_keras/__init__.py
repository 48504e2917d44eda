"""Access to private parts of Keras and TensorFlow.

No other file uses `keras.src` or a Keras or TensorFlow name that begins with an
underscore; a test of the syntax trees checks this. Each function states which
public name is missing (`Reason`), and what happens in versions without the
private name (`If gone`): a fallback, or an error of the class `Gone`.

All functions were tried with the versions in `gone.TRIED` and TensorFlow 2.21.
`tests/test_keras.py` tries the installed versions.
"""

from ws_keras._keras.compiled import compiled_with as compiled_with
from ws_keras._keras.compiled import direction as direction
from ws_keras._keras.compiled import function as function
from ws_keras._keras.compiled import given_metrics as given_metrics
from ws_keras._keras.compiled import metrics_by_log as metrics_by_log
from ws_keras._keras.compiled import options as options
from ws_keras._keras.globals import forget_gradients as forget_gradients
from ws_keras._keras.globals import global_state as global_state
from ws_keras._keras.gone import TRIED as TRIED
from ws_keras._keras.gone import Gone as Gone
from ws_keras._keras.graphs import functional_class as functional_class
from ws_keras._keras.graphs import graph as graph
from ws_keras._keras.graphs import graph_inputs as graph_inputs
from ws_keras._keras.graphs import maker as maker
from ws_keras._keras.graphs import makers as makers
from ws_keras._keras.graphs import nodes as nodes
from ws_keras._keras.layers import all_layers as all_layers
from ws_keras._keras.layers import all_trainable as all_trainable
from ws_keras._keras.layers import build_shapes as build_shapes
from ws_keras._keras.layers import head_projections as head_projections
from ws_keras._keras.layers import initializer as initializer
from ws_keras._keras.layers import lambda_shape as lambda_shape
from ws_keras._keras.layers import own_generators as own_generators
from ws_keras._keras.layers import own_others as own_others
from ws_keras._keras.layers import own_weights as own_weights
from ws_keras._keras.layers import parts as parts
from ws_keras._keras.layers import rename as rename
from ws_keras._keras.optimizers import adam_moments as adam_moments
from ws_keras._keras.optimizers import averages as averages
from ws_keras._keras.optimizers import batches_seen as batches_seen
from ws_keras._keras.optimizers import ftrl_sums as ftrl_sums
from ws_keras._keras.optimizers import own_state as own_state
from ws_keras._keras.optimizers import rate as rate
from ws_keras._keras.optimizers import trained_by as trained_by
from ws_keras._keras.optimizers import with_rate as with_rate
from ws_keras._keras.training import additional_loss as additional_loss
from ws_keras._keras.training import build_for_batch as build_for_batch
from ws_keras._keras.training import forget_resumption as forget_resumption
from ws_keras._keras.training import is_resumed as is_resumed
