"""Each converter on a tiny instance written by hand: what is carried over, and how a fault is told."""

import json

import pytest

from scheduler.__main__ import main
from scheduler.converters import CONVERTERS
from scheduler.formats import problem_from_json
from scheduler.model import Break, Pin, Restock, Weights
from scheduler.rules import check
from scheduler.solver import solve

SOLOMON = """TINY

VEHICLE
NUMBER     CAPACITY
  2         200

CUSTOMER
CUST NO.  XCOORD.   YCOORD.    DEMAND   READY TIME  DUE DATE   SERVICE   TIME

    0      40         50          0          0       1236          0
    1      45         68         10        912        967         90
    2      45         70         30        825        870         90
"""
SDVRPTW = """NAME: tiny
TYPE: SDVRPTW
EDGE_WEIGHT_TYPE: EUC_2D
DIMENSION: 3
VEHICLES: 2
VEHICLES_MAX_DURATION: 50
NODE_COORD_SECTION
1\t0\t0
2\t-1\t1
3\t3\t4
DEMAND_SECTION
1\t0
2\t5
3\t7
SERVICE_TIME_SECTION
1\t0
2\t1
3\t2
TIME_WINDOW_SECTION
1\t0\t100
2\t10\t20
3\t30\t40
CAPACITY_SECTION
1\t9
2\t12
VEHICLES_ALLOWED_CLIENTS_SECTION
1\t2
2\t2\t3
EOF
"""
TASKS = """Capacity: 200
Customer: 3

CUST NO. XCOORD. YCOORD. DEMAND READY TIME DUE DATE SERVICE TIME cost d11 d12 d21 d22
1 0 0 0 0 230 0 0 0 0 0 0
2 3 4 10 20 30 10 100 1 1 1 0
3 6 8 10 50 60 10 100 0 0 1 1
"""
PEOPLE = """Technicians
Number of Technicians: 2
domains: 2
proficiency level: 2

ID domain1 domain2
1 2 1
2 0 2

"""
TRSP = """<?xml version="1.0" encoding="UTF-8"?>
<instance>
  <network>
    <nodes>
      <node id="0" type="0"><cx>40.0</cx><cy>50.0</cy></node>
      <node id="1" type="1"><cx>0.0</cx><cy>50.0</cy></node>
      <node id="2" type="2"><cx>45.0</cx><cy>68.0</cy></node>
      <node id="3" type="2"><cx>45.0</cx><cy>70.0</cy></node>
    </nodes>
    <euclidean/>
  </network>
  <fleet>
    <vehicle_profile type="0" number="1">
      <departure_node>1</departure_node><arrival_node>1</arrival_node>
      <resource id="0"><max>1.0</max></resource>
      <resource id="5"><start>3.0</start><max>INF</max></resource>
    </vehicle_profile>
  </fleet>
  <requests>
    <request id="0" node="2"><skill>4</skill><resource id="0">1.0</resource></request>
    <request id="1" node="3"><skill>1</skill><resource id="5">2.0</resource></request>
  </requests>
  <resources>
    <resource id="0" renewable="true" name="tool-0">INF</resource>
    <resource id="5" renewable="false" name="spare-part-0">INF</resource>
  </resources>
  <drivers>
    <driver_profile type="0">
      <compatible_vehicle_type>0</compatible_vehicle_type><skill id="4"/><skill id="1"/>
    </driver_profile>
  </drivers>
</instance>
"""
VROOM = {
    "jobs": [
        {
            "id": 7,
            "location_index": 1,
            "setup": 60,
            "service": 300,
            "delivery": [2],
            "skills": [4],
            "priority": 3,
        },
        {"id": 8, "location_index": 2, "time_windows": [[1000, 2000], [5000, 6000]], "description": "flat"},
    ],
    "vehicles": [
        {
            "id": 1,
            "start_index": 0,
            "end_index": 0,
            "capacity": [4],
            "skills": [4, 5],
            "time_window": [0, 7200],
            "breaks": [
                {"id": 2, "time_windows": [[3000, 3600]], "service": 900},
                {"id": 1, "time_windows": [[0, 900]], "service": 60},
            ],
            "max_tasks": 5,
            "max_travel_time": 3600,
            "speed_factor": 1.0,
            "steps": [{"type": "start"}, {"type": "job", "id": 8, "service_at": 5100}, {"type": "end"}],
        },
        {"id": 2, "end_index": 2, "capacity": [1]},
    ],
    "shipments": [],
    "matrices": {
        "car": {
            "durations": [[0, 100, 200], [110, 0, 300], [220, 330, 0]],
            "distances": [[0, 1000, 2000], [1000, 0, 3000], [2000, 3000, 0]],
        }
    },
}
CONTENTS = {
    "solomon": [SOLOMON],
    "sdvrptw": [SDVRPTW],
    "strsp": [TASKS, PEOPLE],
    "trsp": [TRSP, SOLOMON],
    "vroom": [json.dumps(VROOM)],
}


