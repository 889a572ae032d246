// Photos and documents: shrunk here, sent one by one while the form is filled in, and shown at once. Without
// script the form carries them. Nothing here keeps a form from being sent.

import { shrink } from "./phone/shrink.js";

const WAITS_MS = [1000, 4000]; // before the second and the third try

/** What is on its way or has failed: list item -> { file, input, request, failed }. */
const unsent = new Map();

const say = (text) => {
  const status = document.getElementById("status");
  if (status) status.textContent = text;
};
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const fileList = () => document.querySelector("[data-file-list]");

/** Sends one file; gives back the page or part that answers it. Throws when it did not arrive. */
function send(entry, onProgress) {
  const { file, input } = entry;
  const form = new FormData();
  form.append("csrf_token", input.form.elements.csrf_token.value);
  form.append(input.name, file, file.name);
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    entry.request = request;
    request.open("POST", input.closest("[data-files]").dataset.files);
    request.upload.onprogress = (event) => onProgress(event.loaded / Math.max(1, event.total));
    request.onload = () => (request.status === 200 ? resolve(request.responseText) : reject(new Error(request.status)));
    request.onerror = request.onabort = () => reject(new Error("network"));
    request.send(form);
  });
}

/** Puts the server's list of files in place of the one that is shown. */
function showList(html) {
  const fresh = new DOMParser().parseFromString(html, "text/html").querySelector("[data-file-list]");
  if (!fresh) throw new Error("no list");
  fileList().replaceWith(document.adoptNode(fresh));
  showRoom();
  return fresh;
}

/** Whether more can be added. */
function showRoom() {
  const list = fileList();
  if (!list) return;
  const full = Number(list.dataset.count) >= Number(list.dataset.most);
  for (const opener of document.querySelectorAll("[data-add-files]")) opener.hidden = full;
}

function itemFor(file, words) {
  const item = document.createElement("li");
  if (file.type.startsWith("image/")) {
    const preview = document.createElement("img");
    preview.src = URL.createObjectURL(file);
    preview.alt = "";
    preview.onload = preview.onerror = () => URL.revokeObjectURL(preview.src);
    item.append(preview);
  }
  const text = document.createElement("span");
  text.textContent = `${file.name} · ${words.sending}`;
  const progress = document.createElement("progress");
  progress.max = 1;
  progress.value = 0;
  progress.className = "progress-line";
  progress.setAttribute("aria-label", `${words.sending} ${file.name}`);
  item.append(text, progress);
  return { item, text, progress };
}

async function deliver(shown, entry, words) {
  const { item, text, progress } = shown;
  for (const wait of [...WAITS_MS, null]) {
    try {
      const fresh = showList(await send(entry, (share) => { progress.value = share; }));
      unsent.delete(item);
      item.remove();
      const refused = fresh.querySelector("[data-refused]");
      say(refused ? refused.textContent.trim() : `${entry.file.name}: ${words.added}`);
      return;
    } catch {
      if (!unsent.has(item)) return; // the form has taken it along
      if (wait !== null) await pause(wait);
    }
  }
  entry.failed = true;
  progress.hidden = true;
  text.textContent = `${entry.file.name} · ${words.failed}`;
  const again = document.createElement("button");
  again.type = "button";
  again.className = "btn btn-outline-secondary";
  again.textContent = words.retry;
  again.onclick = () => {
    again.remove();
    entry.failed = false;
    progress.hidden = false;
    progress.value = 0;
    text.textContent = `${entry.file.name} · ${words.sending}`;
    deliver(shown, entry, words);
  };
  item.append(again);
  say(`${entry.file.name}: ${words.failed}`);
}

async function take(input) {
  const files = [...input.files];
  const picker = input.closest("[data-files]");
  input.value = "";
  const queue = files.map((file) => {
    const shown = itemFor(file, picker.dataset);
    const entry = { file, input, request: null, failed: false };
    picker.querySelector("[data-sending-list]").append(shown.item);
    unsent.set(shown.item, entry);
    return { shown, entry };
  });
  for (const { shown, entry } of queue) {
    entry.file = await shrink(entry.file);
    await deliver(shown, entry, picker.dataset);
  }
}

// Questions come and go with the card that is picked, so the page listens for all pickers. Each gets a button in
// place of the browser's own field, which stays where the keyboard finds it.
function prepare() {
  for (const input of document.querySelectorAll("[data-files] input[type=file]:not(.visually-hidden)")) {
    input.classList.add("visually-hidden");
    const opener = input.closest("[data-files]").querySelector("[data-add-files]");
    opener.hidden = false;
    opener.onclick = () => input.click();
  }
  showRoom();
}

document.addEventListener("change", (event) => {
  const { target } = event;
  if (target.matches("[data-files] input[type=file]")) take(target);
  if (target.matches("input[data-remove]")) remove(target);
});
document.addEventListener("htmx:after:swap", prepare);

async function remove(box) {
  const body = new FormData();
  body.append("csrf_token", box.form.elements.csrf_token.value);
  try {
    const answer = await fetch(box.dataset.remove, { method: "POST", body });
    if (answer.ok) {
      showList(await answer.text());
      fileList().closest("[data-files]")?.querySelector("input[type=file]").focus();
    }
  } catch {
    // the tick stays, and goes with the form
  }
}

// Who goes on before a file has arrived takes it along in the form. One that failed stays behind.
document.addEventListener("submit", (event) => {
  const carried = new Map();
  for (const [item, { file, input, request, failed }] of unsent) {
    if (failed || input.form !== event.target) continue;
    unsent.delete(item);
    request?.abort();
    if (!carried.has(input)) carried.set(input, new DataTransfer());
    carried.get(input).items.add(file);
  }
  for (const [input, transfer] of carried) input.files = transfer.files;
});

for (const element of document.querySelectorAll("[data-without-script]")) element.remove();
prepare();
