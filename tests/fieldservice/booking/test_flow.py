"""The booking flow as a customer without JavaScript walks it."""

from __future__ import annotations

from datetime import date, timedelta
from threading import Thread

from sqlalchemy import func, select
from time_machine import Traveller

from fieldservice.models import (
    BookingDraft,
    Customer,
    Hold,
    OutboxMessage,
    Role,
    Service,
    Stop,
    StopKind,
    Technician,
    Territory,
    Visit,
    VisitState,
)
from fieldservice.planning.service import lock_territory
from fieldservice.web import Services
from tests.factories import Company, make_customer, make_override
from tests.fieldservice.booking.demoville import heating
from tests.fieldservice.booking.walker import Walker


def test_a_walk_through_four_screens_makes_a_promised_visit(walker: Walker, services: Services) -> None:
    """Problem, address, window and contact lead to a visit on a route, with its messages written."""
    walker.choose_problem(**{"about-heating-symptoms": ["No heat"], "problem": "Boiler shows F28"})
    assert "Where should we come?" in walker.page.text
    walker.give_address(access_notes="Ring the side door.")
    assert "When suits you?" in walker.page.text
    walker.pick_window(1)
    assert "Check and confirm" in walker.page.text
    walker.confirm()
    assert walker.status == 200
    assert "You’re booked" in walker.page.text
    with services.db.reading() as session:
        visit = session.scalars(select(Visit)).one()
        assert visit.state == VisitState.BOOKED
        assert visit.stop is not None
        assert visit.window is not None
        assert visit.window.starts_at <= visit.stop.starts_at <= visit.window.ends_at
        assert visit.work_order.problem == "Boiler shows F28"
        assert visit.work_order.answers == {"symptoms": ["No heat"]}
        assert visit.site.access_notes == "Ring the side door."
        assert visit.site.geocode_match == "exact"
        kinds = {message.kind for message in session.scalars(select(OutboxMessage))}
        assert "confirmation" in kinds
        assert visit.reference in walker.page.text
        assert session.scalars(select(Hold)).all() == []


def test_a_service_of_two_is_booked_for_two(walker: Walker, services: Services, company: Company) -> None:
    """Windows are offered that two can keep; both are held while the form is filled in, and both come."""
    with services.db.transaction() as session:
        session.get_one(Service, company.service.id).crew = 2
    walker.to_time()
    walker.pick_window(1)
    with services.db.reading() as session:
        held = session.scalars(select(Stop).where(Stop.kind == StopKind.HOLD)).all()
        assert len({stop.technician_id for stop in held}) == len(held) == 2
    walker.confirm()
    assert "You’re booked" in walker.page.text
    with services.db.reading() as session:
        visit = session.scalars(select(Visit)).one()
        assert (visit.crew, len(visit.made_by)) == (2, 2)
        assert visit.window.starts_at <= visit.stop.starts_at <= visit.window.ends_at
        assert {stop.starts_at for stop in visit.crew_stops} == {visit.stop.starts_at}
        assert session.scalars(select(Hold)).all() == []


def test_who_cannot_find_two_is_offered_nothing(walker: Walker, services: Services, company: Company) -> None:
    """Three are asked for and two work there: no window is offered, on any day."""
    with services.db.transaction() as session:
        session.get_one(Service, company.service.id).crew = 3
    walker.choose_problem()
    walker.give_address()
    assert "No windows in the next" in walker.page.text


def test_each_kind_of_answer_is_asked_and_kept(walker: Walker, services: Services) -> None:
    """Chips, a choice, yes or no, and a line of text arrive in the work order and on the summary."""
    answers = {
        "about-heating-symptoms": ["No heat", "Leaking"],
        "about-heating-fuel": "Gas",
        "about-heating-water": "no",
        "about-heating-model": "Weil-McLain",
    }
    walker.choose_problem(**answers)
    walker.give_address()
    walker.pick_window()
    assert "No heat, Leaking · What does it burn? Gas · Is there hot water? no" in walker.page.text
    walker.confirm()
    with services.db.reading() as session:
        stored = session.scalars(select(Visit)).one().work_order.answers
    assert stored == {
        "symptoms": ["No heat", "Leaking"],
        "fuel": "Gas",
        "water": "no",
        "model": "Weil-McLain",
    }


def test_a_page_of_one_service_asks_only_its_questions(walker: Walker) -> None:
    """Which is what a card picked with JavaScript fetches."""
    assert "What is happening?" in walker.open("/book/questions?service=heating").text
    assert walker.open("/book/questions?service=call").text == ""
    assert walker.open("/book/questions?service=%00").text == ""