@pytest.fixture
def convert(tmp_path, monkeypatch, capsys):
    """Runs the command on these contents: the problem it printed, or its lines on standard error."""
    monkeypatch.chdir(tmp_path)

    def run(source, *contents):
        names = [f"{number}.in" for number in range(1, len(contents) + 1)]
        for name, content in zip(names, contents, strict=True):
            (tmp_path / name).write_text(content, encoding="utf-8")
        code = main(["convert", "--from", source, *names])
        captured = capsys.readouterr()
        if code == 0:
            return problem_from_json(json.loads(captured.out)).problem
        assert (code, captured.out) == (2, "")
        return captured.err.splitlines()

    return run


@pytest.mark.parametrize("source", sorted(CONVERTERS))
def test_every_format_converts_and_is_solved(convert, source):
    """The command prints a problem that loads, and a search finds a legal plan for it."""
    problem = convert(source, *CONTENTS[source])
    if problem.restock is None:
        plan = solve(problem, iterations=2)
        assert check(problem, plan) == []
        assert plan.cost["unassigned"] < len(problem.visits)


def test_solomon(convert):
    """Windows, loads and vans, ten seconds a unit, distances cut to one decimal."""
    problem = convert("solomon", SOLOMON)
    assert [visit.windows for visit in problem.visits] == [((9120, 9670),), ((8250, 8700),)]
    assert [visit.load for visit in problem.visits] == [(10,), (30,)]
    assert [(shift.id, shift.capacity) for shift in problem.shifts] == [("van 1", (200,)), ("van 2", (200,))]
    assert problem.travel(0, 1) == 186


def test_sdvrptw(convert):
    """Allowed vehicles, capacities and the longest duration, a thousand seconds a unit, rounded."""
    problem = convert("sdvrptw", SDVRPTW)
    assert [(visit.id, visit.technicians) for visit in problem.visits] == [("2", None), ("3", frozenset("2"))]
    assert [(visit.windows, visit.service_s, visit.load) for visit in problem.visits] == [
        (((10000, 20000),), 1000, (5,)),
        (((30000, 40000),), 2000, (7,)),
    ]
    assert [(shift.id, shift.capacity, shift.max_duration_s) for shift in problem.shifts] == [
        ("1", (9,), 50000),
        ("2", (12,), 50000),
    ]
    assert (problem.travel(0, 1), problem.travel(0, 2)) == (1414, 5000)


def test_strsp(convert):
    """The highest level of a domain is the skill, level 0 is none, and outsourcing costs are priorities."""
    problem = convert("strsp", TASKS, PEOPLE)
    assert [visit.skills for visit in problem.visits] == [{"domain1": 2, "domain2": 1}, {"domain2": 2}]
    assert [visit.priority for visit in problem.visits] == [205, 203]
    assert [visit.windows for visit in problem.visits] == [((20000, 30000),), ((50000, 60000),)]
    assert [shift.skills for shift in problem.shifts] == [{"domain1": 2, "domain2": 1}, {"domain2": 2}]
    assert problem.shifts[0].end_s == 230000
    assert problem.travel(1, 2) == 5000


