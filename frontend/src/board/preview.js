// What a drop would do, asked while something is dragged: at most every 150 ms, each place once a drag.
// Without an answer in time the hint stays neutral, and the server decides on the drop.

const ASK_MS = 150;
const VERDICTS = ["fine", "asks", "refused"];

const answers = new Map();
let wanted = ""; // the place that is under the pointer now
let timer = 0;

const hint = () => document.getElementById("drop-hint");

function addressOf({ visit, instead }, lane, start) {
  const address = new URL(document.getElementById("drop-form").dataset.check.replace("/0/", `/${visit}/`), location);
  address.searchParams.set("technician", lane.dataset.technician);
  address.searchParams.set("start", start);
  if (instead) address.searchParams.set("instead", instead); // who of a crew is replaced
  return address.href;
}

async function ask(address) {
  const answer = await fetch(address, { headers: { Accept: "text/html" } }).catch(() => null);
  return answer?.ok && !answer.redirected ? answer.text() : "";
}

function show(lane, html) {
  const panel = hint();
  if (html) panel.innerHTML = html;
  else panel.textContent = panel.dataset.wait;
  const verdict = panel.querySelector("[data-verdict]")?.dataset.verdict;
  for (const name of VERDICTS) lane.classList.toggle(`drop-${name}`, name === verdict);
}

/** Beside the pointer, on the side where there is room. */
function place(panel, x, y) {
  panel.hidden = false;
  const { width, height } = panel.getBoundingClientRect();
  panel.style.left = `${x + 24 + width > innerWidth ? x - width - 24 : x + 24}px`;
  panel.style.top = `${Math.max(8, Math.min(y + 30, innerHeight - height - 8))}px`;
}

export function startPreview() {
  answers.clear();
}

export function previewDrop(dragged, lane, start, { clientX, clientY }) {
  const address = addressOf(dragged, lane, start);
  const panel = hint();
  if (address !== wanted) {
    wanted = address;
    clearTimeout(timer);
    if (answers.has(address)) show(lane, answers.get(address));
    else {
      show(lane, "");
      timer = setTimeout(async () => {
        answers.set(address, await ask(address));
        if (wanted === address) show(lane, answers.get(address));
      }, ASK_MS);
    }
  }
  place(panel, clientX, clientY);
}

export function leaveLane(lane) {
  for (const name of VERDICTS) lane.classList.remove(`drop-${name}`);
}

export function endPreview() {
  clearTimeout(timer);
  wanted = "";
  hint().hidden = true;
  for (const lane of document.querySelectorAll(".lane")) leaveLane(lane);
}
