// The dispatcher's board. The page works without this file: bars are links, moving is a dialog with a form.
//
// What it expects of the page:
//   .board[data-poll]            address of the live parts; answers 304 until something changed. Each part is an
//                                element with an id and replaces the one of the same id
//   #live                        the live state; data-late holds the words for "no answer"
//   a[data-select]               address of the inspector of the visit that the link selects: a.bar, a.line, a card's
//   a[data-steps]                a chip: the numbers of the visits that it steps through, the next one by its link
//   .lane[data-technician]       a technician's row: a list whose bars are a.bar or button.bar, each with an id
//   .bar, .visit-card            data-visit, data-move (the Move page), data-move-fragment (its part for #move);
//                                data-movable when it may be dragged
//   #timeline[data-map-routes]   the address of what the map [data-routes] shows beside it
//   .now-line, .now-label        data-now, the minute of the day when the page was made
//   #drop-form                   the same form as in the Move dialog #move: visit, technician, start (HH:MM)
//   [data-here]                  a technician's place for the initials of the others who are at the row
//   #optimise-more               leads to what is optimized; data-marked: its words while visits are marked
//   #toast                       what has just happened
import { startClock } from "./board/clock.js";
import { enableDragging, isDragging } from "./board/drag.js";
import { enableKeys, setTabStops } from "./board/keys.js";
import { enableMarks, showMarks } from "./board/marks.js";
import { startPolling } from "./board/poll.js";
import { showOthers, startPresence } from "./board/presence.js";
import { enableSelecting } from "./board/select.js";
import { enableSending } from "./board/send.js";
import { enableSteps } from "./board/steps.js";
import { fadeToast } from "./board/toast.js";

const board = document.querySelector(".board[data-poll]");

/** On a small screen the day is a list; without script the timeline's rows become one. */
function showAsList() {
  const address = new URL(location.href);
  address.searchParams.set("view", "list");
  location.replace(address);
}

/** The map draws what the timeline shows: the day, or what a plan would make of it. */
function showRoutes() {
  const map = board.querySelector("[data-routes]");
  if (!map) return;
  map.dataset.routes = document.getElementById("timeline")?.dataset.mapRoutes ?? map.dataset.routes;
  map.dispatchEvent(new CustomEvent("map:reload"));
}

if (board && board.dataset.view !== "list" && !matchMedia("(min-width: 1024px)").matches) {
  showAsList();
} else if (board) {
  enableKeys(board);
  enableMarks(board);
  enableSelecting(board);
  enableSteps(board);
  enableSending(document.getElementById("move"));
  enableDragging(board);
  startClock(board);
  fadeToast(document.getElementById("toast"));
  if (document.getElementById("drop-form")) startPresence();
  startPolling(board, {
    answered: (headers) => showOthers(headers.get("X-Presence")),
    mayReplace: () => !isDragging() && !document.querySelector("dialog[open], details.menu[open]"),
    replaced: () => {
      setTabStops(board);
      showMarks();
      showRoutes();
    },
  });
}
