"""What a dispatcher does on a running day, each flow once: how many presses it may take, and what is told."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import time, timedelta

from playwright.sync_api import expect

from fieldservice.models import (
    Channel,
    Conversation,
    KeptWork,
    OfficeTask,
    Technician,
    TechnicianSkill,
    Visit,
    VisitState,
)
from fieldservice.web import new_key
from tests.browser.board.conftest import Desk
from tests.browser.board.hands import Hand, Words
from tests.factories import near, window
from tests.fieldservice.dispatch.scene import book


def _nothing(_desk: Desk) -> None:
    """The day is as it is."""


@dataclass(frozen=True)
class Flow:
    """`most` presses lead from the board to what is told; words that have to be typed are none."""

    most: int
    steps: Callable[[Hand], None]
    told: Words
    arrange: Callable[[Desk], None] = _nothing


def _at_work(desk: Desk) -> None:
    """Ida's visit is in progress."""
    with desk.site.services.db.transaction() as session:
        visit, now = session.get_one(Visit, desk.scene.ids["Ida"]), desk.site.now
        visit.advance(VisitState.ON_SITE, occurred_at=now, now=now, actor="technician")


def _not_at_home(desk: Desk) -> None:
    """Ned was promised the early morning, which has begun."""
    with desk.site.services.db.transaction() as session:
        early = window(desk.site.today, 7, 9)
        book(
            session,
            desk.scene,
            "Ned",
            at=near(800),
            technician=desk.scene.ben,
            starts=time(8),
            promised=early,
        )


def evening(desk: Desk) -> None:
    """Ned is promised the evening, when everybody has gone home."""
    with desk.site.services.db.transaction() as session:
        book(session, desk.scene, "Ned", at=near(400), promised=window(desk.site.today, 17, 19))
        for technician in session.query(Technician).filter_by(territory_id=desk.scene.territory.id):
            for pattern in technician.shift_patterns:
                pattern.overtime = timedelta(0)


def _asked(desk: Desk) -> None:
    """Kim asked something, Joe complained, Ana's certificate has ended, and a phone contradicts the plan."""
    now = desk.site.now
    with desk.site.services.db.transaction() as session:
        kim, joe = (session.get_one(Visit, desk.scene.ids[name]) for name in ("Kim", "Joe"))
        kim.work_order.customer.name = f"Kim {desk.scene.territory.id}"
        joe.work_order.customer.name = f"Joe {desk.scene.territory.id}"
        conversation = Conversation(visit=kim, last_at=now)
        session.add(conversation)
        conversation.ask("Which door?", channel=Channel.PAGE, now=now - timedelta(minutes=50))
        due_at = now + timedelta(hours=4)
        ida = desk.scene.ids["Ida"]
        session.add(OfficeTask(kind="complaint", visit_id=joe.id, created_at=now, due_at=due_at))
        held = session.query(TechnicianSkill).filter_by(technician_id=desk.scene.ana.id).first()
        assert held
        held.expires_on = desk.site.today - timedelta(days=1)
        session.add(
            OfficeTask(kind="sync_conflict", visit_id=ida, created_at=now, detail="Done without signal")
        )
        session.add(
            KeptWork(
                item_id=new_key(),
                visit_id=ida,
                technician_id=desk.scene.ben.id,
                kind="tap",
                label="Done",
                fields=[["kind", "done"]],
                status=404,
                reason="Not on your route",
                tapped_at=now,
                phone_at=now,
                received_at=now,
            )
        )


def _sick_at_once(hand: Hand) -> None:
    hand.row("Ana Reyes", "Off sick from now")
    expect(hand.page.locator("#toast")).to_contain_text("Ana Reyes is off sick.")
    hand.desk.search()
    accept = hand.page.get_by_role("button", name="Accept all")
    expect(accept).to_be_visible(timeout=15_000)
    hand.press(accept)


def _sick_from_eleven(hand: Hand) -> None:
    hand.row("Ana Reyes", "Off sick from a time…")
    hand.write("From", "11:00")
    hand.button("Off sick")


def _back_at_work(hand: Hand) -> None:
    hand.row("Carl Moss", "Off sick from now")
    hand.row("Carl Moss", "Back at work")


def _vehicle(hand: Hand) -> None:
    hand.row("Ana Reyes", "Vehicle trouble…")
    hand.button("Look for a plan")


def _longer(hand: Hand) -> None:
    hand.visit("Ida")
    hand.link("Takes longer…")
    hand.button("Plan 30 min more")


def _emergency(hand: Hand) -> None:
    hand.visit("Lea")
    hand.link("Emergency…")
    hand.button("Send Ben Okafor")