def test_a_link_may_name_the_service(walker: Walker) -> None:
    """Its card is picked, and its questions are there."""
    walker.open("/book?service=heating")
    assert walker.page.checked["service"] == ["heating"]
    walker.open("/book?service=nothing")
    assert "service" not in walker.page.checked


def test_no_window_is_picked_for_the_customer(walker: Walker) -> None:
    """Neither at first nor on the way back from the confirmation."""
    walker.to_time()
    assert "window" not in walker.page.checked
    walker.pick_window()
    walker.open(f"/book/{walker.draft}/time")
    assert "window" not in walker.page.checked


def test_the_time_zone_and_the_meaning_of_a_window_are_said_in_words(walker: Walker) -> None:
    """A bare time has been misread too often."""
    walker.to_time()
    assert "arrives inside the window you pick and stays about 60 minutes" in walker.page.text
    assert "All times are Eastern Time." in walker.page.text
    assert "10 am – 12 pm" in walker.page.text


def test_the_summary_says_price_and_cut_off_and_links_back(walker: Walker) -> None:
    """Everything can be changed from there; the deadline is an instant, not a number of hours."""
    walker.to_confirm()
    assert "$95 visit" in walker.page.text
    assert "You can change or cancel online until" in walker.page.text
    for page in ("", "/address", "/time"):
        assert f"/book/{walker.draft}{page}" in walker.page.links


def test_a_changed_problem_keeps_the_window(walker: Walker, services: Services) -> None:
    """Nothing is asked twice: the customer lands on the confirmation again."""
    walker.to_confirm()
    walker.open(f"/book/{walker.draft}")
    assert walker.page.checked["service"] == ["heating"]
    walker.send(problem="It drips")
    assert "It drips" in walker.page.text
    assert walker.url.endswith("/confirm")


def test_another_service_needs_another_window(walker: Walker) -> None:
    """A window was found for one duration and skill; it is not carried over to others."""
    walker.to_confirm()
    walker.open(f"/book/{walker.draft}")
    walker.send(service="call")
    assert walker.url.endswith("/time")


def test_a_held_window_is_not_offered_to_others(
    walker: Walker, services: Services, clock_at_now: Traveller
) -> None:
    """Two technicians, two customers before the confirmation: the third finds the day full, for a while."""
    with services.db.transaction() as session:
        heating(session).duration = timedelta(hours=8)
    walker.to_time()
    day = walker.page.text
    assert "Wednesday, Mar 4" in day
    for _ in range(2):
        walker.to_time()
        walker.pick_window()
    walker.to_time()
    assert "Wednesday, Mar 4" not in walker.page.text
    assert "Full" in walker.page.text
    clock_at_now.shift(timedelta(minutes=20))
    walker.to_time()
    assert walker.page.text == day


def test_a_new_pick_replaces_the_hold(walker: Walker, services: Services) -> None:
    """One customer never holds two windows."""
    walker.to_confirm()
    walker.open(f"/book/{walker.draft}/time?day=2026-03-05")
    walker.pick_window(2)
    with services.db.reading() as session:
        assert session.scalar(select(func.count()).select_from(Hold)) == 1


def test_a_hold_that_ran_out_is_renewed_when_the_window_is_still_free(
    walker: Walker, services: Services, clock_at_now: Traveller
) -> None:
    """Somebody who takes 20 minutes for the form books all the same."""
    walker.to_confirm()
    clock_at_now.shift(timedelta(minutes=20))
    walker.confirm()
    assert "You’re booked" in walker.page.text
    with services.db.reading() as session:
        stop = session.scalars(select(Visit)).one().stop
        assert stop is not None
        assert [other.kind for other in stop.route.stops] == [StopKind.VISIT]


def test_a_window_that_is_gone_answers_409_and_keeps_the_details(
    walker: Walker, services: Services, clock_at_now: Traveller
) -> None:
    """The time page again with fresh windows, none picked; the contact is still there afterwards."""
    with services.db.transaction() as session:
        heating(session).duration = timedelta(hours=8)
    walker.to_confirm()
    slow = walker.draft, walker.page, walker.url
    clock_at_now.shift(timedelta(minutes=20))
    for _ in range(2):
        walker.to_time()
        walker.pick_window()
        walker.confirm()
    draft, walker.page, walker.url = slow
    walker.confirm(name="Slow Joe")
    assert walker.status == 409
    assert "That time was just taken" in walker.page.text
    assert "window" not in walker.page.checked
    with services.db.reading() as session:
        assert session.scalar(select(func.count()).select_from(Visit)) == 2
    walker.pick_window()
    assert walker.page.fields["name"] == "Slow Joe"
    assert walker.page.fields["email"] == "rosa@example.com"
    walker.confirm()
    assert "You’re booked" in walker.page.text


