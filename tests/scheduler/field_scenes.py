"""A tiny scene for every field of a problem: a few visits, a few shifts, and the same without the field.

In each of them the best plan without the field breaks the rule of the field, or costs more by it. So whoever
does not see the field is caught.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from scheduler.model import After, Break, Pin, Plan, Problem, Restock, Weights
from tests.scheduler.brute import lifted
from tests.scheduler.scenes import EIGHT, HOUR, MINUTE, line, make_plan, make_problem, make_shift, make_visit

DAY = 24 * HOUR
MORNING = (EIGHT, EIGHT + 20 * MINUTE)


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A problem, the same without the field, and the rule that the field brings (``None`` for a cost)."""

    problem: Problem
    without: Problem
    rule: str | None = None
    starts: Sequence[int] = ()
    baseline: Plan | None = None

    @property
    def rules(self) -> set[str]:
        """What `check` says of the best plan without the field."""
        return {self.rule} if self.rule else set()


def ben(**overrides):
    return make_shift(**({"id": "ben/mon", "technician": "ben"} | overrides))


def far_ben(**overrides):
    return ben(**({"start_location": 5, "end_location": 5} | overrides))


def at(hour, minute=0):
    return hour * HOUR + minute * MINUTE


def scene(visits, shifts, rule=None, lift=None, **more):
    """A scene of these visits and shifts; `lift` says what is set otherwise without the field."""
    own = {name: more.pop(name) for name in ("starts", "baseline") if name in more}
    problem = make_problem(visits, shifts, **more)
    return Scene(problem=problem, without=lifted(problem, **(lift or {})), rule=rule, **own)


def on_visit(**overrides):
    return {"visits": overrides}


def on_shift(**overrides):
    return {"shifts": overrides}


def weighing(**weights):
    return {"problem": {"weights": Weights(**weights)}}


def skill():
    visits = [make_visit(id="A", location=0, skills={"gas": 2}), make_visit(id="B", location=1)]
    team = [make_shift(skills={"gas": 1}), far_ben(skills={"gas": 2})]
    return scene(visits, team, "skill", on_visit(skills={}))


def technicians():
    visits = [make_visit(id="A", location=0, technicians=frozenset({"ben"})), make_visit(id="B", location=1)]
    return scene(visits, [make_shift(), far_ben()], "technician", on_visit(technicians=None))


def not_technicians():
    visits = [make_visit(id="A", location=0, not_technicians=frozenset({"ana"})), make_visit(id="B")]
    return scene(visits, [make_shift(), far_ben()], "technician", on_visit(not_technicians=frozenset()))


def windows():
    visits = [
        make_visit(id="A", windows=(MORNING,)),
        make_visit(id="B", location=3, windows=(MORNING, (at(14), at(15)))),
        make_visit(id="C", location=2, windows=((at(10), at(10, 30)), (at(16), at(16, 30)))),
    ]
    return scene(visits, [make_shift()], "window", on_visit(windows=()))


def several_breaks():
    rests = tuple(Break(earliest_s=at(h), latest_s=at(h), duration_s=30 * MINUTE) for h in (9, 11))
    visits = [make_visit(id=f"V{n}", location=n, service_s=40 * MINUTE) for n in (1, 2, 3)]
    return scene(visits, [make_shift(breaks=rests)], "break", on_shift(breaks=()))


def break_between_drives():
    """The drive from A to B would have to be interrupted at half past nine for both to be served."""
    rest = Break(earliest_s=at(9, 30), latest_s=at(9, 30), duration_s=30 * MINUTE)
    visits = [
        make_visit(id="A", location=1, windows=((EIGHT, at(9)),)),
        make_visit(id="B", location=5, service_s=30 * MINUTE, windows=((EIGHT, at(10, 20)),), priority=2),
    ]
    return scene(visits, [make_shift(breaks=(rest,))], "break", on_shift(breaks=()))


def shift_end():
    visits = [make_visit(id=f"V{n}", location=n) for n in (1, 2)]
    shift = make_shift(end_s=EIGHT + 2 * HOUR)
    return scene(visits, [shift], "shift_end", on_shift(end_s=at(17)))


def overtime():
    """Overtime lets the second visit in, but is dearer than a colleague."""
    visits = [make_visit(id="A"), make_visit(id="B")]
    team = [make_shift(end_s=EIGHT + 90 * MINUTE, overtime_s=4 * HOUR), far_ben()]
    return scene(visits, team, None, weighing(overtime=0.0))


def best_start():
    """Paid by the hour: the van leaves late, and nobody waits from morning to afternoon."""
    visits = [make_visit(id="A", windows=(MORNING,)), make_visit(id="B", windows=((at(14), at(15)),))]
    return scene(visits, [make_shift(), ben()], None, weighing(duration=0.0), weights=Weights(duration=1.0))


def cost_per_h():
    team = [make_shift(cost_per_h=3600), ben(start_location=3, end_location=3)]
    return scene([make_visit(id="A"), make_visit(id="B")], team, None, on_shift(cost_per_h=0))


