"""Problems and plans as JSON, strictly checked: ``fieldservice-problem/1`` and ``fieldservice-plan/1``.

A problem has one travel matrix, ``travel_s``, or several by name under ``travel_profiles``, of which each
shift names one as its ``profile``; with both, ``travel_s`` is that of the shifts which name none.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any

from scheduler.consistency import visit_faults
from scheduler.json_fields import (
    Convert,
    FormatError,
    boolean,
    built,
    collected,
    fields_of,
    integer,
    listed,
    mapping,
    matrix,
    named,
    names,
    numbers,
    optional,
    short,
    text,
)
from scheduler.model import (
    After,
    Break,
    Pin,
    Plan,
    Problem,
    Restock,
    Route,
    Shift,
    Stop,
    Unassigned,
    Visit,
    Weights,
)

PROBLEM_FORMAT = "fieldservice-problem/1"
PLAN_FORMAT = "fieldservice-plan/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A problem, and the faults of the visits that were set aside, by id (or by path without one)."""

    problem: Problem
    quarantined: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def read_json(path: Path) -> Any:
    """The content of a JSON file.

    Raises
    ------
    FormatError
        When there is no such file or it is not JSON.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise FormatError([f"{path}: {error.strerror}"]) from error
    return parse_json(content, str(path))


def parse_json(content: str | bytes, name: str) -> Any:
    """The value of a JSON text; `name` is what a `FormatError` calls the text."""
    try:
        return json.loads(content, parse_constant=_no_constant)
    except RecursionError as error:
        raise FormatError([f"{name}: is nested too deeply"]) from error
    except ValueError as error:
        raise FormatError([f"{name}: is not JSON: {error}"]) from error


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number")


def problem_from_json(data: Any, *, quarantine: bool = False) -> Loaded:
    """Build a problem.

    Parameters
    ----------
    data
        What `json.loads` made of it.
    quarantine
        Set visits with faults aside instead of refusing the problem.

    Raises
    ------
    FormatError
        With every fault that was found.
    """
    content = fields_of(_with_travel(data), "problem", Problem, extra=("format",))
    faults = [] if content.get("format") == PROBLEM_FORMAT else [f"format: must be {PROBLEM_FORMAT!r}"]
    parts: dict[str, Any] = {}
    for name, convert in _PROBLEM_PARTS.items():
        if name in content:
            parts[name] = collected(faults, convert, content[name], name)
    faults += _unnamed_profiles(data, parts.get("shifts") or ())
    bad: dict[int, list[str]] = {}
    visits = [
        _visit(value, f"visits[{i}]", bad.setdefault(i, [])) for i, value in enumerate(_rows(content, faults))
    ]
    if not faults and quarantine:
        _find_unfit(parts, visits, bad)
    if not quarantine:
        faults += (line for lines in bad.values() for line in lines)
    if faults:
        raise FormatError(faults)
    parts["visits"] = tuple(visit for i, visit in enumerate(visits) if visit is not None and not bad[i])
    aside = {_name(content["visits"][i], i): tuple(lines) for i, lines in bad.items() if lines}
    try:
        return Loaded(problem=Problem(**parts), quarantined=aside)
    except ValueError as error:
        raise FormatError(str(error).splitlines()) from error


def _with_travel(data: Any) -> Any:
    """A problem that has travel profiles alone, with the first of them as its own travel times."""
    if not isinstance(data, dict) or "travel_s" in data:
        return data
    profiles = data.get("travel_profiles")
    if not isinstance(profiles, dict) or not profiles:
        return data
    return data | {"travel_s": next(iter(profiles.values()))}


def _unnamed_profiles(data: Mapping[str, Any], shifts: Sequence[Shift]) -> Iterator[str]:
    """A fault for each shift whose travel times nobody gave."""
    if "travel_s" not in data:
        for index, shift in enumerate(shifts):
            if shift.profile is None:
                yield f"shifts[{index}].profile: is missing, and there is no travel_s"


def _rows(content: Mapping[str, Any], faults: list[str]) -> list[Any]:
    """The visits, not yet converted."""
    visits = content["visits"]
    if isinstance(visits, list):
        return visits
    faults.append(f"visits: must be a list, not {short(visits)}")
    return []


def _visit(value: Any, path: str, faults: list[str]) -> Visit | None:
    visit: Visit | None = collected(faults, visit_from_json, value, path)
    return visit


def _find_unfit(parts: Mapping[str, Any], visits: list[Visit | None], bad: Mapping[int, list[str]]) -> None:
    """Set aside doubled ids and wrong references, until nothing refers to a visit that was set aside."""
    shift_ids = {shift.id for shift in parts["shifts"]}
    seen: set[str] = set()
    for index, visit in enumerate(visits):
        if visit is not None and visit.id in seen:
            bad[index].append(f"visits[{index}].id: {visit.id!r} is used twice")
        seen |= set() if visit is None else {visit.id}
    changed = True
    while changed:
        changed = False
        good = {visit.id for i, visit in enumerate(visits) if visit is not None and not bad[i]}
        for index, visit in enumerate(visits):
            if visit is not None and not bad[index]:
                found = visit_faults(visit, len(parts["travel_s"]), good, shift_ids)
                bad[index] += (f"visits[{index}].{fault}" for fault in found)
                changed |= bool(bad[index])


def _name(value: Any, index: int) -> str:
    name = value.get("id") if isinstance(value, dict) else None
    return name if isinstance(name, str) and name else f"visits[{index}]"


def visit_from_json(value: Any, path: str = "visit") -> Visit:
    """One visit.

    Raises
    ------
    FormatError
        With every fault that was found.
    """
    return built(Visit, _VISIT_PARTS, value, path)


_AFTER_PARTS = {"same_technician": boolean}
_VISIT_PARTS: dict[str, Convert] = {
    "windows": listed(numbers(2)),
    "skills": mapping,
    "promised": boolean,
    "technicians": optional(names),
    "not_technicians": names,
    "preferred_technicians": mapping,
    "preferred_windows": listed(numbers(3)),
    "after": listed(lambda value, path: built(After, _AFTER_PARTS, value, path)),
    "tools": names,
    "parts": mapping,
    "load": listed(integer),
    "pinned": optional(lambda value, path: built(Pin, {"shift": optional(text)}, value, path)),
}
_SHIFT_PARTS: dict[str, Convert] = {
    "breaks": listed(lambda value, path: built(Break, {}, value, path)),
    "skills": mapping,
    "tools": names,
    "parts": mapping,
    "capacity": listed(integer),
}
_PROBLEM_PARTS: dict[str, Convert] = {
    "travel_s": matrix,
    "distance_m": optional(matrix),
    "travel_profiles": named(matrix),
    "shifts": listed(lambda value, path: built(Shift, _SHIFT_PARTS, value, path)),
    "weights": lambda value, path: built(Weights, {}, value, path),
    "restock": optional(lambda value, path: built(Restock, {}, value, path)),
}


def stop_from_json(value: Any, path: str) -> Stop:
    """One stop; its `break` is an index into the breaks of the shift."""
    content = {
        ("break_index" if name == "break" else name): part for name, part in mapping(value, path).items()
    }
    return built(Stop, _STOP_PARTS, content, path)


_STOP_PARTS: dict[str, Convert] = {
    "visit": text,
    "break_index": integer,
    "restock": boolean,
    "arrival_s": integer,
    "start_s": integer,
    "departure_s": integer,
    "travel_s": integer,
}
_ROUTE_PARTS: dict[str, Convert] = {"shift": text, "stops": listed(stop_from_json)}
_UNASSIGNED_PARTS: dict[str, Convert] = {"visit": text, "reasons": listed(text)}
_PLAN_PARTS: dict[str, Convert] = {
    "routes": listed(lambda value, path: built(Route, _ROUTE_PARTS, value, path)),
    "unassigned": listed(lambda value, path: built(Unassigned, _UNASSIGNED_PARTS, value, path)),
    "cost": mapping,
    "bound": optional(integer),
    "stats": mapping,
}


def plan_from_json(data: Any) -> Plan:
    """Build a plan; whether it is legal is for `scheduler.rules.check` to say.

    Raises
    ------
    FormatError
        With every fault that was found.
    """
    content = fields_of(data, "plan", Plan, extra=("format",))
    faults = [] if content.get("format") == PLAN_FORMAT else [f"format: must be {PLAN_FORMAT!r}"]
    parts: dict[str, Any] = {
        name: collected(faults, convert, content[name], name)
        for name, convert in _PLAN_PARTS.items()
        if name in content
    }
    if faults:
        raise FormatError(faults)
    return Plan(**parts)


def plan_to_json(plan: Plan) -> dict[str, Any]:
    """What `plan_from_json` reads."""
    return {
        "format": PLAN_FORMAT,
        "routes": [
            {"shift": route.shift, "stops": [_stop_to_json(stop) for stop in route.stops]}
            for route in plan.routes
        ],
        "unassigned": [{"visit": left.visit, "reasons": list(left.reasons)} for left in plan.unassigned],
        "cost": dict(plan.cost),
        "bound": plan.bound,
        "stats": dict(plan.stats),
    }


def _stop_to_json(stop: Stop) -> dict[str, Any]:
    kind: dict[str, Any] = {"restock": True}
    if stop.visit is not None:
        kind = {"visit": stop.visit}
    elif stop.break_index is not None:
        kind = {"break": stop.break_index}
    times = ("arrival_s", "start_s", "departure_s", "travel_s")
    return kind | {name: getattr(stop, name) for name in times}


def problem_to_json(problem: Problem) -> dict[str, Any]:
    """What `problem_from_json` reads; fields that have their defaults are left out."""
    data: dict[str, Any] = {"format": PROBLEM_FORMAT, "travel_s": problem.travel_s.tolist()}
    if problem.distance_m is not None:
        data["distance_m"] = problem.distance_m.tolist()
    if problem.travel_profiles:
        data["travel_profiles"] = {name: each.tolist() for name, each in problem.travel_profiles.items()}
    for name in ("visits", "shifts", "restock", "weights"):
        data[name] = to_json(getattr(problem, name))
    return data


def to_json(value: Any) -> Any:
    """A value of the model as JSON: objects without the fields that have their defaults, sets sorted."""
    if is_dataclass(value) and not isinstance(value, type):
        return {
            each.name: to_json(part)
            for each in fields(value)
            if each.init and (part := getattr(value, each.name)) != _default(each)
        }
    if isinstance(value, Mapping):
        return {name: to_json(part) for name, part in value.items()}
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, tuple):
        return [to_json(part) for part in value]
    return value


def _default(each: Field[Any]) -> Any:
    return each.default if each.default_factory is MISSING else each.default_factory()
