"""Rules and changes in the dispatcher's words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from flask_babel import gettext as _
from flask_babel import ngettext

from fieldservice import web
from fieldservice.models import Channel, Guest, OfficeTask, Technician, Visit
from fieldservice.planning.names import row_id, visit_number
from fieldservice.planning.problem import Day

type Numbers = Mapping[str, int | str]


class Broken(Protocol):
    """A broken rule, as the scheduler reports it."""

    @property
    def rule(self) -> str:
        """Its code."""

    @property
    def shift(self) -> str | None:
        """The shift that it is about."""

    @property
    def visit(self) -> str | None:
        """The visit that it is about."""

    @property
    def numbers(self) -> Numbers:
        """The facts behind it."""

    @property
    def text(self) -> str:
        """The scheduler's own words."""


@dataclass(frozen=True)
class Refusal:
    """A rule in words, and the technicians whom it keeps from a visit."""

    reason: str
    names: tuple[str, ...]


class Wording:
    """Turns the scheduler's codes and seconds into sentences for one day of one territory.

    `technicians` are those of the territory, for a day of which only a part was read.
    """

    def __init__(self, day: Day, technicians: Sequence[Technician] = ()) -> None:
        self._day, self._zone = day, day.rows.territory.zone
        technicians = technicians or [entry.technician for entry in day.rows.technicians]
        self._technicians = {technician.id: technician for technician in technicians}
        self._skills = {held.skill.code: held.skill.name for one in technicians for held in one.skills}

    def time(self, at_s: int | str) -> str:
        """A second of the scheduler as a local time."""
        return web.clock_time(self._day.instant(int(at_s)), self._zone)

    def clock(self, at_s: int | str) -> str:
        """The same as a form has it."""
        return f"{self._day.instant(int(at_s)).astimezone(self._zone):%H:%M}"

    def technician(self, technician_id: int | None) -> str:
        """A technician's name."""
        found = self._technicians.get(technician_id or 0)
        return found.name if found else str(_("nobody"))

    def named(self, shift: str | None) -> str:
        """The name of the technician behind the scheduler's name."""
        return self.technician(row_id(shift) if shift else None)

    def initials(self, technician_id: int | None) -> str:
        """Two letters for a technician."""
        found = self._technicians.get(technician_id or 0)
        return found.initials if found else "–"

    def colour(self, technician_id: int | None) -> int:
        """A technician's colour."""
        found = self._technicians.get(technician_id or 0)
        return found.colour if found else 8

    def grouped(self, refused: Iterable[Broken]) -> list[Refusal]:
        """Rules in words, each once with those whom it stops."""
        names: dict[str, list[str]] = {}
        for found in refused:
            reason = self.rule(found.rule, found.numbers, found.text)
            names.setdefault(reason, []).append(self.named(found.shift))
        return [Refusal(reason, tuple(sorted(those))) for reason, those in sorted(names.items())]

    def customer(self, visit_id: int) -> str:
        """Whose visit of the day it is."""
        return self._day.visits[visit_id].work_order.customer.name

    def skill(self, code: int | str) -> str:
        """A skill's name."""
        return self._skills.get(str(code), str(code))

    def broken(self, found: Broken, visit: Visit | None = None) -> str:
        """Why something cannot be; it names the visit when another than `visit` is hit."""
        sentence = self.rule(found.rule, found.numbers, found.text)
        other = found.visit
        if other is None or (visit and visit_number(other) == visit.id):
            return sentence
        hit = self._day.visits.get(visit_number(other) or 0)
        whose = hit.work_order.customer.name if hit else str(_("A customer who is booking now"))
        return f"{whose}: {sentence}"

    def rule(self, rule: str, numbers: Numbers, text: str = "") -> str:
        """Why something cannot be; the scheduler's own text for a rule that has no sentence here."""
        sentences: dict[str, Callable[[], str]] = {
            "skill": lambda: _(
                "Needs %(skill)s level %(need)s, has %(have)s.",
                skill=self.skill(numbers["skill"]),
                need=numbers["need"],
                have=numbers["have"] or _("none"),
            ),
            "window": lambda: self._window(numbers),
            "shift_end": lambda: self._shift_end(numbers),
            "shift_start": lambda: _("The shift has not begun by then."),
            "technician": lambda: _("Is not allowed for this visit."),
            "travel": lambda: _("There is not enough time to drive there."),
            "one_place": lambda: _("Is somewhere else at that time."),
            "break": lambda: self._break(numbers),
            "max_visits": lambda: _("Takes no further visits today."),
            "pin": lambda: _("Is pinned to another time."),
            "together": lambda: _("It begins when the others of the crew do. Move the whole visit."),
            "crew": lambda: ngettext(
                "No %(num)d technician is free.",
                "No %(num)d technicians are free at one time.",
                int(numbers["need"]),
            ),
            "no_shift": lambda: _("Has no shift on this day."),
            "no_gap": lambda: _("No gap is long enough for the drive and the work."),
            "late_route": lambda: _("Is late already."),
            "order": lambda: self._order(numbers),
            "lag": lambda: self._lag(numbers),
            "same_technician": lambda: _(
                "%(name)s makes %(service)s, and one technician has to make both.",
                name=self.technician(int(numbers["technician"])),
                service=numbers["service"],
            ),
        }
        return self._say(sentences, rule, text)

    def holds(self, rule: str, numbers: Numbers, text: str = "") -> str:
        """A rule that a placed visit keeps."""
        sentences: dict[str, Callable[[], str]] = {
            "skill": lambda: _(
                "Has %(skill)s level %(have)s; %(need)s is needed.",
                skill=self.skill(numbers["skill"]),
                have=numbers["have"],
                need=numbers["need"],
            ),
            "window": lambda: _(
                "Starts %(start)s, inside the promised %(begins)s to %(ends)s.",
                start=self.time(numbers["start_s"]),
                begins=self.time(numbers["window_start_s"]),
                ends=self.time(numbers["window_end_s"]),
            ),
            "shift_end": lambda: _("The day's last visit ends %(time)s.", time=self.time(numbers["end_s"])),
            "travel": lambda: self._travel(numbers),
            "preferred": lambda: _("The customer asked for this technician."),
            "start": lambda: self._start(numbers),
        }
        return self._say(sentences, rule, text)

    def _start(self, numbers: Numbers) -> str:
        """Why a visit begins when it does."""
        before = self.time(numbers["before_s"])
        sentences: dict[str, Callable[[], str]] = {
            "pinned": lambda: _("Is pinned to this time."),
            "opens": lambda: _("Cannot begin sooner: the promise begins then."),
            "break": lambda: _("Begins after the break, which ends at %(time)s.", time=before),
            "follows": lambda: _("As soon as possible: the stop before ends at %(time)s.", time=before),
            "first": lambda: _("First of the day: sets off at %(time)s.", time=before),
            "waits": lambda: _("Waits for a colleague or another visit."),
        }
        return self._say(sentences, str(numbers["because"]), "")

    def change(self, rule: str, name: str, numbers: Numbers, text: str = "") -> str:
        """The smallest change that would let a visit in."""
        sentences: dict[str, Callable[[], str]] = {
            "window": lambda: _(
                "%(name)s could come %(off)s outside the window, at %(time)s.",
                name=name,
                off=_length(numbers["off_s"]),
                time=self.time(numbers["start_s"]),
            ),
            "shift_end": lambda: _(
                "%(name)s could, if the shift ended %(over)s later.",
                name=name,
                over=_length(numbers["over_s"]),
            ),
            "shift_start": lambda: _(
                "%(name)s could, if the shift began %(early)s sooner.",
                name=name,
                early=_length(numbers["early_s"]),
            ),
            "break": lambda: _(
                "%(name)s could, if the break began up to %(late)s later.",
                name=name,
                late=_length(numbers["late_s"]),
            ),
            "skill": lambda: _(
                "%(name)s could at %(time)s with %(skill)s level %(need)s.",
                name=name,
                time=self.time(numbers["start_s"]),
                skill=self.skill(numbers["skill"]),
                need=numbers["need"],
            ),
            "technician": lambda: _(
                "%(name)s could at %(time)s, but is not allowed for this visit.",
                name=name,
                time=self.time(numbers["start_s"]),
            ),
            "max_visits": lambda: _(
                "%(name)s could at %(time)s, if one visit more were allowed.",
                name=name,
                time=self.time(numbers["start_s"]),
            ),
            "pin": lambda: _(
                "%(name)s could at %(time)s, if the visit were not pinned.",
                name=name,
                time=self.time(numbers["start_s"]),
            ),
        }
        return self._say(sentences, rule, text)

    def nobody(self, numbers: Numbers) -> str:
        """What none of the day's technicians holds."""
        skill, need = self.skill(numbers["skill"]), numbers["need"]
        return str(_("Nobody holds %(skill)s level %(need)s on this day.", skill=skill, need=need))

    @staticmethod
    def _say(sentences: Mapping[str, Callable[[], str]], rule: str, text: str) -> str:
        """The sentence of a rule; `text` where there is none, or where a number that it names is missing."""
        try:
            return str(sentences[rule]())
        except KeyError:
            return text

    def _window(self, numbers: Numbers) -> str:
        text = _("Starts %(start)s, outside the promised %(begins)s to %(ends)s.")
        names = {"start": "start_s", "begins": "window_start_s", "ends": "window_end_s"}
        return str(text % {name: self.time(numbers[number]) for name, number in names.items()})

    def _travel(self, numbers: Numbers) -> str:
        drive = _length(numbers["travel_s"])
        if int(numbers["spare_s"]) < 60:
            return str(_("%(drive)s drive, no waiting.", drive=drive))
        return str(_("%(drive)s drive, %(spare)s to spare.", drive=drive, spare=_length(numbers["spare_s"])))

    def _shift_end(self, numbers: Numbers) -> str:
        end, over = self.time(numbers["end_s"]), _length(numbers["over_s"])
        return str(_("The day ends %(time)s, %(over)s too late.", time=end, over=over))

    def _order(self, numbers: Numbers) -> str:
        service = numbers["service"]
        if "until_s" in numbers:
            until = self._moment(numbers["until_s"])
            text = _("Comes after %(service)s of the same booking, which may take until %(time)s.")
            return str(text % {"service": service, "time": until})
        begins = self._moment(numbers["begins_s"])
        text = _("Has to end before %(service)s of the same booking, which may begin at %(time)s.")
        return str(text % {"service": service, "time": begins})

    def _lag(self, numbers: Numbers) -> str:
        """How far two linked visits have to be apart, as one of them has it."""
        sentences = {
            "earliest_s": _("Follows %(service)s: may begin at %(from)s at the earliest."),
            "latest_s": _("Follows %(service)s: has to begin between %(from)s and %(until)s."),
            "until_s": _("%(service)s follows it: has to end by %(until)s."),
            "from_s": _("%(service)s follows it: has to end between %(from)s and %(until)s."),
        }
        name = next(name for name in ("latest_s", "earliest_s", "from_s", "until_s") if name in numbers)
        words = {
            "from": numbers.get("earliest_s", numbers.get("from_s")),
            "until": numbers.get("latest_s", numbers.get("until_s")),
        }
        told = {key: self._moment(at_s) for key, at_s in words.items() if at_s is not None}
        return str(sentences[name] % {"service": numbers["service"], **told})

    def _moment(self, at_s: int | str) -> str:
        """A second of the scheduler as a local time, with its day where that is another one."""
        on = self._day.rows.territory.local_day(self._day.instant(int(at_s)))
        clock = self.time(at_s)
        return clock if on == self._day.rows.on else f"{web.day_words(on, short=True)}, {clock}"

    def _break(self, numbers: Numbers) -> str:
        if "earliest_s" not in numbers:
            return str(_("The break no longer fits."))
        earliest, latest = self.time(numbers["earliest_s"]), self.time(numbers["latest_s"])
        return str(
            _("The break cannot begin between %(earliest)s and %(latest)s.", earliest=earliest, latest=latest)
        )


