"""The report of `ws-retrain` about the model that it has trained."""

import dataclasses
import re

from ws_keras import settings

from . import forgetting
from . import retrain_flags as given

# A sentence on a line of its own, which may be indented below another one.
_SENTENCE = re.compile(r"^( *)(?=\S)", re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Report:
    """A report of a retraining, for a terminal and as a page.

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
        grown_words: Sentences about a model that has grown.
        saved: Result of `saved`.
        measured: The metric on groups of held-out samples.
        found: The comparison of arms.
    """
    data = " ".join(filter(None, (parts.words, grown_words)))
    tables = str(found).removesuffix(found.verdict).strip()
    details, _, answer = found.verdict.partition("\n\n")
    return Report(data, saved, measured.table(), tables, details, answer)


def _joined(*paragraphs: str) -> str:
    return "\n\n".join(text.strip("\n") for text in paragraphs if text)


def saved(found, own: str, rate: float, old: str, is_found: bool) -> str:
    """Describes the saved model, and the flags that save a better one.

    Args:
        found: The comparison of arms.
        own: Text form of the arm that began its training.
        rate: The learning rate.
        old: Metric of the old model as text, or `""`.
        is_found: Whether the comparison is a search that chose the arm.
    """
    if not old and not given.others() and not is_found:
        return (
            f"The saved model was built with seed {given.SEED.value} and "
            f"trained once, with a learning rate of {rate:g}."
        )
    lead = f"The old model without training: {old} held out. " if old else ""
    other = ""
    best = found.start
    if is_found:
        other = _chosen(best, own)
    elif best is not None and best != own and given.others():
        other = (
            f" Another start is recommended. To train and save a model with "
            f"it, add --start={best} --overwrite."
        )
    name, shrink, perturb = settings.parse_arm(own)
    began = f"the start {own}"
    if name == "shrink_perturb":
        began = f"shrink {shrink:g} and perturb {perturb:g}"
    return (
        f"{lead}The saved model was trained with {began}, seed "
        f"{given.SEED.value} and a learning rate of {rate:g}.{other}"
    )


def _chosen(best: str | None, own: str) -> str:
    if best is None:
        return (
            f" The search gives no recommendation, so --start={own} was taken."
        )
    return (
        f" The search recommends this start. Next time, --start={own} uses it "
        "without another search."
    )
