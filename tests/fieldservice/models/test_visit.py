"""A visit's way through its states, what the customer is told, and what is kept of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from fieldservice.db import Database
from fieldservice.models import MessageState, NotAllowed, Visit, VisitState, Window
from fieldservice.models.visit import REFERENCE_LETTERS, new_reference
from tests.factories import NOW, TOMORROW, make_site, make_visit, make_work_order, window

HOUR = timedelta(hours=1)
LATER = NOW + HOUR

S = VisitState
STEPS = {
    S.REQUESTED: {S.BOOKED, S.CANCELLED},
    S.BOOKED: {S.DISPATCHED, S.EN_ROUTE, S.ON_SITE, S.DONE, S.CANCELLED, S.NO_SHOW, S.COULD_NOT_DO},
    S.DISPATCHED: {S.EN_ROUTE, S.ON_SITE, S.DONE, S.CANCELLED, S.NO_SHOW, S.COULD_NOT_DO},
    S.EN_ROUTE: {S.ON_SITE, S.DONE, S.CANCELLED, S.NO_SHOW, S.COULD_NOT_DO},
    S.ON_SITE: {S.DONE, S.NO_SHOW, S.COULD_NOT_DO},
    S.DONE: set(),
    S.CANCELLED: set(),
    S.NO_SHOW: set(),
    S.COULD_NOT_DO: set(),
}


def advance(visit: Visit, *states: VisitState) -> None:
    """One step after the other, each by the technician."""
    for state in states:
        visit.advance(state, occurred_at=LATER, now=LATER, actor="technician")


def promise(visit: Visit, promised: Window, now: datetime = NOW) -> None:
    """Promise a window on the customer's behalf."""
    visit.promise(promised, now=now, actor="customer")


def told(visit: Visit, *states: MessageState) -> list[tuple[str, str]]:
    """Kind and channel of the messages in these states, in the order in which they were written."""
    return [(m.kind, m.channel) for m in visit.messages if m.state in (states or tuple(MessageState))]


# --- states


@pytest.mark.parametrize(("state", "wanted"), list(product(S, S)), ids=str)
def test_only_the_steps_of_the_table_exist(state: VisitState, wanted: VisitState) -> None:
    """All 81 pairs: a step of the table is taken and recorded, any other is refused and changes nothing."""
    visit = Visit(state=state, events=[], messages=[])
    if wanted in STEPS[state]:
        visit.advance(wanted, occurred_at=NOW, now=LATER, actor="dispatcher", payload={"note": 1})
        assert visit.state == wanted
        [event] = visit.events
        assert (event.kind, event.from_state, event.to_state) == ("state", state, wanted)
        assert (event.occurred_at, event.recorded_at, event.actor) == (NOW, LATER, "dispatcher")
        assert event.payload == {"note": 1}
    else:
        with pytest.raises(NotAllowed) as refused:
            visit.advance(wanted, occurred_at=NOW, now=LATER, actor="dispatcher")
        assert refused.value.wanted == wanted
        assert visit.state == state
        assert visit.events == []


@pytest.mark.parametrize(
    ("way", "back"),
    [
        ((S.EN_ROUTE,), S.BOOKED),
        ((S.EN_ROUTE, S.ON_SITE), S.EN_ROUTE),
        ((S.EN_ROUTE, S.ON_SITE, S.DONE), S.ON_SITE),
        ((S.DISPATCHED, S.EN_ROUTE), S.DISPATCHED),
        ((S.DISPATCHED, S.ON_SITE), S.DISPATCHED),
        ((S.EN_ROUTE, S.DONE), S.EN_ROUTE),
        ((S.DONE,), S.BOOKED),
        ((S.NO_SHOW,), S.BOOKED),
        ((S.EN_ROUTE, S.COULD_NOT_DO), S.EN_ROUTE),
    ],
)
def test_the_last_step_can_be_taken_back(
    session: Session, way: tuple[VisitState, ...], back: VisitState
) -> None:
    """Undo is a new event that leads to the state before; the old events stay."""
    visit = make_visit(session)
    promise(visit, window())
    advance(visit, *way)
    before = len(visit.events)
    visit.revert(occurred_at=LATER, now=LATER, actor="technician")
    session.flush()
    assert visit.state == back
    assert len(visit.events) == before + 1
    assert (visit.events[-1].kind, visit.events[-1].from_state) == ("undone", way[-1])


