"""Many customers want the last slot at the same instant: one gets it, the others are told at once."""

from __future__ import annotations

import os
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import date, datetime
from functools import partial

import pytest
from flask import Flask
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.orm import Session, sessionmaker

from fieldservice.booking import drafts
from fieldservice.config import Settings
from fieldservice.db import Database
from fieldservice.geo.estimate import EstimatedTravelTimes
from fieldservice.geo.tables import TravelTables
from fieldservice.geo.types import TravelTable
from fieldservice.models import Window
from fieldservice.planning import service as planning
from tests.factories import CENTRE, NOW, TODAY, Company, number
from tests.races import all_at_once, count, overlaps, percentile
from tests.running import Answer, Browser, web_server
from tests.signing_in import csrf_token
from tests.stories import rivals
from tests.stories.rivals import Contest, open_company, real_now, the_slot

RIVALS = 50
ROUNDS = 20
P99_S = float(os.environ.get("TEST_P99_S", "2"))  # a machine that is busy with other things needs more

pytestmark = pytest.mark.timeout(400)


def contact(serial: int) -> dict[str, str]:
    """The last form of the booking, filled in."""
    return {
        "name": f"Rival {serial}",
        "email": f"rival{serial}@example.com",
        "idempotency_key": str(uuid.uuid4()),
    }


def drafts_for(db: Database, company: Company, now: datetime, picked: Window | None) -> list[str]:
    """The tokens of as many customers as there are rivals."""
    with db.transaction() as session:
        return [rivals.draft(session, company, now=now, picked=picked).token for _ in range(RIVALS)]


