// A click on a visit brings its inspector without loading the board again; its link works without script.

const SELECTED = ".bar.selected, .visit-card.selected, .visit-list tr.selected, a.line[aria-current]";

function mark(visit) {
  for (const old of document.querySelectorAll(SELECTED)) {
    old.classList.remove("selected");
    old.removeAttribute("aria-current");
  }
  for (const window of document.querySelectorAll("li.promise")) window.remove(); // of the visit before
  const bar = document.getElementById(`bar-${visit}`);
  bar?.classList.add("selected");
  bar?.setAttribute("aria-current", "true");
  document.getElementById(`line-link-${visit}`)?.setAttribute("aria-current", "true");
  for (const id of [`card-${visit}`, `line-${visit}`]) document.getElementById(id)?.classList.add("selected");
}

/** The link of a visit: its bar, its card or its line. */
export const linkOf = (visit) =>
  ["bar", "card-link", "line-link"].map((name) => document.getElementById(`${name}-${visit}`)).find(Boolean);

export async function select(link, href = link.href) {
  const answer = await fetch(link.dataset.select, { headers: { Accept: "text/html" } }).catch(() => null);
  if (!answer?.ok || answer.redirected) return location.assign(href);
  const template = document.createElement("template");
  template.innerHTML = await answer.text();
  document.getElementById("inspector").replaceWith(template.content);
  const inspector = document.getElementById("inspector");
  inspector.scrollIntoView({ block: "nearest" });
  document.getElementById("status").textContent = inspector.querySelector("h3, h2").textContent;
  mark(new URL(href).searchParams.get("visit"));
  history.pushState({}, "", href);
}

export function enableSelecting(board) {
  board.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-select]");
    if (!link || event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    select(link);
  });
  board.addEventListener("map:visit", ({ detail }) => linkOf(detail.visit)?.click());
  window.addEventListener("popstate", () => location.reload());
}
