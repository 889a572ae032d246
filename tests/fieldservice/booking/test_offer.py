"""Which days and windows are shown, and with which tags."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

from fieldservice.booking.offer import STRIP, Offer, make_offer
from fieldservice.planning.service import DayOffer, Slot
from tests.factories import TODAY, window

DAYS = [TODAY + timedelta(days=offset) for offset in range(15)]


def slot(on: date, starts: int = 8, travel: int = 10) -> Slot:
    """A window that costs so many minutes of driving."""
    held = window(on, starts, starts + 2)
    return Slot(
        window=held,
        technician_id=1,
        starts_at=held.starts_at,
        added_travel=timedelta(minutes=travel),
        estimated=False,
    )


def offer(free: dict[int, list[Slot]], wanted: date | None = None) -> tuple[Offer, list[Sequence[date]]]:
    """The offer of days with these windows (by position), and the strips that were searched for it."""
    searched: list[Sequence[date]] = []

    def find(days: Sequence[date]) -> dict[date, DayOffer]:
        searched.append(days)
        return {on: DayOffer(on, tuple(free.get(DAYS.index(on), ())), closed=False) for on in days}

    return make_offer(DAYS, wanted, find), searched


def test_the_first_day_with_a_free_window_is_shown() -> None:
    """Not today, when today is full."""
    found, _ = offer({2: [slot(DAYS[2])], 3: [slot(DAYS[3])]})
    assert found.shown is not None
    assert found.shown.on == DAYS[2]
    assert len(found.days) == STRIP


def test_a_full_strip_is_passed_over() -> None:
    """The search goes on until a free window turns up; the days before stay within reach."""
    found, searched = offer({9: [slot(DAYS[9])]})
    assert found.shown is not None
    assert found.shown.on == DAYS[9]
    assert len(searched) == 2
    assert found.earlier == DAYS[0]
    assert found.later is None


def test_nothing_free_in_the_whole_horizon() -> None:
    """Then no day is shown, and there is nowhere to go on to."""
    found, searched = offer({})
    assert found.shown is None
    assert len(searched) == 2
    assert found.later is None


def test_a_wanted_day_is_shown_and_only_its_strip_is_searched() -> None:
    """A link to a day costs no search of the others."""
    found, searched = offer({2: [slot(DAYS[2])], 10: [slot(DAYS[10])]}, wanted=DAYS[10])
    assert found.shown is not None
    assert found.shown.on == DAYS[10]
    assert searched == [DAYS[8:]]


def test_a_wanted_day_that_is_full_gives_way_to_the_next_free_one() -> None:
    """Or to an earlier one of its strip when there is no later one."""
    found, _ = offer({1: [slot(DAYS[1])], 5: [slot(DAYS[5])]}, wanted=DAYS[3])
    assert found.shown is not None
    assert found.shown.on == DAYS[5]
    found, _ = offer({1: [slot(DAYS[1])]}, wanted=DAYS[3])
    assert found.shown is not None
    assert found.shown.on == DAYS[1]


def test_a_day_outside_the_horizon_is_as_good_as_none() -> None:
    """An old or invented link shows the first free day."""
    found, _ = offer({2: [slot(DAYS[2])]}, wanted=date(1999, 1, 1))
    assert found.shown is not None
    assert found.shown.on == DAYS[2]


def test_only_the_very_first_window_is_the_soonest() -> None:
    """In a later strip it is not known whether an earlier one has something sooner."""
    first = slot(DAYS[1])
    assert offer({1: [first, slot(DAYS[1], 12)], 9: [slot(DAYS[9])]})[0].soonest is first
    assert offer({1: [first], 9: [slot(DAYS[9])]}, wanted=DAYS[9])[0].soonest is None
    passed_over = slot(DAYS[9])
    assert offer({9: [passed_over]})[0].soonest is passed_over


def test_less_driving_is_said_of_one_window_that_clearly_deserves_it() -> None:
    """Not when it is alone, and not for a difference that nobody would notice."""
    near = slot(DAYS[0], 10, travel=3)
    assert offer({0: [slot(DAYS[0]), near, slot(DAYS[0], 12, travel=30)]})[0].less_driving is near
    assert offer({0: [near]})[0].less_driving is None
    assert offer({0: [slot(DAYS[0], travel=4), near]})[0].less_driving is None


def test_estimated_travel_times_are_admitted() -> None:
    """As soon as one of the shown windows rests on them."""
    by_road = slot(DAYS[0])
    assert not offer({0: [by_road]})[0].estimated
    assert offer({0: [by_road, replace(slot(DAYS[0], 12), estimated=True)]})[0].estimated
