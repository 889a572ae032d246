"""Who runs when: every engine with every seed that matters, in alternating order, alone or beside another."""

import json

import pytest

from bench import runner
from bench.commands import main
from bench.runner import Series, _batches
from bench.worker import OURS

INSTANCES = ("days:visits=1", "days:visits=2")


def test_every_engine_runs_with_every_seed_that_matters():
    """Three seeds of ours and PyVRP on each instance; who ignores the seed runs once."""
    runs = list(Series(seeds=3).runs(INSTANCES))
    counts = {engine: sum(run.engine == engine for run in runs) for engine in runner.ENGINES}
    assert counts == {OURS: 6, "pyvrp": 6, "vroom": 2, "ortools-gls": 2, "ortools-ils": 2}
    assert len({run.path for run in runs}) == len(runs)


def test_the_order_alternates():
    """Not always the same engine is first."""
    runs = list(Series(seeds=3, engines=(OURS, "pyvrp")).runs(INSTANCES[:1]))
    assert {runs[0].engine, runs[2].engine} == {OURS, "pyvrp"}


def test_times_and_threads_are_told_to_each():
    """Ours gets its own seconds, the others theirs; two threads go to those who can use them."""
    runs = {run.engine: run for run in Series(seeds=1).runs(INSTANCES[:1])}
    assert (runs[OURS].seconds, runs["pyvrp"].seconds) == (10, 60)
    threads = {engine: run.threads for engine, run in runs.items()}
    assert threads == {OURS: 2, "vroom": 2, "pyvrp": 1, "ortools-gls": 1, "ortools-ils": 1}


def test_only_runs_with_one_thread_share_the_machine(monkeypatch):
    """On two cores two of them run at once, ours and VROOM alone; on one core everybody runs alone."""
    runs = list(Series(seeds=2).runs(INSTANCES))
    monkeypatch.setattr(runner, "_cores", lambda: [0, 1])
    batches = list(_batches(runs))
    assert sorted(run.path for batch in batches for run in batch) == sorted(run.path for run in runs)
    assert max(map(len, batches)) == 2
    assert all(run.threads == 1 for batch in batches if len(batch) == 2 for run in batch)
    monkeypatch.setattr(runner, "_cores", lambda: [0])
    assert all(len(batch) == 1 for batch in _batches(runs))


def test_a_command_that_does_not_exist_is_refused(capsys):
    """The command line names what there is."""
    with pytest.raises(SystemExit) as caught:
        main(["nonsense"])
    assert caught.value.code == 2
    assert "days" in capsys.readouterr().err


def test_an_instance_is_printed_as_a_problem(capsys):
    """`generate` writes what `python -m scheduler solve` reads."""
    from scheduler.formats import problem_from_json

    with pytest.raises(SystemExit) as caught:
        main(["generate", "days:visits=5,roads=estimate"])
    assert not caught.value.code
    assert len(problem_from_json(json.loads(capsys.readouterr().out)).problem.visits) == 5
