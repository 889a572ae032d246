"""The dates of a rule, against an enumerator that looks at every single day."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldservice.models import recurrence
from fieldservice.models.recurrence import Due, Rule, Season, Unit, add_months

FIRST_DAY, LAST_DAY = date(2023, 1, 1), date(2032, 12, 31)
days = st.dates(FIRST_DAY, date(2028, 12, 31))
seasons = st.none() | st.builds(Season, st.integers(1, 12), st.integers(1, 12))
rules = st.builds(Rule, days, st.integers(1, 7), st.sampled_from(Unit), seasons)
day_sets = st.frozensets(st.dates(FIRST_DAY, LAST_DAY), max_size=60)
weekdays = st.frozensets(st.integers(0, 6), min_size=1)


def matches(rule: Rule, on: date) -> bool:
    """Whether a rule names a day, decided for this day alone."""
    if on < rule.first_on or not in_season(rule.season, on):
        return False
    if rule.unit == Unit.WEEKS:
        return (on - rule.first_on).days % (7 * rule.every) == 0
    months = (on.year - rule.first_on.year) * 12 + on.month - rule.first_on.month
    step = rule.every * (12 if rule.unit == Unit.YEARS else 1)
    last = monthrange(on.year, on.month)[1]
    return months % step == 0 and on.day == min(rule.first_on.day, last)


def in_season(season: Season | None, on: date) -> bool:
    """Whether a month is reached on the way from the first to the last one of a season."""
    if season is None:
        return True
    month = season.first
    while month != season.last:
        if month == on.month:
            return True
        month = month % 12 + 1
    return month == on.month


def every_day(until: date) -> list[date]:
    """All days that tests look at."""
    return [FIRST_DAY + timedelta(days=number) for number in range((until - FIRST_DAY).days + 1)]


@given(rules, st.dates(FIRST_DAY, LAST_DAY))
def test_dates_are_those_that_the_rule_names(rule: Rule, until: date) -> None:
    """Clamped ends of months, February 29 and seasons over the turn of the year included."""
    assert list(rule.dates(until)) == [on for on in every_day(until) if matches(rule, on)]


@given(rules, day_sets, weekdays)
def test_a_day_off_becomes_the_next_working_day_of_the_season(
    rule: Rule, holidays: frozenset[date], working: frozenset[int]
) -> None:
    """At the end of a season it is the one before; each day once, in order, and never outside the season."""
    until = rule.first_on + timedelta(days=800)

    def works(on: date) -> bool:
        return on.weekday() in working and on not in holidays

    found = list(rule.due(until, works))
    assert [due.due_on for due in found] == sorted({due.due_on for due in found})
    for due in found:
        assert matches(rule, due.ruled_on)
        assert in_season(rule.season, due.due_on)
        assert due.due_on == nearest(rule.season, due.ruled_on, works)
    # a date that is missing fell on a day that is due already
    left_out = set(rule.dates(until)) - {due.ruled_on for due in found}
    days_due = [due.due_on for due in found]
    for on in left_out:
        assert any(day >= nearest(rule.season, on, works) for day in days_due)


def nearest(season: Season | None, on: date, works: recurrence.Works) -> date:
    """The first working day from `on` on before the season ends, else the last one before it."""
    after = [on + timedelta(days=number) for number in range(recurrence.LONGEST_SHIFT + 1)]
    before = [on - timedelta(days=number) for number in range(recurrence.LONGEST_SHIFT + 1)]
    for way in (after, before):
        for day in way:
            if not in_season(season, day):
                break
            if works(day):
                return day
    return on


def test_the_check_sees(monkeypatch: pytest.MonkeyPatch) -> None:
    """Positive control: months counted as 30 days, as a naive rule would, are found out."""
    naive = lambda on, months: on + timedelta(days=30 * months)  # noqa: E731
    monkeypatch.setattr(recurrence, "add_months", naive)
    with pytest.raises(AssertionError):
        test_dates_are_those_that_the_rule_names()


def test_the_ends_of_months() -> None:
    """January 31 comes back as the last day of each month, and as the 31st where there is one."""
    rule = Rule(date(2027, 12, 31), 1, Unit.MONTHS)
    until = date(2028, 5, 31)
    assert list(rule.dates(until)) == [
        date(2027, 12, 31),
        date(2028, 1, 31),
        date(2028, 2, 29),
        date(2028, 3, 31),
        date(2028, 4, 30),
        date(2028, 5, 31),
    ]


def test_february_29_every_year() -> None:
    """Ordinary years have the 28th, and the 29th is back in leap years."""
    found = Rule(date(2028, 2, 29), 1, Unit.YEARS).dates(date(2032, 12, 31))
    assert [(on.year, on.day) for on in found] == [(2028, 29), (2029, 28), (2030, 28), (2031, 28), (2032, 29)]


def test_a_holiday_at_the_edge_of_the_season() -> None:
    """The last day of the season is a holiday: the visit is due before it, never after the season."""
    rule = Rule(date(2026, 9, 30), 1, Unit.YEARS, Season(4, 9))
    found = list(rule.due(date(2026, 12, 31), lambda on: on != date(2026, 9, 30)))
    assert found == [Due(date(2026, 9, 30), date(2026, 9, 29))]


def test_wrong_values_cannot_be_built() -> None:
    """A month that does not exist, and a rule that never moves on."""
    with pytest.raises(ValueError, match="season"):
        Season(0, 5)
    with pytest.raises(ValueError, match="every 0"):
        Rule(date(2026, 1, 1), 0, Unit.WEEKS)
    assert add_months(date(2026, 1, 31), -2) == date(2025, 11, 30)
