// Chips step through what they count: a click, or N, selects the next match without loading the board again.
import { linkOf, select } from "./select.js";

const matchesOf = (chip) => chip.dataset.steps.split(",");

/** Selects the match after the one that is selected now. */
function step(chip) {
  const selected = new URLSearchParams(location.search).get("visit");
  const visits = matchesOf(chip).filter(linkOf);
  if (visits.length === 0) return;
  const visit = visits[(visits.indexOf(selected) + 1) % visits.length];
  const address = new URL(chip.href);
  address.searchParams.set("visit", visit);
  const list = document.querySelector(".board").dataset.view === "list";
  for (const other of document.querySelectorAll("[data-steps]")) {
    if (!list && other === chip) other.setAttribute("aria-current", "true");
    else if (!list) other.removeAttribute("aria-current");
  }
  const link = linkOf(visit);
  select(link, list ? link.href : address.href);
  link.scrollIntoView({ block: "nearest" });
  link.focus({ preventScroll: true });
}

/** The next problem: of the chip that was chosen last, else of the first that has any. */
export function nextProblem() {
  const chip = document.querySelector("[data-steps][aria-current]") ?? document.querySelector(".problem[data-steps]");
  if (chip) step(chip);
}

export function enableSteps(board) {
  if (board.dataset.view === "list") return; // there a chip filters
  board.addEventListener("click", (event) => {
    const chip = event.target.closest("a[data-steps]");
    if (!chip || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    step(chip);
  });
}