def _missed(hand: Hand) -> None:
    hand.more("Ned", "Nobody was there…")
    hand.button("Note it")


def _spare(hand: Hand) -> None:
    hand.row("Ben Okafor", "Has time: what to take…")
    hand.button("Give Lea Park to Ben Okafor")


def _swap(hand: Hand) -> None:
    hand.row("Ana Reyes", "Exchange visits…")
    hand.button(re.compile("^Exchange .*Ben Okafor"))


def _other_day(hand: Hand) -> None:
    hand.row("Ben Okafor", "Move the route to another day…")
    hand.button(re.compile("^Move to "))


def _cancel(hand: Hand) -> None:
    hand.more("Kim", "Customer cancels…")
    hand.button("Cancel the visit")


def _link(hand: Hand) -> None:
    hand.more("Joe", "Follows another visit…")
    hand.take("It follows", "Ida")
    hand.button("Link")


def _pin(hand: Hand) -> None:
    hand.visit("Joe")
    hand.press(hand.page.locator("#inspector").get_by_role("button", name="Pin", exact=True))


def _pin_to_one(hand: Hand) -> None:
    hand.visit("Joe")
    hand.press(hand.page.locator(".pin-menu > summary"))
    hand.button("Pin to Ana Reyes, any time")


def _place(hand: Hand) -> None:
    hand.link(re.compile("Lea Park: Place…"))
    hand.press(hand.page.get_by_role("dialog").get_by_role("button", name="Place"))


def _move(hand: Hand) -> None:
    hand.visit("Kim")
    hand.link("Move…")
    hand.press(hand.page.get_by_role("dialog").get_by_role("button", name="Move", exact=True))


def _move_outside_the_promise(hand: Hand) -> None:
    hand.visit("Kim")
    hand.link("Move…")
    hand.tick(hand.page.get_by_role("dialog").get_by_role("radio", name=re.compile("Ben Okafor")))
    hand.write("Start", "14:00")
    hand.press(hand.page.get_by_role("dialog").get_by_role("button", name="Move", exact=True))
    hand.write("Why is the rule broken?", "Agreed by phone")
    hand.button("Move anyway to Ben Okafor, 2:00 pm")
    mark = hand.page.locator(f"{hand.desk.bar('Kim')} .visually-hidden")
    expect(mark.filter(has_text="breaks a rule for a reason")).to_have_count(1)


def _unassign_undo_redo(hand: Hand) -> None:
    hand.visit("Joe")
    hand.press(hand.page.locator("#inspector").get_by_role("button", name="Unassign"))
    expect(hand.page.locator("#toast")).to_contain_text("Unassigned.")
    hand.press(hand.page.locator("#day-bar").get_by_role("button", name="Undo"))
    expect(hand.page.locator("#toast")).to_contain_text("Undone.")
    hand.press(hand.page.locator("#day-bar").get_by_role("button", name="Redo"))


def _undo_in_the_history(hand: Hand) -> None:
    _place(hand)
    expect(hand.page.locator("#toast")).to_contain_text("Moved to")
    hand.link("History")
    hand.button("Undo the last change")


def _longer_shift(hand: Hand) -> None:
    hand.visit("Ned")
    hand.button(re.compile("Extend by .*Ben Okafor"))


def _another_window(hand: Hand) -> None:
    hand.visit("Ned")
    hand.link("Ask for another window…")
    hand.button("Send the question")


def _optimise(hand: Hand) -> None:
    hand.press(hand.page.get_by_role("button", name="Optimize", exact=True))
    expect(hand.page.get_by_role("heading", name="Looking for a better plan")).to_be_visible()
    hand.desk.search()
    accept = hand.page.get_by_role("button", name="Accept all")
    expect(accept).to_be_visible(timeout=15_000)
    hand.press(accept)


def _compare(hand: Hand) -> None:
    hand.press(hand.page.locator("#optimise-menu > summary"))
    hand.link("Compare, some visits…")
    for name, goal in (("goal", "driving"), ("rival", "fair")):
        hand.tick(hand.page.locator(f"input[name='{name}'][value='{goal}']"))
    hand.button("Look for a plan")
    expect(hand.page.get_by_role("heading", name="Looking for a better plan")).to_be_visible()
    hand.desk.search()
    expect(hand.page.get_by_role("heading", name="Which plan?")).to_be_visible(timeout=15_000)
    hand.button("Accept: Fair")


def _dispatch(hand: Hand) -> None:
    hand.link(re.compile("^Dispatch 3"))
    hand.button("Send 3 visits")