def max_duration():
    visits = [
        make_visit(id="A", windows=(MORNING,)),
        make_visit(id="B", windows=((at(14), at(15)),), priority=2),
    ]
    return scene(visits, [make_shift(max_duration_s=3 * HOUR)], "duration", on_shift(max_duration_s=None))


def distance():
    metres = line(6, 1000)
    metres[:, 4] = metres[4, :] = 90_000
    team = [make_shift(start_location=3, end_location=3), ben(start_location=4, end_location=4)]
    visits = [make_visit(id="A", location=5), make_visit(id="B", location=2)]
    return scene(visits, team, None, weighing(), distance_m=metres, weights=Weights(distance=1.0))


def capacity():
    visits = [make_visit(id=f"V{n}", location=n, load=(n, 1), priority=n) for n in (1, 2, 3)]
    return scene(visits, [make_shift(capacity=(4, 2))], "capacity", on_shift(capacity=()))


def max_visits():
    visits = [make_visit(id=f"V{n}", location=n, priority=n) for n in (1, 2, 3)]
    return scene(visits, [make_shift(max_visits=2)], "max_visits", on_shift(max_visits=None))


def max_travel():
    visits = [make_visit(id=f"V{n}", location=n, priority=n) for n in (1, 2, 5)]
    return scene(visits, [make_shift(max_travel_s=70 * MINUTE)], "max_travel", on_shift(max_travel_s=None))


def waiting():
    """The one who would wait for an hour at the second door leaves it to the colleague."""
    visits = [make_visit(id="A", windows=(MORNING,)), make_visit(id="B", windows=((at(11), at(12)),))]
    return scene(
        visits,
        [make_shift(), far_ben(start_s=at(10, 20))],
        None,
        weighing(),
        weights=Weights(waiting=2.0),
    )


STARTS = tuple(range(EIGHT, at(12, 1), 10 * MINUTE))


def crew():
    visits = [make_visit(id="A", location=2, crew=2, windows=((EIGHT, at(11)),)), make_visit(id="B")]
    return scene(visits, [make_shift(), far_ben(start_s=at(9))], "crew", on_visit(crew=1), starts=STARTS)


def lags():
    visits = [
        make_visit(id="A", location=1, windows=((EIGHT, at(11)),)),
        make_visit(
            id="B",
            location=3,
            windows=((EIGHT, at(12)),),
            after=(After(visit="A", min_lag_s=30 * MINUTE, max_lag_s=40 * MINUTE),),
        ),
        make_visit(id="C", location=1, service_s=30 * MINUTE),
    ]
    return scene(visits, [make_shift(end_location=None)], "order", on_visit(after=()), starts=STARTS)


def same_technician():
    visits = [
        make_visit(id="A", skills={"gas": 1}, service_s=30 * MINUTE),
        make_visit(id="B", location=5, after=(After(visit="A", same_technician=True),)),
    ]
    team = [make_shift(skills={"gas": 1}), far_ben(start_s=at(10))]
    return scene(visits, team, "same_technician", on_visit(after=()), starts=STARTS)


def tools():
    visits = [make_visit(id="A", location=0, tools=frozenset({"camera"})), make_visit(id="B")]
    team = [make_shift(tools=frozenset({"ladder"})), far_ben(tools=frozenset({"camera", "ladder"}))]
    return scene(visits, team, "tools", on_visit(tools=frozenset()))


def parts():
    visits = [make_visit(id=f"V{n}", location=n, parts={"valve": n}, priority=n) for n in (1, 2, 3)]
    return scene(visits, [make_shift(parts={"valve": 4})], "parts", on_visit(parts={}))


def restock():
    """One fetches the part on the way; the van that has one lives too far off."""
    visits = [
        make_visit(id="A", location=2, parts={"valve": 1}),
        make_visit(id="B", location=3, tools=frozenset({"camera"})),
        make_visit(id="C", location=1),
    ]
    team = [make_shift(parts={"valve": 1}), far_ben(end_s=at(9))]
    place = Restock(location=1, service_s=5 * MINUTE)
    return scene(visits, team, "tools", on_visit(parts={}, tools=frozenset()), restock=place)


def preferred_windows():
    visits = [
        make_visit(id="near", location=1, preferred_windows=((at(9), at(17), HOUR), (EIGHT, at(9), MINUTE))),
        make_visit(id="far", location=2, windows=((EIGHT, at(11)),)),
    ]
    return scene(visits, [make_shift(end_location=None)], None, on_visit(preferred_windows=()))


def preferred_technicians():
    visits = [
        make_visit(id="A", location=0, preferred_technicians={"ben": 2 * HOUR, "ana": 10 * MINUTE}),
        make_visit(id="B", location=1),
    ]
    return scene(visits, [make_shift(), far_ben()], None, on_visit(preferred_technicians={}))


def due():
    visits = [
        make_visit(id="near", location=1),
        make_visit(id="far", location=3, due_s=at(8, 30), late_cost_per_h=7200),
    ]
    return scene(visits, [make_shift(end_location=None)], None, on_visit(due_s=None))


