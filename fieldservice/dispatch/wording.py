"""Rules and changes in the dispatcher's words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from flask_babel import gettext as _

from fieldservice import web
from fieldservice.models import Technician, Territory, Visit

type Numbers = Mapping[str, int | str]


class Wording:
    """Turns the scheduler's codes and seconds into sentences for one day of one territory."""

    def __init__(self, territory: Territory, epoch: datetime, names: Mapping[int, str]) -> None:
        self._zone, self._epoch, self._names = territory.zone, epoch, names

    def time(self, at_s: int | str) -> str:
        """A second of the scheduler as a local time."""
        return web.clock_time(self._epoch + timedelta(seconds=int(at_s)), self._zone)

    def rule(self, rule: str, numbers: Numbers, text: str = "") -> str:
        """Why something cannot be; the scheduler's own text for a rule that has no sentence here."""
        sentences = {
            "skill": lambda: _("Needs %(skill)s level %(need)s, has %(have)s.", **self._skill(numbers)),
            "window": lambda: self._window(numbers),
            "shift_end": lambda: self._shift_end(numbers),
            "shift_start": lambda: _("The shift has not begun by then."),
            "technician": lambda: _("Is not allowed for this visit."),
            "travel": lambda: _("There is not enough time to drive there."),
            "one_place": lambda: _("Is somewhere else at that time."),
            "break": lambda: _("The break no longer fits into its hours."),
            "max_visits": lambda: _("Takes no further visits today."),
            "pin": lambda: _("Another visit is pinned to its time."),
            "no_shift": lambda: _("Has no shift on this day."),
            "no_gap": lambda: _("No gap is long enough for the drive and the work."),
            "late_route": lambda: _("Is late already."),
        }
        sentence = sentences.get(rule)
        try:
            return str(sentence()) if sentence else text
        except KeyError:
            return text

    def holds(self, rule: str, numbers: Numbers, text: str = "") -> str:
        """A rule that a placed visit keeps."""
        sentences = {
            "skill": lambda: _("Has %(skill)s level %(have)s; %(need)s is needed.", **numbers),
            "window": lambda: _(
                "Starts %(start)s, inside the promised %(begins)s to %(ends)s.",
                start=self.time(numbers["start_s"]),
                begins=self.time(numbers["window_start_s"]),
                ends=self.time(numbers["window_end_s"]),
            ),
            "shift_end": lambda: _("The day's last stop ends %(time)s.", time=self.time(numbers["end_s"])),
            "travel": lambda: _(
                "%(drive)s drive, %(spare)s to spare.",
                drive=self._length(numbers["travel_s"]),
                spare=self._length(numbers["spare_s"]),
            ),
        }
        sentence = sentences.get(rule)
        return str(sentence()) if sentence else text

    def change(self, rule: str, name: str, numbers: Numbers, text: str = "") -> str:
        """The smallest change that would let a visit in."""
        sentences = {
            "window": lambda: _(
                "%(name)s could come %(off)s outside the window.",
                name=name,
                off=self._length(numbers["off_s"]),
            ),
            "shift_end": lambda: _(
                "%(name)s could, if the shift ended %(over)s later.",
                name=name,
                over=self._length(numbers["over_s"]),
            ),
            "skill": lambda: _(
                "%(name)s could at %(time)s with %(skill)s level %(need)s.",
                name=name,
                time=self.time(numbers["start_s"]),
                skill=numbers["skill"],
                need=numbers["need"],
            ),
        }
        sentence = sentences.get(rule)
        return str(sentence()) if sentence else text

    @staticmethod
    def _length(length_s: int | str) -> str:
        return web.minutes_words(timedelta(seconds=int(length_s)))

    def technician(self, technician_id: int | None) -> str:
        """A technician's name."""
        return self._names.get(technician_id or 0, _("nobody"))

    @staticmethod
    def _skill(numbers: Numbers) -> dict[str, Any]:
        return {"skill": str(numbers["skill"]), "need": numbers["need"], "have": numbers["have"]}

    def _window(self, numbers: Numbers) -> str:
        begins, ends = self.time(numbers["window_start_s"]), self.time(numbers["window_end_s"])
        if "start_s" not in numbers:
            return _("Cannot come between %(begins)s and %(ends)s.", begins=begins, ends=ends)
        start = self.time(numbers["start_s"])
        return _("Starts %(start)s, outside %(begins)s to %(ends)s.", start=start, begins=begins, ends=ends)

    def _shift_end(self, numbers: Numbers) -> str:
        late = web.minutes_words(timedelta(seconds=int(numbers["over_s"]))) if "over_s" in numbers else ""
        return (
            _("Home %(late)s after the end of the shift.", late=late) if late else _("The shift ends before.")
        )


def title(visit: Visit) -> str:
    """The few words by which a dispatcher knows a visit."""
    answers = visit.work_order.answers.get("words") if visit.work_order.answers else None
    return f"{visit.service.name}, {answers}" if answers else visit.service.name


def names_of(technicians: list[Technician]) -> dict[int, str]:
    """Names by id."""
    return {technician.id: technician.name for technician in technicians}