def test_strsp_forms_a_team(convert):
    """A task for two technicians of level 1 makes a team of both, whose levels count together."""
    problem = convert("strsp", changed(TASKS, "100 0 0 1 1", "100 1 0 2 2"), PEOPLE)
    assert [visit.skills for visit in problem.visits] == [
        {"d11": 1, "d12": 1, "d21": 1},
        {"d11": 1, "d21": 2, "d22": 2},
    ]
    assert [visit.priority for visit in problem.visits] == [205, 211]
    skills = {shift.id: shift.skills for shift in problem.shifts}
    assert skills == {
        "1": {"d11": 1, "d12": 1, "d21": 1},
        "2": {"d21": 1, "d22": 1},
    }
    possible = convert("strsp", changed(TASKS, "100 0 0 1 1", "100 1 0 2 1"), PEOPLE)
    assert [(shift.id, shift.skills) for shift in possible.shifts] == [
        ("1+2", {"d11": 1, "d12": 1, "d21": 2, "d22": 1})
    ]


def test_trsp(convert):
    """Skills, tools, parts and the depot come from the XML file, windows and service times from Solomon's."""
    problem = convert("trsp", TRSP, SOLOMON)
    first, second = problem.visits
    assert (first.skills, first.tools, first.parts) == ({"skill-4": 1}, frozenset({"tool-0"}), {})
    assert (second.skills, second.tools, second.parts) == ({"skill-1": 1}, frozenset(), {"spare-part-0": 2})
    assert (first.windows, first.service_s) == (((912000, 967000),), 90000)
    (shift,) = problem.shifts
    assert (shift.skills, shift.tools, shift.parts) == (
        {"skill-4": 1, "skill-1": 1},
        frozenset({"tool-0"}),
        {"spare-part-0": 3},
    )
    assert (shift.start_location, shift.start_s, shift.end_s) == (1, 0, 1236000)
    assert problem.restock == Restock(location=0, service_s=0)
    assert problem.weights == Weights(travel=0.0, duration=1.0)


def test_trsp_without_times(convert):
    """Without a Solomon file nothing bounds the visits, and every order of them fits into the shift."""
    problem = convert("trsp", TRSP)
    assert [(visit.windows, visit.service_s) for visit in problem.visits] == [((), 0), ((), 0)]
    assert problem.shifts[0].end_s == 4 * problem.travel_s.max()


def test_vroom_jobs(convert):
    """Jobs keep location, times, skills and load; more priority weighs more than any number of jobs."""
    seven, eight = convert("vroom", json.dumps(VROOM)).visits
    assert (seven.id, seven.location, seven.service_s, seven.load) == ("7", 1, 360, (2,))
    assert (seven.skills, seven.priority) == ({"4": 1}, 10)
    assert (eight.windows, eight.priority, eight.pinned) == (
        ((1000, 2000), (5000, 6000)),
        1,
        Pin(shift="1", start_s=5100),
    )


def test_vroom_vehicles(convert):
    """Vehicles keep hours, breaks in order and limits; one without a start begins where its first job is."""
    problem = convert("vroom", json.dumps(VROOM))
    one, two = problem.shifts
    assert (one.start_s, one.end_s, one.capacity, one.skills) == (0, 7200, (4,), {"4": 1, "5": 1})
    assert one.breaks == (
        Break(earliest_s=0, latest_s=900, duration_s=60),
        Break(earliest_s=3000, latest_s=3600, duration_s=900),
    )
    assert (one.max_visits, one.max_travel_s) == (5, 3600)
    assert [problem.travel(two.start_location, place) for place in (0, 1, 2)] == [0, 0, 0]
    assert (two.end_location, two.start_s, two.end_s) == (2, 0, 7200 + 360 + 3 * 330)
    assert (problem.travel(2, 1), problem.distance_m[1, 2]) == (330, 3000)


def changed(text, old, new):
    assert old in text
    return text.replace(old, new)


