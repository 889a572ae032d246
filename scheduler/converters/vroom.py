"""Jobs and vehicles of VROOM: the JSON input of its ``docs/API.md``, with custom matrices.

Carried over: ``jobs`` (``location_index, setup, service, delivery`` or ``pickup``, ``skills, priority,
time_windows``), ``vehicles`` (``start_index, end_index, capacity, skills, time_window, breaks, max_tasks,
max_travel_time, profile``) and ``matrices`` (``durations, distances``) of one profile, or the older
``matrix``. Everything else is refused with its path, except descriptions and coordinates, which say nothing
about routes.

Times are seconds, distances are metres and windows bound the start of work in both formats. What differs:

- Times must be relative to the start of the horizon, as timestamps are beyond the limit of a problem.
- A vehicle without ``time_window`` works from 0 until everything could be done one after the other.
- A vehicle without ``start_index`` begins at its first job: it starts at an added location, the last one,
  from which every drive takes 0.
- Leaving a job out weighs ``priority`` so much that the sum of priorities comes before the number of jobs.
- ``setup`` counts as service, so it is refused where two jobs, or a job and a start, share a location: there
  VROOM counts it once.
- ``delivery`` and ``pickup`` in one input are refused: a problem adds up the loads of a route.
- A break has one window; a route that ends by then may leave it out.
- ``steps`` of a vehicle are a plan to begin with, which a problem does not have; they are left out, except
  that a job with ``service_at`` is pinned to the vehicle and to that second.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from scheduler.converters.source import Source, open_sources, unknown
from scheduler.formats import parse_json
from scheduler.json_fields import (
    Convert,
    FormatError,
    collected,
    integer,
    listed,
    mapping,
    matrix,
    numbers,
    text,
)
from scheduler.model import Break, Matrix, Pin, Problem, Shift, Visit

Fields = Mapping[str, Any]
"""The converted fields of an object of the input; those with faults are left out."""


def vroom(files: Sequence[Path]) -> Problem:
    """A problem from one VROOM input.

    Raises
    ------
    FormatError
        With one line for each fault, naming the file and the JSON path.
    """
    (source,) = open_sources(files, "a VROOM file")
    content = _object(source, parse_json(source.text, str(source.path)), "", _INPUT)
    jobs = [_object(source, job, f"jobs[{i}]", _JOB) for i, job in enumerate(content.get("jobs", ()))]
    vehicles = [
        _object(source, vehicle, f"vehicles[{i}]", _VEHICLE)
        for i, vehicle in enumerate(content.get("vehicles", ()))
    ]
    _require(source, jobs, "jobs", "id", "location_index")
    _require(source, vehicles, "vehicles", "id")
    durations, distances = _matrices(source, content, vehicles)
    _check_amounts(source, jobs, vehicles)
    _check_setups(source, jobs, vehicles)
    pins = _pins(source, jobs, vehicles)
    source.finish()
    last_s = _last_s(jobs, vehicles, durations)
    shifts = [
        _shift(source, f"vehicles[{i}]", each, len(durations), last_s) for i, each in enumerate(vehicles)
    ]
    visits = [_visit(source, f"jobs[{i}]", each, pins, len(jobs)) for i, each in enumerate(jobs)]
    if any("start_index" not in vehicle for vehicle in vehicles):
        durations = np.pad(durations, (0, 1))
        distances = None if distances is None else np.pad(distances, (0, 1))
    return source.problem(durations, visits, shifts, distance_m=distances)


def _read(source: Source, convert: Convert, value: Any, place: str) -> Any:
    """The converted value, or None with its faults added."""
    lines: list[str] = []
    found = collected(lines, convert, value, place)
    source.faults += (f"{source.path}: {line.removeprefix(': ')}" for line in lines)
    return found


def _object(source: Source, value: Any, place: str, parts: Mapping[str, Convert]) -> Fields:
    content = _read(source, mapping, value, place) or {}
    unknown(source, place, content, frozenset(parts))
    prefix = f"{place}." if place else ""
    read = {
        name: _read(source, parts[name], part, f"{prefix}{name}")
        for name, part in content.items()
        if name in parts
    }
    return {name: found for name, found in read.items() if found is not None}


def _ignored(value: Any, path: str) -> None:
    """What says nothing about routes."""


def _raw(value: Any, path: str) -> Any:
    """Converted later."""
    return value


def _nothing(value: Any, path: str) -> None:
    if value:
        raise FormatError([f"{path}: is not supported"])


def _one(value: Any, path: str) -> None:
    if value != 1:
        raise FormatError([f"{path}: only 1 is supported"])


_INPUT: Mapping[str, Convert] = {
    "jobs": listed(_raw),
    "shipments": _nothing,
    "vehicles": listed(_raw),
    "matrices": mapping,
    "matrix": matrix,
}
_MATRICES: Mapping[str, Convert] = {"durations": matrix, "distances": matrix}
_JOB: Mapping[str, Convert] = {
    "id": integer,
    "description": _ignored,
    "location": _ignored,
    "location_index": integer,
    "setup": integer,
    "service": integer,
    "amount": listed(integer),
    "delivery": listed(integer),
    "pickup": listed(integer),
    "skills": listed(integer),
    "priority": integer,
    "time_windows": listed(numbers(2)),
}
_VEHICLE: Mapping[str, Convert] = {
    "id": integer,
    "description": _ignored,
    "profile": text,
    "start": _ignored,
    "start_index": integer,
    "end": _ignored,
    "end_index": integer,
    "capacity": listed(integer),
    "skills": listed(integer),
    "time_window": numbers(2),
    "breaks": listed(_raw),
    "speed_factor": _one,
    "max_tasks": integer,
    "max_travel_time": integer,
    "steps": listed(_raw),
}
_BREAK: Mapping[str, Convert] = {
    "id": integer,
    "description": _ignored,
    "time_windows": listed(numbers(2)),
    "service": integer,
}
_STEP: Mapping[str, Convert] = {"type": text, "id": integer, "description": _ignored, "service_at": integer}


def _require(source: Source, objects: Sequence[Fields], name: str, *fields: str) -> None:
    for index, content in enumerate(objects):
        for field in fields:
            if field not in content:
                source.fault(f"{name}[{index}].{field}", "is missing")


def _matrices(source: Source, content: Fields, vehicles: Sequence[Fields]) -> tuple[Matrix, Matrix | None]:
    """Travel times, and distances if there are any, of the profile that all vehicles share."""
    profiles = [vehicle.get("profile", "car") for vehicle in vehicles] or ["car"]
    for index, profile in enumerate(profiles):
        if profile != profiles[0]:
            source.fault(f"vehicles[{index}].profile", "several profiles are not supported")
    place = f"matrices.{profiles[0]}"
    tables: Fields = {"durations": content["matrix"]} if "matrix" in content else {}
    if "matrices" in content:
        tables = _object(source, content["matrices"].get(profiles[0], {}), place, _MATRICES)
    if "durations" not in tables:
        source.fault(f"{place}.durations", "is needed: nothing here can look up travel times")
    return tables.get("durations", np.zeros((0, 0), np.int32)), tables.get("distances")


def _load(job: Fields) -> tuple[int, ...]:
    """What a job adds to the load of its route; `amount` is the old name of `delivery`."""
    found: tuple[int, ...] = job.get("pickup") or job.get("delivery") or job.get("amount") or ()
    return found


def _check_amounts(source: Source, jobs: Sequence[Fields], vehicles: Sequence[Fields]) -> None:
    """One kind of amounts, all with as many dimensions."""
    delivers = any(any(job.get(name, ())) for job in jobs for name in ("delivery", "amount"))
    width = max((len(_load(job)) for job in jobs), default=0)
    for index, job in enumerate(jobs):
        if delivers and any(job.get("pickup", ())):
            source.fault(f"jobs[{index}].pickup", "deliveries and pickups in one input are not supported")
        if len(_load(job)) not in (0, width):
            source.fault(f"jobs[{index}]", f"has {len(_load(job))} amounts, not {width}")
    for index, vehicle in enumerate(vehicles):
        if width and len(vehicle.get("capacity", ())) != width:
            source.fault(f"vehicles[{index}].capacity", f"must have {width} amounts")


def _check_setups(source: Source, jobs: Sequence[Fields], vehicles: Sequence[Fields]) -> None:
    """A set-up is paid by every job, so none may share its location."""
    used = Counter(job.get("location_index") for job in jobs)
    starts = {vehicle.get("start_index") for vehicle in vehicles}
    for index, job in enumerate(jobs):
        if job.get("setup") and (used[job.get("location_index")] > 1 or job.get("location_index") in starts):
            source.fault(f"jobs[{index}].setup", "is not supported at a location that something else is at")


def _pins(source: Source, jobs: Sequence[Fields], vehicles: Sequence[Fields]) -> dict[str, Pin]:
    """By visit, the steps that force a start; the others are only a plan to begin with."""
    pins: dict[str, Pin] = {}
    job_ids = {job.get("id") for job in jobs}
    for number, vehicle in enumerate(vehicles):
        for index, value in enumerate(vehicle.get("steps", ())):
            place = f"vehicles[{number}].steps[{index}]"
            step = _object(source, value, place, _STEP)
            if "service_at" not in step:
                continue
            if step.get("type") == "job" and step.get("id") in job_ids:
                pins[str(step["id"])] = Pin(shift=str(vehicle.get("id")), start_s=step["service_at"])
            else:
                source.fault(f"{place}.service_at", "is only supported for one of the jobs")
    return pins


def _last_s(jobs: Sequence[Fields], vehicles: Sequence[Fields], durations: Matrix) -> int:
    """When everything is over even if one vehicle did it all after the last time of the input."""
    windows = [window for job in jobs for window in job.get("time_windows", ())]
    windows += [vehicle["time_window"] for vehicle in vehicles if "time_window" in vehicle]
    work_s: int = sum(job.get("setup", 0) + job.get("service", 0) for job in jobs)
    drives_s: int = (len(jobs) + 1) * int(durations.max(initial=0))
    last_s: int = max((end for _, end in windows), default=0)
    return last_s + work_s + drives_s


def _visit(source: Source, place: str, job: Fields, pins: Mapping[str, Pin], jobs: int) -> Visit | None:
    return source.make(
        place,
        Visit,
        id=str(job["id"]),
        location=job["location_index"],
        service_s=job.get("setup", 0) + job.get("service", 0),
        windows=job.get("time_windows", ()),
        skills=_skills(job),
        priority=job.get("priority", 0) * (jobs + 1) + 1,
        load=_load(job),
        pinned=pins.get(str(job["id"])),
    )


def _skills(content: Fields) -> dict[str, int]:
    return {str(skill): 1 for skill in content.get("skills", ())}


def _shift(source: Source, place: str, vehicle: Fields, nowhere: int, last_s: int) -> Shift | None:
    """The working hours of a vehicle; one without a start begins at the location `nowhere`."""
    start_s, end_s = vehicle.get("time_window", (0, last_s))
    return source.make(
        place,
        Shift,
        id=str(vehicle["id"]),
        technician=str(vehicle["id"]),
        start_location=vehicle.get("start_index", nowhere),
        end_location=vehicle.get("end_index"),
        start_s=start_s,
        end_s=end_s,
        breaks=_breaks(source, place, vehicle, (start_s, end_s)),
        skills=_skills(vehicle),
        capacity=vehicle.get("capacity", ()),
        max_visits=vehicle.get("max_tasks"),
        max_travel_s=vehicle.get("max_travel_time"),
    )


def _breaks(source: Source, place: str, vehicle: Fields, hours: tuple[int, int]) -> tuple[Break, ...]:
    """In order of their windows; one without a window may be taken at any time of the shift."""
    found = []
    for index, value in enumerate(vehicle.get("breaks", ())):
        at = f"{place}.breaks[{index}]"
        rest = _object(source, value, at, _BREAK)
        windows = rest.get("time_windows") or (hours,)
        if len(windows) > 1:
            source.fault(f"{at}.time_windows", "only one window is supported")
        earliest_s, latest_s = windows[0]
        duration_s = rest.get("service", 0)
        made = source.make(at, Break, earliest_s=earliest_s, latest_s=latest_s, duration_s=duration_s)
        found += [] if made is None else [made]
    return tuple(sorted(found, key=lambda rest: (rest.earliest_s, rest.latest_s)))
