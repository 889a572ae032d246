"""The day as a list: the visits of the board, filtered and sorted as an address asks for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from fieldservice import web
from fieldservice.dispatch.day import Bar, Board, Card
from fieldservice.dispatch.matches import Show, matches
from fieldservice.models import Technician, Visit


class Sort(StrEnum):
    """What the list is ordered by; the value stands in addresses, with a minus before it for the reverse."""

    START = "start"
    PROMISE = "promise"
    CUSTOMER = "customer"
    SERVICE = "service"
    TECHNICIAN = "technician"
    STATE = "state"


@dataclass(frozen=True)
class Line:
    """A visit of the day; without technician and bar while it has no stop."""

    visit: Visit
    technician: Technician | None
    bar: Bar | None
    card: Card | None

    @property
    def state(self) -> str:
        """How it stands, as the look of its bar; `unassigned` without one."""
        return self.bar.look if self.bar else "unassigned"


@dataclass(frozen=True)
class Wanted:
    """What of the day the list shows, and in which order."""

    show: Show | None = None
    technician_id: int | None = None
    service_id: int | None = None
    text: str = ""
    sort: Sort = Sort.START
    down: bool = False

    @property
    def filtered(self) -> bool:
        """Whether something may be left out."""
        return bool(self.show or self.technician_id or self.service_id or self.text)


def wanted_of(asked: Mapping[str, str]) -> Wanted:
    """What an address asks for; what it does not say, or says wrongly, is as usual."""
    sort = asked.get("sort", "")
    return Wanted(
        show=_member(Show, asked.get("show", "")),
        technician_id=web.row_of(asked.get("who", "")),
        service_id=web.row_of(asked.get("what", "")),
        text=asked.get("find", "").strip()[:80],
        sort=_member(Sort, sort.removeprefix("-")) or Sort.START,
        down=sort.startswith("-"),
    )


def lines_of(board: Board, wanted: Wanted) -> list[Line]:
    """The lines that are asked for; those without a value to sort by come last in either direction."""
    found = [line for line in all_lines(board) if _fits(line, wanted)]
    if wanted.show is not None:
        shown = {visit.id for visit in matches(board)[wanted.show]}
        found = [line for line in found if line.visit.id in shown]
    key = _KEYS[wanted.sort]
    with_value = [line for line in found if key(line) is not None]
    without = [line for line in found if key(line) is None]
    return sorted(with_value, key=lambda line: (key(line), line.visit.id), reverse=wanted.down) + without


def all_lines(board: Board) -> list[Line]:
    """Every visit of the day, planned ones first."""
    planned = [
        Line(bar.visit, row.technician, bar, None)
        for row in board.rows
        for bar in row.bars
        if bar.visit and bar.leads
    ]
    return planned + [Line(card.visit, None, None, card) for card in board.cards]


def _fits(line: Line, wanted: Wanted) -> bool:
    if wanted.technician_id and wanted.technician_id not in _made_by(line):
        return False
    if wanted.service_id and line.visit.service.id != wanted.service_id:
        return False
    return wanted.text.casefold() in _words(line)


def _made_by(line: Line) -> list[int]:
    if line.visit.crew > 1:
        return [technician.id for technician in line.visit.made_by]
    return [line.technician.id] if line.technician else []


def _words(line: Line) -> str:
    visit = line.visit
    said = (visit.reference, visit.work_order.customer.name, visit.site.one_line, visit.service.name)
    return " ".join(said).casefold()


def _member[Choice: StrEnum](choices: type[Choice], text: str) -> Choice | None:
    return next((choice for choice in choices if choice == text), None)


type _Value = datetime | str | None

_KEYS: Mapping[Sort, Callable[[Line], _Value]] = {
    Sort.START: lambda line: line.bar.starts_at if line.bar else None,
    Sort.PROMISE: lambda line: line.visit.window_starts_at,
    Sort.CUSTOMER: lambda line: line.visit.work_order.customer.name.casefold(),
    Sort.SERVICE: lambda line: line.visit.service.name.casefold(),
    Sort.TECHNICIAN: lambda line: line.technician.name.casefold() if line.technician else None,
    Sort.STATE: lambda line: line.state,
}
