"""Nothing that was tapped is lost, sent twice or out of order, whatever the network and the phone do."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from io import BytesIO

import pytest
from flask import Flask
from PIL import Image
from playwright.sync_api import Browser, FilePayload, Page, expect
from sqlalchemy import select

from fieldservice.models import KeptWork, User, VisitEvent
from tests.browser.field.conftest import PHONE
from tests.browser.field.phones import (
    Call,
    Network,
    all_sent,
    chip,
    go,
    hurry,
    kept,
    no_signal,
    ready,
    unsent,
)
from tests.browser.field.test_field import press
from tests.fieldservice.field.crew import Crew
from tests.services import wait_until
from tests.signing_in import PASSWORD, make_user, signed_in

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)]

TAPS = 100
# Taps in turns: on my way, undo, on my way … each is one entry of the visit's history.
_TAP_MANY = """count => {
  for (let number = 0; number < count; number += 1) {
    const form = document.querySelector("form[data-to='0']");
    const button = form.querySelector("button");
    button.value = number % 2 ? "undo" : "on_my_way";
    form.requestSubmit(button);
    delete form.dataset.taken;
  }
}"""
_FILES = """async ([action, count]) => {
  const form = document.createElement("form");
  form.method = "post";
  form.enctype = "multipart/form-data";
  form.setAttribute("action", action);
  form.dataset.outbox = "photo";
  form.dataset.outboxLabel = "Photo";
  form.dataset.stays = "yes";
  const input = document.createElement("input");
  Object.assign(input, { type: "file", name: "file", multiple: true, id: "files" });
  input.setAttribute("aria-label", "Files");
  const button = Object.assign(document.createElement("button"), { textContent: "Keep" });
  form.append(input, button);
  document.querySelector("main").append(form);
}"""


def said(crew: Crew, visit_id: int) -> list[tuple[str, str]]:
    """What the server has of the phone, in the order in which it came."""
    return [(kind, state) for kind, state, _ in crew.events(visit_id)]


def in_turns(count: int) -> list[tuple[str, str]]:
    """The history of that many taps by turns."""
    return [("undone", "booked") if number % 2 else ("state", "en_route") for number in range(count)]


def tap_many(page: Page, crew: Crew, count: int = TAPS) -> None:
    """Without a signal, tap that often on the first visit."""
    ready(page, f"/day/visits/{crew.visits[0]}")
    page.goto(f"/day/visits/{crew.visits[0]}")
    page.context.set_offline(True)
    page.evaluate(_TAP_MANY, count)
    wait_until(lambda: len(unsent(page)) == count, f"{count} taps on the phone", 60)


TROUBLE = {1: "cut", 2: "lost", 3: "500", 4: "409", 5: "hotel"}


def trouble(call: Call) -> str:
    """Five of twelve requests meet trouble, each a different one."""
    return TROUBLE.get(call.number % 12, "pass")


def test_a_hundred_taps_through_a_bad_network(page: Page, crew: Crew, app: Flask) -> None:
    """Tapped without signal and loaded again; then cuts, lost answers, 500, 409 and a page of a hotel."""
    tap_many(page, crew)
    before = [item["id"] for item in unsent(page)]
    page.reload()
    assert [item["id"] for item in unsent(page)] == before
    chip(page, f"{TAPS} saved")
    network = Network(app, trouble)
    page.context.set_offline(False)
    all_sent(page, 150, hurried=True)
    assert said(crew, crew.visits[0]) == in_turns(TAPS)
    assert len(network.calls) > TAPS


def test_a_forged_success_would_lose_taps(page: Page, crew: Crew, app: Flask) -> None:
    """Control: an answer in the server's name is believed, so the test above can fail."""
    tap_many(page, crew, 2)
    Network(app, lambda _call: "forged")
    page.context.set_offline(False)
    all_sent(page, hurried=True)
    assert said(crew, crew.visits[0]) == []


def test_a_tab_that_is_killed_while_it_sends(page: Page, crew: Crew, app: Flask) -> None:
    """Two tabs send, one is closed in the middle: the other goes on; each tap is there once and in order."""
    tap_many(page, crew, 20)
    other = page.context.new_page()
    other.goto("/day/")

    def slowly(_call: Call) -> str:
        time.sleep(0.1)
        return "pass"

    network = Network(app, slowly)
    page.context.set_offline(False)
    hurry(other)
    wait_until(lambda: len(network.calls) >= 5, "some of it sent")
    other.close()
    assert len(network.calls) < 20
    all_sent(page, 60, hurried=True)
    assert said(crew, crew.visits[0]) == in_turns(20)


