// Keyboard: one tab stop per technician, arrows between visits, M for the Move dialog.
import { openDialog } from "../dialog.js";

const barsOf = (lane) => [...lane.querySelectorAll(".bar")];

/** Leaves one tab stop per lane: the bar that has or had the focus, else the first. */
export function setTabStops(board) {
  for (const lane of board.querySelectorAll(".lane")) {
    const bars = barsOf(lane);
    const stop = bars.find((bar) => bar === document.activeElement) ?? bars[0];
    for (const bar of bars) bar.tabIndex = bar === stop ? 0 : -1;
  }
}

function nearestIn(lane, bar) {
  const left = bar.getBoundingClientRect().left;
  const distance = (other) => Math.abs(other.getBoundingClientRect().left - left);
  return barsOf(lane).sort((one, other) => distance(one) - distance(other))[0];
}

/** The nearest bar of the next lane that has one, up (-1) or down (1). */
function inOtherLane(board, bar, direction) {
  const lanes = [...board.querySelectorAll(".lane")];
  let at = lanes.indexOf(bar.closest(".lane")) + direction;
  while (lanes[at] && barsOf(lanes[at]).length === 0) at += direction;
  return lanes[at] && nearestIn(lanes[at], bar);
}

function neighbour(board, bar, key) {
  const bars = barsOf(bar.closest(".lane"));
  const at = bars.indexOf(bar);
  switch (key) {
    case "ArrowRight": return bars[at + 1];
    case "ArrowLeft": return bars[at - 1];
    case "ArrowDown": return inOtherLane(board, bar, 1);
    case "ArrowUp": return inOtherLane(board, bar, -1);
    case "Home": return bars[0];
    case "End": return bars.at(-1);
    default: return undefined;
  }
}

function openMove(element) {
  const dialog = document.getElementById("move");
  const { move, moveFragment } = element.dataset;
  if (dialog && moveFragment) openDialog(dialog, { href: move, fragment: moveFragment });
  else location.assign(move);
}

export function enableKeys(board) {
  setTabStops(board);
  board.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const item = event.target.closest(".bar, .visit-card");
    if (!item) return;
    if (event.key.toLowerCase() === "m" && item.dataset.move) {
      event.preventDefault();
      openMove(item);
      return;
    }
    const next = item.matches(".bar") && neighbour(board, item, event.key);
    if (!next) return;
    event.preventDefault();
    next.tabIndex = 0;
    next.focus();
    for (const bar of barsOf(next.closest(".lane"))) bar.tabIndex = bar === next ? 0 : -1;
    next.scrollIntoView({ block: "nearest", inline: "nearest" });
  });
}
