// Visits that are marked to be optimized together: X on a visit, a click with Control, or its tick in the list.
// The menu leads on with them.

const marked = new Set();

/** Shows the marks, also on parts that the poll has replaced, and tells the menu. */
export function showMarks() {
  for (const item of document.querySelectorAll(".bar, .visit-card")) {
    item.classList.toggle("marked", marked.has(item.dataset.visit));
  }
  for (const box of document.querySelectorAll("[data-mark]")) box.checked = marked.has(box.value);
  const link = document.getElementById("optimise-more");
  if (!link) return;
  const address = new URL(link.href);
  if (marked.size) address.searchParams.set("visits", [...marked].join(","));
  else address.searchParams.delete("visits");
  link.href = address.href;
  const words = link.querySelector("span");
  link.dataset.plain ??= words.textContent;
  const text = marked.size ? `${link.dataset.marked} (${marked.size})` : link.dataset.plain;
  if (words.textContent !== text) words.textContent = text;
}

export function toggleMark(item) {
  const { visit } = item.dataset;
  if (!marked.delete(visit)) marked.add(visit);
  showMarks();
  const status = document.getElementById("status");
  if (status) status.textContent = `${item.querySelector("b, h3")?.textContent ?? ""}: ${marked.size}`;
}

export function enableMarks(board) {
  for (const box of document.querySelectorAll("[data-mark]:checked")) marked.add(box.value); // kept by the browser
  board.addEventListener("change", ({ target }) => {
    if (!target.matches("[data-mark]")) return;
    if (target.checked) marked.add(target.value);
    else marked.delete(target.value);
    showMarks();
  });
  board.addEventListener("click", (event) => {
    const item = event.target.closest(".bar[data-movable], .visit-card[data-movable]");
    if (!item || !(event.ctrlKey || event.metaKey) || event.target.closest("a.tool")) return;
    event.preventDefault();
    toggleMark(item);
  });
}