def test_a_picked_window_that_is_taken_answers_409(walker: Walker, services: Services) -> None:
    """The loser of a race for a hold picks again."""
    with services.db.transaction() as session:
        heating(session).duration = timedelta(hours=8)
    walker.to_time()
    late = walker.page, walker.url
    for _ in range(2):
        walker.to_time()
        walker.pick_window()
        walker.confirm()
    walker.page, walker.url = late
    walker.pick_window()
    assert walker.status == 409
    assert "That time was just taken" in walker.page.text


def test_who_is_too_late_does_not_queue_for_the_technicians(walker: Walker, services: Services) -> None:
    """While somebody else has the locks, the loser is answered; who wants a free window waits (control)."""
    with services.db.transaction() as session:
        heating(session).duration = timedelta(hours=8)
    walker.to_time()
    late = walker.page, walker.url
    walker.to_time()
    walker.pick_window()
    walker.confirm()
    walker.to_time()
    free = walker.page, walker.url
    other = Thread(target=walker.pick_window)
    with services.db.transaction() as session:
        lock_territory(session, session.scalars(select(Territory)).one())
        walker.page, walker.url = free
        other.start()
        other.join(timeout=1)
        assert other.is_alive()
    other.join(timeout=20)
    assert "Check and confirm" in walker.page.text
    walker.confirm()
    with services.db.transaction() as session:
        lock_territory(session, session.scalars(select(Territory)).one())
        walker.page, walker.url = late
        walker.pick_window()
        assert walker.status == 409


def test_a_window_that_was_never_offered_cannot_be_had(walker: Walker, services: Services) -> None:
    """At night, within the lead time or beyond the horizon: it is as gone as a taken one."""
    walker.to_time()
    form, url = walker.page, walker.url
    for window in ("2026-03-03T03:00:00+00:00", "2026-03-02T13:00:00+00:00", "2199-01-01T10:00Z"):
        walker.page, walker.url = form, url
        walker.send(window=window)
        assert walker.status == 409
    with services.db.reading() as session:
        assert session.scalars(select(Hold)).all() == []


def test_no_window_in_the_horizon(walker: Walker, services: Services, company: Company) -> None:
    """The page says why there is nothing and offers the phone."""
    with services.db.transaction() as session:
        heating(session).lead_time = timedelta(days=60)
    walker.to_time(day="")
    assert "No windows in the next 14 days" in walker.page.text
    assert "+1 410 555 0100" in walker.page.text


def test_a_closed_day_says_so(walker: Walker, services: Services, company: Company) -> None:
    """Nobody works on Wednesday: its tile is no link, and another day is shown."""
    with services.db.transaction() as session:
        for technician in company.technicians:
            make_override(session, session.get_one(Technician, technician.id), date(2026, 3, 4), day_off=True)
    walker.to_time()
    assert "Closed" in walker.page.text
    assert not [link for link in walker.page.links if "2026-03-04" in link and "lang=" not in link]
    assert "Thursday, Mar 5" in walker.page.text


def test_a_confirmed_draft_leads_to_its_visit(walker: Walker, services: Services) -> None:
    """The Back button after booking finds the visit, not a second booking."""
    walker.to_confirm()
    draft = walker.draft
    walker.confirm()
    booked = walker.url
    for page in ("", "/address", "/time", "/confirm"):
        walker.open(f"/book/{draft}{page}")
        assert walker.url == booked
    with services.db.reading() as session:
        answers = session.scalars(select(BookingDraft).where(BookingDraft.token == draft)).one().answers
    assert answers == {"service": "heating"}


def test_an_unknown_draft_is_a_friendly_404(walker: Walker) -> None:
    """On every page, whatever stands where a token belongs."""
    for token in ("x", "a" * 43, "%00", "a" * 4000, "%F0%9F%92%A9" * 5):
        for page in ("", "/address", "/address/check", "/outside", "/time", "/windows", "/confirm"):
            walker.open(f"/book/{token}{page}")
            assert walker.status == 404
            assert "Please start again" in walker.page.text


def test_an_old_draft_is_gone(walker: Walker, clock_at_now: Traveller) -> None:
    """After a day the answers are no longer shown to whoever finds the address."""
    walker.to_confirm()
    url = walker.url
    clock_at_now.shift(timedelta(hours=25))
    walker.open(url)
    assert walker.status == 410
    assert "Please start again" in walker.page.text


