// Every page of the technician's phone: what is tapped is kept on the phone first and sent from there; the day is fetched
// ahead. Without this script, or where the browser has no secure storage, the forms are sent as forms.
import { makeRoom, refreshDay } from "./phone/day.js";
import { openDialog } from "./dialog.js";
import { actionOf, changes, keep, mine, takeApart, tell } from "./phone/outbox.js";
import { drain } from "./phone/send.js";
import { showChip, showMarks, showSheet } from "./phone/sheet.js";
import { showSteps } from "./phone/steps.js";
import { change, dropFact, fact, setFact } from "./phone/store.js";
import { showWaiting } from "./phone/waiting.js";
import { showSwitch, turnOff, turnOn } from "./push.js";
import { DAY, forget, hello, user } from "./phone/user.js";
import { clock, say } from "./phone/words.js";

const able = isSecureContext && "indexedDB" in window && "serviceWorker" in navigator && "locks" in navigator;
let offline = !navigator.onLine;
let timer = 0;
let following = null; // the item whose answer this page waits for

/** Shows what is on the phone. Asked for again while it does so, it does so once more. */
let showing = null;
let outdated = false;
function show() {
  outdated = true;
  showing ??= (async () => {
    while (outdated) {
      outdated = false;
      await showOnce();
    }
  })().finally(() => { showing = null; });
  return showing;
}

async function showOnce() {
  const state = { ...(await mine()), offline };
  // The server clears this site's storage at a sign-out unless something unsent is in it.
  const unsent = state.others || state.own.some((item) => item.state !== "with office");
  document.cookie = `unsent=${unsent ? 1 : ""}; path=/; max-age=${unsent ? 31_536_000 : 0}; samesite=strict`;
  showSteps(countedIn(state.own));
  showAnswers(state.own);
  hideNews(state.own);
  showWaiting(state.own);
  showChip(state);
  showSheet(state, again);
  await showMarks(state);
  showAge(state.known);
}

// What this page has shown as tapped stays so when it is sent: the page itself is from before.
const counted = new Map();
function countedIn(own) {
  for (const item of own) {
    if (item.state === "waiting") counted.set(item.id, item);
    else counted.delete(item.id);
  }
  return [...counted.values()].sort((one, other) => one.seq - other.seq);
}

let queued = 0; // one that waits for its turn sends what is written till then
async function send(options) {
  if (queued > 1) return;
  queued += 1;
  const { state, at, sent } = await drain(options).finally(() => { queued -= 1; });
  offline = state === "offline" || !navigator.onLine;
  clearTimeout(timer);
  if (state === "later") timer = setTimeout(send, Math.max(200, at - Date.now()));
  if (state === "offline") timer = setTimeout(send, 30_000);
  if (state === "signed out") return location.reload();
  await show();
  if (state !== "sent") return;
  refresh({ force: sent > 0 });
  if (sent > 0 && !isTyping() && !document.querySelector("dialog[open]")) goOn(location.href);
}

/** To the page that an answer led to, once: the page that is shown is from before. */
let going = false;
function goOn(where) {
  if (going) return;
  going = true;
  if (new URL(where, location.href).href === location.href) location.reload();
  else location.assign(where);
}

/** Has the day fetched anew; the service worker goes on with that when the page is closed. */
function refresh({ force }) {
  const { controller } = navigator.serviceWorker;
  if (controller) controller.postMessage({ type: "refresh", force });
  else refreshDay({ force }).catch(() => {});
}

const again = async (item) => {
  await change(item.seq, { due: 0, tries: 0, closed: false });
  await send({ force: true });
};

let ready = null; // settles when it is known who is signed in
let queue = Promise.resolve(); // taps are written one after the other

