// The page of the signature, when the checklist or photos of its visit wait on this phone: what was done is what they
// say, not what the server knew when it made the page.
import { element, icon, say } from "./words.js";

/** Shows what waits for the visit of this page. */
export function showWaiting(own) {
  const place = document.querySelector("[data-report]");
  if (!place) return;
  const waiting = own.filter((item) => item.state === "waiting" && item.said);
  const report = waiting.findLast((item) => item.said.action === place.dataset.report);
  const photos = waiting.filter((item) => item.kind === "photo" && item.said.action === place.dataset.photos);
  const shows = [report, ...photos].map((item) => item?.id).join();
  if (place.dataset.shows === shows || (!report && !photos.length)) return;
  place.dataset.shows = shows;
  const { items, parts, beside } = JSON.parse(place.dataset.names);
  const said = report && new Map(report.said.fields);
  if (said) place.replaceChildren(...lines(said, items, used(said, parts, beside)));
  for (const photo of photos) place.append(line("camera", photo.said.label));
  showMissing(place, items, said, photos);
}

/** How many of each part: what waits says it of this van, what came from others stays. */
function used(said, parts, beside) {
  const counts = new Map(beside);
  for (const part of parts) {
    const count = Number(said.get(part.field));
    if (count) counts.set(part.label, (counts.get(part.label) ?? 0) + count);
  }
  return counts;
}

function lines(said, items, counts) {
  const done = items.filter((item) => !item.photo && said.get(item.field));
  const notes = said.get("notes");
  return [
    ...done.map((item) => line("check-lg", `${item.label}: ${item.tick ? say("yes") : [item.options?.[said.get(item.field)] ?? said.get(item.field), item.unit].filter(Boolean).join(" ")}`)),
    ...[...counts].map(([part, count]) => line("tools", `${count} × ${part}`)),
    ...(notes ? [line("chat-left-text", notes)] : []),
  ];
}

const line = (name, text) => element("li", "", icon(name), element("span", "", text));

/** What is required and neither on the server nor on this phone. */
function showMissing(place, items, said, photos) {
  const taken = new Set(photos.map((photo) => new Map(photo.said.fields).get("item")));
  const missing = items.filter((item) => {
    if (!item.required) return false;
    if (item.photo) return item.missing && !taken.has(item.key);
    return said ? !said.get(item.field) : item.missing;
  });
  const note = document.querySelector("[data-missing]");
  note.hidden = !missing.length;
  note.querySelector("div").textContent = note.dataset.missing.replace("{items}", missing.map((item) => item.label).join(", "));
}
