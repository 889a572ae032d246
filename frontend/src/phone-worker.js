// The service worker of the technician's phone. The server writes a line before this script: self.SHELL = {version, files},
// the styles and scripts of this version, so that each new version is another worker.
import { DAY, leave, user } from "./phone/user.js";
import { refreshDay, store } from "./phone/day.js";
import { drain } from "./phone/send.js";
import { setFact } from "./phone/store.js";
import { showPushed } from "./push-shown.js";

const { version, files, icon } = self.SHELL;
const SHELL = `shell-${version}`;
const NO_SIGNAL = "/day/no-signal";
const PATIENCE_MS = 1500; // what a weak signal may cost when the page is on the phone
const NEVER_KEPT = /^\/day\/(phone\.json|offline\.json|worker\.js|app\.webmanifest)$/;
const UNCHANGING = /^\/day\/(photos|maps)\//;

self.addEventListener("install", (event) => {
  event.waitUntil((async () => {
    const cache = await caches.open(SHELL);
    await cache.addAll(files);
    await setFact("shell", SHELL);
    await self.skipWaiting(); // no page depends on the worker's version: each names its own scripts
  })());
});

self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin) return;
  if (url.pathname.startsWith("/static/")) return event.respondWith(kept(request));
  if (!url.pathname.startsWith("/day/") || NEVER_KEPT.test(url.pathname)) return;
  if (request.mode === "navigate") return event.respondWith(page(event));
  if (UNCHANGING.test(url.pathname)) return event.respondWith(kept(request));
  if (url.pathname === "/day/route.geojson") event.respondWith(fresh(request));
});

/** What does not change under its address: from the phone when it is there. */
async function kept(request) {
  return (await caches.match(request)) ?? fetch(request);
}

async function fresh(request) {
  try {
    const answer = await fetch(request);
    if (answer.ok && (await user())) await (await caches.open(DAY)).put(request, answer.clone());
    return answer;
  } catch (error) {
    const old = await caches.match(request, { cacheName: DAY });
    if (!old) throw error;
    return old;
  }
}

/** A page: from the server, or as it was when there was a signal. */
async function page(event) {
  const { request } = event;
  await leave();
  const old = await caches.match(request, { cacheName: DAY, ignoreSearch: true });
  const network = fetchPage(event);
  try {
    if (!old) return await network;
    return await Promise.race([network, pause(PATIENCE_MS).then(() => old)]);
  } catch {
    return old ?? (await caches.match(NO_SIGNAL)) ?? Response.error();
  } finally {
    network.catch(() => {});
  }
}

async function fetchPage(event) {
  const { request } = event;
  const answer = await fetch(request);
  if (answer.status >= 500 && (await caches.match(request, { cacheName: DAY }))) throw new Error("no page");
  if (answer.ok && !answer.redirected) event.waitUntil(replace(request, answer.clone()));
  return answer;
}

/** Only what was fetched ahead is kept anew: the list of the day says what that is. */
async function replace(request, answer) {
  const cache = await caches.open(DAY);
  if ((await cache.match(request)) && (await user())) await store(cache, request.url, answer);
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

showPushed(icon, () => refreshDay({ force: true }));

self.addEventListener("message", (event) => {
  if (event.data?.type === "refresh") event.waitUntil(refreshDay(event.data).catch(() => {}));
});

self.addEventListener("sync", (event) => {
  if (event.tag === "outbox") event.waitUntil(drain({ force: true }));
});
