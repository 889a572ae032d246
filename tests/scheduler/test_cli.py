"""The commands as a person runs them: files in, JSON out, exit codes, signals."""

import json
import signal
import subprocess
import sys
import time

import pytest

from scheduler.__main__ import main
from scheduler.formats import plan_from_json, plan_to_json, problem_to_json
from scheduler.rules import check
from tests.scheduler.scenes import make_plan, make_problem, make_shift, make_visit
from tests.scheduler.test_solver import town


@pytest.fixture
def files(tmp_path):
    """A small problem, its plan, and a visit to add, as files."""
    problem = make_problem([make_visit(id="A"), make_visit(id="B", location=2)])
    contents = {
        "problem": problem_to_json(problem),
        "plan": plan_to_json(make_plan(problem, ana=["A", "B"])),
        "visit": {"id": "new", "location": 1, "service_s": 60},
    }
    for name, content in contents.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    return {name: str(tmp_path / f"{name}.json") for name in (*contents, "out")}


def test_solve_writes_a_legal_plan(files, capsys):
    """`solve --out` writes a plan that `check` accepts with exit code 0 and its cost."""
    assert main(["solve", files["problem"], "--iterations", "3", "--out", files["out"]]) == 0
    capsys.readouterr()
    assert main(["check", files["problem"], files["out"]]) == 0
    assert json.loads(capsys.readouterr().out)["cost"]["unassigned"] == 0


def test_solve_from_a_start_shows_progress(files, capsys):
    """`--start` and `--progress` are honoured; without `--out` the plan is printed."""
    arguments = ["solve", files["problem"], "--iterations", "2", "--start", files["plan"], "--progress"]
    assert main(arguments) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)["stats"]["start_violations"] == 0
    assert "unassigned 0, cost " in captured.err


def test_check_prints_violations(files, capsys):
    """A broken rule is exit code 1, with the rule and its numbers as JSON."""
    problem = make_problem([make_visit(id="A"), make_visit(id="B", location=2, skills={"gas": 2})])
    with open(files["problem"], "w") as file:
        json.dump(problem_to_json(problem), file)
    assert main(["check", files["problem"], files["plan"]]) == 1
    found = json.loads(capsys.readouterr().out)["violations"]
    assert [(each["rule"], each["visit"], each["numbers"]["need"]) for each in found] == [("skill", "B", 2)]


def test_suggest_and_explain(files, capsys):
    """Both print JSON about the plan they are given."""
    assert main(["suggest", files["problem"], files["plan"], files["visit"], "--limit", "2"]) == 0
    assert [place["shift"] for place in json.loads(capsys.readouterr().out)] == ["ana/mon", "ana/mon"]
    assert main(["explain", files["problem"], files["plan"], "A"]) == 0
    assert json.loads(capsys.readouterr().out)["shift"] == "ana/mon"


def test_faults_are_lines_and_exit_code_2(files, capsys):
    """Each fault is one line with its path on standard error, and nothing is printed."""
    with open(files["problem"], "w") as file:
        file.write('{"format": "fieldservice-problem/1", "travel_s": [[0]], "shifts": [], "visits": [{}, 5]}')
    assert main(["solve", files["problem"]]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines() == [
        "visits[0].id: is missing",
        "visits[0].location: is missing",
        "visits[0].service_s: is missing",
        "visits[1]: must be an object, not 5",
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "problem", "missing"],
        ["explain", "problem", "plan", "nobody"],
        ["solve", "problem", "--seconds", "0"],
        ["suggest", "problem", "plan", "plan"],
        ["convert", "--from", "solomon", "problem"],
    ],
)
def test_bad_arguments_are_exit_code_2(files, capsys, arguments):
    """Missing files, unknown visits, wrong limits and wrong formats are told in words."""
    assert main([files.get(word, word) for word in arguments]) == 2
    captured = capsys.readouterr()
    assert captured.err
    assert "Traceback" not in captured.err


def test_quarantine_solves_the_rest(files, capsys):
    """With `--quarantine` a bad visit ends among the unassigned with its fault, and the rest is planned."""
    data = problem_to_json(make_problem([make_visit(id="A"), make_visit(id="B")]))
    data["visits"][1]["location"] = 77
    with open(files["problem"], "w") as file:
        json.dump(data, file)
    assert main(["solve", files["problem"], "--iterations", "2", "--quarantine"]) == 0
    plan = plan_from_json(json.loads(capsys.readouterr().out))
    assert plan.route_of("ana/mon").visit_ids == ("A",)
    assert [(left.visit, left.reasons[0][:18]) for left in plan.unassigned] == [("B", "visits[1].location")]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_gives_the_best_plan_so_far(tmp_path, number):
    """Interrupted long before its time, `solve` still writes a legal plan and exits with 0."""
    problem, path, out = town(60, 6), tmp_path / "problem.json", tmp_path / "plan.json"
    path.write_text(json.dumps(problem_to_json(problem)))
    command = [sys.executable, "-m", "scheduler", "solve", str(path), "--seconds", "100", "--out", str(out)]
    with subprocess.Popen([*command, "--progress"], stderr=subprocess.PIPE, text=True) as process:
        process.stderr.readline()
        process.send_signal(number)
        began = time.monotonic()
        assert process.wait(30) == 0
        assert time.monotonic() - began < 5
    plan = plan_from_json(json.loads(out.read_text()))
    assert check(problem, plan) == []
    assert plan.cost["unassigned"] < 60


def test_library_loads_without_the_engines():
    """The web process never loads OR-Tools: only asking for `solve` does."""
    script = "import scheduler, scheduler.explain, sys; sys.exit('ortools' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
    script = "import sys; from scheduler import solve; sys.exit('ortools' not in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_unknown_name_of_the_package():
    """The lazy import does not swallow misspelled names."""
    import scheduler

    with pytest.raises(AttributeError, match="slove"):
        _ = scheduler.slove


def test_suggestions_for_a_plan_of_another_problem(files, capsys):
    """A plan that names unknown visits is bad input, not a crash."""
    other = make_problem([make_visit(id="Z")], [make_shift()])
    with open(files["problem"], "w") as file:
        json.dump(problem_to_json(other), file)
    assert main(["suggest", files["problem"], files["plan"], files["visit"]]) == 2
    assert "There is no visit A." in capsys.readouterr().err
