"""The result of a comparison of arms, as text, table and chart."""

import dataclasses
import html
import itertools

from ws_keras.report import formatting
from ws_keras.report import grouping
from ws_keras.report import sections
from ws_keras.report import statistics
from ws_keras.report import tables
from ws_keras.report import terminal
from ws_keras.report.render import markdown
from ws_keras.report.render import palette
from ws_keras.storage import metric as metrics
from ws_keras.storage import rows


@dataclasses.dataclass(frozen=True)
class Comparison:
    """The result of `fit_rounds`. It prints as a table and a verdict.

    Args:
        rows: A `rows.Row` for each arm, seed and round.
        verdict: Sentences about the cost and the benefit of each arm, with one
            recommendation.
        recommended: Name of the recommended arm. `None` if the comparison is
            inconclusive. Defaults to `None`.
    """

    rows: list[rows.Row]
    verdict: str
    recommended: str | None = None

    @property
    def metric(self) -> metrics.Metric:
        """The metric of the rows, with its mode."""
        return metrics.of(self.rows[0])

    @property
    def start(self) -> str | None:
        """Text form of the recommended arm, such as `"dash-0.3-0.1"`."""
        for row in self.rows:
            if grouping.label(row) == self.recommended:
                return row.setting.split("/")[-2]
        return None

    def __str__(self) -> str:
        summary, *others = self._tables()
        parts = [f"{terminal.fitted(summary)}\n"]
        for table in others:
            lines = markdown.table(table.header, table.lines)
            parts.append(f"{table.title}:\n\n{lines}")
        return "\n".join([*parts, self.verdict])

    def _repr_html_(self) -> str:
        parts = [_html(table) for table in self._tables()]
        return "\n".join([*parts, f"<pre>{html.escape(self.verdict)}</pre>"])

    def to_frame(self):
        """Returns the rows as a `pandas.DataFrame` with measures as columns.

        Raises:
            ImportError: If pandas is not installed.
        """
        try:
            import pandas
        except ImportError:
            raise ImportError(
                "`to_frame` needs pandas, which is not installed: "
                "`pip install pandas`."
            ) from None
        found = []
        for row in self.rows:
            fields = dataclasses.asdict(row)
            nested = {**fields.pop("labels"), **fields.pop("measures")}
            found.append({**fields, **nested})
        return pandas.DataFrame(found)

    def plot(self, ax=None):
        """Plots the last round's metric of each arm against its cost.

        Each point is the mean over seeds; bars are standard errors.

        Args:
            ax: Matplotlib axes to draw on. `None` creates new axes. Defaults to
                `None`.

        Returns:
            The Matplotlib axes.
        """
        if ax is None:
            import matplotlib.pyplot as plt

            _, ax = plt.subplots()
        metric = self.metric
        (arms,) = grouping.cells(self.rows).values()
        others = (arm for arm in arms if arm not in palette.COLORS)
        colors = dict(zip(others, itertools.cycle(palette.OTHER_COLORS)))
        colors |= palette.COLORS
        for arm, arm_rows in arms.items():
            runs = grouping.runs(arm_rows)
            cost, value = (
                statistics.summarize(found.values())
                for found in (
                    runs.total("sample_passes"),
                    {s: metric.value(r[-1]) for s, r in runs.finished.items()},
                )
            )
            if value.count:
                ax.errorbar(
                    cost.mean,
                    value.mean,
                    xerr=cost.error if cost.count > 1 else None,
                    yerr=value.error if value.count > 1 else None,
                    marker="o",
                    linestyle="",
                    color=colors[arm],
                    label=arm,
                )
        unit = " (%)" if metric.is_accuracy else ""
        ax.set_xlabel("sample passes, all rounds")
        ax.set_ylabel(f"held-out {metric.name}{unit}, last round")
        ax.legend()
        return ax

    def _tables(self) -> list[sections.Table]:
        apart = tables.old_and_new(self.rows)
        return [tables.summary(self.rows), *([apart] if apart else [])]


def _html(table: sections.Table) -> str:
    def row(cells, kind: str) -> str:
        shown = (html.escape(formatting.text(cell)) for cell in cells)
        texts = (f"<{kind}>{text}</{kind}>" for text in shown)
        return f"<tr>{''.join(texts)}</tr>"

    head = row(table.header, "th")
    body = "".join(row(line, "td") for line in table.lines)
    return f"<table><thead>{head}</thead><tbody>{body}</tbody></table>"