function take(event, form) {
  if (form.dataset.plain) return;
  event.preventDefault();
  event.stopPropagation();
  if (form.dataset.taken) return;
  form.dataset.taken = "yes";
  const at = Date.now();
  const parts = takeApart(form, event.submitter);
  const about = { action: actionOf(form), kind: form.dataset.outbox, page: location.pathname, at };
  const label = event.submitter?.dataset.outboxLabel ?? form.dataset.outboxLabel ?? "";
  queue = queue.then(() => write(form, event.submitter, parts, { ...about, label }));
}

async function write(form, submitter, parts, about) {
  try {
    await ready;
    document.cookie = "unsent=1; path=/; max-age=31536000; samesite=strict";
    for (const part of parts) following = await keepWithRoom(part, about);
  } catch (error) {
    return notKept(form, submitter, error);
  }
  delete form.dataset.taken;
  if (!form.dataset.stays) form.reset();
  else settle(form);
  form.dispatchEvent(new Event("kept")); // another form may have to follow it
  sendKept(form);
}

/** What a form that stays says is kept now: it is no reason any more to stay on the page. */
function settle(form) {
  for (const field of form.elements) {
    if (field.type === "checkbox" || field.type === "radio") field.defaultChecked = field.checked;
    else if (field.tagName === "TEXTAREA" || field.type === "text" || field.type === "number") field.defaultValue = field.value;
  }
}

/** A form whose words wait on this phone shows them, not what the server knew before. */
function showAnswers(own) {
  const last = own.findLast((item) => item.kind === "report" && item.state === "waiting" && item.said?.page === location.pathname);
  const form = last && document.getElementById("report-form");
  if (!form || form.dataset.shows === last.id || isTyping()) return;
  form.dataset.shows = last.id;
  const said = new Map(last.said.fields);
  for (const field of form.elements) {
    if (field.type === "checkbox") field.checked = said.has(field.name);
    else if (field.type === "radio") field.checked = said.get(field.name) === field.value;
    else if (field.name && field.type !== "hidden" && field.tagName !== "BUTTON") field.value = said.get(field.name) ?? "";
  }
  settle(form);
}

/** What the office changed is known as soon as "Got it" is on the phone. */
function hideNews(own) {
  const known = new Set(own.filter((item) => item.kind === "seen" && item.state === "waiting" && item.said)
    .map((item) => new Map(item.said.fields).get("shown")));
  for (const place of document.querySelectorAll("[data-news]")) {
    place.hidden ||= known.has(place.querySelector("[name=shown]").value);
  }
}

async function sendKept(form) {
  tell({ type: "changed" });
  navigator.storage.persist?.();
  const registration = await navigator.serviceWorker.getRegistration("/day/");
  registration?.sync?.register("outbox").catch(() => {});
  await show();
  await send({ force: true });
  if (offline && form.dataset.then && location.pathname !== form.dataset.then) location.assign(form.dataset.then);
}

async function keepWithRoom(part, about) {
  try {
    return await keep(part, about);
  } catch (error) {
    if (error.name !== "QuotaExceededError") throw error;
    await makeRoom(await caches.open(DAY), { all: true });
    return keep(part, about);
  }
}

/** It could not be written: with a signal the form goes as a form, else its words stay where they are. */
function notKept(form, submitter, error) {
  console.warn(`not kept: ${error.name}`);
  delete form.dataset.taken;
  if (!offline) {
    form.dataset.plain = "yes";
    form.requestSubmit(submitter);
    return;
  }
  const note = document.querySelector("[data-not-kept]");
  note.hidden = false;
  note.scrollIntoView({ block: "center" });
}

// What was sent, here or from another tab.
let shows = 0;
function heard({ detail, data }) {
  const message = detail ?? data;
  if (message?.type === "sent" && message.id === following?.id && !isTyping()) {
    following = null;
    if (message.told?.length) sessionStorage.setItem("told", message.told.join("\n"));
    return goOn(message.location ?? location.href);
  }
  shows ||= setTimeout(() => { shows = 0; show(); }, 100);
}

// What the server said about it is shown on the page that it led to.
const told = sessionStorage.getItem("told");
if (told) {
  sessionStorage.removeItem("told");
  const note = document.createElement("div");
  note.className = "note warn mb-3";
  note.setAttribute("role", "status");
  note.textContent = told;
  document.getElementById("main")?.prepend(note);
}

