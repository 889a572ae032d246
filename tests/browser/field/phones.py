"""A technician's phone in a test: what is on it, what is unsent, and a network that does as it is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import BrowserContext, Error, Page, Route, expect

from tests.services import wait_until

_ITEMS = """() => new Promise((resolve, reject) => {
  const opening = indexedDB.open("fieldservice-phone");
  opening.onerror = () => reject(opening.error);
  opening.onsuccess = () => {
    const db = opening.result;
    if (!db.objectStoreNames.contains("items")) { db.close(); return resolve([]); }
    const asked = db.transaction("items").objectStore("items").getAll();
    asked.onsuccess = () => {
      db.close();
      resolve(asked.result.map(({ seq, id, kind, state, size, tries, user }) =>
        ({ seq, id, kind, state, size, tries, user })));
    };
  };
})"""
_KEPT = """async () => {
  const urls = [];
  for (const name of await caches.keys()) {
    for (const request of await (await caches.open(name)).keys()) {
      urls.push(new URL(request.url).pathname + new URL(request.url).search);
    }
  }
  return urls;
}"""


def unsent(page: Page) -> list[dict[str, Any]]:
    """The items on the phone, in the order in which they were written."""
    found: list[dict[str, Any]] = _ask(page, _ITEMS)
    return found


def kept(page: Page) -> list[str]:
    """The addresses of the pages, photos, scripts and styles on the phone."""
    found: list[str] = _ask(page, _KEPT)
    return found


def _ask(page: Page, script: str) -> Any:
    """What a script finds; once more when the page went on to another in the middle of it."""
    for _ in range(20):
        try:
            return page.evaluate(script)
        except Error as error:
            if "context was destroyed" not in str(error) and "navigat" not in str(error):
                raise
            page.wait_for_load_state()
    raise AssertionError("the page does not come to rest")


def ready(page: Page, *urls: str) -> None:
    """Open the route and wait until the day is on the phone."""
    page.goto("/day/")
    page.evaluate("navigator.serviceWorker.ready.then(() => null)")
    wanted = {"/day/", *urls}
    wait_until(lambda: wanted <= set(kept(page)), f"{wanted} on the phone")


def all_sent(page: Page, seconds: float = 30) -> None:
    """Wait until nothing waits any more."""
    wait_until(lambda: not unsent(page), "an empty outbox", seconds)


@contextmanager
def no_signal(context: BrowserContext) -> Iterator[None]:
    """The phone in a cellar."""
    context.set_offline(True)
    yield
    context.set_offline(False)


def chip(page: Page, text: str) -> None:
    """What the header says about the outbox."""
    expect(page.locator("[data-chip]")).to_contain_text(text)


class Network:
    """What stands between the phone and the server: each POST of the outbox is given to `does`."""

    def __init__(self, context: BrowserContext, does: Callable[[Route, int], None]) -> None:
        self.count = 0
        self._does = does
        context.route(lambda url: True, self._one)

    def _one(self, route: Route) -> None:
        if route.request.method != "POST" or "x-outbox" not in route.request.headers:
            route.continue_()
            return
        self.count += 1
        self._does(route, self.count)