def _set_pin(hand: Hand) -> None:
    hand.link(re.compile("^Set the pin.*Max Park"))
    at = near(600)
    hand.write("Latitude", f"{at.lat:.5f}")
    hand.write("Longitude", f"{at.lon:.5f}")
    hand.button("Save the pin")


def _messages(hand: Hand) -> None:
    hand.link(re.compile("^Messages"))


def _question(hand: Hand) -> None:
    _messages(hand)
    hand.link(re.compile(f"Kim {hand.desk.scene.territory.id}"))


def _answer(hand: Hand) -> None:
    _question(hand)
    hand.write("Your answer", "The side door.")
    hand.button("Send the answer")


def _no_answer(hand: Hand) -> None:
    _question(hand)
    settle = hand.page.get_by_role("button", name="No answer needed")
    hand.press(settle)
    expect(settle).to_have_count(0)


def _complaint(hand: Hand) -> None:
    _messages(hand)
    name = f"Joe {hand.desk.scene.territory.id}"
    take = hand.page.get_by_role("button", name=re.compile(f"^Take over: .*{name}"))
    hand.press(take)
    expect(take).to_have_count(0)  # the page is there anew: it has the other button before, too
    done = hand.page.get_by_role("button", name=re.compile(f"^Done: .*{name}"))
    hand.press(done)
    expect(done).to_have_count(0)


def _conflict(hand: Hand) -> None:
    _messages(hand)
    hand.link("Compare and decide")
    hand.button("The work counts")


def _certificate(hand: Hand) -> None:
    _messages(hand)
    name = "Find somebody else for Ida Park"
    hand.press(hand.page.get_by_role("link", name=name).last)
    hand.press(hand.page.locator("#move-form").get_by_role("button", name="Move", exact=True))


def _search(hand: Hand) -> None:
    hand.write("Find a visit, customer, address", "kim park")
    with hand.page.expect_navigation():
        hand.page.keyboard.press("Enter")
    hand.press(hand.page.locator("main").get_by_role("link", name=re.compile("Kim Park")).first)


FLOWS = {
    "off sick, until the plan is accepted": Flow(3, _sick_at_once, "changed."),
    "off sick from a time": Flow(3, _sick_from_eleven, "Ana Reyes is off sick"),
    "off sick, and back at work": Flow(4, _back_at_work, "back"),
    "vehicle trouble": Flow(3, _vehicle, "Ana Reyes cannot drive"),
    "takes longer": Flow(3, _longer, "Planned 30 min longer.", _at_work),
    "emergency": Flow(3, _emergency, "Ben Okafor comes at 8:"),
    "nobody was there": Flow(4, _missed, "Noted", _not_at_home),
    "time to spare": Flow(3, _spare, "Moved to Ben Okafor"),
    "two exchange their visits": Flow(3, _swap, "have exchanged their visits"),
    "a route to another day": Flow(3, _other_day, "The route of Ben Okafor is on"),
    "customer cancels": Flow(4, _cancel, "Cancelled."),
    "follows another visit": Flow(5, _link, "Linked: it follows Heating."),
    "pin": Flow(2, _pin, "Pinned"),
    "pin to a technician alone": Flow(3, _pin_to_one, "Pinned"),
    "place": Flow(2, _place, "Moved to"),
    "move": Flow(3, _move, "Moved to Ana Reyes"),
    "break a promise for a reason": Flow(5, _move_outside_the_promise, "outside the promise"),
    "unassign, undo, redo": Flow(4, _unassign_undo_redo, "Done again."),
    "undo in the history": Flow(4, _undo_in_the_history, "Undone."),
    "a longer shift": Flow(2, _longer_shift, "The shift of Ben Okafor ends", evening),
    "ask for another window": Flow(3, _another_window, "Ned Park is asked.", evening),
    "optimize": Flow(2, _optimise, "changed."),
    "two plans side by side": Flow(6, _compare, "changed."),
    "dispatch": Flow(2, _dispatch, "3 visits sent."),
    "set the pin of an address": Flow(2, _set_pin, "The address is on the map."),
    "answer a question": Flow(3, _answer, "The side door.", _asked),
    "no answer needed": Flow(3, _no_answer, "", _asked),
    "a complaint": Flow(3, _complaint, "", _asked),
    "a phone that contradicts the plan": Flow(3, _conflict, "Noted in the visit’s history.", _asked),
    "a certificate that ends": Flow(3, _certificate, "Moved to Ben Okafor", _asked),
    "search": Flow(1, _search, "Kim Park"),
}
