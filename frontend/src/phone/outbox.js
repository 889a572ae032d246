// The outbox: everything that a technician says is written here first. A form is taken apart into items; each has its own
// id, by which the server knows it again, and the time at which it was said.
import { seal, sealWords, sha256, unseal, unsealWords } from "./seal.js";
import { shrink } from "./shrink.js";
import { WAITING, addItem, bodyOf, items } from "./store.js";
import { user } from "./user.js";

const OWN = new Set(["csrf_token", "idempotency_key", "tapped_at", "phone_at", "sha256"]);
export const changes = new BroadcastChannel("outbox");

/** Tells the other tabs, and this one, that the outbox is not what it was. */
export function tell(message) {
  changes.postMessage(message);
  globalThis.dispatchEvent(new CustomEvent("outbox", { detail: message }));
}

/** Where a form is sent: to its own page when it names nothing else. */
export const actionOf = (form) => (form.getAttribute("action") || location.pathname).replace(location.origin, "");

/** Takes a form apart: [{ fields, file }]. Each file goes alone, with the form's other fields. */
export function takeApart(form, submitter) {
  const entries = [...new FormData(form, submitter)];
  const fields = entries.filter(([name, value]) => typeof value === "string" && !OWN.has(name));
  const files = entries.filter(([, value]) => typeof value !== "string" && value.size > 0);
  if (!files.length) return [{ fields, file: null }];
  return files.map(([name, file]) => ({ fields, file: { name, file } }));
}

/** Writes one part of a form. Throws when the phone has no room, or nobody is known to be signed in. */
export async function keep(part, { action, kind, label, page, at }) {
  const known = await user();
  if (!known) throw new Error("nobody is signed in");
  const words = { action, label, page, fields: part.fields };
  let bytes = new ArrayBuffer(0);
  if (part.file) {
    const small = await shrink(part.file.file);
    bytes = await small.arrayBuffer();
    words.file = { field: part.file.name, name: small.name, type: small.type, sha256: await sha256(bytes) };
  }
  const item = {
    id: crypto.randomUUID(),
    user: known.id,
    kind,
    size: bytes.byteLength || JSON.stringify(words).length,
    tapped: { at, offset: known.offset, heard: known.heard },
    state: WAITING,
    tries: 0,
    due: 0,
    words: await sealWords(known.key, words),
  };
  const seq = await addItem(item, await seal(known.key, bytes));
  return { ...item, seq };
}

/** The items of who is signed in, with their words, and how many of somebody else there are. */
export async function mine() {
  const known = await user();
  const all = await items();
  const own = known ? all.filter((item) => item.user === known.id) : [];
  const read = await Promise.all(own.map(async (item) => ({ ...item, said: await words(known, item) })));
  return { own: read, others: all.length - own.length, known };
}

/** What an item says; null when it cannot be opened with this key. An item's words never change. */
const opened = new Map();
async function words(known, item) {
  if (!opened.has(item.id)) opened.set(item.id, await unsealWords(known.key, item.words).catch(() => null));
  return opened.get(item.id);
}

/** The file of an item. */
export async function fileOf(known, item, said) {
  const bytes = await unseal(known.key, await bodyOf(item.seq));
  return new File([bytes], said.file.name, { type: said.file.type });
}