def test_fifty_customers_one_slot(
    settings: Settings, db: Database, record_property: Callable[..., None]
) -> None:
    """Over HTTP, reserving and booking in turn: one winner a round, 409 for the others, p99 < 2 s."""
    now = real_now()
    today = now.date()
    company = db.run(lambda session: open_company(session, today, ROUNDS + 1))
    days = list(rivals.offered(today, ROUNDS + 1))
    seconds: list[float] = []
    with web_server(settings) as running:
        browsers = [Browser(running) for _ in range(RIVALS)]
        for turn, on in enumerate(days):
            reserve = turn % 2 == 1
            for position, browser in enumerate(browsers):
                browser.address = f"198.18.{turn}.{position}"  # the limit per address is another test's
                browser.see_a_form()
            tokens = drafts_for(db, company, now, None if reserve else the_slot(on))
            post = reserve_slot if reserve else confirm
            outcomes = all_at_once(
                [partial(post, *rival, on) for rival in zip(browsers, tokens, strict=True)]
            )
            answers = Counter(outcome.result.status for outcome in outcomes)
            assert answers == {303: 1, 409: RIVALS - 1}, answers
            for outcome in outcomes:
                if outcome.result.status == 409:
                    assert "That time was just taken" in outcome.result.text
            assert overlaps(db) == 0
            if turn > 0:  # the first round warms the server up
                seconds += [outcome.seconds for outcome in outcomes]
    assert count(db, "hold") == ROUNDS // 2
    rivals.require_only_winners_stored(db, ROUNDS // 2 + 1)
    p99 = percentile(seconds, 0.99)
    record_property("p99_s", round(p99, 2))
    print(f"{len(seconds)} requests: p50 {percentile(seconds, 0.5):.2f} s, p99 {p99:.2f} s")
    assert p99 < P99_S


def reserve_slot(browser: Browser, token: str, on: date) -> Answer:
    """Pick the day's window."""
    form = {"window": the_slot(on).starts_at.isoformat(), "idempotency_key": str(uuid.uuid4())}
    return browser.post(f"/book/{token}/time", form)


def confirm(browser: Browser, token: str, _on: date) -> Answer:
    """Book the window that the draft remembers."""
    return browser.post(f"/book/{token}/confirm", contact(number()))


def test_fifty_processes_one_slot(
    database_url: str, db: Database, record_property: Callable[..., None]
) -> None:
    """Processes with nothing in common but the database: one winner a round, no overlap, p99 < 2 s."""
    company = db.run(lambda session: open_company(session, TODAY, ROUNDS + 1))
    days = tuple(rivals.offered(TODAY, ROUNDS + 1))
    contest = Contest(database_url, company.service.id, company.territory.id, days, NOW)
    attempts = rivals.race_processes(contest, RIVALS)
    assert len(attempts) == RIVALS * ROUNDS
    for on in days[1:]:
        results = Counter(attempt.result for attempt in attempts if attempt.on == on)
        assert results == {"won": 1, "taken": RIVALS - 1}, results
    assert overlaps(db) == 0
    rivals.require_only_winners_stored(db, ROUNDS + 1)
    p99 = percentile([attempt.seconds for attempt in attempts], 0.99)
    record_property("p99_s", round(p99, 2))
    print(f"{len(attempts)} attempts: p99 {p99:.2f} s")
    assert p99 < P99_S


# --- positive control


class Careless(Database):
    """The database without what makes decisions safe: on SQLite the sqlite3 module's own transactions."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        if url.startswith("sqlite"):
            self.engine.dispose()
            self.engine: Engine = create_engine(url, connect_args={"timeout": 20}, pool_size=60)
            self._write = sessionmaker(self.engine, expire_on_commit=False)
            self._read = self._write


def drop_guards(session: Session) -> None:
    """Take away the database's own refusal of overlaps."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("ALTER TABLE stop DROP CONSTRAINT stop_no_overlap"))
    else:
        session.execute(text("DROP TRIGGER stop_no_overlap_insert"))
        session.execute(text("DROP TRIGGER stop_no_overlap_update"))


def test_without_locks_and_guards_several_win(altered_db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Positive control: without lock and constraint more customers are told yes than there are slots."""
    altered_db.run(drop_guards)
    company = altered_db.run(lambda session: open_company(session, TODAY, 2))
    monkeypatch.setattr(planning, "lock_technicians", lambda *_: None)
    careless = Careless(altered_db.engine.url.render_as_string(hide_password=False))
    tables = TravelTables(EstimatedTravelTimes())

    def reserve(token: str, window: Window) -> str:
        def work(session: Session, travel: Mapping[date, TravelTable]) -> None:
            found = drafts.find(session, token, now=NOW)
            assert found.ask is not None
            until = drafts.LIFETIME + NOW
            planning.hold_slot(session, found.row, found.ask, window, tables=travel, now=NOW, until=until)

        try:
            planning.with_travel(
                careless,
                tables,
                company.territory.id,
                [company.territory.local_day(window.starts_at)],
                [CENTRE],
                now=NOW,
                work=lambda travel: careless.run(lambda session: work(session, travel)),
            )
        except planning.SlotTaken:
            return "taken"
        return "won"

    winners = []
    for on in rivals.offered(TODAY, 2):
        tokens = drafts_for(altered_db, company, NOW, None)[:20]
        outcomes = all_at_once([partial(reserve, token, the_slot(on)) for token in tokens])
        winners.append(sum(outcome.result == "won" for outcome in outcomes))
    careless.dispose()
    assert max(winners) > 1
    kept = count(altered_db, "stop", "kind = 'hold'")
    assert overlaps(altered_db) > 0 or kept < sum(winners), (
        "they stand in each other's way or lost their place"
    )


# --- the same form twice


def test_the_same_form_five_times_is_one_visit(app: Flask, db: Database, clock_at_now: object) -> None:
    """A form sent five times in parallel books once; all five answers lead to the same visit."""
    company = db.run(lambda session: open_company(session, TODAY, 3))
    on = next(rivals.offered(TODAY, 1))
    with db.transaction() as session:
        token = rivals.draft(session, company, now=NOW, picked=the_slot(on)).token
    client = app.test_client()
    form = {**contact(1), "csrf_token": csrf_token(client)}
    cookie = client.get_cookie("fieldservice")
    assert cookie is not None

    def send() -> tuple[int, str]:
        other = app.test_client()
        other.set_cookie("fieldservice", cookie.value)
        answer = other.post(f"/book/{token}/confirm", data=form)
        return answer.status_code, answer.headers.get("Location", "")

    answers = {outcome.result for outcome in all_at_once([send] * 5)}
    assert len(answers) == 1, answers
    assert answers.pop()[0] == 303
    rivals.require_only_winners_stored(db, 1)
    assert count(db, "outbox_message") == 3  # a confirmation and two reminders, by e-mail


def test_five_forms_of_one_customer_are_one_visit(app: Flask, db: Database, clock_at_now: object) -> None:
    """Five tabs of the same booking, each with its own key, still make one visit."""
    company = db.run(lambda session: open_company(session, TODAY, 3))
    on = next(rivals.offered(TODAY, 1))
    with db.transaction() as session:
        token = rivals.draft(session, company, now=NOW, picked=the_slot(on)).token

    def send() -> tuple[int, str]:
        client = app.test_client()
        form = {**contact(1), "csrf_token": csrf_token(client)}
        answer = client.post(f"/book/{token}/confirm", data=form)
        return answer.status_code, answer.headers.get("Location", "")

    answers = {outcome.result for outcome in all_at_once([send] * 5)}
    assert {status for status, _ in answers} == {303}
    assert len(answers) == 1
    rivals.require_only_winners_stored(db, 1)
