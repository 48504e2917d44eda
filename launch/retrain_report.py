"""What `ws-retrain` says of a model that it has trained."""

import dataclasses
import re

from ws_keras import settings

from . import forgetting
from . import retrain_flags as given

# A sentence on a line of its own, which may be indented below another one.
_SENTENCE = re.compile(r"^( *)(?=\S)", re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Report:
    """What was done and found, for a terminal and as a page.

    Args:
        data: What the model was trained and measured on.
        saved: Which model is saved.
        apart: Table of the metric on groups of held-out samples.
        tables: Tables of the starts.
        details: A sentence for each start, and notes; one a line.
        answer: The recommendation.
    """

    data: str
    saved: str
    apart: str
    tables: str
    details: str
    answer: str

    def __str__(self) -> str:
        """Returns the text for a terminal; the answer stays on the screen."""
        found = f"{self.tables}\n\n{self.details}"
        return _joined(self.data, self.saved, self.apart, found, self.answer)

    def page(self) -> str:
        """Returns Markdown that begins with the answer."""
        items = _SENTENCE.sub(r"\1- ", self.details)
        return _joined(
            self.answer, self.tables, items, self.apart, self.saved, self.data
        )


def report(
    parts, grown_words: str, saved: str, measured: forgetting.Measured, found
) -> Report:
    """Returns the report of a retraining.

    Args:
        parts: The `Parts`.
        grown_words: What was said of a model that has grown.
        saved: Which model is saved.
        measured: The metric on groups of held-out samples.
        found: The comparison of starts.
    """
    data = " ".join(filter(None, (parts.words, grown_words)))
    tables = str(found).removesuffix(found.verdict).strip()
    details, _, answer = found.verdict.partition("\n\n")
    return Report(data, saved, measured.table(), tables, details, answer)


def _joined(*paragraphs: str) -> str:
    return "\n\n".join(text.strip("\n") for text in paragraphs if text)


def saved(found, own: str, rate: float, old: str, is_found: bool) -> str:
    """Returns which model is saved, and what other flags would save.

    Args:
        found: The comparison of starts.
        own: Text form of the arm with which its training began.
        rate: The learning rate.
        old: What the old model gives, a text, or nothing.
        is_found: Whether the comparison is a search that chose the arm.
    """
    if not old and not given.others() and not is_found:
        return (
            f"The model is one that was built with seed {given.SEED.value} "
            f"and trained once, at a learning rate of {rate:g}."
        )
    lead = f"The old model as it was: {old} held out. " if old else ""
    other = ""
    best = found.start
    if is_found:
        other = _chosen(best, own)
    elif best is not None and best != own and given.others():
        other = (
            f" The recommended start is another one: --start={best} "
            "--overwrite saves a model that begins with it."
        )
    name, shrink, perturb = settings.parse_arm(own)
    began = f"with the start {own}"
    if name == "shrink_perturb":
        began = f"after shrink {shrink:g} and perturb {perturb:g}"
    return (
        f"{lead}The saved model is that of seed {given.SEED.value}, trained "
        f"{began}, at a learning rate of {rate:g}.{other}"
    )


def _chosen(best: str | None, own: str) -> str:
    if best is None:
        return (
            f" The search recommends nothing, so that --start={own} was taken."
        )
    return (
        " The search recommends this start. Next time --start="
        f"{own} takes it without another search."
    )