@pytest.mark.parametrize(
    ("source", "contents", "lines"),
    [
        ("solomon", [SOLOMON, SOLOMON], ["files: wanted a Solomon file, not 2 files"]),
        (
            "solomon",
            ["hello"],
            [
                "1.in: there is no line 'NUMBER'",
                "1.in: there is no line 'CUST NO.'",
                "1.in: has no customers",
                "1.in: there is no number and capacity of the vans",
            ],
        ),
        (
            "solomon",
            [changed(SOLOMON, "45         70         30", "45 x 30 4")],
            ["1.in: line 12: has 8 values, not 7"],
        ),
        (
            "solomon",
            [changed(SOLOMON, "967", "900")],
            ["1.in: line 11: windows[0]: end 9000 is before start 9120"],
        ),
        ("solomon", [changed(SOLOMON, "68", "6e8")], ["1.in: two places are more than 1000000000 s apart"]),
        ("solomon", [changed(SOLOMON, "68", "nan")], ["1.in: line 11: 'nan' is not a number"]),
        (
            "solomon",
            [changed(SOLOMON, "  2         200", "2")],
            ["1.in: line 5: there is no number and capacity"],
        ),
        (
            "sdvrptw",
            [changed(SDVRPTW, "EUC_2D", "EXPLICIT")],
            ["1.in: EDGE_WEIGHT_TYPE: only EUC_2D is supported"],
        ),
        (
            "sdvrptw",
            [changed(SDVRPTW, "EOF", "BACKHAUL_SECTION\n1\nEOF")],
            ["1.in: line 29: BACKHAUL_SECTION is not supported"],
        ),
        (
            "sdvrptw",
            [changed(SDVRPTW, "3\t7\n", "3\tx\n")],
            ["1.in: line 14: 'x' is not a number"],
        ),
        ("sdvrptw", [changed(SDVRPTW, "3\t7\n", "")], ["1.in: DEMAND_SECTION: has 2 rows, not 3"]),
        ("sdvrptw", [changed(SDVRPTW, "3\t7\n", "4\t7\n")], ["1.in: line 14: is numbered 4, not 3"]),
        (
            "sdvrptw",
            [changed(SDVRPTW, "2\t2\t3", "2\t2\t9")],
            ["1.in: line 28: '9' is not a whole number from 0 to 3"],
        ),
        ("strsp", [TASKS], ["files: wanted a file of tasks and a file of technicians, not 1 files"]),
        ("strsp", [TASKS, changed(PEOPLE, "2 0 2", "2 0")], ["2.in: line 8: has 2 values, not 3"]),
        ("strsp", [TASKS, changed(PEOPLE, "domains: 2", "")], ["2.in: domains: None is not a number"]),
        ("trsp", ["<instance>"], ["1.in: line 1: is not XML", "1.in: is not a VRP-REP instance"]),
        (
            "trsp",
            ['<!DOCTYPE x [<!ENTITY a "b">]><instance>&a;</instance>'],
            ["1.in: a document type is not allowed", "1.in: is not a VRP-REP instance"],
        ),
        (
            "trsp",
            [changed(TRSP, "<skill>4</skill>", "<skill>4</skill><tw>1</tw>")],
            ["1.in: request 0.tw: is not supported"],
        ),
        ("trsp", [changed(TRSP, 'node="2"', 'node="9"')], ["1.in: request 0: there is no node 9"]),
        (
            "trsp",
            [changed(TRSP, '<resource id="5">2.0', '<resource id="6">2.0')],
            ["1.in: request 1: there is no resource 6"],
        ),
        (
            "trsp",
            [changed(TRSP, '<resource id="0">1.0', '<resource id="0">2.0')],
            ["1.in: request 0: 2 of tool tool-0 are not supported, only 1"],
        ),
        (
            "trsp",
            [changed(TRSP, 'number="1"', 'number="2"')],
            ["1.in: vehicle 0: only one vehicle of each type, with one driver, is supported"],
        ),
        (
            "trsp",
            [changed(TRSP, "<max>INF", "<max>5")],
            ["1.in: vehicle 0.resource 5: a limited store of parts is not supported"],
        ),
        (
            "trsp",
            [TRSP, changed(SOLOMON, "45         68", "45         69")],
            ["2.in: line 11: the request is at (45.0, 68.0), not at (45.0, 69.0)"],
        ),
        ("vroom", ["{"], ["1.in: is not JSON: Expecting property name enclosed in double quotes"]),
        ("vroom", ["[]"], ["1.in: must be an object, not []", "1.in: matrices.car.durations: is needed"]),
    ],
)
def test_faults_name_file_and_place(convert, source, contents, lines):
    """Bad input is exit code 2 and one line a fault, with the file and the line, element or field."""
    found = convert(source, *contents)
    for line, start in zip(found, lines, strict=True):
        assert line.startswith(start)


