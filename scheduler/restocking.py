"""Where a route fetches the tools and parts that its van lacks: once, at the place to restock.

What the van carries is used first; after the stop it has everything. So a route needs the stop if any of its
visits needs a tool or a part more than the van has, and it comes before the first visit that must do without.
"""

from collections import Counter
from collections.abc import Iterator, Sequence

from scheduler.model import Problem, Shift, Visit


class RestockVisit(Visit):
    """The stop at the place to restock, as one more visit of an order."""

    __slots__ = ()


def restock_visit(problem: Problem) -> RestockVisit | None:
    """The stop that fetches what is missing; ``None`` where that is not possible."""
    if problem.restock is None:
        return None
    return RestockVisit(id="restock", location=problem.restock.location, service_s=problem.restock.service_s)


def first_lacking(shift: Shift, visits: Sequence[Visit]) -> int | None:
    """The index of the first visit for which the van carries too little; ``None`` if it has all it needs."""
    used: Counter[str] = Counter()
    for index, visit in enumerate(visits):
        used.update(visit.parts)
        if visit.tools - shift.tools or any(used[part] > shift.parts.get(part, 0) for part in visit.parts):
            return index
    return None


def restocked(problem: Problem, shift: Shift, visits: Sequence[Visit]) -> Iterator[Sequence[Visit]]:
    """The orders in which these visits can be served: as they are, or with a stop to restock somewhere."""
    stop = restock_visit(problem)
    lacking = None if stop is None else first_lacking(shift, visits)
    if stop is None or lacking is None:
        yield visits
        return
    for position in range(lacking, -1, -1):
        yield (*visits[:position], stop, *visits[position:])
