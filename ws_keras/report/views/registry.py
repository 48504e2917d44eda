"""Which views an experiment has: by its name, or by the shape of its rows."""

import dataclasses
from collections.abc import Callable

from ws_keras.report import sections
from ws_keras.report import statistics
from ws_keras.report.views import checkpoints
from ws_keras.report.views import correlations
from ws_keras.report.views import curves
from ws_keras.report.views import dash
from ws_keras.report.views import epochs
from ws_keras.report.views import gradients
from ws_keras.report.views import grid
from ws_keras.report.views import hyperparameters
from ws_keras.report.views import online
from ws_keras.report.views import penalties
from ws_keras.report.views import remedies
from ws_keras.report.views import rounds
from ws_keras.report.views import run as runs
from ws_keras.report.views import shrinking
from ws_keras.report.views import transfer
from ws_keras.report.views import two_phase

View = Callable[[runs.Run], list]

VIEWS: dict[str, View] = {
    "quickstart": rounds.quickstart,
    "table1_two_phase": two_phase.table1,
    "fig1_curves": curves.blocks,
    "fig2_online": rounds.fig2,
    "fig3_hyperparameters": hyperparameters.blocks,
    "fig4_checkpoints": checkpoints.blocks,
    "fig5_gradients": gradients.blocks,
    "fig6_shrinking": shrinking.blocks,
    "fig7_shrink_sweep": rounds.fig7,
    "fig8_grid": grid.blocks,
    "fig9_transfer": transfer.blocks,
    "appendix_table3_penalties": penalties.penalties,
    "appendix_table4_noise": penalties.noise,
    "appendix_fig10_fraction": remedies.fractions,
    "appendix_fig11_correlation": correlations.blocks,
    "appendix_fig12_every_step": remedies.every_step,
    "appendix_fig14_last_layer": rounds.last_layer,
    "appendix_first_layers": remedies.first_layers,
    "appendix_batch_norm": remedies.batch_norm,
    "appendix_weight_decay": remedies.weight_decay,
    "appendix_active_learning": rounds.acquisition,
    "replication_table1": two_phase.replication_table1,
    "replication_online": rounds.replication,
    "replication_svhn_threshold": rounds.svhn,
    "replication_offline": remedies.offline,
    "replication_weight_decay": remedies.replication_weight_decay,
    "replication_augmentation": remedies.augmentation,
    "dash_table1": dash.blocks,
    "which_arm": online.blocks,
}


def blocks(run: runs.Run) -> list:
    """Returns what a report shows of an experiment.

    Args:
        run: Its rows. An experiment of another name is shown by the shape of
            its rows: one round, two, or more.

    Returns:
        Blocks of a section, tables and charts without content left out.
    """
    view = VIEWS.get(run.experiment, _by_shape)
    found = [*view(run), *epochs.blocks(run)]
    return [block for block in map(_filled, found) if block is not None]


def _by_shape(run: runs.Run) -> list:
    found = []
    for cell_arms in run.cells().values():
        cell_rows = [row for arm in cell_arms for row in arm.rows]
        if statistics.is_online(cell_rows):
            return online.blocks(run)
        if statistics.is_two_phase(cell_rows):
            found = two_phase.blocks(run)
    return found


def _filled(block):
    """Returns a block without empty panels; `None` where nothing is left."""
    if isinstance(block, sections.Table):
        return block if block.lines else None
    if isinstance(block, sections.Chart):
        panels = tuple(p for p in block.panels if p.series or p.values)
        return dataclasses.replace(block, panels=panels) if panels else None
    return block
