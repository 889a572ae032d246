"""The waiting list: a gap that appears is offered to one customer after the other, and taken with one tap."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from time_machine import Traveller

from fieldservice.booking import area, waiting, waiting_sweep
from fieldservice.geo.address import Address
from fieldservice.messages.rules import why_pointless
from fieldservice.models import (
    AreaWish,
    Hold,
    OfferState,
    OfficeTask,
    OutboxMessage,
    Territory,
    Visit,
    VisitState,
    WaitingEntry,
    WaitingOffer,
    WaitingState,
    Window,
)
from fieldservice.web import Services
from tests.factories import NOW, window
from tests.fieldservice.booking.tight import WEDNESDAY, cancel, easy_visit, open_tight_company
from tests.fieldservice.booking.walker import Walker
from tests.races import all_at_once, overlaps

MORNING = window(WEDNESDAY, 8, 10)
MINUTES = 60


@pytest.fixture
def walker(services: Services, client: FlaskClient, unlimited: None, home: Address) -> Walker:
    """A customer of a company that has one free morning a day for the expert, on three days."""
    with services.db.transaction() as session:
        open_tight_company(session, horizon_days=3)
    return Walker(client, home)


def fill(services: Services) -> dict[int, int]:
    """Everybody's mornings of all days are taken; the expert's visits by the day of March."""
    experts = {}
    for day in (3, 4, 5):
        on = window(WEDNESDAY.replace(day=day), 8, 10)
        experts[day] = easy_visit(services, on)
        easy_visit(services, on, by="Nora Novice")
    return experts


def join_without_window(walker: Walker, name: str) -> str:
    """Somebody for whom there is no window joins the list; their private link."""
    walker.choose_problem()
    walker.give_address()
    assert "No windows in the next 3 days" in walker.page.text
    walker.open(f"/book/{walker.draft}/waiting")
    walker.confirm(name=name, phone="", email=f"{name.lower()}@example.com")
    assert walker.page.title.startswith("We have your request")
    return walker.url.removesuffix("/booked")


def free(services: Services, visit_id: int, *, now: datetime = NOW) -> None:
    """A visit is cancelled: its place is a gap."""
    cancel(services, visit_id, now=now)


def sweep(services: Services, *, now: datetime = NOW) -> int:
    """One run of the periodic task."""
    return waiting_sweep.offer_gaps(services.db, services.tables, now=now, minutes=MINUTES)


def offers(services: Services) -> list[tuple[str, str, Window]]:
    """Whom what was offered, and what became of it."""
    with services.db.reading() as session:
        found = session.scalars(select(WaitingOffer).order_by(WaitingOffer.id)).all()
        return [
            (each.entry.visit.work_order.customer.name, each.state, waiting.window_of(each)) for each in found
        ]


def told(services: Services) -> list[tuple[str, str]]:
    """The messages about offers: to whom, by which channel."""
    with services.db.reading() as session:
        query = select(OutboxMessage.recipient, OutboxMessage.channel).where(OutboxMessage.kind == "offer")
        return [
            (recipient, channel) for recipient, channel in session.execute(query.order_by(OutboxMessage.id))
        ]


def test_a_gap_is_offered_to_the_first_in_line(walker: Walker, services: Services) -> None:
    """Nothing happens while nothing is free; then the first gets a message and a hold, the second waits."""
    experts = fill(services)
    join_without_window(walker, "Ada")
    join_without_window(walker, "Bob")
    assert sweep(services) == 0
    free(services, experts[4])
    assert sweep(services) == 1
    assert offers(services) == [("Ada", OfferState.OPEN, MORNING)]
    assert told(services) == [("ada@example.com", "email")]
    assert sweep(services) == 0  # the place is held: it is not offered twice
    with services.db.reading() as session:
        assert session.scalar(select(func.count()).select_from(Hold)) == 1
    assert overlaps(services.db) == 0


def test_it_is_taken_with_one_tap(walker: Walker, services: Services) -> None:
    """Ten looks change nothing; the button promises the window and ends the waiting."""
    experts = fill(services)
    link = join_without_window(walker, "Ada")
    free(services, experts[4])
    sweep(services)
    for _ in range(10):
        page = walker.open(f"{link}/offer")
    assert "Wednesday, Mar 4" in page.text
    assert "Yours until 9:00 am" in page.text or "Yours until 9 am" in page.text
    assert offers(services)[0][1] == OfferState.OPEN
    walker.send(answer="take")
    assert walker.url == link
    with services.db.reading() as session:
        visit = session.scalars(select(Visit).join(WaitingEntry)).one()
        assert (visit.state, visit.window) == (VisitState.BOOKED, MORNING)
        assert session.scalars(select(WaitingEntry.state)).one() == WaitingState.TAKEN
        assert session.scalar(select(func.count()).select_from(Hold)) == 0
        kinds = {message.kind for message in visit.messages}
    assert "confirmation" in kinds
    walker.open(f"{link}/offer")
    assert walker.status == 410


def test_an_expired_offer_goes_to_the_next(
    walker: Walker, services: Services, clock_at_now: time_machine.Traveller
) -> None:
    """Whoever lets it run out keeps their place but is not asked again for it; the next in line is."""
    experts = fill(services)
    ada = join_without_window(walker, "Ada")
    bob = join_without_window(walker, "Bob")
    free(services, experts[4])
    sweep(services)
    later = NOW + timedelta(minutes=MINUTES + 1)
    assert sweep(services, now=later) == 1
    assert offers(services) == [("Ada", OfferState.EXPIRED, MORNING), ("Bob", OfferState.OPEN, MORNING)]
    clock_at_now.move_to(later)
    walker.open(f"{ada}/offer")
    assert walker.status == 410
    walker.open(f"{bob}/offer")
    walker.send(answer="take")
    assert offers(services)[1][1] == OfferState.TAKEN
    free(services, experts[5], now=later)
    assert sweep(services, now=later) == 1
    assert offers(services)[2][0] == "Ada"


def test_a_declined_offer_goes_to_the_next_at_once(walker: Walker, services: Services) -> None:
    """The hold is given back with the answer."""
    experts = fill(services)
    ada = join_without_window(walker, "Ada")
    join_without_window(walker, "Bob")
    free(services, experts[4])
    sweep(services)
    walker.open(f"{ada}/offer")
    walker.send(answer="leave")
    assert sweep(services) == 1
    assert offers(services) == [("Ada", OfferState.DECLINED, MORNING), ("Bob", OfferState.OPEN, MORNING)]


def test_who_has_a_window_gets_an_earlier_one(walker: Walker, services: Services) -> None:
    """What was free when they joined is no gap; an earlier one that appears is, and a later one is not."""
    for day in (3, 4):
        on = window(WEDNESDAY.replace(day=day), 8, 10)
        easy_visit(services, on, by="Nora Novice")
    tuesday = easy_visit(services, window(WEDNESDAY.replace(day=3), 8, 10))
    walker.to_time("2026-03-05")
    walker.pick_window()
    walker.confirm()
    link = walker.url.removesuffix("/booked")
    walker.open(f"{link}/earlier")
    walker.send()
    assert "You are on the waiting list" in walker.page.text
    assert sweep(services) == 0  # Wednesday was free all along
    free(services, tuesday)
    assert sweep(services) == 1
    (offered,) = offers(services)
    assert offered[2] == window(WEDNESDAY.replace(day=3), 8, 10)
    page = walker.open(f"{link}/offer")
    assert "In place of Thursday, Mar 5" in page.text
    walker.send(answer="take")
    with services.db.reading() as session:
        visit = session.scalars(select(Visit).join(WaitingEntry)).one()
        assert visit.window == offered[2]
        assert "changed" in {message.kind for message in visit.messages}
    assert overlaps(services.db) == 0


def test_one_can_leave_the_list(walker: Walker, services: Services) -> None:
    """Afterwards nothing is offered; joining again goes to the end of the line."""
    experts = fill(services)
    ada = join_without_window(walker, "Ada")
    walker.open(f"{ada}/earlier")
    walker.send()
    free(services, experts[4])
    assert sweep(services) == 0
    walker.send()
    with services.db.reading() as session:
        assert session.scalars(select(WaitingEntry.state)).one() == WaitingState.WAITING


def test_nothing_is_offered_at_night(walker: Walker, services: Services) -> None:
    """At three in the morning nobody answers within an hour; at eight the gap is still there."""
    experts = fill(services)
    join_without_window(walker, "Ada")
    free(services, experts[5])
    night = NOW + timedelta(hours=19)
    assert sweep(services, now=night) == 0
    assert sweep(services, now=night + timedelta(hours=5)) == 1


def test_the_waiting_end_with_the_visit(walker: Walker, services: Services) -> None:
    """A cancelled visit waits for nothing, and one that got a window by phone does not either."""
    experts = fill(services)
    ada = join_without_window(walker, "Ada")
    walker.open(f"{ada}/cancel")
    walker.send()
    free(services, experts[4])
    assert sweep(services) == 0
    with services.db.reading() as session:
        assert session.scalars(select(WaitingEntry.state)).one() == WaitingState.OVER


def test_when_it_is_too_late_to_change_it_is_too_late_to_wait(
    walker: Walker, services: Services, clock_at_now: Traveller
) -> None:
    """After the cut-off the page offers no earlier time and says why, and whoever waits is let go."""
    walker.to_time()
    walker.pick_window()
    walker.confirm()
    page = walker.url.removesuffix("/booked")
    assert "I want an earlier time" in walker.open(page).text
    walker.open(f"{page}/earlier")
    walker.send(wait="yes")
    with services.db.reading() as session:
        visit = session.scalars(select(Visit)).one()
        assert visit.window is not None
        deadline = visit.window.starts_at - visit.service.reschedule_cutoff
    sweep(services, now=deadline)
    assert states(services) == [WaitingState.WAITING]
    sweep(services, now=deadline + timedelta(seconds=1))
    assert states(services) == [WaitingState.OVER]
    clock_at_now.move_to(deadline + timedelta(seconds=1))
    assert not [link for link in walker.open(page).links if "earlier" in link]
    walker.open(f"{page}/earlier")
    assert walker.status == 409


def states(services: Services) -> list[str]:
    """How it stands with those who wait or waited."""
    with services.db.reading() as session:
        return list(session.scalars(select(WaitingEntry.state).order_by(WaitingEntry.id)))


def test_another_visits_link_takes_nothing(walker: Walker, services: Services) -> None:
    """An offer is for one visit: with another link there is none, and its number does not help."""
    experts = fill(services)
    ada = join_without_window(walker, "Ada")
    bob = join_without_window(walker, "Bob")
    free(services, experts[4])
    sweep(services)
    walker.open(f"{ada}/offer")
    walker.send(url=f"{bob}/offer", answer="take")
    assert walker.status == 410
    assert offers(services) == [("Ada", OfferState.OPEN, MORNING)]


def test_of_many_taps_one_counts(walker: Walker, services: Services) -> None:
    """Four taps at the same instant: one promise, and everybody is sent on without a fault."""
    experts = fill(services)
    ada = join_without_window(walker, "Ada")
    free(services, experts[4])
    sweep(services)
    page = walker.open(f"{ada}/offer")
    form = {**page.fields, "answer": "take"}

    def tap(number: int) -> int:
        with walker.client.application.test_client() as client:
            client._cookies = dict(walker.client._cookies)  # the same person in four tabs
            return client.post(
                f"{ada}/offer", data={**form, "idempotency_key": f"key-of-tab-{number}"}
            ).status_code

    outcomes = all_at_once([lambda number=number: tap(number) for number in range(4)])
    assert sorted(outcome.result for outcome in outcomes) == [303, 410, 410, 410]
    with services.db.reading() as session:
        assert session.scalars(select(Visit).join(WaitingEntry)).one().promise_version == 1


def test_a_message_is_retired_with_its_offer(walker: Walker, services: Services) -> None:
    """While the offer is open it is worth sending, even without a promised window; afterwards it is not."""
    experts = fill(services)
    join_without_window(walker, "Ada")
    free(services, experts[4])
    sweep(services)
    with services.db.reading() as session:
        message = session.scalars(select(OutboxMessage).where(OutboxMessage.kind == "offer")).one()
        visit = session.get_one(Visit, message.visit_id)
        assert why_pointless(message, visit, now=NOW) is None
        assert why_pointless(message, visit, now=NOW + timedelta(minutes=MINUTES)) == "the offer has run out"


def test_outside_the_area_an_address_is_kept_once(walker: Walker, services: Services, app: Flask) -> None:
    """A wrong address is an error at the field, the same one twice is one wish, and the place is rough."""
    walker.choose_problem()
    walker.give_address()
    with services.db.transaction() as session:
        move_away(session)
    walker.open(f"/book/{walker.draft}/address")
    walker.send(by="search", q=walker.home.label, access_kind="home")
    assert walker.url.endswith("/outside")
    walker.send(email="nonsense")
    assert walker.status == 422
    assert "Enter an email address in the correct format" in walker.page.text
    for _ in range(2):
        walker.open(f"/book/{walker.draft}/outside")
        walker.send(email="ada@example.com")
        assert "Noted." in walker.page.text
    with services.db.reading() as session:
        wish = session.scalars(select(AreaWish)).one()
        assert wish.lat == round(wish.lat, 2)
        assert [count for _, _, count in area.wishes_by_town(session)] == [1]
    environment = os.environ | {
        "FIELDSERVICE_DATABASE_URL": services.settings.database_url,
        "FIELDSERVICE_DATA_DIR": str(services.settings.data_dir),
    }
    command = [Path(sys.executable).parent / "fieldservice", "wishes"]
    counted = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert counted.stdout.split()[0] == "1"


def move_away(session: Session) -> None:
    """The company serves another town from now on."""
    territory = session.scalars(select(Territory)).one()
    territory.centre_lat -= 5


def test_the_office_sees_who_waits(walker: Walker, services: Services) -> None:
    """Who joins without a window is a request that a dispatcher can place as well."""
    fill(services)
    join_without_window(walker, "Ada")
    with services.db.reading() as session:
        assert session.scalars(select(OfficeTask.kind)).one() == "find_time"
