"""What `fit` does and notes."""

from ws_keras._keras.gone import needed


def build_for_batch(model, iterator) -> None:
    """Builds a model from the shapes of its first batch alone.

    Reason: `fit` does so on other backends, and has no public name for it.
    If gone: `Gone`; the model is then built by its first step.
    """
    needed(model, "_symbolic_build")(data_batch=iterator.element_spec)


def is_resumed(model) -> bool:
    """Whether `BackupAndRestore` has resumed the present fit.

    Reason: the callback tells nobody else.
    If gone: False, and a resumed fit counts as one that begins.
    """
    return getattr(model, "_initial_epoch", None) is not None


def forget_resumption(model) -> None:
    """Lets the next fit begin with its first epoch.

    Reason: Keras leaves there where `BackupAndRestore` resumed a fit.
    If gone: nothing is to be forgotten.
    """
    model._initial_epoch = None


def additional_loss(model, penalty):
    """Returns a loss beside the compiled one as Keras adds it up.

    Reason: Keras divides it by the number of replicas, on TensorFlow alone.
    If gone: `Gone`.
    """
    return needed(model, "_aggregate_additional_loss")(penalty)
