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

// Models in colour: a chip takes the first colour that is free, and gives it back.
{
  const COLOURS = 8;
  const chips = [...document.querySelectorAll(".chip")];
  const colourOf = (element) => [...element.classList].find((name) => /^c\d$/.test(name));
  const legend = document.querySelector(".chosen");
  const tell = () => legend.replaceChildren(...chips.filter(colourOf).map((chip) => {
    const name = document.createElement("span");
    name.className = colourOf(chip);
    name.textContent = chip.textContent;
    return name;
  }));
  for (const chip of chips) {
    chip.addEventListener("click", () => {
      const old = colourOf(chip);
      const taken = new Set(chips.map(colourOf));
      const free = [...Array(COLOURS).keys()].map((k) => `c${k}`).find((name) => !taken.has(name));
      if (!old && !free) return;
      for (const element of document.querySelectorAll(`.chip[data-model="${chip.dataset.model}"], .series[data-model="${chip.dataset.model}"]`)) {
        element.classList.toggle(old || free, !old);
        if (!old && element.closest("svg")) element.parentNode.append(element);
      }
      chip.setAttribute("aria-pressed", String(!old));
      tell();
    });
  }
  tell();
}
