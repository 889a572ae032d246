// What was tapped and is not sent yet, shown as if the server knew it: the step line, the next tap, the next visit.
import { icon } from "./words.js";

/** Visit -> its taps that wait, in order: [{ item, to }]; `to` is the step that a tap leads to, "undo" for one step back. */
function tapsOf(own) {
  const taps = new Map();
  for (const item of own) {
    const found = item.state === "waiting" && item.said?.action.match(/\/visits\/(\d+)\/taps$/);
    if (!found) continue;
    const kind = item.said.fields.find(([name]) => name === "kind")?.[1];
    if (!taps.has(found[1])) taps.set(found[1], []);
    taps.get(found[1]).push({ item, kind });
  }
  return taps;
}

const TO = { on_my_way: 0, arrived: 1, working: 2, done: 3 };

/** Where a visit is after its waiting taps: 0 on the way, 1 there, 2 working, 3 done, -1 before. */
function stepAfter(step, taps = []) {
  const past = [step];
  for (const { kind } of taps) {
    if (kind === "undo" && past.length > 1) past.pop();
    else if (kind === "undo") past[0] = -1;
    else if (kind in TO) past.push(TO[kind]);
  }
  return past.at(-1);
}

/** Shows the page as it is after what waits. */
export function showSteps(own) {
  const taps = tapsOf(own);
  for (const group of document.querySelectorAll("[data-taps]")) {
    const waiting = taps.get(group.dataset.visit);
    showTaps(group, stepAfter(Number(group.dataset.step), waiting), waiting);
  }
  const line = document.querySelector("[data-steps]");
  const waiting = line && taps.get(line.dataset.steps);
  if (waiting) showLine(line.querySelector("ol"), stepAfter(Number(line.dataset.step), waiting));
  showNext(taps);
}

/** Offers the taps that come after a step: the first one large. */
function showTaps(group, step, waiting) {
  const open = [...group.querySelectorAll("form[data-to]")].filter((form) => {
    form.hidden = waiting ? Number(form.dataset.to) <= step : form.dataset.later === "yes";
    return !form.hidden;
  });
  if (!waiting) return;
  for (const [place, form] of open.entries()) {
    const button = form.querySelector("button");
    button.className = place ? "btn btn-outline-secondary w-100" : "btn btn-primary btn-go";
    button.querySelector("span").textContent = place ? form.dataset.skipped : form.dataset.usual;
    if (group.dataset.taps === "one") form.hidden = place > 0;
  }
  const first = open[0]?.closest(".other-taps");
  if (first) first.before(open[0]); // the large one stands alone above the others
  offerUndo(group, waiting.at(-1).kind !== "undo");
  const back = document.querySelector("[data-back]");
  if (back && step === 3) back.hidden = false;
}

/** The way back from what waits: a form like the others, which the page did not come with. */
function offerUndo(group, offered) {
  let undo = group.querySelector("form[data-undo]");
  const model = group.querySelector("form[data-to]");
  if (!undo && offered && model) {
    undo = model.cloneNode(true);
    delete undo.dataset.to;
    delete undo.dataset.then;
    delete undo.dataset.taken;
    undo.dataset.undo = "yes";
    undo.dataset.outboxLabel = group.dataset.undoLabel;
    undo.className = "mt-2";
    undo.method = "post";
    undo.action = `/day/visits/${group.dataset.visit}/taps`;
    undo.dataset.outbox = "tap";
    undo.dataset.stays = "yes";
    const button = undo.querySelector("button");
    button.name = "kind";
    button.value = "undo";
    button.removeAttribute("form");
    button.className = "btn btn-outline-secondary w-100";
    button.replaceChildren(icon("arrow-counterclockwise"), " ", group.dataset.undo);
    group.append(undo);
  }
  if (undo) undo.hidden = !offered;
}

function showLine(line, step) {
  for (const [place, part] of [...line.children].entries()) {
    part.classList.toggle("done", place < step);
    part.classList.toggle("current", place === step);
    if (place === step) part.setAttribute("aria-current", "step");
    else part.removeAttribute("aria-current");
  }
}

/** On the route: the card of the visit that is next when the waiting taps are counted. Cards of later visits are in
 *  templates of the page. */
function showNext(taps) {
  const place = document.querySelector("[data-next]");
  if (!place) return;
  const cards = [...document.querySelectorAll("template[data-card]")];
  const steps = cards.map((card) => [card, stepAfter(Number(card.dataset.step), taps.get(card.dataset.card))]);
  const open = steps.filter(([, step]) => step < 3);
  const next = (open.find(([, step]) => step >= 0) ?? open[0])?.[0];
  for (const [card, step] of steps) {
    const stop = document.querySelector(`.stops a[href$="/visits/${card.dataset.card}"]`)?.closest("li");
    if (!stop) continue;
    stop.hidden = card === next;
    stop.classList.toggle("waits", step === 3 && taps.has(card.dataset.card));
  }
  const shown = next?.dataset.card ?? "";
  if (place.dataset.next === shown) return;
  place.dataset.next = shown;
  const over = document.querySelector("template[data-all-done]");
  place.replaceChildren((next ?? over).content.cloneNode(true));
  for (const group of place.querySelectorAll("[data-taps]")) {
    const waiting = taps.get(group.dataset.visit);
    showTaps(group, stepAfter(Number(group.dataset.step), waiting), waiting);
  }
}
