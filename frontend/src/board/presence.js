// Who else is at which row. What one looks at is sent when it changes and as a sign of life; what the others do
// comes with every answer of the poll, also with one that says that nothing changed.
import { isDragging } from "./drag.js";

const ALIVE_MS = 8000; // the server forgets a row after 20 s
const LOOK_MS = 700;

let sent = "";
let sentAt = 0;

/** The technician's row that is looked at: of the dragged, focused or selected visit. */
function present() {
  const bar = document.querySelector(".bar.dragged") ?? document.activeElement?.closest?.(".bar") ?? document.querySelector(".bar.selected");
  const technician = bar?.closest(".lane")?.dataset.technician ?? "";
  const editing = technician && (isDragging() || document.querySelector("#move[open]")) ? "yes" : "";
  return { technician, editing };
}

function send({ technician, editing }) {
  const form = document.getElementById("drop-form");
  const body = new FormData();
  body.set("csrf_token", form.elements.csrf_token.value);
  body.set("technician", technician);
  body.set("editing", editing);
  return fetch(form.dataset.presence, { method: "POST", body, keepalive: true }).catch(() => {});
}

function look() {
  if (document.hidden) return;
  const place = present();
  const text = JSON.stringify(place);
  const due = place.technician && Date.now() - sentAt > ALIVE_MS;
  if (text === sent || (sent === "" && !place.technician)) {
    if (!due) return;
  }
  sent = text;
  sentAt = Date.now();
  send(place);
}

/** Shows the others as the poll's header tells them: [technician, initials, words]. */
export function showOthers(header) {
  const others = JSON.parse(header || "[]");
  for (const place of document.querySelectorAll("[data-here]")) {
    const marks = others.filter(([technician]) => String(technician) === place.dataset.here);
    place.replaceChildren(...marks.map(([, initials, words]) => {
      const mark = document.createElement("span");
      mark.className = "here-mark";
      mark.title = words;
      const spoken = document.createElement("span");
      spoken.className = "visually-hidden";
      spoken.textContent = `: ${words}`;
      mark.append(initials, spoken);
      return mark;
    }));
  }
}

export function startPresence() {
  setInterval(look, LOOK_MS);
  window.addEventListener("pagehide", () => sent && send({ technician: "", editing: "" }));
}
