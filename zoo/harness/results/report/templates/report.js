"use strict";

// Sorting: a heading's first click puts the best first, the next turns it round. Empty cells stay last.
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  const body = table.tBodies[0];
  heads.forEach((head, column) => head.querySelector("button").addEventListener("click", () => {
    const now = head.getAttribute("aria-sort");
    const turned = now === "ascending" ? "descending" : "ascending";
    const order = now ? turned : head.dataset.first;
    const sign = order === "ascending" ? 1 : -1;
    const numeric = head.classList.contains("number");
    const key = (row) => row.cells[column].dataset.sort;
    const rows = [...body.rows].sort((a, b) => {
      const [x, y] = [key(a), key(b)];
      if (x === "" || y === "") return (x === "") - (y === "");
      return sign * (numeric ? x - y : x.localeCompare(y, "en", {numeric: true}));
    });
    heads.forEach((other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", order);
    body.append(...rows);
  }));
}

// One figure of several.
for (const select of document.querySelectorAll("select.choose")) {
  const show = () => {
    for (const figure of document.querySelectorAll(`[data-figure="${select.dataset.figures}"]`))
      figure.hidden = figure.dataset.index !== select.value;
  };
  select.addEventListener("change", show);
  show();
}

// One model drawn before all others, in every plot.
{
  const selects = [...document.querySelectorAll("select.highlight")];
  for (const select of selects) select.addEventListener("change", () => {
    for (const other of selects) other.value = select.value;
    for (const series of document.querySelectorAll(".series")) {
      series.classList.toggle("chosen", series.dataset.model === select.value);
      if (series.dataset.model === select.value) series.parentNode.append(series);
    }
  });
}
