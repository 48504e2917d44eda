"use strict";

// Sorts the tables of a report and shows its charts, which are figures of
// Plotly, in the colors of the page.
(() => {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const coarse = matchMedia("(pointer: coarse)").matches;
  const color = (name) =>
    getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  function compare(first, second, isNumber, sign) {
    if (!isNumber) {
      const texts = [first, second].map((cell) => cell.textContent);
      return sign * texts[0].localeCompare(texts[1], "en", { numeric: true });
    }
    const [a, b] = [first, second].map((cell) => cell.dataset.value);
    // What is unknown stands last, whichever way the others are sorted.
    if (a === undefined || b === undefined) {
      return (a === undefined) - (b === undefined);
    }
    return sign * (Number(a) - Number(b));
  }

  function sortable(table) {
    const body = table.tBodies[0];
    const original = [...body.rows];
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const before = head.getAttribute("aria-sort");
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        const isNumber = head.classList.contains("number");
        const lines = [...original];
        if (before !== "descending") {
          head.setAttribute("aria-sort", before ? "descending" : "ascending");
          const sign = before ? -1 : 1;
          lines.sort((a, b) =>
            compare(a.cells[column], b.cells[column], isNumber, sign),
          );
        }
        body.append(...lines);
      });
    });
  }

  // Says that columns are hidden, on a narrow screen.
  function cue(box) {
    const hidden = box.scrollWidth - box.clientWidth - box.scrollLeft;
    box.classList.toggle("cut", hidden > 4);
  }

  // Long names beside a narrow chart would leave it no room.
  function broken(axis) {
    const ticktext = axis.ticktext?.map((name) =>
      name.length > 16 ? name.replace(/(.{8,}?) (?=.)/g, "$1<br>") : name,
    );
    return ticktext ? { ...axis, ticktext } : axis;
  }

  // A wide chart has room for a label in one line.
  function joined(axis) {
    const text = axis.title.text.replaceAll("<br>", " ");
    return { ...axis, title: { ...axis.title, text } };
  }

  function themed(layout, isNarrow) {
    const line = color("--line");
    const axis = (found) => ({
      automargin: true,
      gridcolor: color("--grid"),
      linecolor: line,
      ...found,
      title: { standoff: 8, ...found.title },
    });
    return {
      ...layout,
      xaxis: axis(isNarrow ? layout.xaxis : joined(layout.xaxis)),
      yaxis: axis(isNarrow ? broken(layout.yaxis) : layout.yaxis),
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: "system-ui, sans-serif", color: color("--text") },
      hoverlabel: {
        bgcolor: color("--raised"),
        bordercolor: line,
        font: { color: color("--text") },
        align: "left",
      },
      modebar: {
        bgcolor: "rgba(0,0,0,0)",
        color: color("--quiet"),
        activecolor: color("--text"),
      },
      // A finger on a chart scrolls the page.
      dragmode: coarse ? false : "zoom",
      uirevision: "same",
    };
  }

  function chart(found) {
    const data = found.querySelector("script[type='application/json']");
    const figures = JSON.parse(data.textContent);
    const plots = [...found.querySelectorAll(".plot")];
    const hidden = new Set();
    const config = {
      displaylogo: false,
      displayModeBar: coarse ? false : "hover",
      modeBarButtons: [["toImage", "zoom2d", "pan2d", "resetScale2d"]],
      responsive: true,
      toImageButtonOptions: { filename: found.dataset.name, scale: 2 },
    };
    plots.forEach((plot, place) => {
      plot.style.minHeight = `${figures[place].layout.height}px`;
    });
    const draws = plots.map((plot, place) => () => {
      const { data: traces, layout } = figures[place];
      // The legend has the names for which a narrow screen has no room.
      const isNarrow = plot.clientWidth < 640;
      const shown = traces.map((trace) => ({
        ...trace,
        mode: isNarrow ? trace.mode?.replace("+text", "") : trace.mode,
        visible: !hidden.has(trace.legendgroup),
      }));
      return Plotly.react(plot, shown, themed(layout, isNarrow), config);
    });
    let isDrawn = false;
    const redraw = () => isDrawn && draws.forEach((draw) => draw());
    found.querySelectorAll(".legend button").forEach((button) => {
      button.addEventListener("click", () => {
        const { group } = button.dataset;
        if (!hidden.delete(group)) hidden.add(group);
        button.setAttribute("aria-pressed", !hidden.has(group));
        redraw();
      });
    });
    dark.addEventListener("change", redraw);
    return async () => {
      if (isDrawn) return;
      isDrawn = true;
      for (const draw of draws) await draw();
    };
  }

  document.querySelectorAll("table").forEach(sortable);
  document.querySelectorAll(".table").forEach((box) => {
    box.addEventListener("scroll", () => cue(box));
    new ResizeObserver(() => requestAnimationFrame(() => cue(box))).observe(
      box,
    );
  });

  // What is folded has no width, and is drawn once it is opened.
  const charts = [...document.querySelectorAll(".chart")];
  const draws = new Map(charts.map((found) => [found, chart(found)]));
  document.querySelectorAll("details.fold").forEach((fold) => {
    fold.addEventListener("toggle", async () => {
      if (!fold.open) return;
      for (const found of fold.querySelectorAll(".chart")) {
        await draws.get(found)();
      }
    });
  });
  (async () => {
    for (const found of charts) {
      if (!found.closest("details:not([open])")) await draws.get(found)();
    }
    document.documentElement.dataset.state = "drawn";
  })();
})();
