"""``python -m scheduler``: solve, check, suggest, explain and convert, on JSON files.

Exit codes: 0 done, 1 the plan breaks a rule (`check`), 2 bad input, with one line a fault on standard error.
"""

import argparse
import json
import signal
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from scheduler.converters import CONVERTERS
from scheduler.costs import evaluate
from scheduler.explain import explain
from scheduler.formats import (
    plan_from_json,
    plan_to_json,
    problem_from_json,
    problem_to_json,
    read_json,
    visit_from_json,
)
from scheduler.insertion import suggest
from scheduler.model import Plan, Problem, Unassigned
from scheduler.rules import check

OK, BROKEN, BAD_INPUT = 0, 1, 2
SHORTEST_S = 0.01
"""Seconds that the search gets even when loading took all of them."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    options = _parser().parse_args(arguments)
    try:
        code: int = options.run(options)
    except ValueError as error:
        print(error, file=sys.stderr)
        return BAD_INPUT
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scheduler", description="Optimises field service routes.")
    commands = parser.add_subparsers(required=True)
    solving = _command(commands, "solve", _solve, "plan as many visits as possible at the least cost")
    solving.add_argument("--seconds", type=float, help="wall-clock limit (default 10 without --iterations)")
    solving.add_argument("--iterations", type=int, help="rounds of each engine, for reproducible plans")
    solving.add_argument("--threads", type=int, default=1)
    solving.add_argument("--seed", type=int, default=1)
    solving.add_argument("--engine", choices=("auto", "local", "routing"), default="auto")
    solving.add_argument("--start", type=Path, help="a plan to improve")
    solving.add_argument("--out", type=Path, help="where the plan goes (default: standard output)")
    solving.add_argument("--progress", action="store_true", help="a line for each better plan")
    solving.add_argument("--quarantine", action="store_true", help="leave bad visits out, with the reason")
    checking = _command(commands, "check", _check, "judge a plan: its cost, or each broken rule")
    checking.add_argument("plan", type=Path)
    suggesting = _command(commands, "suggest", _suggest, "the feasible places of a visit, cheapest first")
    suggesting.add_argument("plan", type=Path)
    suggesting.add_argument("visit", type=Path)
    suggesting.add_argument("--limit", type=int)
    suggesting.add_argument("--repair", type=float, help="seconds to make room by moving other visits")
    explaining = _command(commands, "explain", _explain, "why a visit is where it is, or nowhere")
    explaining.add_argument("plan", type=Path)
    explaining.add_argument("visit_id")
    converting = commands.add_parser("convert", help="make a problem of another format")
    converting.add_argument("--from", dest="source", choices=sorted(CONVERTERS), required=True)
    converting.add_argument("files", type=Path, nargs="+")
    converting.set_defaults(run=_convert)
    return parser


def _command(commands: Any, name: str, run: Any, help_text: str) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(name, help=help_text)
    command.add_argument("problem", type=Path)
    command.set_defaults(run=run)
    return command


def _solve(options: argparse.Namespace) -> int:
    began = time.monotonic()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    loaded = problem_from_json(read_json(options.problem), quarantine=options.quarantine)
    start = plan_from_json(read_json(options.start)) if options.start else None
    from scheduler.solver import (
        DEFAULT_SECONDS,
        solve,
    )  # OR-Tools takes seconds to load; the other commands do without

    seconds = DEFAULT_SECONDS if options.seconds is None and options.iterations is None else options.seconds
    if (
        seconds is not None and seconds > 0
    ):  # reading the files and loading the engines is part of the time that was promised
        seconds = max(SHORTEST_S, seconds - (time.monotonic() - began))
    plan = solve(
        loaded.problem,
        start,
        seconds=seconds,
        iterations=options.iterations,
        seed=options.seed,
        threads=options.threads,
        engine=options.engine,
        should_stop=stop.is_set,
        progress=_show if options.progress else None,
    )
    _write(plan_to_json(_with_quarantined(plan, loaded.quarantined)), options.out)
    return OK


def _with_quarantined(plan: Plan, quarantined: Mapping[str, tuple[str, ...]]) -> Plan:
    aside = tuple(Unassigned(visit=name, reasons=reasons) for name, reasons in quarantined.items())
    return replace(plan, unassigned=(*plan.unassigned, *aside))


def _show(plan: Plan) -> None:
    cost = plan.cost
    print(
        f"unassigned {cost['unassigned']}, cost {cost['cost']}, travel {cost['travel_s']} s", file=sys.stderr
    )


def _write(data: Any, path: Path | None = None) -> None:
    text = json.dumps(data, indent=1)
    if path is None:
        print(text)
        return
    try:
        path.write_text(text + "\n")
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from error


def _problem(options: argparse.Namespace) -> Problem:
    return problem_from_json(read_json(options.problem)).problem


def _plan(options: argparse.Namespace) -> Plan:
    return plan_from_json(read_json(options.plan))


def _legible_plan(options: argparse.Namespace, problem: Problem) -> Plan:
    """The plan, refused when it names what the problem does not have."""
    plan = _plan(options)
    unknown = [found.text for found in check(problem, plan) if found.rule == "unknown"]
    if unknown:
        raise ValueError("\n".join(unknown))
    return plan


def _check(options: argparse.Namespace) -> int:
    problem, plan = _problem(options), _plan(options)
    violations = check(problem, plan)
    if violations:
        _write({"violations": [asdict(found) for found in violations]})
        return BROKEN
    _write({"cost": evaluate(problem, plan), "violations": []})
    return OK


def _suggest(options: argparse.Namespace) -> int:
    problem = _problem(options)
    visit = visit_from_json(read_json(options.visit))
    search = {}
    if options.repair is not None:
        from scheduler.engines.rearrange import rearranged  # the compiler is slow to load

        search = {"repair": options.repair, "rearrange": rearranged}
    places = suggest(problem, _legible_plan(options, problem), visit, options.limit, **search)
    _write([asdict(place) for place in places])
    return OK


def _explain(options: argparse.Namespace) -> int:
    problem = _problem(options)
    _write(asdict(explain(problem, _legible_plan(options, problem), options.visit_id)))
    return OK


def _convert(options: argparse.Namespace) -> int:
    _write(problem_to_json(CONVERTERS[options.source](options.files)))
    return OK


if __name__ == "__main__":
    sys.exit(main())
