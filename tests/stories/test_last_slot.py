"""Many customers want the last slot at the same instant: one gets it, the others are told at once."""

from __future__ import annotations

import os
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from functools import partial

import pytest
from flask import Flask, Response, make_response
from flask.typing import ResponseReturnValue
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.orm import Session, sessionmaker

from fieldservice import web
from fieldservice.booking import drafts
from fieldservice.booking import service as booking
from fieldservice.config import Settings
from fieldservice.db import Database
from fieldservice.geo.estimate import EstimatedTravelTimes
from fieldservice.geo.tables import TravelTables
from fieldservice.geo.types import TravelTable
from fieldservice.models import Window
from fieldservice.planning import service as planning
from fieldservice.planning.rows import load_day
from fieldservice.planning.travel import with_travel
from tests.factories import CENTRE, NOW, TODAY, Company, make_company, number
from tests.known_misses import missed
from tests.races import all_at_once, count, overlaps, percentile
from tests.running import Answer, Browser, web_server
from tests.signing_in import csrf_token
from tests.stories import rivals
from tests.stories.rivals import Contest, open_company, real_now, the_slot

RIVALS = 50
ROUNDS = int(os.environ.get("RACE_ROUNDS", "8"))
CARELESS_RIVALS, CARELESS_ROUNDS = 8, 3
P99_S = 2.0

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
    missed(p99 < P99_S, f"p99 {p99:.2f} s, asked for are {P99_S} s")


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
    missed(p99 < P99_S, f"p99 {p99:.2f} s, asked for are {P99_S} s")


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


class Meeting:
    """Makes sure that all have looked before anybody writes: each thread waits here once for the others."""

    def __init__(self, parties: int) -> None:
        self._barrier = threading.Barrier(parties)
        self._here = threading.local()

    def after[**P, T](self, look: Callable[P, T]) -> Callable[P, T]:
        """`look`, and then the wait."""

        def look_and_wait(*args: P.args, **kwargs: P.kwargs) -> T:
            seen = look(*args, **kwargs)
            if not getattr(self._here, "was", False):
                self._here.was = True
                self._barrier.wait(timeout=30)
            return seen

        return look_and_wait


@pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "unguarded"])
def test_without_locks_and_constraint_several_win(
    altered_db: Database, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    """Positive control: in each round of the same race one wins with lock and constraint, several without."""
    company = altered_db.run(lambda session: open_company(session, TODAY, CARELESS_ROUNDS))
    database = altered_db
    if not guarded:
        altered_db.run(drop_guards)
        monkeypatch.setattr(planning, "lock_territory", lambda *_: None)
        database = Careless(altered_db.engine.url.render_as_string(hide_password=False))
    tables = TravelTables(EstimatedTravelTimes())

    def reserve(token: str, window: Window) -> str:
        def work(session: Session, travel: Mapping[date, TravelTable]) -> None:
            found = drafts.find(session, token, now=NOW)
            assert found.ask is not None
            until = drafts.LIFETIME + NOW
            planning.hold_slot(session, found.row, found.ask, window, tables=travel, now=NOW, until=until)

        try:
            with_travel(
                database,
                tables,
                company.territory.id,
                [company.territory.local_day(window.starts_at)],
                [CENTRE],
                now=NOW,
                work=lambda travel: database.run(lambda session: work(session, travel)),
            )
        except planning.SlotTaken:
            return "taken"
        return "won"

    winners = []
    for on in rivals.offered(TODAY, CARELESS_ROUNDS):
        tokens = drafts_for(altered_db, company, NOW, None)[:CARELESS_RIVALS]
        if not guarded:
            monkeypatch.setattr(planning, "load_day", Meeting(CARELESS_RIVALS).after(load_day))
        outcomes = all_at_once([partial(reserve, token, the_slot(on)) for token in tokens])
        winners.append(sum(outcome.result == "won" for outcome in outcomes))
    database.dispose()
    if guarded:
        assert winners == [1] * CARELESS_ROUNDS
        assert overlaps(altered_db) == 0
        return
    assert min(winners) > 1, winners
    kept = count(altered_db, "stop", "kind = 'hold'")
    assert overlaps(altered_db) > 0 or kept < sum(winners), (
        "they stand in each other's way or lost their place"
    )


# --- the same form twice


def roomy_draft(db: Database) -> str:
    """The token of a filled-in draft in a company where five visits fit into the picked window."""
    on = next(rivals.offered(TODAY, 1))
    with db.transaction() as session:
        company = make_company(session, technicians=5, duration=timedelta(minutes=90))
        return rivals.draft(session, company, now=NOW, picked=the_slot(on)).token


def post_five_times(app: Flask, token: str, *, one_form: bool) -> set[tuple[int, str]]:
    """Confirm a draft five times in parallel: one form sent again and again, or five tabs with own keys."""
    first = app.test_client()
    form = {**contact(1), "csrf_token": csrf_token(first)}
    cookie = first.get_cookie("fieldservice")
    assert cookie is not None

    def send() -> tuple[int, str]:
        client = app.test_client()
        client.set_cookie("fieldservice", cookie.value)
        own = form if one_form else {**form, "idempotency_key": str(uuid.uuid4())}
        answer = client.post(f"/book/{token}/confirm", data=own)
        return answer.status_code, answer.headers.get("Location", "")

    return {outcome.result for outcome in all_at_once([send] * 5)}


def require_one_visit(db: Database, answers: set[tuple[int, str]]) -> None:
    """All five were led to the same page, and one visit with its messages is all that was written."""
    assert {status for status, _ in answers} == {303}, answers
    assert len(answers) == 1, answers
    rivals.require_only_winners_stored(db, 1)
    assert count(db, "outbox_message") == 3  # a confirmation and two reminders, by e-mail


def test_the_same_form_five_times_is_one_visit(app: Flask, db: Database, clock_at_now: object) -> None:
    """A form sent five times in parallel books once; all five answers lead to the same visit."""
    require_one_visit(db, post_five_times(app, roomy_draft(db), one_form=True))


def test_five_forms_of_one_customer_are_one_visit(app: Flask, db: Database, clock_at_now: object) -> None:
    """Five tabs of the same booking, each with its own key, still make one visit."""
    require_one_visit(db, post_five_times(app, roomy_draft(db), one_form=False))


def forget_the_draft(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away the draft's memory of having become a visit."""
    monkeypatch.setattr(booking, "confirm", lambda *_: None)


def forget_the_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away the memory of answered forms: every POST is done again."""

    def each_time(work: Callable[[Session], ResponseReturnValue], **_: object) -> Response:
        return make_response(web.services().db.run(work))

    monkeypatch.setattr(web, "once", each_time)


def test_either_guard_alone_is_enough_for_the_same_form(
    app: Flask, db: Database, clock_at_now: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the draft's memory the key alone still makes one visit of five equal forms."""
    forget_the_draft(monkeypatch)
    require_one_visit(db, post_five_times(app, roomy_draft(db), one_form=True))


@pytest.mark.parametrize("one_form", [True, False], ids=["one form", "five tabs"])
def test_without_guards_five_posts_are_five_visits(
    app: Flask, db: Database, clock_at_now: object, monkeypatch: pytest.MonkeyPatch, one_form: bool
) -> None:
    """Positive control: the same posts with the guards off book five times, and the check says so."""
    forget_the_draft(monkeypatch)
    if one_form:
        forget_the_keys(monkeypatch)
    answers = post_five_times(app, roomy_draft(db), one_form=one_form)
    assert count(db, "visit") == 5
    with pytest.raises(AssertionError):
        require_one_visit(db, answers)
