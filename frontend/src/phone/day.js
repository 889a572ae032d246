// The day on the phone: its pages, photos and maps, kept for when there is no signal.
import { dropFact, fact, setFact } from "./store.js";
import { DAY, forget, user } from "./user.js";

const LIST = "/day/offline.json";
const AT_ONCE = 2;
const EVERY_MS = 120_000;
const FULL = 0.8;

/** Fetches the day anew, unless that was done a moment ago; one at a time, also when a page that did so is left. */
export const refreshDay = (options = {}) => navigator.locks.request("day", () => refreshOnce(options));

async function refreshOnce({ force = false }) {
  const last = await fact("refreshed");
  if (!force && last && Math.abs(Date.now() - last) < EVERY_MS) return;
  const answer = await fetch(LIST, { cache: "no-store" });
  if (answer.status === 401 || answer.status === 403) return void (await forget());
  if (!answer.ok) return;
  const { user: id, pages, files } = await answer.json();
  if ((await user())?.id !== id) return;
  const cache = await caches.open(DAY);
  try {
    await each(pages, async (url) => store(cache, url, await fetch(url, { cache: "no-store" })));
    const wanted = new Set([...pages, ...files].map((url) => new URL(url, location.origin).href));
    for (const request of await cache.keys()) if (!wanted.has(request.url)) await cache.delete(request);
    const full = await makeRoom(cache);
    await each(full ? [] : files, async (url) => { // what has just made room must not come back
      if (!(await cache.match(url))) await store(cache, url, await fetch(url));
    });
    await dropOldShells();
    await setFact("refreshed", Date.now());
  } catch (error) {
    await dropFact("refreshed");
    throw error;
  }
  // Somebody may have signed out meanwhile: then nothing of this stays.
  if ((await user())?.id !== id) await forget();
}

/** Keeps an answer that is the page itself: no refusal, and no page that another address led to. */
export async function store(cache, url, answer) {
  if (answer.status === 401 || answer.status === 403) throw new Error("signed out");
  if (answer.ok && !answer.redirected && answer.type === "basic") await cache.put(url, answer);
}

async function each(urls, work) {
  const queue = [...urls];
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    while (queue.length) await work(queue.shift());
  }));
}

/** When the phone is nearly full: the oldest photos that the server has go first. What is unsent never does. Says whether
 *  it is full. */
export async function makeRoom(cache, { all = false } = {}) {
  const { usage = 0, quota = 0 } = (await navigator.storage?.estimate?.()) ?? {};
  if (!all && (!quota || usage / quota < FULL)) return false;
  const photos = (await cache.keys()).filter((request) => new URL(request.url).pathname.startsWith("/day/photos/"));
  const going = all ? photos : photos.slice(0, Math.ceil(photos.length / 2)); // in the order in which they were put
  for (const request of going) await cache.delete(request);
  return true;
}

/** After an update of the app the old scripts and styles stay until every kept page was fetched with the new ones. */
async function dropOldShells() {
  const current = await fact("shell");
  if (!current) return;
  for (const name of await caches.keys()) if (name.startsWith("shell-") && name !== current) await caches.delete(name);
}