def test_undo_goes_back_step_by_step_and_never_forward(session: Session) -> None:
    """Undo twice is two steps back; it does not redo what it undid, and it ends where the work began."""
    visit = make_visit(session)
    promise(visit, window())
    advance(visit, S.DISPATCHED, S.EN_ROUTE, S.ON_SITE, S.DONE)
    states = []
    for _ in range(3):
        visit.revert(occurred_at=LATER, now=LATER, actor="technician")
        states.append(visit.state)
    assert states == [S.ON_SITE, S.EN_ROUTE, S.DISPATCHED]
    with pytest.raises(NotAllowed):
        visit.revert(occurred_at=LATER, now=LATER, actor="technician")
    assert visit.state == S.DISPATCHED


@pytest.mark.parametrize("state", ["requested", "booked", "dispatched", "cancelled"])
def test_what_cannot_be_taken_back(session: Session, state: str) -> None:
    """Before the work began there is no step to undo, and a cancelled visit has lost its place."""
    visit = make_visit(session)
    if state != "requested":
        promise(visit, window())
    if state == "dispatched":
        advance(visit, S.DISPATCHED)
    if state == "cancelled":
        visit.cancel(now=LATER, actor="customer")
    before = len(visit.events)
    with pytest.raises(NotAllowed):
        visit.revert(occurred_at=LATER, now=LATER, actor="technician")
    assert visit.state == state
    assert len(visit.events) == before


def test_work_can_go_on_after_undo(session: Session) -> None:
    """A step that was taken back by mistake can be made again."""
    visit = make_visit(session)
    promise(visit, window())
    advance(visit, S.EN_ROUTE, S.ON_SITE)
    visit.revert(occurred_at=LATER, now=LATER, actor="technician")
    advance(visit, S.ON_SITE, S.DONE)
    assert visit.state == S.DONE


@hypothesis_settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.one_of(st.sampled_from(list(S)), st.just("undo")), max_size=25))
def test_any_order_of_steps_leaves_a_gapless_history(wishes: list[VisitState | str]) -> None:
    """Whatever is tried in whatever order, each recorded event starts where the one before ended."""
    visit = Visit(state=S.REQUESTED, events=[], messages=[])
    for wish in wishes:
        try:
            if isinstance(wish, VisitState):
                visit.advance(wish, occurred_at=NOW, now=NOW, actor="test")
            else:
                visit.revert(occurred_at=NOW, now=NOW, actor="test")
        except NotAllowed:
            continue
    state: str = S.REQUESTED
    for event in visit.events:
        assert event.from_state == state
        state = event.to_state
    assert state == visit.state


def test_the_same_event_counts_once(session: Session) -> None:
    """An event key that is already known is refused by the database: a phone may send twice."""
    visits = [make_visit(session, state=S.BOOKED) for _ in range(2)]
    for visit in visits:
        visit.advance(S.EN_ROUTE, occurred_at=LATER, now=LATER, actor="technician", event_key="phone-1")
    with pytest.raises(IntegrityError):
        session.flush()


# --- promises and messages


def test_the_first_promise_books_and_confirms(session: Session) -> None:
    """A promise writes the confirmation due now and both reminders due later, on both channels."""
    visit = make_visit(session)
    promised = window(TOMORROW, 10, 12)
    promise(visit, promised)
    session.flush()
    assert (visit.state, visit.window, visit.promise_version) == (S.BOOKED, promised, 1)
    assert visit.promised
    due = {(m.kind, m.channel): m.due_at for m in visit.messages}
    assert due == {
        ("confirmation", "email"): NOW,
        ("confirmation", "sms"): NOW,
        ("reminder_24h", "email"): promised.starts_at - 24 * HOUR,
        ("reminder_24h", "sms"): promised.starts_at - 24 * HOUR,
        ("reminder_2h", "email"): promised.starts_at - 2 * HOUR,
        ("reminder_2h", "sms"): promised.starts_at - 2 * HOUR,
    }
    assert [(e.kind, e.from_state, e.to_state) for e in visit.events] == [
        ("state", "requested", "booked"),
        ("promised", "", ""),
    ]


def test_a_reminder_that_would_be_late_is_not_written(session: Session) -> None:
    """A window in three hours gets the two-hour reminder alone; one in an hour gets none."""
    for hours, kinds in ((3, {"confirmation", "reminder_2h"}), (1, {"confirmation"})):
        visit = make_visit(session)
        promise(visit, Window(NOW + hours * HOUR, NOW + (hours + 2) * HOUR))
        assert {m.kind for m in visit.messages} == kinds


