// Who is signed in on this phone, as the server says; and forgetting them.
import { keyFrom } from "./seal.js";
import { dropFact, dropHandedOver, fact, setFact } from "./store.js";

const HELLO = "/day/phone.json";
const HELLO_MS = 15_000;
export const DAY = "day"; // the cache of the pages, photos and maps of the day
const USER = "user";

export class Offline extends Error {}
export class SignedOut extends Error {}

/** { id, key, offset, heard }: who is signed in, their key, by how many ms the phone's clock is behind the server's, and
 *  the server's time when it was last heard. Undefined when nobody is. */
export const user = () => fact(USER);

/** Asks the server who is signed in: the stored user and a token for forms. Throws Offline, or SignedOut after
 *  everything personal that is not unsent was taken away. */
export async function hello() {
  await leave();
  if (await fact("leaving")) throw new Offline();
  const asked = Date.now();
  let answer;
  try {
    answer = await fetch(HELLO, { cache: "no-store", signal: AbortSignal.timeout(HELLO_MS) });
  } catch {
    throw new Offline();
  }
  if (answer.status === 401 || answer.status === 403) {
    await forget();
    throw new SignedOut();
  }
  if (!answer.ok) throw new Offline();
  const said = await answer.json().catch(() => { throw new Offline(); });
  const known = await user();
  if (known && known.id !== said.user) await forget();
  const now = Date.parse(said.now);
  const same = known?.id === said.user;
  const measured = {
    id: said.user,
    key: same ? known.key : await keyFrom(said.key),
    offset: Math.round(now - (asked + Date.now()) / 2),
    heard: now,
    notified: said.notified,
    pushKey: said.push_key,
  };
  await setFact(USER, measured);
  return { ...measured, csrf: said.csrf };
}

/** Nobody is signed in any more: pages, photos and the key go; what is unsent stays, sealed. */
export async function forget() {
  await caches.delete(DAY);
  await dropFact(USER);
  await dropFact("refreshed");
  await dropHandedOver();
}

/** The time of a tap by the server's clock. The phone's clock may have been set right, or wrong, since the server was
 *  last heard: a time before that, or after now, cannot be right. `tapped`: { at, offset, heard } */
export function corrected(tapped, now) {
  const serverNow = Date.now() + now.offset;
  const earliest = tapped.heard ?? -Infinity;
  const fits = (time) => time >= earliest - 1000 && time <= serverNow + 1000;
  const then = tapped.at + (tapped.offset ?? now.offset);
  if (fits(then)) return then;
  const later = tapped.at + now.offset;
  if (fits(later)) return later;
  return Math.min(Math.max(then, earliest), serverNow);
}

/** Signed out without signal: the login ends on the server before anything else is asked of it. */
export async function leave() {
  if (!(await fact("leaving"))) return;
  try {
    const answer = await fetch("/day/phone.json", { cache: "no-store" });
    if (answer.status === 401) return void (await dropFact("leaving"));
    const { csrf } = await answer.json();
    const body = new URLSearchParams({ csrf_token: csrf });
    const left = await fetch("/logout", { method: "POST", body, redirect: "manual" });
    if (left.type === "opaqueredirect" || left.ok) await dropFact("leaving");
  } catch {
    // still no signal
  }
}
