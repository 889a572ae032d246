"""A technician's phone in a test: what is on it, what is unsent, and a network that does as it is told."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from flask import Flask
from playwright.sync_api import BrowserContext, Error, Page, expect

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


def go(page: Page, url: str) -> None:
    """Open a page; once more when what was just sent made the page go on or load again in the middle."""
    for _ in range(5):
        try:
            page.goto(url)
        except Error as error:
            if "interrupted by another navigation" not in str(error) and "ERR_ABORTED" not in str(error):
                raise
            page.wait_for_load_state()
        else:
            return
    raise AssertionError("the page does not come to rest")


def ready(page: Page, *urls: str) -> None:
    """Open the route and wait until the day is on the phone."""
    go(page, "/day/")
    page.evaluate("navigator.serviceWorker.ready.then(() => null)")
    wanted = {"/day/", "/day/me", *urls}
    wait_until(lambda: wanted <= set(kept(page)), f"{wanted} on the phone")


def hurry(page: Page) -> None:
    """Let the phone try again at once, as when the signal comes back."""
    _ask(page, "() => { window.dispatchEvent(new Event('online')); }")


def all_sent(page: Page, seconds: float = 30, *, hurried: bool = False) -> None:
    """Wait until nothing waits any more; `hurried` does not wait for the time of the next try."""

    def sent() -> bool:
        if hurried:
            hurry(page)
        return not unsent(page)

    wait_until(sent, "an empty outbox", seconds)


@contextmanager
def no_signal(context: BrowserContext) -> Iterator[None]:
    """The phone in a cellar."""
    context.set_offline(True)
    yield
    context.set_offline(False)


def chip(page: Page, text: str) -> None:
    """What the header says about the outbox."""
    expect(page.locator("[data-chip]")).to_contain_text(text)


@dataclass(frozen=True)
class Call:
    """A request of the outbox on its way to the server."""

    item: str
    path: str
    body: bytes
    number: int


class Network:
    """What stands between phones and server: `does` says what becomes of each request of the outbox.

    `pass`; `cut` before it arrives; `lost`: it arrives and its answer does not; a status of our server, such
    as `409`; `hotel`: a page of somebody else; `forged`: a success in the name of the server, which knows
    nothing of it.
    """

    def __init__(self, app: Flask, does: Callable[[Call], str]) -> None:
        self.does = does
        self.calls: list[Call] = []
        self._server = app.wsgi_app
        self._lock = threading.Lock()
        app.wsgi_app = self  # type: ignore[method-assign]

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        """Answer a request, or have the server do so."""
        item = environ.get("HTTP_X_OUTBOX", "")
        if not item:
            return self._server(environ, start)
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = BytesIO(body)
        with self._lock:
            call = Call(item, environ["PATH_INFO"], body, len(self.calls) + 1)
            self.calls.append(call)
            what = self.does(call)
        if what == "pass":
            return self._server(environ, start)
        if what in ("cut", "lost"):
            if what == "lost":
                b"".join(self._server(environ, lambda *_: None))
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            start("500 Cut", [])
            return []
        if what in ("hotel", "forged"):
            own = [("X-Outbox", item)] if what == "forged" else []
            kind = "application/json" if own else "text/html"
            start("200 OK", [("Content-Type", kind), *own])
            return [b"{}" if own else b"<p>Welcome to our hotel. Please sign in.</p>"]
        start(f"{what} Trouble", [("Content-Type", "application/json"), ("X-Outbox", item)])
        return [b'{"error": "not now"}']