def test_a_service_says_when_it_reminds(session: Session) -> None:
    """As many reminders as it has, by the day's clock or by hours; the site's contact gets them as well."""
    visit = make_visit(session)
    visit.service.reminders = ["3d", "36h", "90m"]
    promised = window(TOMORROW + timedelta(days=4), 10, 12)
    promise(visit, promised)
    due = {m.kind: m.due_at for m in visit.messages if m.channel == "email"}
    assert due == {
        "confirmation": NOW,
        "reminder_3d": window(TOMORROW + timedelta(days=1), 10, 12).starts_at,
        "reminder_36h": promised.starts_at - 36 * HOUR,
        "reminder_90m": promised.starts_at - 1.5 * HOUR,
    }


def test_reminders_are_due_real_hours_before(session: Session) -> None:
    """Over the night in which clocks change, 24 hours before is 24 real hours, not the same clock time."""
    zone = ZoneInfo("Europe/Berlin")
    start = datetime(2026, 3, 29, 10, 0, tzinfo=zone)  # clocks went forward at 2:00 that night
    visit = make_visit(session)
    promise(visit, Window(start, start + 2 * HOUR))
    session.flush()
    session.expire_all()
    due = {m.kind: m.due_at for m in visit.messages}
    assert due["reminder_24h"] == datetime(2026, 3, 28, 8, 0, tzinfo=UTC)
    assert due["reminder_24h"].astimezone(zone).hour == 9


def test_a_new_promise_retires_the_old_messages(session: Session) -> None:
    """Rescheduling cancels what was to be sent about the old window and says what changed, in one go."""
    visit = make_visit(session)
    old = window(TOMORROW, 10, 12)
    promise(visit, old)
    sent = visit.messages[0]
    sent.state = MessageState.SENT
    promise(visit, window(TOMORROW, 14, 16), now=LATER)
    session.flush()
    assert sent.state == MessageState.SENT
    assert visit.promise_version == 2
    alive = [m for m in visit.messages if m.state == MessageState.PENDING]
    assert {m.promise_version for m in alive} == {2}
    assert {m.kind for m in alive} == {"changed", "reminder_24h", "reminder_2h"}
    changed = next(m for m in alive if m.kind == "changed")
    assert changed.payload["window_starts_at"] == old.starts_at.isoformat()
    assert visit.state == S.BOOKED


def test_the_same_promise_again_is_nothing(session: Session) -> None:
    """Promising what was already promised tells nobody anything."""
    visit = make_visit(session)
    promise(visit, window())
    before = (len(visit.messages), len(visit.events), visit.promise_version)
    promise(visit, window(), now=LATER)
    assert (len(visit.messages), len(visit.events), visit.promise_version) == before


@pytest.mark.parametrize("state", [S.EN_ROUTE, S.ON_SITE, S.DONE, S.CANCELLED, S.NO_SHOW, S.COULD_NOT_DO])
def test_no_promise_once_it_has_begun(session: Session, state: VisitState) -> None:
    """A visit that has begun or ended cannot be promised again; nothing is written."""
    visit = make_visit(session, state=state)
    with pytest.raises(NotAllowed):
        promise(visit, window())
    assert visit.window is None
    assert visit.messages == []


def test_a_dispatched_visit_stays_dispatched(session: Session) -> None:
    """Rescheduling a dispatched visit does not take it back from the technician's list."""
    visit = make_visit(session)
    promise(visit, window())
    advance(visit, S.DISPATCHED)
    promise(visit, window(TOMORROW, 14, 16), now=LATER)
    assert visit.state == S.DISPATCHED


def test_a_cancelled_visit_tells_and_stops_reminding(session: Session) -> None:
    """Cancelling retires reminders and writes one message per channel; a second cancel is refused."""
    visit = make_visit(session)
    promise(visit, window())
    visit.cancel(now=LATER, actor="customer", reason="moved out")
    session.flush()
    assert told(visit, MessageState.PENDING) == [("cancelled", "email"), ("cancelled", "sms")]
    assert not visit.promised
    assert visit.events[-1].payload == {"reason": "moved out"}
    with pytest.raises(NotAllowed):
        visit.cancel(now=LATER, actor="customer")
    assert told(visit, MessageState.PENDING) == [("cancelled", "email"), ("cancelled", "sms")]


def test_cancelling_what_was_never_promised_is_silent(session: Session) -> None:
    """A request that nobody answered yet can be cancelled without a message about a window."""
    visit = make_visit(session)
    visit.cancel(now=LATER, actor="dispatcher")
    assert visit.messages == []


