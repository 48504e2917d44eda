"""What the tests of views have in common."""

import pytest

from ws_keras.report import sections
from ws_keras.report.views import registry
from ws_keras.report.views import run as runs

# Experiments whose arms come apart in the second phase.
SECOND_ONLY = ("fig5_gradients", "fig9_transfer", "appendix_table4_noise")
GAUSSIAN = ("fig5_gradients", "appendix_table4_noise")


@pytest.fixture
def show(authors_config):
    """Returns a function from rows to what their experiment's view shows."""

    def show(found, epochs=None, planned=(), config=None):
        name = found[0].experiment
        if config is None:
            transform = {
                **authors_config["transform"],
                "first_round": name not in SECOND_ONLY,
                "noise": "gaussian" if name in GAUSSIAN else "fresh",
            }
            config = {
                **authors_config,
                "transform": transform,
                "second": {"epochs": 52 if name == "fig5_gradients" else None},
            }
        shown = runs.Run(name, found, epochs or {}, config, planned)
        return _Shown(registry.blocks(shown))

    return show


class _Shown:
    def __init__(self, blocks):
        self.blocks = blocks
        self.tables = {
            block.title: block
            for block in blocks
            if isinstance(block, sections.Table)
        }
        self.charts = {
            block.name: block
            for block in blocks
            if isinstance(block, sections.Chart)
        }

    def column(self, title, name, key="arm"):
        """Returns a column of a table by another one."""
        table = self.tables[title]
        place, at = table.header.index(name), table.header.index(key)
        return {line[at]: line[place] for line in table.lines}

    @property
    def claims(self):
        """Claim to verdict."""
        table = self.tables["What the paper claims"]
        return {claim: verdict for claim, verdict, _ in table.lines}

    @property
    def reasons(self):
        table = self.tables["What the paper claims"]
        return {claim: because for claim, _, because in table.lines}
