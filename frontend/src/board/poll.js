// Keeps the board current: asks every three seconds and swaps only the parts that differ.

const PERIOD_MS = 3000;
const JITTER_MS = 600; // so that boards opened together do not ask together
const LATE_MS = 15000;

const pause = () => PERIOD_MS + (Math.random() - 0.5) * JITTER_MS;

/** Replaces a part and keeps what the person was doing in it: focus and scroll positions. */
function replacePart(current, next) {
  const focused = current.contains(document.activeElement) ? document.activeElement.id : "";
  const scrolled = [current, ...current.querySelectorAll("[id]")].filter(({ scrollTop }) => scrollTop > 0);
  const places = scrolled.map(({ id, scrollTop }) => [id, scrollTop]);
  current.replaceWith(next);
  for (const [id, scrollTop] of places) document.getElementById(id)?.scrollTo(0, scrollTop);
  window.htmx?.process(next);
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
}

function replaceParts(html) {
  const parts = new DOMParser().parseFromString(html, "text/html").body.children;
  for (const part of [...parts]) {
    const current = part.id && document.getElementById(part.id);
    if (current && !current.isEqualNode(part)) replacePart(current, document.adoptNode(part));
  }
}

export function startPolling(board, { mayReplace, replaced, answered }) {
  const live = document.getElementById("live");
  const words = live?.textContent;
  let etag = board.dataset.etag ?? "";
  let answeredAt = Date.now();

  const showState = () => {
    if (!live) return;
    const late = Date.now() - answeredAt > LATE_MS;
    const text = late ? live.dataset.late : words;
    live.dataset.state = late ? "late" : "live";
    if (live.textContent !== text) live.textContent = text;
  };

  const ask = async () => {
    const headers = { Accept: "text/html", ...(etag && { "If-None-Match": etag }) };
    const asked = location.search; // the selected visit
    const answer = await fetch(`${board.dataset.poll.split("?")[0]}${asked}`, { headers, cache: "no-store" });
    if (answer.redirected || answer.status === 401) return location.reload(); // signed out meanwhile
    if (answer.ok || answer.status === 304) answeredAt = Date.now();
    if (answer.status === 304) answered(answer.headers);
    if (!answer.ok) return;
    const html = await answer.text();
    // The etag stays, so the next answer brings it again.
    if (!mayReplace() || asked !== location.search) return;
    etag = answer.headers.get("ETag") ?? "";
    replaceParts(html);
    replaced();
    answered(answer.headers);
  };

  const round = async () => {
    if (!document.hidden) await ask().catch(() => {}); // no network: showState says so
    showState();
    setTimeout(round, pause());
  };
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) ask().catch(() => {}).finally(showState);
  });
  setTimeout(round, pause());
}
