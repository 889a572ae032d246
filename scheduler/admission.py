"""Which shifts may serve a visit at all, whatever the time: the engines' view of the rules without a clock.

`scheduler.rules` judges the same facts independently.
"""

from collections.abc import Iterator, Sequence

from scheduler.model import Problem, Restock, Shift, Violation, Visit


def refuse_unsupported(problem: Problem) -> None:
    """Refuse a problem whose visits hang together, naming each field.

    Raises
    ------
    ValueError
        When the problem uses crews or order between visits.
    """
    faults: list[str] = []
    for index, visit in enumerate(problem.visits):
        faults += (f"visits[{index}].{fault}" for fault in unsupported(visit))
    if faults:
        raise ValueError("\n".join(faults))


def unsupported(visit: Visit) -> Iterator[str]:
    """The fields of a visit that make it hang together with others."""
    if visit.crew > 1:
        yield "crew: crews are not supported here"
    if visit.after:
        yield "after: an order between visits is not supported here"


def refusal(visit: Visit, shift: Shift, restock: Restock | None = None) -> Violation | None:
    """The first rule that keeps this visit off this shift whatever else is on it, or ``None``.

    Tools that the van does not carry are no reason where there is a place to `restock`.
    """
    return next(_refusals(visit, shift, restock), None)


def _refusals(visit: Visit, shift: Shift, restock: Restock | None) -> Iterator[Violation]:
    name = shift.technician
    if visit.pinned and visit.pinned.shift not in (None, shift.id):
        text = f"It is pinned to {visit.pinned.shift}."
        yield _violation("pin", visit, shift, text, pinned_shift=visit.pinned.shift or "")
    if name in visit.not_technicians or (visit.technicians is not None and name not in visit.technicians):
        yield _violation("technician", visit, shift, f"It may not be served by {name}.", technician=name)
    for skill, need in visit.skills.items():
        have = shift.skills.get(skill)
        if have is None or have < need:
            text = f"It needs {skill} level {need}; {name} has {have or 'none'}."
            yield _violation("skill", visit, shift, text, skill=skill, need=need, have=have or 0)
    missing = visit.tools - shift.tools if restock is None else ()
    for tool in sorted(missing):
        text = f"It needs {tool}; the van of {name} does not carry it."
        yield _violation("tools", visit, shift, text, tool=tool)


def overload(
    visit: Visit, shift: Shift, others: Sequence[Visit], restock: Restock | None = None
) -> Violation | None:
    """The first limit on parts, loads or number of visits that this visit would break beside the others.

    Parts that the van does not have are no reason where there is a place to `restock`.
    """
    return next(_overloads(visit, shift, others, restock), None)


def _overloads(
    visit: Visit, shift: Shift, others: Sequence[Visit], restock: Restock | None
) -> Iterator[Violation]:
    visits = [*others, visit]
    for part in visit.parts if restock is None else ():
        need, have = sum(each.parts.get(part, 0) for each in visits), shift.parts.get(part, 0)
        if need > have:
            text = f"The route would need {need} of {part}; the van has {have}."
            yield _violation("parts", visit, shift, text, part=part, need=need, have=have)
    for dimension, have in enumerate(shift.capacity):
        need = sum(each.load[dimension] for each in visits if dimension < len(each.load))
        if need > have:
            text = f"The route would load {need} in dimension {dimension}; the van holds {have}."
            yield _violation("capacity", visit, shift, text, dimension=dimension, need=need, have=have)
    if shift.max_visits is not None and len(visits) > shift.max_visits:
        text = f"The route would have {len(visits)} visits; {shift.max_visits} are allowed."
        yield _violation("max_visits", visit, shift, text, visits=len(visits), limit=shift.max_visits)


def _violation(rule: str, visit: Visit, shift: Shift, text: str, **numbers: int | str) -> Violation:
    return Violation(rule=rule, visit=visit.id, shift=shift.id, text=text, numbers=numbers)
