"use strict";
(() => {
  const seconds = { ms: 0.001, s: 1, min: 60, h: 3600 };

  // Null for nothing, a number for what begins like one (times in seconds), else the text.
  function read(cell) {
    const text = cell.textContent.replace(/\s+/g, " ").trim();
    if (text === "" || text === "–") return null;
    const time = text.match(/^(<? ?)([\d,.]+) (ms|s|min|h)(?: (\d+) (s|min))?$/);
    if (time) {
      const rest = time[4] ? time[4] * seconds[time[5]] : 0;
      return (time[2].replaceAll(",", "") * seconds[time[3]] + rest) * (time[1] ? 0.99 : 1);
    }
    const found = text.match(/^([<>]?) ?([-+]?[\d,]*\.?\d+)/);
    if (!found) return text;
    return found[2].replaceAll(",", "") * ({ "<": 0.99, ">": 1.0001 }[found[1]] || 1);
  }

  function compare(a, b) {
    if (typeof a === "number" && typeof b === "number") return a - b;
    return String(a).localeCompare(String(b), "en", { numeric: true });
  }

  function sort(table, head, column) {
    const body = table.tBodies[0];
    const rows = [...body.rows].map((row) => [read(row.cells[column]), row]);
    const numeric = rows.some(([value]) => typeof value === "number");
    const before = head.getAttribute("aria-sort");
    const falling = before ? before === "ascending" : numeric;
    rows.sort(([a], [b]) => {
      if (a === null || b === null) return (a === null) - (b === null);
      return falling ? compare(b, a) : compare(a, b);
    });
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", falling ? "descending" : "ascending");
    body.append(...rows.map(([, row]) => row));
  }

  for (const table of document.querySelectorAll("table.sortable")) {
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      if (head.classList.contains("drawn")) return;
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      button.addEventListener("click", () => sort(table, head, column));
      head.append(button);
    });
  }

  const peek = document.createElement("div");
  peek.className = "peek";
  peek.setAttribute("role", "status");
  peek.hidden = true;
  document.body.append(peek);

  let shown = null;

  function hide() {
    shown = null;
    peek.hidden = true;
  }

  function show(cell, gallery) {
    shown = cell;
    peek.replaceChildren(gallery.cloneNode(true));
    peek.hidden = false;
    place(cell);
  }

  function place(cell) {
    const at = cell.getBoundingClientRect();
    const width = document.documentElement.clientWidth;
    const left = Math.min(at.left, width - peek.offsetWidth - 8);
    const below = at.bottom + 6;
    const fits = below + peek.offsetHeight < window.innerHeight;
    peek.style.left = `${Math.max(8, left)}px`;
    peek.style.top = `${fits ? below : Math.max(8, at.top - peek.offsetHeight - 6)}px`;
  }

  // One stop of the tab key a matrix; the arrow keys go from cell to cell.
  function move(event, cells, size) {
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -size, ArrowDown: size }[event.key];
    if (event.key === "Escape") hide();
    const from = cells.indexOf(event.currentTarget);
    const next = step && cells[from + step];
    if (!next || (Math.abs(step) === 1 && Math.floor(from / size) !== Math.floor((from + step) / size))) return;
    event.preventDefault();
    cells[from].tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  }

  for (const details of document.querySelectorAll("details.cells")) {
    const section = details.closest("section");
    const hint = document.createElement("p");
    hint.className = "quiet only-script";
    hint.textContent = "Point at a cell, tap it, or walk there with Tab and the arrow keys to see faces that fell into it.";
    details.before(hint);
    for (const matrix of section.querySelectorAll("svg.matrix")) {
      matrix.setAttribute("role", "group");
      const cells = [...matrix.querySelectorAll("[data-cell]")];
      cells.forEach((cell, i) => {
        const title = cell.querySelector("title");
        cell.setAttribute("role", "img");
        cell.setAttribute("aria-label", title.textContent);
        cell.tabIndex = i === 0 ? 0 : -1;
        cell.addEventListener("keydown", (event) => move(event, cells, Math.sqrt(cells.length)));
        const gallery = details.querySelector(`[data-cell="${cell.dataset.cell}"]`);
        cell.addEventListener("blur", hide);
        if (!gallery) {
          cell.addEventListener("focus", hide);
          return;
        }
        title.remove();
        cell.classList.add("has-faces");
        for (const name of ["pointerenter", "focus", "click"]) {
          cell.addEventListener(name, () => show(cell, gallery));
        }
        cell.addEventListener("pointerleave", (event) => {
          if (event.pointerType === "mouse") hide();
        });
      });
    }
  }
  document.addEventListener("pointerdown", (event) => {
    if (!event.target.closest(".has-faces")) hide();
  });
  window.addEventListener("scroll", () => shown && place(shown), { passive: true, capture: true });
})();