def at(path, value):
    """The VROOM input with one value set; a value of None takes the field away."""
    data = json.loads(json.dumps(VROOM))
    *parents, last = path
    place = data
    for key in parents:
        place = place[key]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return json.dumps(data)


@pytest.mark.parametrize(
    ("path", "value", "line"),
    [
        (["jobs", 0, "location_index"], None, "jobs[0].location_index: is missing"),
        (
            ["jobs", 0, "location_index"],
            9,
            "visits[0].location: 9 is outside the travel matrix of 4 locations",
        ),
        (["jobs", 0, "priority"], "high", "jobs[0].priority: must be a whole number, not 'high'"),
        (["jobs", 0, "type"], "x", "jobs[0].type: is not supported"),
        (["jobs", 1, "pickup"], [1], "jobs[1].pickup: deliveries and pickups in one input are not supported"),
        (["jobs", 1, "delivery"], [1, 1], "jobs[0]: has 1 amounts, not 2"),
        (
            ["jobs", 0, "location_index"],
            0,
            "jobs[0].setup: is not supported at a location that something else",
        ),
        (["jobs", 1, "time_windows"], [[5, 1]], "jobs[1]: windows[0]: end 1 is before start 5"),
        (["vehicles", 1, "capacity"], None, "vehicles[1].capacity: must have 1 amounts"),
        (["vehicles", 1, "profile"], "bike", "vehicles[1].profile: several profiles are not supported"),
        (["vehicles", 0, "speed_factor"], 2, "vehicles[0].speed_factor: only 1 is supported"),
        (["vehicles", 0, "costs"], {"fixed": 5}, "vehicles[0].costs: is not supported"),
        (["vehicles", 0, "breaks", 1, "service"], 0, "vehicles[0].breaks[1]: duration_s: 0 is not between 1"),
        (
            ["vehicles", 0, "breaks", 0, "time_windows"],
            [[1, 2], [3, 4]],
            "vehicles[0].breaks[0].time_windows: only one window is supported",
        ),
        (
            ["vehicles", 0, "steps", 1, "id"],
            99,
            "vehicles[0].steps[1].service_at: is only supported for one of",
        ),
        (
            ["vehicles", 0, "steps", 1, "service_after"],
            9,
            "vehicles[0].steps[1].service_after: is not supported",
        ),
        (
            ["vehicles", 0, "time_window"],
            [1700000000, 1700007200],
            "vehicles[0]: start_s: 1700000000 is not between",
        ),
        (["shipments"], [{}], "shipments: is not supported"),
        (["matrices", "car", "durations"], None, "matrices.car.durations: is needed"),
        (["matrices", "car", "costs"], [[0]], "matrices.car.costs: is not supported"),
    ],
)
def test_faults_of_vroom_name_their_path(convert, path, value, line):
    """What cannot be carried over is refused with its JSON path, and never left out."""
    assert any(found.startswith(f"1.in: {line}") for found in convert("vroom", at(path, value)))


def test_old_vroom_matrix(convert):
    """The older single matrix and the older name of delivery are read."""
    data = {
        "jobs": [{"id": 1, "location_index": 1, "amount": [1]}],
        "vehicles": [{"id": 1, "start_index": 0, "capacity": [1]}],
        "matrix": [[0, 5], [6, 0]],
    }
    problem = convert("vroom", json.dumps(data))
    assert (problem.visits[0].load, problem.travel(1, 0), problem.distance_m) == ((1,), 6, None)


def test_a_file_that_is_not_there_or_no_text(convert, tmp_path, capsys):
    """Unreadable files are told by name."""
    assert main(["convert", "--from", "trsp", "nowhere.xml"]) == 2
    (tmp_path / "binary.xml").write_bytes(b"\xff\xfe<\x00")
    assert main(["convert", "--from", "trsp", "binary.xml"]) == 2
    assert capsys.readouterr().err.splitlines() == [
        "nowhere.xml: No such file or directory",
        "binary.xml: is not text",
    ]
