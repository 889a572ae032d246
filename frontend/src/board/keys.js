// Keyboard: one tab stop per technician, arrows between visits, letters for what is done most.
//
// data-key="o" marks what a letter presses; "undo" and "redo" are pressed by Control or Command and Z.
import { openDialog } from "../dialog.js";
import { toggleMark } from "./marks.js";
import { linkOf, select } from "./select.js";
import { nextProblem } from "./steps.js";

const KEYS = ["m", "p", "u", "n", "x", "a", "r", "o", "y", "t", "l", "h", "w", "/", "?"];
const LETTERS = "board-letters"; // in the browser: whether single letters do something

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

/** Selects the visit that has the focus if it is not selected yet, then presses what the inspector offers. */
async function press(item, key) {
  const { visit } = item?.dataset ?? {};
  if (visit && visit !== new URLSearchParams(location.search).get("visit")) await select(linkOf(visit));
  document.querySelector(`#inspector [data-key="${key}"]`)?.click();
}

/** Accepts (A) or leaves out (R) the change of a proposal that has the focus, else the first that waits. */
function decide(key) {
  const change = document.activeElement?.closest("#inspector .changes li") ?? document.getElementById("inspector");
  change.querySelector(`[data-key="${key}"]`)?.click();
}

function moveFocus(event, next) {
  event.preventDefault();
  next.tabIndex = 0;
  next.focus();
  for (const other of barsOf(next.closest(".lane"))) other.tabIndex = other === next ? 0 : -1;
  next.scrollIntoView({ block: "nearest", inline: "nearest" });
}

/** Letters: those of the focused or selected visit, then whatever on the page carries data-key. */
function pressLetter(key, item) {
  if (key === "n") return nextProblem();
  if (key === "a" || key === "r") return decide(key);
  if (key === "x" && item?.matches("a.line")) return item.closest("tr").querySelector("[data-mark]")?.click();
  if (key === "x") return item?.dataset.movable === undefined ? undefined : toggleMark(item);
  if (key === "m" && item?.dataset.move) return openMove(item);
  if (["m", "p", "u"].includes(key)) return press(item, key);
  const found = document.querySelector(`.board [data-key="${key}"]`);
  if (found?.matches("input")) found.focus();
  else found?.click();
  return undefined;
}

const typing = (target) => target.closest?.("input, select, textarea, [contenteditable], dialog");

export function enableKeys(board) {
  setTabStops(board);
  board.querySelector('[data-key="?"]')?.removeAttribute("hidden");
  const letters = document.querySelector("[data-letters]");
  if (letters) {
    letters.checked = localStorage.getItem(LETTERS) !== "off";
    letters.addEventListener("change", () => localStorage.setItem(LETTERS, letters.checked ? "on" : "off"));
  }
  document.addEventListener("keydown", (event) => {
    if (event.altKey || typing(event.target) || document.querySelector("dialog[open]")) return;
    const key = event.key.toLowerCase();
    if (event.ctrlKey || event.metaKey) {
      const action = key === "z" ? (event.shiftKey ? "redo" : "undo") : key === "y" ? "redo" : "";
      const button = action ? board.querySelector(`[data-key="${action}"]`) : null;
      if (button) event.preventDefault();
      button?.click();
      return;
    }
    const item = event.target.closest(".bar, .visit-card, a.line");
    const next = item?.matches(".bar") && neighbour(board, item, event.key);
    if (next) moveFocus(event, next);
    else if (KEYS.includes(key) && localStorage.getItem(LETTERS) !== "off") {
      event.preventDefault();
      pressLetter(key, item);
    }
  });
}
