// The chip in the header that says whether everything is sent, the sheet behind it with each item, and the marks at forms.
import { actionOf, fileOf } from "./outbox.js";
import { age, clock, element, icon, say, size } from "./words.js";

const OLD_MS = 4 * 3_600_000;

/** `state`: { own, others, known, offline }. */
export function showChip({ own, offline }) {
  const chip = document.querySelector("[data-chip]");
  if (!chip) return;
  const unsent = own.filter((item) => item.state !== "with office");
  const refused = unsent.some((item) => item.state === "refused" && item.closed);
  const old = unsent.some((item) => Date.now() - item.tapped.at > OLD_MS);
  const [name, text] = refused ? ["exclamation-triangle-fill", say("refusedCount", { count: unsent.length })]
    : unsent.length ? [offline ? "wifi-off" : "cloud-arrow-up", say("saved", { count: unsent.length })]
    : offline ? ["wifi-off", say("noSignal")] : ["cloud-check", say("synced")];
  chip.classList.toggle("bad", refused);
  chip.classList.toggle("warn", old && !refused);
  chip.classList.toggle("quiet", offline && !refused && !old);
  chip.querySelector("[data-chip-text]").replaceChildren(icon(name), " ", text);
  chip.hidden = false;
  const note = document.querySelector("[data-offline-note]");
  note.hidden = !offline;
  note.querySelector("[data-count]").textContent = unsent.length ? say("keepWorking", { count: unsent.length }) : "";
}

/** When it was tapped, by the server's clock. */
const tappedAt = (item) => item.tapped.at + (item.tapped.offset ?? 0);

/** Filled when it is looked at. */
export function showSheet({ own, others }, again) {
  const list = document.querySelector("[data-sheet]");
  if (!list.closest("dialog").open) return;
  list.replaceChildren(...own.map((item) => line(item, again)));
  const none = own.length ? "" : say("nothing");
  const theirs = others ? say("others", { count: others }) : "";
  document.querySelector("[data-sheet-note]").textContent = [none, theirs].filter(Boolean).join(" ");
}

function line(item, again) {
  const label = item.said?.label || say("item");
  const state = item.state === "with office" ? say("withOffice")
    : item.locked ? say("locked")
    : item.closed ? say("refused")
    : item.tries ? say("tries", { count: item.tries }) : say("waits");
  const words = element("span", "", element("b", "", label), element("small", "",
    [clock(tappedAt(item)), age(Date.now() - item.tapped.at), size(item.size)].join(" · ")), element("small", "", state));
  const mark = icon(item.state === "with office" ? "person-check" : item.closed ? "exclamation-triangle-fill" : "cloud-arrow-up");
  const made = element("li", Date.now() - item.tapped.at > OLD_MS ? "unsent old" : "unsent", mark, words);
  if (item.state !== "with office") {
    const button = element("button", "btn btn-outline-secondary", say("retry"));
    button.type = "button";
    button.setAttribute("aria-label", `${say("retry")}: ${label}`);
    button.onclick = () => again(item);
    made.append(button);
  }
  return made;
}

/** At each form whose words wait: a line that says so, with the picture. */
export async function showMarks({ own, known }) {
  const here = own.filter((item) => item.said?.page === location.pathname && item.state !== "with office");
  const wanted = new Set(here.map((item) => item.id));
  const marks = new Map([...document.querySelectorAll("[data-mark]")].map((mark) => [mark.dataset.mark, mark]));
  for (const [id, mark] of marks) if (!wanted.has(id)) mark.remove();
  const forms = [...document.querySelectorAll("form[data-outbox]")];
  for (const item of here) {
    if (marks.has(item.id)) continue;
    const form = forms.find((one) => actionOf(one) === item.said.action && one.dataset.outbox === item.kind);
    if (item.kind === "seen") continue; // what it is about is gone from the page
    if (item.kind === "tap" && document.querySelector("[data-next]")) continue; // the next card says it
    const mark = element("p", "waiting-mark", icon("cloud-arrow-up"), " ", say("waitsHere", {
      label: item.said.label, time: clock(tappedAt(item)) }));
    mark.dataset.mark = item.id;
    if (item.said.file?.type.startsWith("image/")) await addPicture(mark, known, item);
    if (form?.closest("[data-taps]")) form.closest("[data-taps]").prepend(mark);
    else if (form) form.after(mark);
    else document.getElementById("main").prepend(mark);
  }
}

async function addPicture(mark, known, item) {
  try {
    const picture = document.createElement("img");
    picture.src = URL.createObjectURL(await fileOf(known, item, item.said));
    picture.alt = "";
    picture.onload = () => URL.revokeObjectURL(picture.src);
    mark.append(picture);
  } catch {
    // sent at this moment
  }
}