def test_a_later_screen_leads_back_to_the_first_unanswered_one(walker: Walker) -> None:
    """Addresses typed by hand do no harm."""
    walker.choose_problem()
    walker.open(f"/book/{walker.draft}/confirm")
    assert walker.url.endswith("/address")
    walker.give_address()
    walker.open(f"/book/{walker.draft}/confirm")
    assert walker.url.endswith("/time")


def test_a_service_at_the_branch_asks_for_no_address(walker: Walker, services: Services) -> None:
    """The customer sees where to come instead."""
    walker.choose_problem("advice")
    assert "1 Market Square" in walker.page.text
    walker.send()
    walker.pick_window()
    walker.confirm()
    with services.db.reading() as session:
        visit = session.scalars(select(Visit)).one()
        assert visit.state == VisitState.BOOKED
        assert visit.site.address == "1 Market Square"


def test_a_remote_service_asks_where_but_not_how_to_get_in(walker: Walker, services: Services) -> None:
    """The place decides the territory and its time zone, nothing else."""
    walker.choose_problem("call")
    assert "How do we get in?" not in walker.page.text
    walker.give_address(access_kind=None)
    assert "We call you inside the window" in walker.page.text
    walker.pick_window()
    walker.confirm()
    with services.db.reading() as session:
        assert session.scalars(select(Visit)).one().state == VisitState.BOOKED


def test_a_service_that_is_not_offered_any_more_ends_its_drafts(walker: Walker, services: Services) -> None:
    """Nobody books what the company has withdrawn."""
    walker.to_confirm()
    url = walker.url
    with services.db.transaction() as session:
        session.scalars(select(Service).where(Service.code == "heating")).one().active = False
    walker.open(url)
    assert walker.status == 410


def test_requester_site_contact_and_payer_may_be_three_people(walker: Walker, services: Services) -> None:
    """Those who are not named are the requester."""
    walker.to_confirm()
    walker.confirm(site_name="Tom Tenant", site_phone="410 555 0111", payer_name="Lou Landlord")
    with services.db.reading() as session:
        order = session.scalars(select(Visit)).one().work_order
        names = {contact.role: contact.name for contact in order.contacts}
        assert names == {
            Role.REQUESTER: "Rosa Whitfield",
            Role.SITE_CONTACT: "Tom Tenant",
            Role.PAYER: "Lou Landlord",
        }
        contact = order.contact(Role.SITE_CONTACT)
        assert contact is not None
        assert contact.phone == "+14105550111"


def test_a_known_customer_is_recognised_but_neither_shown_nor_changed(
    walker: Walker, services: Services
) -> None:
    """Whoever types somebody's e-mail address learns nothing and overwrites nothing."""
    with services.db.transaction() as session:
        known = make_customer(session, name="Secret Name", email="rosa@example.com", phone="+14105559999")
        known_id = known.id
    walker.book()
    assert "Secret Name" not in walker.page.html
    assert "9999" not in walker.page.html
    with services.db.reading() as session:
        visit = session.scalars(select(Visit)).one()
        assert visit.work_order.customer_id == known_id
        stored = session.get_one(Customer, known_id)
        assert (stored.name, stored.phone) == ("Secret Name", "+14105559999")
        contact = visit.work_order.contact(Role.REQUESTER)
        assert contact is not None
        assert contact.phone == "+14105550187"


def test_one_way_to_reach_the_customer_is_enough(walker: Walker, services: Services) -> None:
    """Only the phone, or only the e-mail address; messages go there alone."""
    walker.to_confirm()
    walker.confirm(email="")
    walker.to_confirm()
    walker.confirm(phone="", name="Ann Other", email="ann@example.com")
    with services.db.reading() as session:
        first, second = session.scalars(select(Visit).order_by(Visit.id)).all()
        assert {message.channel for message in first.messages} == {"sms"}
        assert {message.channel for message in second.messages} == {"email"}


def test_the_same_confirmation_twice_is_one_visit(walker: Walker, services: Services) -> None:
    """A double click and a reload post the same form again and see the same visit."""
    walker.to_confirm()
    form, url = walker.page, walker.url
    walker.confirm()
    booked = walker.url
    walker.page, walker.url = form, url
    walker.confirm()
    assert walker.url == booked
    with services.db.reading() as session:
        assert session.scalar(select(func.count()).select_from(Visit)) == 1


def test_a_form_without_its_key_is_refused(walker: Walker, services: Services) -> None:
    """A POST that could not be told from its repetition changes nothing."""
    walker.to_confirm()
    walker.confirm(idempotency_key="")
    assert 400 <= walker.status < 500
    with services.db.reading() as session:
        assert session.scalars(select(Visit)).all() == []
