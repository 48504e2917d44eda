"""What `ws-retrain` says of a model that it has trained."""

from . import forgetting
from . import retrain_flags as given

# Shrink and perturb that begin with the weights of other starts.
_STARTS = {"cold": (0, 1), "warm": (1, 0)}


def text(parts, grown_words: str, found, measured: forgetting.Measured) -> str:
    """Returns what was done, as Markdown.

    Args:
        parts: The `Parts`.
        grown_words: What was said of a model that has grown.
        found: The comparison of starts.
        measured: The metric on groups of held-out samples.
    """
    lead = " ".join(filter(None, (parts.words, grown_words)))
    return "\n\n".join(filter(None, (lead, str(found), measured.table())))


def saved(found, rate: float, old: str) -> str:
    """Returns which model is saved, and what other flags would save.

    Args:
        found: The comparison of starts.
        rate: The learning rate.
        old: What the old model gives, a text, or nothing.
    """
    if not old and not given.others():
        return (
            f"The model is one that was built with seed {given.SEED.value} "
            f"and trained once, at a learning rate of {rate:g}."
        )
    lead = f"The old model as it was: {old} held out. " if old else ""
    other = ""
    if found.recommended in _STARTS and given.others():
        shrink, perturb = _STARTS[found.recommended]
        other = (
            f" It is not that of the recommended start: --shrink={shrink} "
            f"--perturb={perturb} begins with the weights of that one."
        )
    return (
        f"{lead}The saved model is that of seed {given.SEED.value}, trained "
        f"after shrink {given.SHRINK.value:g} and perturb "
        f"{given.PERTURB.value:g}, at a learning rate of {rate:g}.{other}"
    )
