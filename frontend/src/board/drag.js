// Dragging a visit onto a row: the left edge snaps to five minutes, and the drop sends the same form as the
// Move dialog. The server decides; a refused drop leaves the bar where it was.
import interact from "interactjs";
import { endPreview, leaveLane, previewDrop, startPreview } from "./preview.js";

const SNAP_MINUTES = 5;

let dragging = false;
let grabbedAt = 0; // pixels from the left edge of what is dragged to the pointer

export const isDragging = () => dragging;

/** Minute of the day under a page position, from the classes that place the timeline's edges. */
export function minuteAt(lane, clientX) {
  const { left, width } = lane.getBoundingClientRect();
  const style = getComputedStyle(lane.closest(".timeline"));
  const minutes = (name) => Number(style.getPropertyValue(`--${name}-h`)) + Number(style.getPropertyValue(`--${name}-m`));
  const minute = minutes("from") + ((clientX - left) / width) * minutes("span");
  return Math.round(minute / SNAP_MINUTES) * SNAP_MINUTES;
}

const clock = (minute) => [Math.floor(minute / 60), minute % 60].map((part) => String(part).padStart(2, "0")).join(":");

function send({ visit, instead }, technician, minute) {
  const form = document.getElementById("drop-form");
  form.elements.visit.value = visit;
  form.elements.technician.value = technician;
  form.elements.start.value = clock(minute);
  form.elements.instead.value = instead ?? "";
  form.requestSubmit();
}

// What is dragged is a copy above everything: the original sits in places that scroll and would cut it off.
let ghost = null;

function makeGhost(target) {
  const { left, top, width, height } = target.getBoundingClientRect();
  const copy = target.cloneNode(true);
  copy.removeAttribute("id");
  copy.setAttribute("aria-hidden", "true");
  copy.classList.remove("timed");
  copy.classList.add("drag-ghost");
  Object.assign(copy.style, { left: `${left}px`, top: `${top}px`, width: `${width}px`, height: `${height}px` });
  document.body.append(copy);
  return { copy, x: 0, y: 0 };
}

/** The browser makes a click of every release of the button; after a drag it must not open the visit. */
function refuseNextClick() {
  const refuse = (event) => event.preventDefault();
  window.addEventListener("click", refuse, { capture: true, once: true });
  setTimeout(() => window.removeEventListener("click", refuse, { capture: true }));
}

const moves = {
  start({ target, clientX }) {
    dragging = true;
    document.body.classList.add("dragging");
    getSelection()?.removeAllRanges();
    startPreview();
    grabbedAt = target.matches(".bar") ? clientX - target.getBoundingClientRect().left : 0;
    ghost = makeGhost(target);
    target.classList.add("dragged");
  },
  move({ dx, dy }) {
    ghost.x += dx;
    ghost.y += dy;
    ghost.copy.style.transform = `translate(${ghost.x}px, ${ghost.y}px)`;
  },
  end({ target }) {
    dragging = false;
    document.body.classList.remove("dragging");
    endPreview();
    refuseNextClick();
    ghost.copy.remove();
    target.classList.remove("dragged");
  },
};

export function enableDragging(board) {
  if (!matchMedia("(min-width: 1024px)").matches) return; // there the page is a list that a finger scrolls
  interact("[data-movable]", { context: board }).draggable({ ignoreFrom: "a.tool, button.tool", autoScroll: true, listeners: moves });
  interact(".lane", { context: board }).dropzone({
    accept: "[data-movable]",
    overlap: "pointer",
    ondragenter: ({ target }) => target.classList.add("drop-target"),
    ondropmove: ({ target: lane, relatedTarget, dragEvent }) => {
      const start = clock(minuteAt(lane, dragEvent.clientX - grabbedAt));
      previewDrop(relatedTarget.dataset, lane, start, dragEvent);
    },
    ondragleave: ({ target }) => {
      target.classList.remove("drop-target");
      leaveLane(target);
    },
    ondrop({ target: lane, relatedTarget, dragEvent }) {
      lane.classList.remove("drop-target");
      send(relatedTarget.dataset, lane.dataset.technician, minuteAt(lane, dragEvent.clientX - grabbedAt));
    },
  });
}
