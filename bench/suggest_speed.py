"""How fast `Slots` answers a page: all windows of 14 days, against a plain loop and one look at memory."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from scheduler.model import Break, Plan, Problem, Shift, Visit
from scheduler.slots import Slots

DAY_S, HOUR_S = 86_400, 3600
DAYS, STOPS, PLACES = 14, 8, 1000
WINDOWS_A_DAY = ((8, 10), (10, 12), (12, 14), (14, 16), (16, 18))
BARS_S = {50: 1e-3, 500: 10e-3}
REFRESH_BAR_S = 50e-6

Row = tuple[Break, list[tuple[int, int, int]], list[tuple[int, ...]]]


@dataclass(frozen=True)
class Speed:
    """Seconds for one answer and what they are to be compared with."""

    technicians: int
    overtime_s: int
    routes: int
    positions: int
    windows: int
    offered: int
    answer_s: float
    worst_s: float
    refresh_s: float
    loop_s: float
    read_s: float
    megabytes: float


def towns(rng: np.random.Generator) -> np.ndarray:
    """Driving times between random places of a region 40 km wide, at 40 km/h and three minutes to park."""
    at = rng.uniform(0, 40_000, (PLACES, 2))
    metres = np.hypot(*(at[:, None] - at[None]).transpose(2, 0, 1))
    seconds: np.ndarray = (metres / 11 + 180).astype(np.int32)
    return seconds


def shift(name: str, day: int, home: int, skills: dict[str, int], overtime_s: int) -> Shift:
    """Eight to five with half an hour of lunch."""
    base = day * DAY_S
    lunch = Break(earliest_s=base + 41_400, latest_s=base + 46_800, duration_s=1800)
    return Shift(
        id=f"{name}/{day}",
        technician=name,
        start_location=home,
        end_location=home,
        start_s=base + 8 * HOUR_S,
        end_s=base + 17 * HOUR_S,
        overtime_s=overtime_s,
        breaks=(lunch,),
        skills=skills,
    )


def scene(technicians: int, overtime_s: int, seed: int) -> tuple[Problem, dict[str, list[Visit]]]:
    """Routes of up to eight promised visits, as short as neighbours make them."""
    rng = np.random.default_rng(seed)
    travel = towns(rng)
    near = np.argsort(travel, axis=1, kind="stable")[:, 1:41]
    shifts, routes = [], {}
    for person in range(technicians):
        skills = {"gas": 1 + person % 3} if person % 2 else {"water": 1}
        home = int(rng.integers(PLACES))
        for day in range(DAYS):
            each = shift(f"t{person}", day, home, skills, overtime_s)
            shifts.append(each)
            routes[each.id] = route(rng, each, travel, near)
    return Problem(travel_s=travel, visits=(), shifts=tuple(shifts)), routes


def route(rng: np.random.Generator, each: Shift, travel: np.ndarray, near: np.ndarray) -> list[Visit]:
    """Visits one after the other, each promised a window of two hours around when it comes."""
    place, now, found = each.start_location, each.start_s, []
    for number in range(STOPS):
        place_next = int(rng.choice(near[place]))
        now += int(travel[place, place_next])
        service = int(rng.choice([1200, 1800, 2400, 3000]))
        opens = each.start_s + (now - each.start_s) // 7200 * 7200
        window = (opens, opens + 7200)
        if now + service + int(travel[place_next, each.start_location]) > each.end_s - 1800:
            break
        found.append(
            Visit(id=f"{each.id}/{number}", location=place_next, service_s=service, windows=(window,))
        )
        now, place = now + service + int(rng.integers(0, 600)), place_next
    return found


def measure(technicians: int, overtime_s: int = 0, seed: int = 1) -> Speed:
    """Ask for random visits and time every answer."""
    problem, routes = scene(technicians, overtime_s, seed)
    slots = Slots(problem, Plan())
    for name, visits in routes.items():
        slots.set_route(name, visits)
    windows = [
        (day * DAY_S + start * HOUR_S, day * DAY_S + end * HOUR_S)
        for day in range(DAYS)
        for start, end in WINDOWS_A_DAY
    ]
    rng = np.random.default_rng(seed + 100)
    wishes = [
        Visit(id="new", location=int(rng.integers(PLACES)), service_s=3600, skills={"gas": 1 + n % 2})
        for n in range(200)
    ]
    took, offered = [], 0
    for wish in wishes:
        begin = time.perf_counter()
        found = slots.cheapest(wish, windows)
        took.append(time.perf_counter() - begin)
        offered += sum(place is not None for place in found)
    table = slots._table  # noqa: SLF001 - the lower bound reads the very same numbers
    return Speed(
        technicians=technicians,
        overtime_s=overtime_s,
        routes=len(routes),
        positions=sum(len(visits) + 1 for visits in routes.values()),
        windows=len(windows),
        offered=offered // len(wishes),
        answer_s=float(np.median(took)),
        worst_s=float(np.quantile(took, 0.99)),
        refresh_s=_refresh_s(slots, routes),
        loop_s=plain_loop_s(slots, wishes[0], windows),
        read_s=best_of(lambda: (table.data.max(), table.places.max())),
        megabytes=(table.data.nbytes + table.places.nbytes) / 1e6,
    )


def best_of(work: Callable[[], object], times: int = 20) -> float:
    """Seconds of the fastest of some runs."""
    took = []
    for _ in range(times):
        begin = time.perf_counter()
        work()
        took.append(time.perf_counter() - begin)
    return min(took)


def _refresh_s(slots: Slots, routes: dict[str, list[Visit]]) -> float:
    """Seconds to set one route of full length again."""
    name = max(routes, key=lambda key: len(routes[key]))

    def again() -> None:
        for _ in range(100):
            slots.set_route(name, routes[name])

    return best_of(again, times=10) / 100


def plain_loop_s(slots: Slots, wish: Visit, windows: list[tuple[int, int]]) -> float:
    """Seconds of the same search as a loop over plain lists, one test for each position, state and window.

    Raises AssertionError when it does not find what `Slots` finds; overtime it leaves out.
    """
    there, onward = (slots._table.flat(ways).tolist() for ways in slots._table.ways(wish.location))  # noqa: SLF001
    rows = _plain_rows(slots, wish, windows)

    def loop() -> list[int | None]:
        best: list[int | None] = [None] * len(windows)
        for row in rows:
            _look_at(row, there, onward, wish.service_s, best)
        return best

    if not any(pause for pause, _, _ in rows):
        raise AssertionError("nobody may serve the visit")
    found = [place and place.added_cost for place in slots.cheapest(wish, windows)]
    if not slots._pricing.overtime and loop() != found:  # noqa: SLF001
        raise AssertionError("the plain loop and Slots disagree")
    return best_of(loop, times=3)


def _look_at(row: Row, there: list[int], onward: list[int], service_s: int, best: list[int | None]) -> None:
    """Every position of one shift, with the break still to come and with the break taken."""
    pause, asked, fields = row
    for origin, target, drive, left_0, left_1, reach_0, reach_1 in fields:
        to, back = there[origin], onward[target]
        first_0, first_1 = left_0 + to, left_1 + to
        begin = max(first_0, pause.earliest_s)
        if begin <= pause.latest_s:
            first_1 = min(first_1, begin + pause.duration_s)
        last_0, last_1 = reach_0 - back - service_s, reach_1 - back - service_s
        begin = min(last_1 + service_s - pause.duration_s, pause.latest_s)
        if begin >= pause.earliest_s:
            last_0 = max(last_0, begin - service_s)
        for number, opens, closes in asked:
            if max(first_0, opens) <= min(last_0, closes) or max(first_1, opens) <= min(last_1, closes):
                added, least = to + back - drive, best[number]
                best[number] = added if least is None or added < least else least


def _plain_rows(slots: Slots, wish: Visit, windows: list[tuple[int, int]]) -> list[Row]:
    """For each shift that may serve the visit: its break, the windows of its day, its positions."""
    table = slots._table  # noqa: SLF001 - the loop reads the very same numbers
    by_day: dict[int, list[tuple[int, int, int]]] = {}
    for number, (opens, closes) in enumerate(windows):
        by_day.setdefault(opens // DAY_S, []).append((number, opens, closes))
    rows = []
    for column, each in enumerate(table.shifts):
        if all(each.skills.get(skill, -1) >= level for skill, level in wish.skills.items()):
            length = len(table.visits[column]) + 1
            arrays = (table.origin, table.target, table.drive, *table.left, *table.reach)
            fields = list(zip(*(array[:length, column].tolist() for array in arrays), strict=True))
            rows.append((each.breaks[0], by_day[each.start_s // DAY_S], fields))
    return rows


def lines(speeds: list[Speed]) -> list[str]:
    """The table, one line a case, with what the bars say."""
    head = (
        "technicians  overtime  routes  positions  windows  offered  median ms  99 % ms  bar ms  kept"
        "  refresh us  plain loop  read once  MB"
    )
    out = [head]
    for each in speeds:
        bar = BARS_S[each.technicians]
        kept = each.answer_s <= bar and each.refresh_s <= REFRESH_BAR_S
        out.append(
            f"{each.technicians:11d}  {each.overtime_s:7d}s  {each.routes:6d}  {each.positions:9d}"
            f"  {each.windows:7d}  {each.offered:7d}  {each.answer_s * 1e3:9.3f}  {each.worst_s * 1e3:7.3f}"
            f"  {bar * 1e3:6.0f}  {'yes' if kept else 'NO':>4}  {each.refresh_s * 1e6:10.1f}"
            f"  {each.loop_s / each.answer_s:9.0f}x  {each.answer_s / each.read_s:8.1f}x"
            f"  {each.megabytes:.2f}"
        )
    return out


def run() -> list[Speed]:
    """All cases; prints the table."""
    speeds = [measure(people, overtime_s) for people in BARS_S for overtime_s in (0, 3600)]
    print("\n".join(lines(speeds)))
    return speeds


if __name__ == "__main__":
    run()
