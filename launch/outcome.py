"""What is made of the rows of many settings: gaps to cold, and the report."""

from ws_keras.results import events
from ws_keras.results import report as reports
from ws_keras.results import rows
from ws_keras.results import workdir as workdirs


def write_gaps(folder: workdirs.Workdir, settings: list) -> None:
    """Writes the gap to cold of each finished setting whose pair is there.

    Args:
        folder: The `Workdir`.
        settings: Settings that may be finished.
    """
    done = [s for s in settings if folder.is_finished(s.id)]
    cold = {s.pair: s for s in done if s.arm == "cold"}
    for setting in done:
        if setting.arm != "cold" and setting.pair in cold:
            ours, theirs = (
                rows.read(folder.rows_path(s.id))
                for s in (setting, cold[setting.pair])
            )
            events.write_gap(folder.folder(setting.id), ours, theirs)


def report(folder: workdirs.Workdir) -> None:
    """Writes the report, and says where it is and how to see the curves."""
    print(reports.write(folder.path))
    print(f"tensorboard --logdir={folder.path}")