def pictures(count: int) -> list[bytes]:
    """Different photos, small enough to be kept as they are read."""
    made = []
    for number in range(count):
        out = BytesIO()
        Image.new("RGB", (64, 48), (number * 10 % 255, 80, 120)).save(out, "PNG")
        made.append(out.getvalue())
    return made


def test_photos_and_signatures_with_the_network_cut_at_every_step(page: Page, crew: Crew, app: Flask) -> None:
    """25 files, each cut before or after it arrived: all are there once, in order, byte for byte."""
    first = crew.visits[0]
    ready(page, f"/day/visits/{first}")
    page.goto(f"/day/visits/{first}")
    page.evaluate(_FILES, [f"/day/visits/{first}/no-such-form", 25])
    files: list[FilePayload] = [
        {"name": f"{number}.png", "mimeType": "image/png", "buffer": content}
        for number, content in enumerate(pictures(25))
    ]
    page.context.set_offline(True)
    page.locator("#files").set_input_files(files)
    page.get_by_role("button", name="Keep").click()
    wait_until(lambda: len(unsent(page)) == 25, "25 files on the phone", 60)
    seen: dict[str, int] = {}

    def cutting(call: Call) -> str:
        if call.path != "/day/kept":
            return "pass"
        seen[call.item] = seen.get(call.item, 0) + 1
        return "pass" if seen[call.item] > 1 else ("cut", "lost")[len(seen) % 2]

    network = Network(app, cutting)
    page.context.set_offline(False)

    def handed_over() -> bool:
        hurry(page)
        return all(item["state"] == "with office" for item in unsent(page))

    wait_until(handed_over, "all files with the office", 150)
    with crew.db.reading() as session:
        rows = session.scalars(select(KeptWork).order_by(KeptWork.id)).all()
    assert [row.file_name for row in rows] == [file["name"] for file in files]
    arrived = {call.item: call.body for call in network.calls if call.path == "/day/kept"}
    assert [hashlib.sha256(_part(arrived[row.item_id])).hexdigest() for row in rows] == [
        row.sha256 for row in rows
    ]
    assert len({row.sha256 for row in rows}) == 25
    assert set(seen.values()) == {2}
    page.locator("[data-chip]").click()
    expect(page.locator(".unsent")).to_have_count(25)


def _part(body: bytes) -> bytes:
    """The file in a request of several parts."""
    boundary = body.split(b"\r\n", 1)[0]
    [part] = [part for part in body.split(boundary) if b'filename="' in part]
    return part.split(b"\r\n\r\n", 1)[1].removesuffix(b"\r\n")


def test_the_app_is_updated_while_something_is_unsent(page: Page, crew: Crew, app: Flask) -> None:
    """A new version of the service worker takes over; the pages open with it and what waits is sent."""
    tap_many(page, crew, 3)
    assets = app.extensions["assets"]
    old = [name for name in page.evaluate("caches.keys()") if name.startswith("shell-")]
    assets.manifest.files["new-in-this-version.css"] = assets.manifest.files["field.css"]

    network = Network(app, lambda _call: "503")
    page.context.set_offline(False)
    page.evaluate(
        "navigator.serviceWorker.getRegistration('/day/').then(found => found.update()).then(() => null)"
    )
    wait_until(
        lambda: [n for n in page.evaluate("caches.keys()") if n.startswith("shell-") and n not in old],
        "the new version",
    )
    assert len(unsent(page)) == 3
    with no_signal(page.context):
        page.goto("/day/")
        expect(page.locator("[data-next]")).to_be_visible()
        chip(page, "3 saved")
    network.does = lambda _call: "pass"
    all_sent(page, hurried=True)
    assert said(crew, crew.visits[0]) == in_turns(3)
    del assets.manifest.files["new-in-this-version.css"]


def test_two_phones_on_one_visit(page: Page, crew: Crew, chromium: Browser, app: Flask, site: str) -> None:
    """What the tablet sent stands; the phone's tap that no longer fits goes to the office."""
    first = crew.visits[0]
    tap_many(page, crew, 1)
    context = chromium.new_context(viewport=PHONE, base_url=site)
    cookie = signed_in(app, crew.db, crew.account).get_cookie("fieldservice")
    assert cookie
    context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": site}])
    tablet = context.new_page()
    tablet.goto(f"/day/visits/{first}")
    press(tablet, "Already done")
    assert crew.state(first) == "done"
    page.context.set_offline(False)
    wait_until(lambda: all(item["state"] == "with office" for item in unsent(page)), "all handed over")
    with crew.db.reading() as session:
        [row] = session.scalars(select(KeptWork))
        assert (row.visit_id, row.value("kind")) == (first, "on_my_way")
    assert crew.state(first) == "done"
    context.close()


