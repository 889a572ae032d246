"""When somebody works: patterns, dated hours, absences, breaks, days on which clocks change; and skills."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldservice.models import (
    Absence,
    BreakRule,
    ShiftOverride,
    ShiftPattern,
    Skill,
    Technician,
    TechnicianSkill,
    Territory,
    WorkingDay,
)
from fieldservice.models.workforce import PlannedBreak

HOUR = timedelta(hours=1)
MONDAY = date(2026, 3, 2)
NEW_YORK = ZoneInfo("America/New_York")


def technician(
    *absences: tuple[datetime, datetime],
    hours: tuple[time, time] = (time(8), time(17)),
    overrides: tuple[ShiftOverride, ...] = (),
    patterns: tuple[ShiftPattern, ...] | None = None,
    breaks: tuple[BreakRule, ...] = (),
) -> Technician:
    """Somebody who works 8 to 17 every day; no database is needed to know their day."""
    every_day = tuple(pattern(weekday, *hours) for weekday in range(7))
    return Technician(
        id=1,
        shift_patterns=list(every_day if patterns is None else patterns),
        shift_overrides=list(overrides),
        break_rules=list(breaks),
        absences=[Absence(starts_at=start, ends_at=end) for start, end in absences],
    )


def pattern(
    weekday: int,
    starts: time,
    ends: time,
    valid_from: date = date(2025, 1, 1),
    valid_until: date | None = None,
) -> ShiftPattern:
    """Hours of one weekday, with an hour of overtime."""
    return ShiftPattern(
        weekday=weekday,
        starts=starts,
        ends=ends,
        valid_from=valid_from,
        valid_until=valid_until,
        overtime=HOUR,
    )


def lunch(earliest: time = time(12), latest: time = time(13), duration: timedelta = HOUR / 2) -> BreakRule:
    """Half an hour that starts between 12 and 13."""
    return BreakRule(earliest=earliest, latest=latest, duration=duration)


def at(hour: float, on: date = MONDAY, zone: ZoneInfo = NEW_YORK) -> datetime:
    """An instant by the clock on the wall."""
    clock = (datetime.combine(on, time(0)) + hour * HOUR).time()
    return datetime.combine(on, clock, zone).astimezone(UTC)


def day(somebody: Technician, on: date = MONDAY, zone: ZoneInfo = NEW_YORK) -> WorkingDay:
    """A day on which they do work."""
    working = somebody.working_day(on, zone)
    assert working is not None
    return working


def hours(somebody: Technician, on: date = MONDAY) -> tuple[datetime, datetime]:
    """Begin and end of a day."""
    working = day(somebody, on)
    return working.starts_at, working.ends_at


def pauses(somebody: Technician) -> list[tuple[datetime, datetime, timedelta]]:
    """The pauses of Monday in the order of time."""
    return sorted((b.earliest_at, b.latest_at, b.duration) for b in day(somebody).breaks)


# --- hours


def test_the_pattern_of_the_weekday_counts() -> None:
    """The day has the weekday's local hours and its overtime; a weekday without a pattern is free."""
    somebody = technician(patterns=(pattern(0, time(7), time(15)),))
    working = day(somebody)
    assert (working.starts_at, working.ends_at, working.overtime) == (at(7), at(15), HOUR)
    assert working.technician_id == 1
    assert working.on == MONDAY
    assert somebody.working_day(MONDAY + timedelta(days=1), NEW_YORK) is None


def test_the_newest_valid_pattern_counts() -> None:
    """New hours replace old ones from their first day on; after the last day of all patterns nobody works."""
    change, end = date(2026, 3, 9), date(2026, 3, 16)
    somebody = technician(
        patterns=(pattern(0, time(8), time(17)), pattern(0, time(10), time(14), change, end)),
    )
    assert hours(somebody, MONDAY) == (at(8), at(17))
    assert hours(somebody, change) == (at(10, change), at(14, change))
    assert hours(somebody, end) == (at(10, end), at(14, end))
    assert hours(somebody, date(2026, 3, 23)) == (at(8, date(2026, 3, 23)), at(17, date(2026, 3, 23)))
    ended = technician(patterns=(pattern(0, time(8), time(17), valid_until=MONDAY),))
    assert ended.working_day(MONDAY, NEW_YORK) is not None
    assert ended.working_day(change, NEW_YORK) is None


def test_dated_hours_win_over_the_pattern() -> None:
    """An override replaces the pattern on its date alone, also where there is none; a day off is free."""
    other = ShiftOverride(on=MONDAY, starts=time(12), ends=time(20), overtime=timedelta(0), day_off=False)
    off = ShiftOverride(on=date(2026, 3, 3), day_off=True, starts=time(8), ends=time(17))
    somebody = technician(overrides=(other, off))
    assert hours(somebody) == (at(12), at(20))
    assert somebody.working_day(date(2026, 3, 3), NEW_YORK) is None
    assert somebody.working_day(date(2026, 3, 4), NEW_YORK) is not None
    assert technician(patterns=(), overrides=(other,)).working_day(MONDAY, NEW_YORK) is not None