def _length(length_s: int | str) -> str:
    return web.minutes_words(timedelta(seconds=int(length_s)))


def guest_words(guest: Guest) -> str:
    """Who writes without a visit, as far as anybody knows."""
    return guest.name or (_("A visitor of our pages") if guest.channel == Channel.PAGE else guest.address)


def guest_place(guest: Guest) -> str:
    """Where they write."""
    return _("on the booking pages") if guest.channel == Channel.PAGE else guest.channel.capitalize()


def task_words(task: OfficeTask) -> str:
    """What the office has to do."""
    words = {
        "complaint": _("Complaint"),
        "call_back": _("Wants to be called back"),
        "sync_conflict": _("Done while the plan changed"),
        "find_address": _("Address not found"),
        "find_time": _("Wants a time"),
        "windows_declined": _("None of the offered windows suits: call to agree on a time"),
        "windows_unanswered": _("No answer to the offered windows: call to agree on a time"),
        "unreachable": _("Call: messages do not arrive"),
        "running_late": _("Runs %(minutes)s min late", minutes=task.detail),
        "could_not_do": _("Could not be done: %(why)s", why=_cannot(task)),
        "overdue": _("Answer: waits longer than promised"),
        "follow_up": _("Find another time: %(why)s", why=_cannot(task)),
        "plan_call": _("Call to agree on a time: wants no messages"),
        "plan_not_picked": _("Has not picked a time"),
        "plan_not_renewed": _("Plan ended, not renewed"),
    }
    return str(words.get(task.kind, _("Task")))


