"use strict";

// Sorts the tables of a report and draws its charts with Plotly. Everything
// that comes from rows or names is set as text, never as markup.
(() => {
  const DASHES = ["solid", "dash", "dot", "dashdot"];
  const STROKES = ["", "6 3", "2 2", "6 2 2 2"];
  const MARKERS = ["circle", "square", "triangle-up", "triangle-down", "x"];
  const PATTERNS = ["", "/", ".", "x", "\\"];
  const PAPER = ["#444444", "#C4CAD0"];
  const HEIGHT = 330;
  const LETTER = 7.5; // pixels
  const MARGIN = 70; // pixels of an axis and its words
  const BAR = 80; // pixels of a color bar
  const WORD = 18; // pixels that a word below an axis needs at least
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const coarse = matchMedia("(pointer: coarse)").matches;

  const pick = (colors) => colors[dark.matches ? 1 : 0];
  const color = (name) =>
    getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const at = (list, number) => list[number % list.length];

  // Plotly reads some HTML in its labels.
  const escape = (text) =>
    text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");

  function wrap(text, width) {
    const lines = [""];
    for (const word of text.split(" ")) {
      const last = lines[lines.length - 1];
      if (last && last.length + word.length >= width) lines.push(word);
      else lines[lines.length - 1] = last ? `${last} ${word}` : word;
    }
    return lines.map(escape).join("<br>");
  }

  function shown(value) {
    if (value === null || value === undefined) return "—";
    const size = Math.abs(value);
    if (size && (size < 0.01 || size >= 1e9)) {
      return value.toPrecision(3).replace("-", "−");
    }
    const maximumFractionDigits = size >= 100 ? 1 : size >= 1 ? 2 : 4;
    return value
      .toLocaleString("en", { maximumFractionDigits })
      .replace("-", "−");
  }

  // --- Tables ---

  function compare(first, second, isNumber, sign) {
    if (!isNumber) {
      const options = { numeric: true };
      const texts = [first, second].map((cell) => cell.textContent);
      return sign * texts[0].localeCompare(texts[1], "en", options);
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
          const after = before ? "descending" : "ascending";
          head.setAttribute("aria-sort", after);
          const sign = before ? -1 : 1;
          lines.sort((a, b) =>
            compare(a.cells[column], b.cells[column], isNumber, sign),
          );
        }
        body.append(...lines);
      });
    });
  }

  // --- Charts ---

  function axis(title, more) {
    return {
      title: { text: wrap(title, 44), standoff: 8 },
      automargin: true,
      gridcolor: color("--grid"),
      linecolor: color("--line"),
      zerolinecolor: color("--line"),
      ...more,
    };
  }

  // Few words are broken to stand beside each other, many stand upright.
  const wordWidth = ({ length }) => (length > 12 ? 99 : length > 3 ? 9 : 16);

  // To the left: there the axis leaves room, at the right end nothing does.
  function angle(words, width) {
    const lines = words.flatMap((word) =>
      wrap(word, wordWidth(words)).split("<br>"),
    );
    const longest = Math.max(...lines.map((line) => line.length));
    const room = (width - MARGIN) / words.length;
    return longest * LETTER < room ? 0 : words.length > 12 ? -90 : -35;
  }

  function overWords(words, width) {
    return {
      tickangle: angle(words, width),
      tickmode: "array",
      tickvals: words.map((_, place) => place),
      ticktext: words.map((word) => wrap(word, wordWidth(words))),
      ticklabeloverflow: "allow",
      range: [-0.6, words.length - 0.4],
      showgrid: false,
      zeroline: false,
    };
  }

  function layout(panel, width) {
    const xAxis = panel.words.length
      ? overWords(panel.words, width)
      : { type: panel.isLog ? "log" : "linear", zeroline: false };
    return frame({
      xaxis: axis(panel.xLabel, xAxis),
      yaxis: axis(panel.yLabel, {
        rangemode: panel.fromZero ? "tozero" : "normal",
        zeroline: panel.kind === "bars",
      }),
    });
  }

  function frame(more) {
    return {
      height: HEIGHT,
      // The buttons stand above the axes, not in them.
      margin: { l: 50, r: 12, t: coarse ? 12 : 30, b: 40 },
      modebar: {
        bgcolor: "rgba(0,0,0,0)",
        color: color("--quiet"),
        activecolor: color("--text"),
      },
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: "system-ui, sans-serif", color: color("--text") },
      hoverlabel: {
        bgcolor: color("--raised"),
        bordercolor: color("--line"),
        font: { color: color("--text") },
        align: "left",
      },
      hovermode: "closest",
      showlegend: false,
      // A finger on a chart scrolls the page.
      dragmode: coarse ? false : "zoom",
      uirevision: "same",
      ...more,
    };
  }

  function hover(panel, point, series) {
    const x = panel.words.length
      ? panel.words[Math.round(point.x)]
      : shown(point.x);
    const reach = point.error === null ? "" : ` ± ${shown(point.error)}`;
    return [
      `<b>${escape(series.name)}</b>`,
      `${escape(panel.xLabel) || "at"}: ${escape(x)}`,
      `${escape(panel.yLabel)}: ${shown(point.y)}${reach}`,
    ].join("<br>");
  }

  function points(series) {
    return series.x
      .map((x, place) => ({
        x,
        y: series.y[place],
        error: series.error[place] ?? null,
      }))
      .filter((point) => point.x !== null && point.y !== null);
  }

  function band(series, known) {
    const reach = (sign) =>
      known.map((point) => point.y + sign * (point.error ?? 0));
    const x = known.map((point) => point.x);
    return {
      x: [...x, ...x.reverse()],
      y: [...reach(1), ...reach(-1).reverse()],
      mode: "lines",
      line: { width: 0 },
      fill: "toself",
      fillcolor: pick(series.colors),
      opacity: 0.2,
      hoverinfo: "skip",
    };
  }

  function bars(error, stroke) {
    return {
      type: "data",
      array: error.map((half) => half ?? 0),
      thickness: 1,
      width: 3,
      color: stroke,
      visible: error.some((half) => half !== null),
    };
  }

  function traces(panel, series) {
    const known = points(series);
    const stroke = pick(series.colors);
    const error = known.map((point) => point.error);
    const trace = {
      x: known.map((point) => point.x),
      y: known.map((point) => point.y),
      hoverinfo: "text",
      hovertext: known.map((point) => hover(panel, point, series)),
    };
    if (series.isPaper) {
      // On a bar of its own color a diamond would not be seen.
      const isOnBar = panel.kind === "bars";
      const edge = isOnBar ? pick(PAPER) : stroke;
      const fill = isOnBar ? color("--page") : "rgba(0,0,0,0)";
      const marker = { symbol: "diamond", size: 9, color: fill };
      marker.line = { width: 1.5, color: edge };
      const reach = bars(error, edge);
      return [{ ...trace, mode: "markers", marker, error_y: reach }];
    }
    if (panel.kind === "bars") {
      const marker = { color: stroke };
      marker.pattern = { shape: at(PATTERNS, series.number) };
      const width = panel.width * 0.92;
      const reach = bars(error, color("--text"));
      return [{ ...trace, type: "bar", marker, width, error_y: reach }];
    }
    const marker = { symbol: at(MARKERS, series.number), color: stroke };
    if (panel.kind === "points") {
      marker.size = 8;
      const reach = bars(error, stroke);
      return [{ ...trace, mode: "markers", marker, error_y: reach }];
    }
    marker.size = known.length < 12 ? 6 : 4;
    const names = panel.series.filter((other) => other.name === series.name);
    const line = { color: stroke, dash: at(DASHES, series.number) };
    line.width = names.length > 1 ? 1 : 2;
    const mode = known.length > 40 || names.length > 1 ? "lines" : "";
    const curve = { ...trace, mode: mode || "lines+markers", marker, line };
    const hasBand = error.some((half) => half);
    return hasBand ? [band(series, known), curve] : [curve];
  }

  function heat(panel, width) {
    const places = (words) => words.map((_, place) => place);
    const text = panel.texts.map((line, row) =>
      line.map((number, column) =>
        [
          `${escape(panel.xLabel)}: ${escape(panel.x[column])}`,
          `${escape(panel.yLabel)}: ${escape(panel.y[row])}`,
          `${escape(panel.unit)}: ${number || "—"}`,
        ].join("<br>"),
      ),
    );
    const trace = {
      type: "heatmap",
      x: places(panel.x),
      y: places(panel.y),
      z: panel.values,
      text: panel.texts,
      texttemplate: "%{text}",
      hoverinfo: "text",
      hovertext: text,
      colorscale: "Viridis",
      xgap: 1,
      ygap: 1,
      colorbar: {
        title: { text: wrap(panel.unit, 44), side: "right" },
        thickness: 12,
        outlinewidth: 0,
      },
    };
    const words = (names) => ({
      ...overWords(names, width),
      range: [-0.5, names.length - 0.5],
      ticks: "",
    });
    const yAxis = { ...words(panel.y), tickangle: 0 };
    yAxis.range = [panel.y.length - 0.5, -0.5];
    const shape = frame({
      xaxis: axis(panel.xLabel, words(panel.x)),
      yaxis: axis(panel.yLabel, yAxis),
      // An empty cell.
      plot_bgcolor: color("--grid"),
    });
    shape.height = Math.max(HEIGHT, 24 * panel.y.length + 90);
    return [[trace], shape];
  }

  function figure(panel, hidden, width) {
    if (panel.kind === "heat") return heat(panel, width - BAR);
    const found = panel.series.flatMap((series) =>
      traces(panel, series).map((trace) => ({
        ...trace,
        visible: !hidden.has(series.entry),
      })),
    );
    return [found, layout(panel, width)];
  }

  const NAMESPACE = "http://www.w3.org/2000/svg";

  function shape(tag, attributes) {
    const found = document.createElementNS(NAMESPACE, tag);
    for (const [name, value] of Object.entries(attributes)) {
      found.setAttribute(name, value);
    }
    return found;
  }

  function swatch(entry) {
    const svg = shape("svg", { width: 26, height: 12, "aria-hidden": true });
    const stroke = entry.isPaper ? pick(PAPER) : pick(entry.colors);
    const line = { stroke, fill: "none", "stroke-width": 2 };
    if (entry.isPaper) {
      svg.append(shape("path", { d: "M13 2l4 4-4 4-4-4z", ...line }));
      return svg;
    }
    if (entry.kind === "bars") {
      const bar = { x: 7, y: 0, width: 12, height: 12, fill: stroke };
      svg.append(shape("rect", bar));
      return svg;
    }
    const dashes = at(STROKES, entry.number);
    const drawn = { d: "M0 6h26", "stroke-dasharray": dashes, ...line };
    const marks = [
      "M16 6a3 3 0 1 1-6 0a3 3 0 1 1 6 0z",
      "M10 3h6v6h-6z",
      "M9 9h8l-4-7z",
      "M9 3h8l-4 7z",
      "M10 3l6 6m0-6l-6 6",
    ];
    const mark = { d: at(marks, entry.number), stroke, fill: stroke };
    if (entry.kind === "lines") svg.append(shape("path", drawn));
    svg.append(shape("path", mark));
    return svg;
  }

  function legend(entries, hidden, redraw) {
    const list = document.createElement("ul");
    list.className = "legend";
    entries.forEach((entry, number) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(swatch(entry), entry.name);
      button.setAttribute("aria-pressed", true);
      button.addEventListener("click", () => {
        if (!hidden.delete(number)) hidden.add(number);
        button.setAttribute("aria-pressed", !hidden.has(number));
        redraw();
      });
      dark.addEventListener("change", () =>
        button.firstChild.replaceWith(swatch(entry)),
      );
      const item = document.createElement("li");
      item.append(button);
      list.append(item);
    });
    return list;
  }

  function jobs(chart) {
    const data = JSON.parse(
      chart.querySelector("script[type='application/json']").textContent,
    );
    const hidden = new Set();
    const config = {
      displaylogo: false,
      displayModeBar: !coarse,
      modeBarButtons: [["toImage", "zoom2d", "pan2d", "resetScale2d"]],
      responsive: true,
      toImageButtonOptions: { filename: data.name, scale: 2 },
    };
    const plots = [...chart.querySelectorAll(".plot")];
    data.panels.forEach((panel, number) => {
      const count = (panel.words ?? panel.x).length;
      plots[number].style.minWidth = `${count * WORD}px`;
    });
    const draws = data.panels.map((panel, number) => () => {
      const width = plots[number].clientWidth;
      const [found, shape] = figure(panel, hidden, width);
      return Plotly.react(plots[number], found, shape, config);
    });
    const redraw = () => draws.forEach((draw) => draw());
    if (data.legend.length) {
      const panels = chart.querySelector(".panels");
      panels.before(legend(data.legend, hidden, redraw));
    }
    dark.addEventListener("change", redraw);
    return draws;
  }

  document.querySelectorAll("table").forEach(sortable);
  const waiting = [...document.querySelectorAll(".chart")].flatMap(jobs);

  // One after the other, so that the page can be read and scrolled meanwhile.
  function next() {
    const draw = waiting.shift();
    if (draw) draw().then(() => setTimeout(next));
    else document.documentElement.dataset.state = "drawn";
  }
  next();
})();
