"""Private state of `fit`."""

from ws_keras._keras.gone import needed


def build_for_batch(model, iterator) -> None:
    """Builds a model from the shapes of its first batch.

    Reason: `fit` does this on other backends, without a public name.
    If gone: `Gone`; the model is then built by its first step.
    """
    needed(model, "_symbolic_build")(data_batch=iterator.element_spec)


def is_resumed(model) -> bool:
    """Whether `BackupAndRestore` has resumed the present fit.

    Reason: the callback has no public attribute for it.
    If gone: `False`, and a resumed fit counts as a new one.
    """
    return getattr(model, "_initial_epoch", None) is not None


def forget_resumption(model) -> None:
    """Makes the next fit begin with its first epoch.

    Reason: Keras keeps the epoch at which `BackupAndRestore` resumed.
    If gone: nothing is done.
    """
    model._initial_epoch = None


def additional_loss(model, penalty):
    """Returns a loss as Keras adds it to the compiled loss.

    Reason: Keras divides it by the number of replicas on TensorFlow only.
    If gone: `Gone`.
    """
    return needed(model, "_aggregate_additional_loss")(penalty)