@pytest.fixture
def other(crew: Crew) -> User:
    """A colleague with a password, who signs in on the same phone."""
    return crew.db.run(lambda session: make_user(session))


def personal(page: Page) -> list[str]:
    """What is on the phone that tells of customers."""
    found = [url for url in kept(page) if url.startswith("/day/") and url != "/day/no-signal"]
    stored: list[str] = page.evaluate("[...Object.values(localStorage), ...Object.values(sessionStorage)]")
    return found + stored


_READ_ALL = """async () => {
  const opening = indexedDB.open("fieldservice-phone");
  const db = await new Promise(resolve => { opening.onsuccess = () => resolve(opening.result); });
  const all = {};
  for (const name of db.objectStoreNames) {
    all[name] = await new Promise(resolve => {
      const asked = db.transaction(name).objectStore(name).getAll();
      asked.onsuccess = () => resolve(asked.result);
    });
  }
  db.close();
  const text = value => value instanceof ArrayBuffer || ArrayBuffer.isView(value)
    ? new TextDecoder("latin1").decode(value) : value instanceof CryptoKey ? "KEY"
    : value && typeof value === "object" ? Object.values(value).map(text).join("\\n") : String(value);
  return text(all);
}"""


def test_nothing_of_a_customer_stays_after_the_sign_out(page: Page, crew: Crew, other: User) -> None:
    """With something unsent it asks; that stays sealed for its user and is sent when they sign in again."""
    first = crew.visits[0]
    tap_many(page, crew, 2)
    assert personal(page)
    page.goto("/day/me")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign out?")).to_be_visible()
    assert_usable_dialog(page)
    page.get_by_role("button", name="Sign out all the same").click()
    expect(page.get_by_text("This page is not on this phone")).to_be_visible()
    assert personal(page) == []
    page.context.set_offline(False)
    go(page, "/day/")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    text = page.evaluate(_READ_ALL)
    assert len(unsent(page)) == 2
    assert "KEY" not in text
    assert "Charles Street" not in text
    assert "Done" not in text
    sign_in(page, other.email)
    go(page, "/login")
    assert len(unsent(page)) == 2
    assert crew.events(first) == []
    with crew.db.transaction() as session:
        session.get_one(User, crew.account.id).password = session.get_one(User, other.id).password
        mail = session.get_one(User, crew.account.id).email
    page.context.clear_cookies(name="fieldservice")
    go(page, "/login?next=/day/")
    sign_in(page, mail)
    go(page, "/day/")
    all_sent(page)
    assert said(crew, first) == in_turns(2)


def assert_usable_dialog(page: Page) -> None:
    """Its buttons are large enough for a thumb."""
    for name in ("Send now and stay", "Sign out all the same"):
        box = page.get_by_role("button", name=name).bounding_box()
        assert box
        assert box["height"] >= 44


def sign_in(page: Page, email: str) -> None:
    """Fill in the sign-in page."""
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_load_state()


def test_a_sign_out_with_nothing_unsent_clears_the_phone(page: Page, crew: Crew) -> None:
    """Pages, photos, items and the key are gone; before it they were there."""
    ready(page, f"/day/visits/{crew.visits[0]}")
    assert personal(page)
    assert "KEY" in page.evaluate(_READ_ALL)
    page.goto("/day/me")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert personal(page) == []
    assert kept(page) == [] or "KEY" not in page.evaluate(_READ_ALL)


def clocks(crew: Crew) -> Iterator[tuple[object, object]]:
    """Each event's moment, and what the phone's clock said of it."""
    with crew.db.reading() as session:
        for event in session.scalars(select(VisitEvent).where(VisitEvent.event_key.is_not(None))):
            yield event.occurred_at, event.payload.get("phone_at")


def test_a_wrong_clock_is_set_right(page: Page, crew: Crew) -> None:
    """The phone is months ahead of the server here: the taps have the server's time, and keep the phone's."""
    tap_many(page, crew, 1)
    page.context.set_offline(False)
    all_sent(page)
    [(moment, phone_at)] = clocks(crew)
    assert str(moment).startswith("2026-03-02")
    assert phone_at
    assert not str(phone_at).startswith("2026-03-02")
