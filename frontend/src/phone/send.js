// Sends the outbox, in order, in one tab or in the service worker at a time. An item leaves the phone when an answer that
// is really our server's says that it has it; of a file, when it names that file's checksum.
import { tell } from "./outbox.js";
import { sealWords, unseal, unsealWords } from "./seal.js";
import { REFUSED, WAITING, bodyOf, change, handedOver, items, remove } from "./store.js";
import { Offline, SignedOut, corrected, hello } from "./user.js";

const SEND_MS = 30_000;
const FILE_MS = 180_000;
const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 300_000;
const AGAIN = new Set([408, 425, 429]); // will be answered otherwise in a moment
const PERHAPS = new Set([400, 409]); // a sign-out, or a change, at the same moment may be why
const TRIES = 3; // of those
const OFFICE = "/day/kept";

/** Sends what waits; `force` does not wait for the time of the next try. Gives back { state, at }: "sent", "offline",
 *  "signed out", or "later" with the time of the next try. */
export function drain({ force = false } = {}) {
  return navigator.locks.request("outbox", async () => {
    try {
      return await sendAll(await hello(), force);
    } catch (error) {
      if (error instanceof Offline) return { state: "offline" };
      if (error instanceof SignedOut) return { state: "signed out" };
      throw error;
    }
  });
}

async function sendAll(who, force) {
  for (let sent = 0; ; sent += 1) {
    const next = (await items()).find((item) => item.user === who.id && item.state !== "with office" && !stays(item));
    if (!next) return { state: "sent", sent };
    if (next.due > Date.now() && !force) return { state: "later", at: next.due };
    const stop = next.state === REFUSED ? await handOver(next, who) : await sendOne(next, who);
    if (stop) return stop;
  }
}

/** The server did not want it, and the office could not be given it: it stays, and stops nothing. */
const stays = (item) => item.state === REFUSED && item.closed;

async function sendOne(item, who) {
  const said = await read(item, who);
  if (!said) return null;
  const times = item.times ?? whenOf(item, who);
  if (!item.times) await change(item.seq, { times }); // the same the next time: it is the same request
  const body = await bodyFor(item, said, who);
  const answer = await post(said.action, body, { ...times, idempotency_key: item.id }, item, who);
  if (await hasIt(answer, said)) {
    await remove(item.seq);
    const { location, said: told } = answer.content;
    tell({ type: "sent", id: item.id, kind: item.kind, page: said.page, location, told });
    return null;
  }
  if (answer.status === 401) throw new SignedOut();
  const tries = item.tries + 1;
  const perhaps = PERHAPS.has(answer.status);
  const overtaken = (item.overtaken ?? 0) + (perhaps ? 1 : 0);
  if (!isRefusal(answer) || (perhaps && overtaken < TRIES)) {
    return later(item, tries, answer.status, { overtaken });
  }
  const why = await sealWords(who.key, { status: answer.status, error: answer.content.error ?? "" });
  await change(item.seq, { state: REFUSED, tries: 0, due: 0, why });
  tell({ type: "changed" });
  return null;
}

/** Gives the office what the server refused: work that was done is not lost because the plan has changed. */
async function handOver(item, who) {
  const said = await read(item, who);
  if (!said) return null;
  const why = item.why ? await unsealWords(who.key, item.why) : { status: 0, error: "" };
  const body = await bodyFor(item, { ...said, fields: [] }, who, "file");
  const about = {
    ...item.times,
    idempotency_key: item.id,
    kind: item.kind,
    label: said.label,
    action: said.action,
    content: JSON.stringify(said.fields),
    status: String(why.status),
    reason: why.error,
  };
  const answer = await post(OFFICE, body, about, item, who);
  if (await hasIt(answer, said)) {
    await handedOver(item.seq);
    tell({ type: "changed" });
    return null;
  }
  if (answer.status === 401) throw new SignedOut();
  const perhaps = PERHAPS.has(answer.status);
  const handing = (item.handing ?? 0) + (perhaps ? 1 : 0);
  if (isRefusal(answer) && !(perhaps && handing < TRIES)) {
    await change(item.seq, { closed: true });
    tell({ type: "changed" });
    return null;
  }
  return later(item, item.tries + 1, answer.status, { handing });
}

/** Our server's own no; that of a network in between, or of a server in trouble, is none. */
const isRefusal = ({ ours, status }) => ours && status >= 400 && status < 500 && !AGAIN.has(status);

async function later(item, tries, status, more = {}) {
  if (!status) throw new Offline();
  const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (tries - 1)) * (0.75 + Math.random() / 2);
  const due = Date.now() + wait;
  await change(item.seq, { ...more, tries, due });
  tell({ type: "changed" });
  return { state: "later", at: due };
}

async function read(item, who) {
  try {
    return await unsealWords(who.key, item.words);
  } catch {
    await change(item.seq, { state: REFUSED, closed: true, locked: true });
    return null;
  }
}

/** When it was tapped by the server's clock, and what the phone's own clock said. */
function whenOf(item, who) {
  const iso = (ms) => new Date(ms).toISOString();
  return { tapped_at: iso(corrected(item.tapped, who)), phone_at: iso(item.tapped.at) };
}

/** The request's content: fields alone as a plain form, with a file as one of several parts. */
async function bodyFor(item, said, who, field = said.file?.field) {
  const body = said.file ? new FormData() : new URLSearchParams();
  for (const [name, value] of said.fields) body.append(name, value);
  if (said.file) {
    const bytes = await unseal(who.key, await bodyOf(item.seq));
    body.append("sha256", said.file.sha256);
    body.append(field, new Blob([bytes], { type: said.file.type }), said.file.name);
  }
  return body;
}

async function post(action, body, values, item, who) {
  for (const [name, value] of Object.entries(values)) body.set(name, value);
  body.set("csrf_token", who.csrf);
  try {
    const answer = await fetch(action, {
      method: "POST",
      body,
      headers: { Accept: "application/json", "X-Outbox": item.id },
      signal: AbortSignal.timeout(body instanceof FormData ? FILE_MS : SEND_MS),
    });
    const ours = answer.headers.get("X-Outbox") === item.id;
    const content = await answer.json().catch(() => ({}));
    return { status: answer.status, ours, content };
  } catch {
    return { status: 0, ours: false, content: {} };
  }
}

const hasIt = async ({ status, ours, content }, said) =>
  ours && status >= 200 && status < 300 && (!said.file || content.sha256 === said.file.sha256);