# --- absences


@pytest.mark.parametrize(
    ("absences", "expected"),
    [
        ([(6, 7)], (8, 17)),
        ([(6, 8)], (8, 17)),
        ([(17, 19)], (8, 17)),
        ([(6, 10)], (10, 17)),
        ([(8, 10)], (10, 17)),
        ([(14, 17)], (8, 14)),
        ([(14, 22)], (8, 14)),
        ([(6, 10), (15, 22)], (10, 15)),
        ([(6, 9), (8.5, 11)], (11, 17)),
        ([(15, 22), (14, 16)], (8, 14)),
        ([(6, 10), (10, 12)], (12, 17)),
        ([(10, 12), (11, 20)], (8, 10)),
    ],
)
def test_absences_at_the_edges_shorten_the_day(
    absences: list[tuple[float, float]], expected: tuple[float, float]
) -> None:
    """Absences that touch the start or the end move it; absences that overlap count as one."""
    somebody = technician(*((at(start), at(end)) for start, end in absences))
    assert hours(somebody) == (at(expected[0]), at(expected[1]))
    assert day(somebody).breaks == ()


@pytest.mark.parametrize("absence", [(8, 17), (0, 23), (6, 17), (8, 20)])
def test_an_absence_over_the_whole_day_is_a_day_off(absence: tuple[float, float]) -> None:
    """Nothing is left of the day."""
    assert technician((at(absence[0]), at(absence[1]))).working_day(MONDAY, NEW_YORK) is None


def test_absences_that_together_cover_the_day() -> None:
    """Morning and afternoon away is a day off as well, and so are weeks."""
    assert technician((at(8), at(12)), (at(12), at(17))).working_day(MONDAY, NEW_YORK) is None
    weeks = (at(0) - timedelta(days=7), at(0) + timedelta(days=7))
    assert technician(weeks).working_day(MONDAY, NEW_YORK) is None


def test_an_absence_in_the_middle_is_a_pause() -> None:
    """Somebody who is away from 10 to 11 has a pause there that cannot move."""
    assert pauses(technician((at(10), at(11)))) == [(at(10), at(10), HOUR)]


def test_absences_that_overlap_in_the_middle_are_one_pause() -> None:
    """Two pauses at the same time could never both be kept, and the technician would get no visit at all."""
    assert pauses(technician((at(10), at(12)), (at(11), at(13)))) == [(at(10), at(10), 3 * HOUR)]
    assert pauses(technician((at(10), at(12)), (at(10.5), at(11)))) == [(at(10), at(10), 2 * HOUR)]


# --- breaks


def test_a_break_lies_between_its_bounds() -> None:
    """The rule's local times become instants of the day."""
    assert pauses(technician(breaks=(lunch(),))) == [(at(12), at(13), HOUR / 2)]


@pytest.mark.parametrize("shift", [(time(13, 30), time(20)), (time(6), time(11)), (time(12, 30), time(20))])
def test_a_short_shift_has_no_lunch(shift: tuple[time, time]) -> None:
    """A shift that does not contain the break's bounds goes without."""
    assert day(technician(hours=shift, breaks=(lunch(),))).breaks == ()


@pytest.mark.parametrize("absence", [(8, 13.5), (12, 17), (12.25, 17)])
def test_a_break_outside_the_rest_of_the_day_is_gone(absence: tuple[float, float]) -> None:
    """Somebody who comes after lunch, or leaves before it is over, has no break to take."""
    assert day(technician((at(absence[0]), at(absence[1])), breaks=(lunch(),))).breaks == ()


def test_an_absence_over_lunch_is_the_lunch() -> None:
    """A pause that an absence leaves no room for is dropped, else no plan could ever keep both."""
    assert pauses(technician((at(11.5), at(14)), breaks=(lunch(),))) == [(at(11.5), at(11.5), 2.5 * HOUR)]


def test_a_break_between_two_absences_that_does_not_fit_is_gone() -> None:
    """Room before one absence and after another is not room for both rules at once."""
    somebody = technician(
        (at(11), at(12)), (at(12.5), at(14)), breaks=(lunch(time(11, 30), time(12, 15), HOUR),)
    )
    assert [length for *_, length in pauses(somebody)] == [HOUR, 1.5 * HOUR]


def test_a_break_beside_an_absence_stays() -> None:
    """Lunch that can still be taken before or after the absence stays as it is."""
    for absence in ((10.0, 12.25), (12.5, 14.0)):
        somebody = technician((at(absence[0]), at(absence[1])), breaks=(lunch(),))
        assert (at(12), at(13), HOUR / 2) in pauses(somebody)


# --- clocks


