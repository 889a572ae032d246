"""The private page and the office's inbox on a real server, seen with a real Chromium."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.serving import make_server

from fieldservice.auth import codes, limits
from fieldservice.auth.links import make_link, token_of
from fieldservice.dispatch import inbox
from fieldservice.models import AccessCode, OfficeTask, UserRole, Visit, VisitState
from fieldservice.web import Services
from tests.factories import NOW
from tests.fieldservice.field.crew import Crew
from tests.services import chromium_path
from tests.signing_in import make_user, signed_in


@dataclass
class Stage:
    """A running server, a customer's private page on it, and what happens behind it."""

    url: str
    services: Services
    crew: Crew
    link: str

    def enter(self, *states: VisitState) -> None:
        """The customer's visit goes on."""

        def work(session: Session) -> None:
            for state in states:
                visit = session.get_one(Visit, self.crew.visits[0])
                visit.advance(state, occurred_at=NOW, now=NOW, actor="test")

        self.services.db.run(work)

    def answer(self, body: str) -> None:
        """Somebody of the office writes to the customer."""

        def work(session: Session) -> None:
            user = make_user(session, name="Dana Reyes")
            visit = session.get_one(Visit, self.crew.visits[0])
            inbox.answer(session, visit, body, user_id=user.id, now=NOW)

        self.services.db.run(work)

    def code(self) -> str:
        """The code that was sent last."""
        with self.services.db.reading() as session:
            code = session.scalars(select(AccessCode).order_by(AccessCode.id.desc())).first()
            assert code is not None
            return codes.code_of(code.nonce, self.services.settings.secret_key)

    def complaint(self) -> OfficeTask | None:
        """The open task of a complaint."""
        with self.services.db.reading() as session:
            return session.scalars(select(OfficeTask).where(OfficeTask.done_at.is_(None))).first()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for the tests of a file."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def stage(app: Flask, services: Services, clock_at_now: time_machine.Traveller) -> Iterator[Stage]:
    """A server on which it is 8:00 on the day of the visit."""
    app.config.update(dict.fromkeys(limits.DEFAULTS, "100000/minute"))
    crew, key = Crew(services.db), services.settings.secret_key

    def make(session: Session) -> str:
        visit = session.get_one(Visit, crew.visits[0])
        visit.site.access_notes = "Ring the side door. Friendly dog."
        return token_of(make_link(visit, secret_key=key, now=NOW, expires_at=NOW + timedelta(days=30)), key)

    link = f"/visit/{services.db.run(make)}"
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield Stage(f"http://127.0.0.1:{server.port}", services, crew, link)
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def troubles() -> list[str]:
    """What the browser complained about: errors of scripts and of the content security policy."""
    return []


type OpenPage = Callable[..., Page]


@pytest.fixture
def open_page(chromium: Browser, app: Flask, stage: Stage, troubles: list[str]) -> Iterator[OpenPage]:
    """Makes pages of browsers: of a customer, or of a dispatcher who has signed in."""
    contexts: list[BrowserContext] = []

    def make(
        *, width: int = 390, scripts: bool = True, dark: bool = False, staff: UserRole | bool = False
    ) -> Page:
        context = chromium.new_context(
            viewport={"width": width, "height": 844},
            java_script_enabled=scripts,
            base_url=stage.url,
            reduced_motion="reduce",
            color_scheme="dark" if dark else "light",
        )
        contexts.append(context)
        if staff:
            role = UserRole.DISPATCHER if staff is True else staff
            user = stage.services.db.run(lambda session: make_user(session, role))
            cookie = signed_in(app, stage.services.db, user).get_cookie("fieldservice")
            assert cookie
            context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": stage.url}])
        page = context.new_page()
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on(
            "console",
            lambda said: (
                troubles.append(said.text)
                if said.type == "error" and "status of 4" not in said.text
                else None
            ),
        )
        return page

    yield make
    for context in contexts:
        context.close()
