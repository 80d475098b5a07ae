// Sorting and choosing; without it the pages show all tables, sorted by CC.
const tables = [...document.querySelectorAll("table.sortable")];
const status = document.getElementById("status");
const only = document.getElementById("only");
const choices = [...document.querySelectorAll("input[name=set]")];
let column = 1;
let reversed = false;

function value(row, name) {
  const found = row.cells[name].dataset.value;
  return found === undefined ? null : Number.isNaN(+found) ? found : +found;
}

function compare(a, b, sign) {
  const [x, y] = [value(a, column), value(b, column)];
  // What has no value stands below, whichever way.
  if (x === null || y === null) return (x === null) - (y === null);
  return sign * (typeof x === "string" ? x.localeCompare(y) : x - y);
}

function update() {
  for (const table of tables) {
    const head = table.tHead.rows[0].cells;
    const upward = (head[column].dataset.better === "lower") !== reversed;
    const body = table.tBodies[0];
    const rows = [...body.rows].sort((a, b) => compare(a, b, upward ? 1 : -1));
    body.append(...rows);
    for (const row of rows) {
      const alike = row.cells[column].classList.contains("alike");
      row.hidden = Boolean(only?.checked) && !alike;
    }
    for (const cell of head) cell.removeAttribute("aria-sort");
    head[column].setAttribute("aria-sort", upward ? "ascending" : "descending");
  }
  const chosen = choices.find((choice) => choice.checked)?.value;
  for (const section of document.querySelectorAll("section[data-set]")) {
    section.hidden = chosen !== undefined && section.dataset.set !== chosen;
  }
  const shown = tables.find((table) => !table.closest("[hidden]"));
  const name = shown.tHead.rows[0].cells[column].dataset.name;
  const upward = shown.querySelector("[aria-sort=ascending]");
  const order = upward ? "from the lowest" : "from the highest";
  const count = [...shown.tBodies[0].rows].filter((row) => !row.hidden).length;
  status.textContent = `${chosen ? `${chosen}: ` : ""}${count} rows by ${name}, ${order}.`;
}

for (const table of tables) {
  for (const [i, cell] of [...table.tHead.rows[0].cells].entries()) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...cell.childNodes);
    button.addEventListener("click", () => {
      reversed = column === i && !reversed;
      column = i;
      update();
    });
    cell.append(button);
  }
}
for (const input of document.querySelectorAll("#controls input")) {
  input.addEventListener("change", update);
}
document.getElementById("controls").hidden = false;
update();
