"""The tables say what the runs say, and a smoke run finds what is wrong."""

import pytest

from bench import tables
from bench.clock import report
from bench.results import disturbed
from bench.samples import Sample, best, gap, samples
from bench.smoke import faults_of
from bench.worker import OURS

NAME = "days:visits=100,seed=1,breaks=0,load=1.3,roads=estimate"


def record(engine, value, seed=1, **overrides):
    return {
        "instance": NAME,
        "engine": engine,
        "seconds": 10.0 if engine == OURS else 60.0,
        "seed": seed,
        "threads": 2,
        "machine": "a machine",
        "date": "2026-01-02",
        "commit": "abc",
        "note": "estimated travel times",
        "best_known": None,
        "mandatory": False,
        "violations": [],
        "value": value,
        "unserved": 3,
        "travel_s": 36_000 + seed,
        "wall_s": 10.0,
        "peak_mb": 100,
    } | overrides


RUNS = [
    *(record(OURS, value, seed) for seed, value in ((1, 20), (2, 30), (3, 22))),
    *(record("pyvrp", value, seed) for seed, value in ((1, 25), (2, 24), (3, 26))),
    record("vroom", 40),
    record("ortools-gls", 1, violations=["broken"]),
]


def test_medians_worst_and_the_best_peer():
    """Medians over seeds; a broken plan counts for nothing, however good its value is."""
    group = samples(RUNS, tables.SECONDS["days"])[NAME]
    assert (group[OURS].median, group[OURS].worst) == (22, 30)
    assert best(group, tables.PEER_ORDER).engine == "pyvrp"
    row = tables.days_table({NAME: group}).splitlines()[2]
    assert row.startswith("| 100, no breaks | 22 (30), 10.0 h | 25 (26), 10.0 h | 40, 10.0 h | no plan |")
    assert row.endswith("| 0.880 | 1.200 | 1.000 |")


def test_at_equal_weight_less_travel_is_better():
    """Two peers with the same median: the one with the shorter routes is the best."""
    runs = [record("pyvrp", 20, travel_s=500), record("vroom", 20, travel_s=400)]
    assert best(samples(runs, tables.SECONDS["days"])[NAME], ("pyvrp", "vroom")).engine == "vroom"


def test_runs_of_another_length_do_not_mix():
    """A search of two seconds is not in a table of sixty."""
    assert samples([record("vroom", 20, seconds=2.0)], tables.SECONDS["days"]) == {}


def test_days_that_nobody_else_ran_are_not_compared():
    """The sizes of the clock are days too; only those with a run of another solver come into the table."""
    alone = {NAME: {OURS: Sample(OURS, ())}}
    both = {NAME: {OURS: Sample(OURS, ()), "vroom": Sample("vroom", ())}}
    assert tables.compared(alone) == {}
    assert tables.compared(both) == both


def test_a_disturbed_run_does_not_count():
    """A search with one thread that got half a core says nothing; with two threads it may wait for itself."""
    run = record("pyvrp", 20, threads=1, wall_s=60.0, cpu_s=30.0)
    assert disturbed(run)
    assert not disturbed(run | {"cpu_s": 59.0})
    assert not disturbed(run | {"threads": 2})
    assert samples([run], tables.SECONDS["days"]) == {}


def test_mandatory_visits_left_out_are_no_solution():
    """A short plan that serves not everybody is no solution where everybody must be served."""
    partly = record(OURS, 5, mandatory=True)
    assert Sample(OURS, (partly,)).legal == ()
    assert len(Sample(OURS, (partly | {"unserved": 0},)).legal) == 1


def test_the_gap_is_to_the_best_known():
    """Per cent above the best known; the mean names how many it is of."""
    one = {
        **record(OURS, 101.0),
        "instance": "solomon:A",
        "best_known": 100.0,
        "mandatory": True,
        "unserved": 0,
    }
    other = {**one, "instance": "solomon:B", "value": 103.0}
    groups = {name: {OURS: Sample(OURS, (run,))} for name, run in (("solomon:A", one), ("solomon:B", other))}
    lines = tables.literature_table(groups).splitlines()
    assert lines[2] == "| A | 100 | 101.0 (+1.00 %) |"
    assert lines[-1] == "| **mean gap** |  | +2.00 % of 2 |"
    assert gap(99, 100) == pytest.approx(-1)


def test_only_the_marked_part_of_a_document_is_replaced(tmp_path):
    """What people wrote around the markers stays."""
    path = tmp_path / "page.md"
    path.write_text("before\n<!-- begin days -->\nold\n<!-- end days -->\nafter\n", encoding="utf-8")
    tables._replace(path, {"days": "new", "solomon": "nowhere"})  # noqa: SLF001
    assert path.read_text(encoding="utf-8") == "before\n<!-- begin days -->\nnew\n<!-- end days -->\nafter\n"


@pytest.mark.parametrize(
    ("overrides", "fault"),
    [
        ({"violations": ["late"]}, "breaks rules"),
        ({"mandatory": True}, "3 visits are not served"),
        ({"value": 31}, "worse than the floor"),
        ({"wall_s": 11.1}, "back after"),
    ],
)
def test_smoke_finds_each_fault(overrides, fault):
    """A run without fault passes; each fault is named."""
    assert list(faults_of(record(OURS, 30), 30)) == []
    (found,) = faults_of(record(OURS, 30) | overrides, 30)
    assert fault in found


def test_the_clock_judges_seconds_and_memory():
    """Five per cent and half a second late is kept, more is missed, and too much memory as well."""
    kept = report([record(OURS, 1, wall_s=11.0)], [50])
    late = report([record(OURS, 1, wall_s=11.01)], [50])
    large = report([record(OURS, 1, peak_mb=1025)], [1000])
    assert [kept[1], late[1], large[1]] == [True, False, False]
    assert "MISSED" in late[0]