def goal_words(goal: str) -> str:
    """What a plan cares for most."""
    words = {
        "balanced": _("Balanced"),
        "driving": _("Least driving"),
        "on_time": _("On time first"),
        "fair": _("Fair"),
    }
    return str(words.get(goal, goal))


def goal_details() -> dict[str, str]:
    """What each goal means for a day."""
    return {
        "balanced": str(_("Driving and overtime; few visits change their technician")),
        "driving": str(_("The fewest minutes on the road, even with overtime and other technicians")),
        "on_time": str(_("Half an hour to spare in each promise; what is late is saved first")),
        "fair": str(_("Work and driving spread evenly")),
    }


def _cannot(task: OfficeTask) -> str:
    """Why a technician could not do a visit, as the task keeps it: the reason, and their words."""
    reason, _line, said = task.detail.partition("\n")
    words = {
        "nobody_home": _("nobody was there"),
        "wrong_parts": _("parts were wrong or missing"),
        "unsafe": _("it was not safe"),
        "second_person": _("it needs a second person"),
        "other": _("something else"),
    }
    return ": ".join(filter(None, (str(words.get(reason, reason)), said)))


def title(visit: Visit) -> str:
    """The few words by which a dispatcher knows a visit: the first symptom and the service."""
    picked = (said["answer"] for said in visit.work_order.said if said["kind"] == "chips")
    symptom = next((answer[0] for answer in picked if answer), "")
    return f"{symptom} · {visit.work_order.title}" if symptom else visit.work_order.title
