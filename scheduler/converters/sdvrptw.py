"""Site-dependent vehicle routing with time windows: VRPLIB files as PyVRP reads them.

Each vehicle may visit the clients that ``VEHICLES_ALLOWED_CLIENTS_SECTION`` lists for it. The first node is
the depot, every vehicle leaves it and comes back inside its window. A unit of distance or time takes `UNIT`
seconds, to the nearest second: the convention of PyVRP's ``.sol`` files, whose cost is the travel in these
seconds.

``VEHICLES_MAX_DURATION`` bounds a route from leaving the depot to coming back.

A visit is named after its node, a shift after its vehicle, both counted from 1 as in the file.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from scheduler.converters.source import MOST_SHIFTS, Source, open_sources, rounded, unknown
from scheduler.model import Problem, Shift, Visit

UNIT = 1000
"""Seconds for each unit of time and distance."""
FIELDS = frozenset(
    {"NAME", "COMMENT", "TYPE", "EDGE_WEIGHT_TYPE", "DIMENSION", "VEHICLES", "VEHICLES_MAX_DURATION"}
)
SECTIONS = {
    "NODE_COORD_SECTION": 2,
    "DEMAND_SECTION": 1,
    "SERVICE_TIME_SECTION": 1,
    "TIME_WINDOW_SECTION": 2,
    "CAPACITY_SECTION": 1,
}
"""The values of each row after its number."""
ALLOWED = "VEHICLES_ALLOWED_CLIENTS_SECTION"

Table = list[tuple[str, list[float]]]


def sdvrptw(files: Sequence[Path]) -> Problem:
    """A problem from one file.

    Raises
    ------
    FormatError
        With one line for each fault, naming the file and the line or field.
    """
    (source,) = open_sources(files, "a VRPLIB file")
    fields = _fields(source)
    tables = {name: _table(source, name, columns, fields) for name, columns in SECTIONS.items()}
    allowed = _allowed(source, len(tables["NODE_COORD_SECTION"]), fields)
    source.finish()
    travel = source.travel([row for _, row in tables["NODE_COORD_SECTION"]], rounded(UNIT))
    return source.problem(travel, _visits(source, tables, allowed), _shifts(source, tables, fields))


def _fields(source: Source) -> Mapping[str, str]:
    """The head of the file; a fault for a field or section that would be lost."""
    pairs = [line.split(":", 1) for line in source.lines if ":" in line]
    fields = {name.strip(): value.strip() for name, value in pairs}
    unknown(source, "", fields, FIELDS)
    for number, line in enumerate(source.lines, start=1):
        name = line.strip()
        if name.endswith("_SECTION") and name != ALLOWED and name not in SECTIONS:
            source.fault(f"line {number}", f"{name} is not supported")
    if fields.get("EDGE_WEIGHT_TYPE") != "EUC_2D":
        source.fault("EDGE_WEIGHT_TYPE", "only EUC_2D is supported")
    for name in ("DIMENSION", "VEHICLES"):
        if source.whole(name, fields.get(name), MOST_SHIFTS) < 1:
            source.fault(name, "must be at least 1")
    return fields


def _numbered(source: Source, name: str, fields: Mapping[str, str]) -> list[tuple[str, list[str]]]:
    """The rows of a section without their numbers, which must count from 1 to the dimension."""
    rows = source.section(name)
    of_vehicles = name in ("CAPACITY_SECTION", ALLOWED)
    count = fields.get("VEHICLES" if of_vehicles else "DIMENSION")
    if str(len(rows)) != count:
        source.fault(name, f"has {len(rows)} rows, not {count}")
    for index, (place, words) in enumerate(rows, start=1):
        if words[0] != str(index):
            source.fault(place, f"is numbered {words[0]}, not {index}")
    return [(place, words[1:]) for place, words in rows]


def _table(source: Source, name: str, columns: int, fields: Mapping[str, str]) -> Table:
    return list(source.numbers(_numbered(source, name, fields), columns))


def _allowed(source: Source, nodes: int, fields: Mapping[str, str]) -> list[set[int]]:
    """The nodes that each vehicle may visit."""
    return [
        {source.whole(place, word, nodes) for word in words}
        for place, words in _numbered(source, ALLOWED, fields)
    ]


def _visits(source: Source, tables: Mapping[str, Table], allowed: list[set[int]]) -> list[Visit | None]:
    visits = []
    for index, (place, (ready, due)) in enumerate(tables["TIME_WINDOW_SECTION"][1:], start=1):
        vehicles = frozenset(
            str(number) for number, nodes in enumerate(allowed, start=1) if index + 1 in nodes
        )
        visits.append(
            source.make(
                place,
                Visit,
                id=str(index + 1),
                location=index,
                service_s=round(tables["SERVICE_TIME_SECTION"][index][1][0] * UNIT),
                windows=((round(ready * UNIT), round(due * UNIT)),),
                technicians=None if len(vehicles) == len(allowed) else vehicles,
                load=(source.whole(place, tables["DEMAND_SECTION"][index][1][0]),),
            )
        )
    return visits


def _shifts(source: Source, tables: Mapping[str, Table], fields: Mapping[str, str]) -> list[Shift | None]:
    _, (ready, due) = tables["TIME_WINDOW_SECTION"][0]
    longest = fields.get("VEHICLES_MAX_DURATION")
    limit_s = None if longest is None else round(source.number("VEHICLES_MAX_DURATION", longest) * UNIT)
    return [
        source.make(
            place,
            Shift,
            id=str(number),
            technician=str(number),
            start_location=0,
            end_location=0,
            start_s=round(ready * UNIT),
            end_s=round(due * UNIT),
            capacity=(source.whole(place, capacity),),
            max_duration_s=limit_s,
        )
        for number, (place, (capacity,)) in enumerate(tables["CAPACITY_SECTION"], start=1)
    ]