def fairness():
    visits = [make_visit(id=f"V{n}") for n in range(4)]
    return scene(visits, [make_shift(), ben()], None, weighing(), weights=Weights(fairness=2.0))


def running_day():
    """At noon: one visit is under way, the van is where it is, and what is left of the day is planned."""
    noon = at(12)
    shift = make_shift(available_s=noon, start_location=4, end_location=0)
    visits = [
        make_visit(id="now", location=4, pinned=Pin(shift="ana/mon", start_s=noon)),
        make_visit(id="urgent", location=3, windows=((EIGHT, at(13, 15)),)),
        make_visit(id="late", location=1, windows=((EIGHT, at(9)),)),
    ]
    return scene(visits, [shift], "shift_start", on_shift(available_s=None))


def pinned_start():
    visits = [make_visit(id="A", location=3, pinned=Pin(start_s=at(10))), make_visit(id="B", location=1)]
    return scene(visits, [make_shift()], "pin", on_visit(pinned=None))


def pinned_shift():
    visits = [make_visit(id="A", location=0, pinned=Pin(shift="ben/mon")), make_visit(id="B")]
    return scene(visits, [make_shift(), far_ben()], "pin", on_visit(pinned=None))


def several_days():
    """Two visits far off lie on different days; a long one fits what is left of the second day."""
    shifts = [
        make_shift(id=f"ana/{day}", start_s=day * DAY + EIGHT, end_s=day * DAY + at(13)) for day in range(2)
    ]
    visits = [
        make_visit(id="A", location=5, windows=((0, DAY - 1),)),
        make_visit(id="B", location=1, windows=((0, 2 * DAY),)),
        make_visit(id="long", location=1, service_s=at(2), windows=((0, 2 * DAY),), priority=3),
        make_visit(id="C", location=5, service_s=at(0, 30), windows=((DAY, 2 * DAY),)),
    ]
    return scene(visits, shifts, "window", on_visit(windows=()))


def remote_and_branch():
    """A call takes no travel and a branch is where the van starts: both take the technician's time."""
    travel = line(4)
    travel[3, :] = travel[:, 3] = 0
    visits = [
        make_visit(id="call", location=3, windows=((at(9), at(10)),)),
        make_visit(id="branch", location=0),
        make_visit(id="house", location=2, windows=((EIGHT, at(9)),)),
    ]
    shift = make_shift(end_s=EIGHT + 3 * HOUR + 40 * MINUTE)
    problem = make_problem(visits, [shift], travel_s=travel)
    without = make_problem(visits, [shift], travel_s=line(4, 0))
    return Scene(problem=problem, without=without, rule="travel")


def profile():
    visits = [make_visit(id="A", location=5, windows=((EIGHT, at(9)),)), make_visit(id="B", location=1)]
    team = [make_shift(profile="bike"), ben(start_location=2, end_location=2)]
    return scene(
        visits, team, "travel", on_shift(profile=None), travel_profiles={"bike": line(6, 20 * MINUTE)}
    )


def open_end():
    """Who need not come home takes the far visit last."""
    visits = [make_visit(id=f"V{n}", location=n) for n in (1, 5)]
    team = [make_shift(end_location=None), ben(start_location=4, end_location=4)]
    return scene(visits, team, None, on_shift(end_location=0))


def priority():
    window = ((EIGHT, at(8, 50)),)
    visits = [
        make_visit(id="near", location=1, windows=window),
        make_visit(id="far", location=5, windows=window, priority=2),
    ]
    return scene(visits, [make_shift()], None, on_visit(priority=1))


def promised():
    window = ((EIGHT, at(8, 20)),)
    visits = [
        make_visit(id="weighty", location=2, windows=window, priority=1000),
        make_visit(id="promised", location=2, windows=window, promised=True),
    ]
    return scene(visits, [make_shift()], None, on_visit(promised=False))


def change():
    """The plan that customers know stays where another is hardly shorter."""
    visits = [make_visit(id="A", location=3), make_visit(id="B", location=2)]
    team = [make_shift(), ben(start_location=1, end_location=1)]
    known = make_plan(make_problem(visits, team), ana=["A", "B"])
    return scene(visits, team, None, weighing(), weights=Weights(change=2.0), baseline=known)


SCENES = {
    make.__name__: make
    for make in (
        skill,
        technicians,
        not_technicians,
        windows,
        several_breaks,
        break_between_drives,
        shift_end,
        overtime,
        best_start,
        cost_per_h,
        max_duration,
        distance,
        capacity,
        max_visits,
        max_travel,
        waiting,
        crew,
        lags,
        same_technician,
        tools,
        parts,
        restock,
        preferred_windows,
        preferred_technicians,
        due,
        fairness,
        running_day,
        pinned_start,
        pinned_shift,
        several_days,
        remote_and_branch,
        profile,
        open_end,
        priority,
        promised,
        change,
    )
}