@pytest.mark.parametrize(
    ("zone", "on", "length"),
    [
        ("America/New_York", date(2026, 3, 8), 4),
        ("America/New_York", date(2026, 11, 1), 6),
        ("Europe/Berlin", date(2026, 3, 29), 4),
        ("Europe/Berlin", date(2026, 10, 25), 6),
        ("Australia/Lord_Howe", date(2026, 10, 4), 4.5),
        ("Australia/Lord_Howe", date(2026, 4, 5), 5.5),
    ],
)
def test_a_night_shift_is_as_long_as_it_really_is(zone: str, on: date, length: float) -> None:
    """From midnight to five is four, six, four and a half or five and a half hours when clocks change."""
    working = day(technician(hours=(time(0), time(5))), on, ZoneInfo(zone))
    assert working.ends_at - working.starts_at == length * HOUR
    assert working.starts_at.astimezone(ZoneInfo(zone)).time() == time(0)
    assert working.ends_at.astimezone(ZoneInfo(zone)).time() == time(5)


@pytest.mark.parametrize("zone", ["America/New_York", "Europe/Berlin", "Australia/Lord_Howe"])
def test_every_day_of_the_year_starts_by_the_clock_on_the_wall(zone: str) -> None:
    """Nine hours from 8:00, on all 365 days, and every instant is in UTC."""
    somebody = technician(breaks=(lunch(),))
    for on in (date(2026, 1, 1) + timedelta(days=offset) for offset in range(365)):
        working = day(somebody, on, ZoneInfo(zone))
        assert working.starts_at.astimezone(ZoneInfo(zone)).time() == time(8)
        assert working.ends_at - working.starts_at == 9 * HOUR
        [pause] = working.breaks
        instants = (working.starts_at, working.ends_at, pause.earliest_at, pause.latest_at)
        assert {instant.tzinfo for instant in instants} == {UTC}


def test_a_shift_in_an_hour_that_does_not_exist() -> None:
    """When the clock jumps over the whole shift there is no shift, and no error that stops planning."""
    somebody = technician(hours=(time(2, 15), time(3, 0)))
    assert somebody.working_day(date(2026, 3, 8), NEW_YORK) is None


bounds = st.floats(0, 23.9).map(lambda hour: round(hour * 4) / 4)
absence_hours = st.tuples(bounds, bounds).filter(lambda pair: pair[0] < pair[1])


@given(st.lists(absence_hours, max_size=6))
def test_a_day_never_contains_an_absence_to_work_in(away: list[tuple[float, float]]) -> None:
    """For any absences: working time and pauses together are exactly the hours in which nobody is away."""
    somebody = technician(*((at(start), at(end)) for start, end in away))
    working = somebody.working_day(MONDAY, NEW_YORK)
    for quarter in range(8 * 4, 17 * 4):
        instant = at(quarter / 4)
        is_away = any(at(start) <= instant < at(end) for start, end in away)
        assert works_at(working, instant) == (not is_away)
    if working is not None:
        ends = [b.earliest_at + b.duration for b in sorted(working.breaks, key=lambda b: b.earliest_at)]
        starts = [b.earliest_at for b in sorted(working.breaks, key=lambda b: b.earliest_at)]
        assert all(end < start for end, start in zip(ends, starts[1:], strict=False))


def works_at(working: WorkingDay | None, instant: datetime) -> bool:
    """Whether the instant lies in the shift and in none of its pauses."""
    if working is None or not working.starts_at <= instant < working.ends_at:
        return False
    return not any(b.earliest_at <= instant < b.earliest_at + b.duration for b in working.breaks)


# --- values


def test_a_shift_that_is_none_cannot_be_built() -> None:
    """A working day has a positive length."""
    with pytest.raises(ValueError, match="not a shift"):
        WorkingDay(1, MONDAY, at(8), at(8), HOUR, ())
    assert PlannedBreak(at(12), at(13), HOUR) == PlannedBreak(at(12), at(13), HOUR)


def test_a_skill_ends_after_its_last_day() -> None:
    """A certificate counts on the day on which it expires, and not on the next."""
    somebody = Technician(
        skills=[
            TechnicianSkill(skill=Skill(code="gas"), level=2, expires_on=MONDAY),
            TechnicianSkill(skill=Skill(code="heating"), level=1),
        ]
    )
    assert somebody.skill_levels(MONDAY) == {"gas": 2, "heating": 1}
    assert somebody.skill_levels(MONDAY + timedelta(days=1)) == {"heating": 1}


@pytest.mark.parametrize(
    ("name", "initials"), [("Ada Lovelace", "AL"), ("Cher", "C"), ("Jan van der Berg", "JB"), (" ", "?")]
)
def test_initials(name: str, initials: str) -> None:
    """First letters of the first and the last word, whatever the name."""
    assert Technician(name=name).initials == initials


def test_a_territory_knows_its_own_day() -> None:
    """The same instant is another date on the other side of the world."""
    instant = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)
    assert Territory(time_zone="America/New_York").local_day(instant) == date(2026, 3, 1)
    assert Territory(time_zone="Australia/Lord_Howe").local_day(instant) == date(2026, 3, 2)
    assert Territory(time_zone="America/New_York").midnight(MONDAY) == datetime(2026, 3, 2, 5, tzinfo=UTC)
