"""The commands of ``python -m bench``."""

import argparse
import json
import math
import subprocess
import sys
from collections.abc import Callable, Sequence

from bench import clock, replan, smoke, tables
from bench.instances import LITERATURE, load
from bench.instances.days import Day
from bench.instances.literature import names
from bench.instances.roads import default_roads
from bench.paths import ROOT, DataMissing
from bench.results import keep_text
from bench.runner import ENGINES, Series, make
from bench.worker import OURS
from scheduler.formats import problem_to_json


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command; the exit status is 1 when a plan broke a rule or a floor was missed."""
    parser = argparse.ArgumentParser(prog="python -m bench")
    commands = parser.add_subparsers(dest="command", required=True)
    _add_generate(commands.add_parser("generate", help="write a generated day or another instance as JSON"))
    _add_days(commands.add_parser("days", help="generated days of technicians"))
    for family in LITERATURE:
        _add_literature(commands.add_parser(family, help="instances of the literature"), family)
    _add_clock(commands.add_parser("clock", help="seconds and memory of searches of 1 to 2,000 visits"))
    _add_replan(commands.add_parser("replan", help="a sick call on a running day"))
    _add_plain(
        commands.add_parser("suggest", help="arrival windows and explanations at a page's speed"), _suggest
    )
    _add_plain(commands.add_parser("smoke", help="small versions, less than a minute"), _smoke)
    _add_plain(commands.add_parser("tables", help="write the tables of the documents anew"), _tables)
    _add_plain(commands.add_parser("all", help="everything, then the tables; some hours"), _all)
    chosen = parser.parse_args(arguments)
    try:
        sys.exit(chosen.run(chosen))
    except DataMissing as missing:
        sys.exit(f"bench: {missing}")


def _add_generate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("instance", help="such as days:visits=200,seed=1,breaks=1 or solomon:R101")
    parser.set_defaults(run=lambda chosen: print(json.dumps(problem_to_json(load(chosen.instance).problem))))


def _add_series(parser: argparse.ArgumentParser, *, seconds: float, seeds: int) -> None:
    parser.add_argument("--seconds", type=float, default=seconds, help="of our search")
    parser.add_argument("--peer-seconds", type=float, default=60.0, help="of the other solvers' search")
    parser.add_argument("--seeds", type=int, default=seeds)
    parser.add_argument("--threads", type=int, default=2, help="of ours and of VROOM; the others use one")
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=list(ENGINES))
    parser.add_argument(
        "--for", dest="budget", type=float, default=math.inf, help="begin no run after seconds"
    )
    parser.add_argument("--keep", action="store_true", help="use kept runs of ours too")


def _series(chosen: argparse.Namespace) -> Series:
    return Series(
        engines=chosen.engines,
        seconds=chosen.seconds,
        peer_seconds=chosen.peer_seconds,
        seeds=chosen.seeds,
        threads=chosen.threads,
        budget_s=chosen.budget,
        fresh=() if chosen.keep else (OURS,),
    )


def _add_days(parser: argparse.ArgumentParser) -> None:
    _add_series(parser, seconds=10.0, seeds=3)
    parser.add_argument("--visits", type=int, nargs="+", default=[100, 200, 400, 1000])
    parser.add_argument("--breaks", type=int, nargs="+", choices=(0, 1), default=[0, 1])
    parser.add_argument("--days", type=int, nargs="+", default=[1], help="seeds of the generator")
    parser.add_argument("--load", type=float, default=Day().load)
    parser.add_argument("--roads", default="")
    parser.set_defaults(run=_days)


def _days(chosen: argparse.Namespace) -> int:
    days = [
        Day(visits=visits, seed=seed, breaks=breaks, load=chosen.load, roads=chosen.roads or default_roads())
        for visits in chosen.visits
        for breaks in chosen.breaks
        for seed in chosen.days
    ]
    return _make(chosen, [day.name for day in days])


def _add_literature(parser: argparse.ArgumentParser, family: str) -> None:
    _add_series(parser, seconds=tables.SECONDS[family][OURS], seeds=1)
    parser.add_argument("--limit", type=int, help="only this many instances, spread over the family")
    parser.add_argument("--only", nargs="+", default=[], help="instances whose names contain one of these")
    parser.set_defaults(run=lambda chosen: _literature(chosen, family))


def _literature(chosen: argparse.Namespace, family: str) -> int:
    found = [name for name in names(family) if not chosen.only or any(part in name for part in chosen.only)]
    if chosen.limit and chosen.limit < len(found):
        found = [found[number * len(found) // chosen.limit] for number in range(chosen.limit)]
    return _make(chosen, found)


def _make(chosen: argparse.Namespace, instances: Sequence[str]) -> int:
    made = make(_series(chosen), instances)
    return int(any(record.get("violations") for record in made))


def _add_plain(parser: argparse.ArgumentParser, run: Callable[[argparse.Namespace], int]) -> None:
    parser.set_defaults(run=run)


def _add_clock(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--visits", type=int, nargs="+", default=list(clock.VISITS))
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--threads", type=int, default=2)
    parser.set_defaults(run=_clock)


def _clock(chosen: argparse.Namespace) -> int:
    found = clock.measure(chosen.visits, chosen.seconds, chosen.threads)
    table, kept = clock.report(found, chosen.visits)
    print(table)
    keep_text("clock", table)
    return int(not kept)


def _add_replan(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--plan-seconds", type=float, default=20.0, help="of the plan of the morning")
    parser.add_argument("--seconds", type=float, default=10.0, help="of the new plan")
    parser.add_argument(
        "--reference-seconds", type=float, default=60.0, help="of the search for what is possible"
    )
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--change", type=float, nargs="+", default=[replan.RUNNING_CHANGE], help="weights of changes"
    )
    parser.set_defaults(run=_replan)


def _replan(chosen: argparse.Namespace) -> int:
    day = replan.call(chosen.plan_seconds, chosen.reference_seconds, chosen.threads)
    found = [replan.measure(day, change, chosen.seconds, chosen.threads) for change in chosen.change]
    text = "\n\n".join(replan.report(each) for each in found)
    print(text)
    keep_text("replan", text)
    return int(not all(each.kept for each in found))


def _suggest(chosen: argparse.Namespace) -> int:
    from bench import explain_speed, suggest_speed

    suggest_speed.run()
    explain_speed.run()
    return subprocess.run([sys.executable, "-m", "bench.repair_bars"], cwd=ROOT, check=False).returncode


def _smoke(chosen: argparse.Namespace) -> int:
    return int(not smoke.run())


def _tables(chosen: argparse.Namespace) -> int:
    tables.write_tables()
    return 0


def _all(chosen: argparse.Namespace) -> int:
    """Every command with its defaults, in an order that shows the most important first."""
    status = 0
    for command in ("days", *LITERATURE, "clock", "replan", "suggest"):
        print(f"== python -m bench {command}", flush=True)
        try:
            main([command])
        except SystemExit as done:
            status |= int(bool(done.code))
    return status | _tables(chosen)
