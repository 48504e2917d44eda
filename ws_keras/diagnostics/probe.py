"""Measures a model on demand."""

from collections.abc import Callable

import keras
import numpy as np
from keras import ops

from ws_keras import _keras
from ws_keras import checks
from ws_keras import names
from ws_keras.diagnostics import measures as numbers
from ws_keras.diagnostics import passes
from ws_keras.diagnostics import samples
from ws_keras.transforms import errors
from ws_keras.transforms import gradients
from ws_keras.transforms import selecting
from ws_keras.transforms import variables

MEASURES = names.MEASURES
_OF_OUTPUTS = MEASURES[3:]


class Probe:
    """Measures a model without changing it.

    Weights, batch-norm statistics, optimizer, metrics, the seeds of dropout and
    all global random states keep their exact bits. `docs/methods.md` describes
    each measure. The result has these names:

    * `gradient_norm_old`, `gradient_norm_new` and `gradient_norm_ratio` (new
      divided by old): L2 norm of the gradient of a mini-batch's mean loss
      (without regularizers) over all trainable weights, averaged over
      mini-batches of equal size.
    * `weight_correlation`: Pearson correlation of the weights, as one vector,
      with their values at `start`.
    * `weight_norm`: L2 norm of the weights as one vector.
    * `output_entropy`: mean entropy of the softmax of the outputs, in nats.
    * `dormant_units`: fraction of units whose mean absolute activation is at
      most `tau` times the mean of their layer. It covers activation layers, and
      `Dense` and convolution layers with an activation.
    * `effective_rank`: effective rank of the inputs of the last `Dense` layer.

    The computations are traced at the first call, and again only if other
    weights become trainable. A call needs a forward and a backward pass over
    the old and the new samples, and one forward pass over `data` for the last
    three measures together. Correlation and norm read the weights on the host,
    and `start` stores a copy of them. Under `MirroredStrategy`, everything runs
    on one device with the statistics of the first replica.

    Example:

    ```python
    probe = Probe(model, old=(x_old, y_old), new=(x_new, y_new), data=x)
    probe.start()
    model.fit(x_all, y_all)
    print(probe()["weight_correlation"])
    ```

    Args:
        model: Built `keras.Model`.
        old: Samples that the model was trained on before: `(x, y)`, or `(x, y,
            indices)` to use some of them. `indices` may be a mask. Defaults to
            `None`.
        new: Samples that have just arrived, in the same form. Defaults to
            `None`.
        data: Samples for the measures of outputs: `x`, `(x, y)` or `(x, y,
            indices)`. Defaults to `None`.
        measures: Names from `MEASURES`. `None` means all that the model and the
            given samples permit. Defaults to `None`.
        loss: Function of targets and predictions. `None` means the loss that
            the model is compiled with. Defaults to `None`.
        batch_size: Samples per mini-batch. Gradient norms depend on it: larger
            batches have smaller norms. Defaults to 128.
        max_samples: Maximum number of samples of each set. Larger sets are
            replaced by a fixed random part. Defaults to 2,000.
        training: Whether gradients are computed in training mode, as in a
            training step: with dropout and the moments of the mini-batch.
            Defaults to `True`.
        tau: Threshold of `dormant_units`, at least 0. Defaults to 0.025.
        from_logits: Whether the model outputs logits instead of probabilities.
            Defaults to `True`.
        include: Weights for correlation and norm; patterns as in
            `shrink_perturb`. `None` means all trainable weights. Defaults to
            `None`.
        exclude: Weights to leave out. Defaults to `None`.
        per_weight: Whether to add a `weight_norm/<path>` for each weight.
            Defaults to `False`.

    Raises:
        ValueError: If an argument is out of its range, if a measure lacks its
            samples or layers, if there is no loss, or if there is nothing to
            measure.
    """

    def __init__(
        self,
        model: keras.Model,
        *,
        old=None,
        new=None,
        data=None,
        measures=None,
        loss: Callable | str | None = None,
        batch_size: int = 128,
        max_samples: int = 2000,
        training: bool = True,
        tau: float = 0.025,
        from_logits: bool = True,
        include=None,
        exclude=None,
        per_weight: bool = False,
    ):
        _check_tau(tau)
        self.model = model
        self._sizes = batch_size, max_samples
        self._sets = samples.Sets(old, new, data, *self._sizes)
        self.measures = _chosen(measures, self._sets, model)
        if "gradient_norm" in self.measures:
            loss = gradients.mean_loss(model, loss)
        self._loss = loss
        self._training = training
        self._tau = tau
        self._from_logits = from_logits
        self._per_weight = per_weight
        found = variables.entries(model)
        self._weights = selecting.selected(
            found, variables.WEIGHT, include, exclude, frozen=False
        )
        selecting.check_any(self._weights)
        self.snapshot = None
        self._traced_for = None

    def use(self, *, old=None, new=None, data=None) -> None:
        """Uses other samples from now on, without a new trace.

        Args:
            old: As in the constructor. Each set that a measure needs must be
                given again. Defaults to `None`.
            new: As in the constructor. Defaults to `None`.
            data: As in the constructor. Defaults to `None`.

        Raises:
            ValueError: If a set is invalid, or if a set that a measure needs is
                missing. The earlier sets are kept.
        """
        sets = samples.Sets(old, new, data, *self._sizes)
        _chosen(self.measures, sets, self.model)
        self._sets = sets

    def start(self, snapshot: list[np.ndarray] | None = None) -> None:
        """Stores the weights to which `weight_correlation` compares.

        Args:
            snapshot: Value of `probe.snapshot` in an earlier process, to resume
                a run. `None` means the present weights. Defaults to `None`.
        """
        if snapshot is None:
            # A copy, because the backend may change the array.
            snapshot = [np.array(entry.value()) for entry in self._weights]
        self.snapshot = snapshot

    def __call__(self) -> dict[str, float]:
        """Measures the model, and returns the values by name.

        Raises:
            ValueError: If `start` was required and not called, if the model or
                its loss does not accept the samples, if the outputs contradict
                `from_logits`, or if it is called within the scope of a
                strategy.
        """
        _check_scope()
        self._trace()
        values = {}
        if "gradient_norm" in self.measures:
            values.update(self._gradient_norms())
        values.update(self._of_weights())
        if set(_OF_OUTPUTS) & set(self.measures):
            values.update(self._of_outputs())
        return values

    def _trace(self) -> None:
        trainable = list(map(id, self.model.trainable_variables))
        if trainable == self._traced_for:
            return
        self._traced_for = trainable
        if "gradient_norm" in self.measures:
            self._norm = passes.gradient_norm(
                self.model, self._loss, self._training
            )
        self._forward = passes.forward(
            self.model,
            units="dormant_units" in self.measures,
            features="effective_rank" in self.measures,
        )

    def _gradient_norms(self) -> dict[str, float]:
        found = {}
        for name, batches in self._sets.labelled():
            with errors.refused(f"`{name}`"):
                norms = [_host(self._norm(x, y)) for x, y in batches]
            found[f"gradient_norm_{name}"] = float(np.mean(norms))
        if len(found) == 2:
            old, new = found.values()
            found["gradient_norm_ratio"] = numbers.ratio(new, old)
        return found

    def _of_weights(self) -> dict[str, float]:
        found = {}
        values = [entry.value() for entry in self._weights]
        if "weight_correlation" in self.measures:
            if self.snapshot is None:
                raise ValueError(
                    "`weight_correlation` needs the weights to compare with. "
                    "Received: no weights. Call `start()` first."
                )
            found["weight_correlation"] = numbers.correlation(
                values, self.snapshot
            )
        if "weight_norm" in self.measures:
            found["weight_norm"] = numbers.norm(values)
            if self._per_weight:
                for entry, value in zip(self._weights, values, strict=True):
                    found[f"weight_norm/{entry.path}"] = numbers.norm([value])
        return found

    def _of_outputs(self) -> dict[str, float]:
        outputs, features, sums = [], [], []
        for x, weights in self._sets.inputs():
            with errors.refused("`data`"):
                out, before, activations = self._forward(x, weights)
            real = weights > 0
            outputs.append(_host(out)[real])
            if before is not None:
                features.append(_host(before)[real])
            sums.append([_host(each) for each in activations])
        found = {}
        if "output_entropy" in self.measures:
            entropies = numbers.entropies(
                np.concatenate(outputs), self._from_logits
            )
            found["output_entropy"] = float(entropies.mean())
        if "dormant_units" in self.measures:
            scores = [
                np.sum(layer, axis=0) for layer in zip(*sums, strict=True)
            ]
            found["dormant_units"] = numbers.dormant(scores, self._tau)
        if "effective_rank" in self.measures:
            found["effective_rank"] = numbers.effective_rank(
                np.concatenate(features)
            )
        return found