/** Whether a field of the page has something in it that was not there when it came: then the page stays. */
function isTyping() {
  const fields = [...document.querySelectorAll("main input:not([type=hidden]), main textarea, main select")];
  return fields.some((field) => {
    if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
    if (field.tagName === "SELECT") return [...field.options].some((option) => option.selected !== option.defaultSelected);
    return field.value !== field.defaultValue;
  });
}

// Signing out. With something unsent it asks; without a signal the login ends when there is one.
async function leave(event, form) {
  event.preventDefault();
  event.stopPropagation();
  const { own } = await mine();
  const unsent = own.filter((item) => item.state !== "with office").length;
  const dialog = document.getElementById("leave-dialog");
  if (!unsent) return goAway(form);
  dialog.querySelector("[data-count]").textContent = say("leaveCount", { count: unsent });
  dialog.querySelector("[data-leave-send]").onclick = () => { dialog.close(); send({ force: true }); };
  dialog.querySelector("[data-leave-keep]").onclick = () => goAway(form);
  openDialog(dialog, {});
}

async function goAway(form) {
  await takeNoMore();
  let heard = true;
  const fresh = await hello().catch(() => { heard = false; });
  await forget();
  form.dataset.leaving = "yes";
  if (heard) {
    form.elements.csrf_token.value = fresh.csrf;
    return form.submit();
  }
  await setFact("leaving", true);
  location.assign("/day/no-signal");
}

// Notifications: for the user who turned them on, until that user signs out. The server forgets them with the login.
const PUSH = "push"; // whose notifications this browser takes
const registered = () => navigator.serviceWorker.getRegistration("/day/");

async function takeNoMore() {
  await turnOff(await registered()).catch(() => {});
  await dropFact(PUSH);
}

async function notified() {
  const known = await user();
  const whose = await fact(PUSH);
  if (whose && known && whose !== known.id) await takeNoMore();
  const mine = Boolean(known) && whose === known.id;
  await showSwitch({
    register: registered,
    token: async () => (await hello()).csrf,
    isOn: async () => mine,
    changed: async (on) => (on ? setFact(PUSH, (await user()).id) : dropFact(PUSH)),
  });
  if (!mine || known.notified || Notification.permission !== "granted") return;
  const { csrf, pushKey: key } = await hello(); // the same user, another login
  await turnOn(await registered(), { key, csrf, url: "/day/push" });
}

/** How old the page is, when it is not fresh. */
function showAge(known) {
  const place = document.querySelector("[data-shown-at]");
  if (!place || !known) return;
  const shown = Date.parse(place.dataset.shownAt);
  const old = Date.now() + known.offset - shown > 120_000;
  place.hidden = !old;
  if (old) place.textContent = say("updated", { time: clock(shown - known.offset) });
}

async function start() {
  ready = user().then((known) => known ?? hello().catch(() => {}));
  document.querySelector("[data-chip]")?.addEventListener("click", async () => {
    await openDialog(document.getElementById("sheet-dialog"), {});
    await show();
  });
  addEventListener("outbox", heard);
  changes.addEventListener("message", heard);
  addEventListener("online", () => send({ force: true }));
  addEventListener("offline", () => { offline = true; show(); });
  document.addEventListener("visibilitychange", () => { if (!document.hidden) send({ force: true }); });
  await navigator.serviceWorker.register("/day/worker.js", { scope: "/day/", updateViaCache: "none" });
  await show();
  await send({ force: true });
  await notified().catch((error) => console.warn(`notifications: ${error.name}`));
}

if (able && document.getElementById("phone-words")) {
  // In the capturing phase: before the page's other scripts see it.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.matches("[data-outbox]")) take(event, form);
    else if (form.getAttribute("action") === "/logout" && !form.dataset.leaving) leave(event, form);
  }, true);
  start();
}
