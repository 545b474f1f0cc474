/* Charts that answer. Without this script every chart, limit, episode and number of the page is there all the same; with it a
   pointer, a finger or the arrow keys read the values, a cursor shows the same step in all charts, and a drag across a chart
   enlarges these steps in all charts of its axis. Numbers come from attributes (rldk_tui/charts/readings.py); only text is written. */
"use strict";
(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const AIR = 3; // user units beside the inner box where the end of a line and a mark at the edge are still seen
  const NEAR = 4; // pixels below which a drag is a click
  const charts = [...document.querySelectorAll("svg.chart[data-axis]")].map(read).filter(Boolean);
  if (!charts.length) return;
  const readout = put(document.body, "div", { class: "readout", hidden: "", "aria-hidden": "true" });
  const whole = put(document.body, "button", { class: "whole", type: "button", hidden: "" });
  let drag = null;

  function set(element, attributes) {
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    return element;
  }

  function put(parent, name, attributes = {}) {
    const made = parent instanceof SVGElement ? document.createElementNS(SVG, name) : document.createElement(name);
    return parent.appendChild(set(made, attributes));
  }

  // What the attributes say
  function read(svg) {
    const series = [...svg.querySelectorAll("path[data-steps]")].map(line).filter((one) => one.steps.length);
    if (!series.length) return null;
    const [left, top, right, bottom] = svg.dataset.box.split(" ").map(Number);
    const [axis, scale] = [svg.dataset.axis, svg.dataset.scale].map((text) => text.split(" ").map(Number));
    const { width, height } = svg.viewBox.baseVal;
    // What is drawn along the steps moves into a picture of its own, of which a part can be shown.
    const course = svg.querySelector(".course");
    const marks = [...course.querySelectorAll(".dot, .none, .not-finite")].map((mark) => {
      const box = mark.getBBox();
      return { mark, x: box.x + box.width / 2 };
    });
    const plot = put(svg, "svg", { x: left - AIR, width: right - left + 2 * AIR, height, preserveAspectRatio: "none" });
    course.replaceWith(plot);
    plot.append(course);
    const chosen = put(svg, "rect", { class: "chosen", y: top, height: bottom - top });
    const cursor = put(svg, "g", { class: "cursor", visibility: "hidden" });
    const hair = put(cursor, "path");
    const points = series.map((one) => put(cursor, "circle", { r: 3, fill: one.colour }));
    const value = put(cursor, "text", { y: top + 8 });
    return { svg, left, top, right, bottom, width, height, axis, scale, shown: axis, unit: svg.dataset.unit ? ` ${svg.dataset.unit}` : "",
      along: svg.dataset.along ?? "step", series, steps: [...new Set(series.flatMap((one) => one.steps))].sort((a, b) => a - b),
      plot, marks, chosen, cursor, hair, points, value };
  }

  function line(path) {
    let step = 0;
    const [gaps, texts, around, odd] = ["steps", "values", "around", "odd"].map((name) => path.dataset[name]?.match(/\S+/g) ?? []);
    const values = texts.map((text) => Number(text.replaceAll(",", "").replace("−", "-"))); // NaN for what is no number
    const steps = gaps.map((gap) => (step += Number(gap)));
    return { steps, texts, values, around, odd, name: path.dataset.name ?? "", colour: getComputedStyle(path).stroke };
  }

  function nearest(steps, step) {
    const next = steps.findIndex((one) => one >= step);
    if (next < 1) return next < 0 ? steps.length - 1 : 0;
    return step - steps[next - 1] <= steps[next] - step ? next - 1 : next;
  }

  // What is told of a step
  const grouped = (step) => Math.round(step).toLocaleString("en-US");

  function told({ unit, along }, one, step) {
    const at = nearest(one.steps, step);
    const elsewhere = one.steps[at] === step ? "" : ` (${along} ${grouped(one.steps[at])})`;
    if (!one.around.length) return `${one.texts[at]}${unit}${elsewhere}`;
    const odd = Number(one.odd[at]) ? `, ${one.odd[at]} not finite` : "";
    return `median ${one.texts[at]}${unit}, ${one.around[2 * at]} … ${one.around[2 * at + 1]}${odd}${elsewhere}`;
  }

  // The cursor
  const x = (chart, step) => chart.left + ((step - chart.shown[0]) / (chart.shown[1] - chart.shown[0])) * (chart.right - chart.left);
  const y = (chart, value) => chart.bottom - ((value - chart.scale[0]) / (chart.scale[1] - chart.scale[0])) * (chart.bottom - chart.top);
  const sees = (chart, step) => step >= chart.shown[0] && step <= chart.shown[1];

  function stepAt(chart, event) {
    const box = chart.svg.getBoundingClientRect();
    const share = (((event.clientX - box.left) / box.width) * chart.width - chart.left) / (chart.right - chart.left);
    return chart.shown[0] + Math.min(1, Math.max(0, share)) * (chart.shown[1] - chart.shown[0]);
  }

  function point(chart, wanted) {
    const seen = chart.steps.filter((step) => sees(chart, step));
    if (!seen.length) return;
    const step = (chart.at = seen[nearest(seen, wanted)]);
    for (const other of charts) mark(other, step, other !== chart);
    const rows = chart.series.map((one) => [one, (one.name && `${one.name}: `) + told(chart, one, step)]);
    readout.replaceChildren();
    const heading = `${chart.series[0].around.length ? "around " : ""}${chart.along} ${grouped(step)}`;
    put(readout, "strong").textContent = heading;
    for (const [one, text] of rows) {
      const row = put(readout, "span");
      if (one.name) put(row, "i").style.background = one.colour;
      row.append(text);
    }
    readout.hidden = false;
    const box = chart.svg.getBoundingClientRect();
    const middle = box.left + (x(chart, step) / chart.width) * box.width - readout.offsetWidth / 2;
    const most = document.documentElement.clientWidth - readout.offsetWidth - 4;
    readout.style.left = `${scrollX + Math.max(4, Math.min(most, middle))}px`;
    readout.style.top = `${scrollY + box.top - readout.offsetHeight - 2}px`;
    set(chart.svg, { "aria-valuenow": step, "aria-valuetext": `${heading}: ${rows.map(([, text]) => text).join("; ")}` });
  }

  function mark(chart, step, linked) {
    set(chart.cursor, { visibility: sees(chart, step) ? "visible" : "hidden" });
    const here = x(chart, step);
    const ats = chart.series.map((one) => nearest(one.steps, step));
    set(chart.hair, { d: `M${here} ${chart.top}V${chart.bottom}` });
    chart.series.forEach((one, index) => {
      const [at, value] = [one.steps[ats[index]], one.values[ats[index]]];
      const seen = Number.isFinite(value) && sees(chart, at); // what was no number has no place
      set(chart.points[index], seen ? { cx: x(chart, at), cy: y(chart, value), r: 3 } : { r: 0 });
    });
    const [{ steps, texts }] = chart.series;
    const gap = (steps.at(-1) - steps[0]) / Math.max(1, steps.length - 1); // farther away than that it says nothing of this step
    const told = linked && chart.series.length === 1 && Math.abs(steps[ats[0]] - step) <= gap;
    chart.value.textContent = told ? texts[ats[0]] : "";
    const left = here > (chart.left + chart.right) / 2;
    set(chart.value, { x: left ? here - 4 : here + 4, "text-anchor": left ? "end" : "start" });
  }

  function away() {
    readout.hidden = true;
    for (const chart of charts) set(chart.cursor, { visibility: "hidden" });
  }

  // Enlarging
  function show(chart, from, to) {
    const [first, last] = chart.axis;
    const width = Math.max((last - first) / 200, to - from, Math.min(2, last - first));
    if (width >= last - first) return showAll();
    const start = Math.min(last - width, Math.max(first, (from + to - width) / 2)); // as wide as asked, inside the axis
    for (const other of charts) if (other.svg.dataset.axis === chart.svg.dataset.axis) frame(other, start, start + width);
    whole.textContent = `${chart.along}s ${grouped(start)} to ${grouped(start + width)} · show all (Esc)`;
    whole.hidden = false;
    away();
  }

  function frame(chart, from, to) {
    const times = (chart.axis[1] - chart.axis[0]) / (to - from);
    const start = chart.left + ((from - chart.axis[0]) / (chart.axis[1] - chart.axis[0])) * (chart.right - chart.left);
    chart.shown = [from, to];
    set(chart.plot, { viewBox: `${start - AIR / times} 0 ${(chart.right - chart.left + 2 * AIR) / times} ${chart.height}` });
    for (const { mark, x } of chart.marks) set(mark, { transform: `translate(${x}) scale(${1 / times} 1) translate(${-x})` });
    for (const [index, tick] of chart.svg.querySelectorAll(".first, .last").entries()) tick.textContent = grouped(chart.shown[index]);
  }

  function showAll() {
    for (const chart of charts) frame(chart, ...chart.axis);
    whole.hidden = true;
    away();
  }

  function closer(chart, step, factor) {
    show(chart, step - (step - chart.shown[0]) * factor, step + (chart.shown[1] - step) * factor);
    point(chart, step);
  }

  // Hands
  function dragged(event) {
    const [from, to] = [drag.from, stepAt(drag.chart, event)].sort((a, b) => a - b);
    drag.far ||= Math.abs(event.clientX - drag.x) > NEAR;
    if (drag.far) set(drag.chart.chosen, { x: x(drag.chart, from), width: x(drag.chart, to) - x(drag.chart, from) });
    return [from, to];
  }

  function drop() {
    if (drag) set(drag.chart.chosen, { width: 0 });
    drag = null;
  }

  function pressed(chart, event) {
    const { steps, shown, at = shown[1] } = chart;
    const along = (by) => point(chart, steps[Math.min(steps.length - 1, Math.max(0, nearest(steps, at) + by * (event.shiftKey ? 10 : 1)))]);
    const beside = (by) => charts[charts.indexOf(chart) + by]?.svg.focus();
    const deeds = { ArrowLeft: () => along(-1), ArrowRight: () => along(1), ArrowUp: () => beside(-1), ArrowDown: () => beside(1),
      Home: () => point(chart, shown[0]), End: () => point(chart, shown[1]),
      "+": () => closer(chart, at, 0.5), "-": () => closer(chart, at, 2) };
    if (event.ctrlKey || event.metaKey || event.altKey || !deeds[event.key]) return;
    event.preventDefault();
    deeds[event.key]();
  }

  for (const chart of charts) {
    const { svg } = chart;
    const on = (name, deed, options) => svg.addEventListener(name, deed, options);
    const first = charts.find((other) => other.svg.closest("section") === svg.closest("section")) === chart;
    const [low, high] = chart.axis; // one stop a section for the Tab key; the arrow keys lead to the others
    set(svg, { role: "slider", tabindex: first ? 0 : -1, "aria-valuemin": low, "aria-valuemax": high, "aria-valuenow": high });
    on("pointerdown", (event) => {
      if (event.button || !event.isPrimary) return;
      drag = { chart, from: stepAt(chart, event), x: event.clientX, far: false };
      svg.setPointerCapture(event.pointerId);
      point(chart, drag.from);
    });
    on("pointermove", (event) => {
      if (drag) dragged(event);
      point(chart, stepAt(chart, event));
    });
    on("pointerup", (event) => {
      if (drag && dragged(event) && drag.far) show(chart, ...dragged(event));
      drop();
    });
    on("pointercancel", () => (drop(), away())); // a finger that turned out to scroll
    on("pointerleave", (event) => event.pointerType === "mouse" && !drag && away());
    on("dblclick", showAll);
    on("wheel", (event) => {
      if (!event.ctrlKey) return; // that is for the page to scroll
      event.preventDefault();
      closer(chart, stepAt(chart, event), event.deltaY < 0 ? 0.8 : 1.25);
    }, { passive: false });
    on("focus", () => svg.matches(":focus-visible") && point(chart, chart.at ?? chart.shown[1]));
    on("blur", away);
    on("keydown", (event) => pressed(chart, event));
    frame(chart, low, high);
  }
  whole.addEventListener("click", showAll);
  addEventListener("keydown", (event) => event.key === "Escape" && (drop(), showAll()));
  addEventListener("beforeprint", showAll);
  for (const hint of document.querySelectorAll(".answers")) hint.hidden = false;
})();