def check_names(measures) -> None:
    """Raises a ValueError for unknown names of measures."""
    unknown = [name for name in measures if name not in MEASURES]
    if unknown or not measures:
        raise ValueError(
            f"`measures` must be names from {list(MEASURES)}. "
            f"Received: measures={list(measures)}."
        )


def _chosen(measures, sets: samples.Sets, model) -> tuple[str, ...]:
    lacks = _lacks(sets, model)
    if measures is None:
        return tuple(name for name in MEASURES if not lacks[name])
    measures = (measures,) if isinstance(measures, str) else tuple(measures)
    check_names(measures)
    for name in measures:
        if lacks[name]:
            raise ValueError(
                f"The measure {name!r} needs {lacks[name]}. Received: nothing."
            )
    return measures


def _lacks(sets: samples.Sets, model) -> dict[str, str]:
    """Returns what each measure lacks, `""` if nothing."""
    layers = _keras.all_layers(model)
    found = dict.fromkeys(MEASURES, "")
    if not sets.has_labelled:
        found["gradient_norm"] = "`old` or `new`"
    if not any(map(passes.is_activation, layers)):
        found["dormant_units"] = "a layer with an activation"
    if not any(map(passes.is_dense, layers)):
        found["effective_rank"] = "a `Dense` layer"
    if not sets.has_inputs:
        found.update(dict.fromkeys(_OF_OUTPUTS, "`data`"))
    return found


def _check_tau(tau) -> None:
    if not checks.is_number(tau) or not tau >= 0:
        raise ValueError(
            f"`tau` must be a number of at least 0. Received: tau={tau!r}."
        )


def _check_scope() -> None:
    # Within a scope, losses are divided by the number of replicas.
    if keras.backend.backend() != "tensorflow":
        return
    import tensorflow as tf

    if tf.distribute.has_strategy():
        raise ValueError(
            "A `Probe` must be called outside the scope of a strategy. "
            "Received: a call within a scope. Only build the model there."
        )


def _host(tensor) -> np.ndarray:
    return ops.convert_to_numpy(tensor).astype(np.float64)
