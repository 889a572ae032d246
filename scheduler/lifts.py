"""What somebody would have to hold, carry or be allowed to have a visit: the rules that know no clock."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from scheduler.model import Shift, Visit


class Lack(NamedTuple):
    """What keeps a visit off a shift by one rule."""

    size: tuple[int, int]  # how many things are missing, and how much of them: less is a smaller change
    words: str
    numbers: dict[str, int | str]


def without(visit: Visit, rule: str) -> Visit:
    """The visit without what makes it subject to a rule."""
    lifted: Mapping[str, Callable[[], Visit]] = {
        "skill": lambda: replace(visit, skills={}),
        "technician": lambda: replace(visit, technicians=None, not_technicians=frozenset()),
        "tools": lambda: replace(visit, tools=frozenset()),
        "parts": lambda: replace(visit, parts={}),
        "capacity": lambda: replace(visit, load=()),
        "pin": lambda: replace(visit, pinned=None),
    }
    return lifted[rule]() if rule in lifted else visit


def lack_of_skill(visit: Visit, shift: Shift, others: Sequence[Visit]) -> Lack:
    """The skills or levels that are missing; the largest step first."""
    steps = [
        (need - shift.skills.get(skill, 0), skill, need)
        for skill, need in visit.skills.items()
        if skill not in shift.skills or shift.skills[skill] < need
    ]
    _, skill, need = max(steps)
    words = "{who} could start it at {start_s} with " + " and ".join(f"{s} level {n}" for _, s, n in steps)
    numbers: dict[str, int | str] = {"skill": skill, "need": need, "have": shift.skills.get(skill, 0)}
    return Lack((len(steps), sum(step for step, _, _ in steps)), f"{words}.", numbers)


def lack_of_tools(visit: Visit, shift: Shift, others: Sequence[Visit]) -> Lack:
    """The tools that the van does not carry."""
    missing = sorted(visit.tools - shift.tools)
    words = "{who} could start it at {start_s} with " + ", ".join(missing) + "."
    return Lack((len(missing), 0), words, {"tool": ", ".join(missing)})


def lack_of_parts(visit: Visit, shift: Shift, others: Sequence[Visit]) -> Lack:
    """The parts of which the van carries too few."""
    needs = {part: sum(each.parts.get(part, 0) for each in (*others, visit)) for part in visit.parts}
    missing = {part: need for part, need in needs.items() if need > shift.parts.get(part, 0)}
    part, need = max(missing.items(), key=lambda item: item[1] - shift.parts.get(item[0], 0))
    short = sum(amount - shift.parts.get(name, 0) for name, amount in missing.items())
    words = "{who} could start it at {start_s} with " + ", ".join(f"{n} {p}" for p, n in missing.items())
    return Lack(
        (len(missing), short), f"{words}.", {"part": part, "need": need, "have": shift.parts.get(part, 0)}
    )


def lack_of_room(visit: Visit, shift: Shift, others: Sequence[Visit]) -> Lack:
    """The dimensions in which the van is too full."""
    short = []
    for dimension, have in enumerate(shift.capacity):
        need = sum(each.load[dimension] for each in (*others, visit) if dimension < len(each.load))
        if need > have:
            short.append((need - have, dimension, need, have))
    _, dimension, need, have = max(short)
    words = "{who} could start it at {start_s} if the van held {need} instead of {have}."
    numbers: dict[str, int | str] = {"dimension": dimension, "need": need, "have": have}
    return Lack((len(short), sum(over for over, *_ in short)), words, numbers)


def lack_of_visits(visit: Visit, shift: Shift, others: Sequence[Visit]) -> Lack:
    """One visit more than is allowed."""
    words = "{who} could start it at {start_s} if {visits} visits were allowed."
    return Lack((1, 1), words, {"visits": len(others) + 1, "limit": shift.max_visits or 0})


def not_allowed(visit: Visit, shift: Shift, others: Sequence[Visit]) -> Lack:
    """A technician whom the visit does not allow."""
    words = "{who} could start it at {start_s}, but is not allowed for it."
    return Lack((1, 0), words, {"technician": shift.technician})


def pinned(visit: Visit, shift: Shift, others: Sequence[Visit]) -> Lack:
    """A pin that keeps it with somebody else or at another time."""
    return Lack((1, 0), "{who} could start it at {start_s} if it were not pinned.", {})


LACKS: Mapping[str, Callable[[Visit, Shift, Sequence[Visit]], Lack]] = {
    "skill": lack_of_skill,
    "technician": not_allowed,
    "tools": lack_of_tools,
    "parts": lack_of_parts,
    "capacity": lack_of_room,
    "max_visits": lack_of_visits,
    "pin": pinned,
}
