// A click on a visit brings its inspector without loading the board again; its link works without script.

const SELECTED = ".bar.selected, .visit-card.selected";

function mark(visit) {
  for (const old of document.querySelectorAll(SELECTED)) {
    old.classList.remove("selected");
    old.removeAttribute("aria-current");
  }
  const bar = document.getElementById(`bar-${visit}`);
  bar?.classList.add("selected");
  bar?.setAttribute("aria-current", "true");
  document.getElementById(`card-${visit}`)?.classList.add("selected");
}

async function select(link) {
  const answer = await fetch(link.dataset.select, { headers: { Accept: "text/html" } }).catch(() => null);
  if (!answer?.ok || answer.redirected) return location.assign(link.href);
  const template = document.createElement("template");
  template.innerHTML = await answer.text();
  document.getElementById("inspector").replaceWith(template.content);
  const inspector = document.getElementById("inspector");
  inspector.scrollIntoView({ block: "nearest" });
  document.getElementById("status").textContent = inspector.querySelector("h3, h2").textContent;
  mark(new URL(link.href).searchParams.get("visit"));
  history.pushState({}, "", link.href);
}

export function enableSelecting(board) {
  board.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-select]");
    if (!link || event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    select(link);
  });
  board.addEventListener("map:visit", ({ detail }) => document.getElementById(`bar-${detail.visit}`)?.click());
  window.addEventListener("popstate", () => location.reload());
}
