"""After training: the gaps to the cold arm, and the report."""

from ws_keras.storage import rows
from ws_keras.storage import workdir as workdirs

from . import recipes


def write_gaps(folder: workdirs.Workdir, settings: list) -> None:
    """Writes the gap to cold of each setting, if both of the pair are finished.

    That of a cold setting is 0: without it TensorBoard's parallel coordinates
    and scatter plots would leave out the cold arm.

    Args:
        folder: The `Workdir`.
        settings: Settings that may be finished.
    """
    # Late: it imports TensorBoard, which the start of a command does without.
    from ws_keras.storage import events

    done = [s for s in settings if is_finished(folder, s)]
    cold = {s.pair: s for s in done if s.arm == "cold"}
    for setting in done:
        if setting.pair in cold:
            ours, theirs = (
                rows.read(folder.rows_path(s.id))
                for s in (setting, cold[setting.pair])
            )
            events.write_gap(folder.folder(setting.id), ours, theirs)


def is_finished(folder: workdirs.Workdir, setting) -> bool:
    """Returns whether a setting is finished; with damaged rows it is not."""
    try:
        return folder.is_finished(setting.id)
    except (OSError, ValueError):
        return False


def report(folder: workdirs.Workdir) -> None:
    """Writes the report, and prints its path and the command for the curves."""
    # Late: workers draw nothing, and it imports SciPy.
    from ws_keras.report import writing

    print(writing.write(folder.path, recipes.find))
    print(f"tensorboard --logdir={folder.path}")
