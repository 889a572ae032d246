// The technician's phone: "On my way" opens the directions as well, once an application was chosen; and what can be
// taken back for some seconds goes away after them.

import "./closing.js";
import "./scan.js";

window.addEventListener("submit", (event) => {
  const way = event.target.dataset?.directions;
  // in the tap itself, or the browser takes it for a pop-up that nobody asked for
  if (way) window.open(way, "_blank", "noopener");
}, true); // before the outbox takes the form over

for (const passing of document.querySelectorAll("[data-seconds]")) {
  setTimeout(() => passing.remove(), Number(passing.dataset.seconds) * 1000);
}
