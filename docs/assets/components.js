/* Filters and sorts the table of components. The filter stands in the address, so that it can be sent on. */
"use strict";

(() => {
  const form = document.getElementById("zoo-filter");
  const table = document.getElementById("zoo-browse");
  if (!form || !table) return;

  const body = table.tBodies[0];
  const rows = [...body.rows].map((row, order) => ({
    row,
    order,
    text: row.textContent.toLowerCase(),
    name: row.cells[0].textContent.toLowerCase(),
    parameters: Number(row.dataset.parameters || -1),
  }));
  const choices = [...form.elements].filter((field) => field.tagName === "SELECT");

  function read() {
    const given = new URLSearchParams(window.location.search);
    form.elements.q.value = given.get("q") ?? "";
    for (const field of choices) {
      const value = given.get(field.name) ?? "";
      field.value = [...field.options].some((option) => option.value === value) ? value : "";
    }
  }

  function remember() {
    const given = new URLSearchParams();
    for (const field of [form.elements.q, ...choices]) if (field.value) given.set(field.name, field.value);
    const query = given.toString();
    const address = window.location.pathname + (query ? `?${query}` : "") + window.location.hash;
    try {
      window.history.replaceState(null, "", address);
    } catch {
      // A page that was opened as a file may not change its address in every browser.
    }
  }

  function filter() {
    const words = form.elements.q.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const { row, text } of rows) {
      const fits =
        words.every((word) => text.includes(word)) &&
        choices.every((field) => !field.value || row.dataset[field.name] === field.value);
      row.hidden = !fits;
      if (fits) shown += 1;
    }
    document.getElementById("zoo-count").textContent = `${shown} of ${rows.length}`;
    document.getElementById("zoo-none").hidden = shown > 0;
  }

  function sortable(heading, key, compare) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = heading.textContent;
    heading.replaceChildren(button);
    button.addEventListener("click", () => {
      const next = { none: "ascending", ascending: "descending", descending: "none" };
      const direction = next[heading.getAttribute("aria-sort") ?? "none"];
      for (const other of heading.parentNode.cells) other.removeAttribute("aria-sort");
      if (direction !== "none") heading.setAttribute("aria-sort", direction);
      const sign = { none: 0, ascending: 1, descending: -1 }[direction];
      rows.sort((a, b) => sign * compare(a[key], b[key]) || a.order - b.order);
      body.append(...rows.map(({ row }) => row));
    });
  }

  const headings = table.tHead.rows[0].cells;
  sortable(headings[0], "name", (a, b) => a.localeCompare(b));
  sortable(headings[3], "parameters", (a, b) => a - b);

  form.addEventListener("input", () => {
    filter();
    remember();
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => {
    // The fields are emptied after this event.
    window.setTimeout(() => {
      filter();
      remember();
    });
  });
  window.addEventListener("pageshow", () => {
    read();
    filter();
  });

  form.hidden = false;
  read();
  filter();
})();