def test_an_ended_visit_reminds_nobody(session: Session) -> None:
    """When the work is done, or cannot be done, pending reminders are retired."""
    for end in (S.NO_SHOW, S.COULD_NOT_DO):
        visit = make_visit(session)
        promise(visit, window())
        advance(visit, end)
        assert told(visit, MessageState.PENDING) == []


def test_undoing_a_no_show_brings_the_reminders_back(session: Session) -> None:
    """A visit marked as no-show by mistake is still promised: what is not yet due will be sent."""
    visit = make_visit(session)
    promise(visit, window(TOMORROW, 10, 12))
    promise(visit, window(TOMORROW, 14, 16))
    advance(visit, S.NO_SHOW)
    visit.revert(occurred_at=LATER, now=LATER, actor="dispatcher")
    alive = [m for m in visit.messages if m.state == MessageState.PENDING]
    assert {m.kind for m in alive} == {"reminder_24h", "reminder_2h"}
    assert {m.promise_version for m in alive} == {2}


def test_on_my_way_once_per_departure(session: Session) -> None:
    """Each departure has its own message, with the expected arrival; the retirement of others spares it."""
    visit = make_visit(session)
    promise(visit, window())
    visit.tell_on_my_way(arrives_at=LATER, now=NOW)
    visit.tell_on_my_way(arrives_at=LATER + HOUR, now=LATER)
    advance(visit, S.EN_ROUTE, S.ON_SITE, S.DONE)
    session.flush()
    left = [m for m in visit.messages if m.state == MessageState.PENDING]
    assert [m.kind for m in left] == ["on_my_way"] * 4
    assert {m.payload["arrives_at"] for m in left} == {LATER.isoformat(), (LATER + HOUR).isoformat()}


@pytest.mark.parametrize(
    ("contact", "channels"),
    [
        ({"name": "A", "email": "a@example.com"}, {"email"}),
        ({"name": "A", "phone": "+14105550100"}, {"sms"}),
        ({"name": "A"}, set()),
    ],
)
def test_only_known_addresses_are_written_to(
    session: Session, contact: dict[str, str], channels: set[str]
) -> None:
    """Somebody without an e-mail address or phone gets nothing there, and the promise still stands."""
    visit = make_visit(session, work_order=make_work_order(session, site=make_site(session), contact=contact))
    promise(visit, window())
    session.flush()
    assert {m.channel for m in visit.messages} == channels
    assert visit.promised


def test_two_promises_at_once_cannot_both_count(db: Database) -> None:
    """The message keys of a promise are unique, so the second of two racing promises is refused whole."""
    visit = db.run(make_visit)
    with db.reading() as session:
        early = session.get_one(Visit, visit.id)
        _ = (early.messages, early.events, early.work_order.contacts)
    db.run(lambda session: promise(session.get_one(Visit, visit.id), window(TOMORROW, 10, 12)))

    def late(session: Session) -> None:
        session.add(early)
        promise(early, window(TOMORROW, 14, 16))

    with pytest.raises((IntegrityError, StaleDataError)):
        db.run(late)
    with db.reading() as session:
        stored = session.get_one(Visit, visit.id)
        assert stored.window == window(TOMORROW, 10, 12)
        assert stored.promise_version == 1
        assert len(stored.messages) == 6


# --- values


@pytest.mark.parametrize("starts_at", [NOW.replace(tzinfo=None), NOW, NOW + HOUR])
def test_a_window_that_is_none_cannot_be_built(starts_at: datetime) -> None:
    """A window has zones and a positive length."""
    with pytest.raises(ValueError, match="not a window"):
        Window(starts_at, NOW)


def test_a_visit_occupies_its_buffers_too(session: Session) -> None:
    """Setup and clean-up belong to the time on site."""
    visit = make_visit(session, setup=HOUR / 4, service_duration=HOUR, cleanup=HOUR / 2)
    assert visit.occupied == timedelta(minutes=105)
    assert visit.service.occupied == HOUR


def test_references_can_be_read_out() -> None:
    """No letters that sound or look alike, and practically never the same one twice."""
    references = {new_reference("HH") for _ in range(1000)}
    assert len(references) > 990
    for reference in references:
        assert reference.startswith("HH-")
        assert set(reference[3:]) <= set(REFERENCE_LETTERS)
    assert not set("01ILOU") & set(REFERENCE_LETTERS)
