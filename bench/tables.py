"""The tables of docs/benchmarks.md and of the README, written from the kept records."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import mean, median

from bench.paths import ROOT
from bench.peers import PEERS
from bench.results import Record, kept_text, records
from bench.samples import Sample, best, gap, samples
from bench.worker import OURS

TITLES = {
    OURS: "fieldservice",
    "vroom": "VROOM",
    "pyvrp": "PyVRP",
    "ortools-gls": "OR-Tools guided",
    "ortools-ils": "OR-Tools iterated",
}
PEER_ORDER = ("pyvrp", "vroom", "ortools-gls", "ortools-ils")
SECONDS: Mapping[str, Mapping[str, float]] = {
    "days": {OURS: 10, **dict.fromkeys(PEERS, 60)},
    **{family: {OURS: 60, **dict.fromkeys(PEERS, 60)} for family in ("trsp", "sdvrptw")},
    **{family: {OURS: 10, **dict.fromkeys(PEERS, 60)} for family in ("strsp", "solomon", "homberger")},
}
"""How long the searches took whose runs are compared."""
DOCUMENT, README = ROOT / "docs" / "benchmarks.md", ROOT / "README.md"


def write_tables() -> None:
    """Replace what stands between the markers of both documents by tables of the kept records."""
    blocks = {family: family_block(family) for family in SECONDS}
    blocks["contributions"] = contributions()
    blocks |= {name: kept_text(name) for name in ("clock", "replan")}
    for path in (DOCUMENT, README):
        _replace(path, {**blocks, "summary": days_summary()})


def _replace(path: Path, blocks: Mapping[str, str]) -> None:
    text = path.read_text(encoding="utf-8")
    for name, block in blocks.items():
        pattern = re.compile(rf"(<!-- begin {name} -->\n).*?(<!-- end {name} -->)", re.DOTALL)
        found = pattern.search(text)
        if block and found:
            text = f"{text[: found.start()]}{found[1]}{block}\n{found[2]}{text[found.end() :]}"
    path.write_text(text, encoding="utf-8")


def family_block(family: str) -> str:
    """A family's table with where and when it was made; empty without records."""
    found = list(records(family))
    groups = samples(found, SECONDS[family])
    groups = {name: group for name, group in groups.items() if OURS in group and group[OURS].legal}
    if family == "days":
        groups = compared(groups)
    if not groups:
        return ""
    table = days_table(groups) if family == "days" else literature_table(groups)
    return f"{table}\n\n{provenance(groups)}"


def compared[G: Mapping[str, Sample]](groups: Mapping[str, G]) -> dict[str, G]:
    """The instances that another solver ran as well: those of the clock are not among them."""
    return {name: group for name, group in groups.items() if len(group) > 1}


def markdown(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; the first column to the left, the others to the right."""
    lines = [header, [":--", *["--:"] * (len(header) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def provenance(groups: Mapping[str, Mapping[str, Sample]]) -> str:
    """Machine, dates, commit, threads and numbers of seeds of the runs in a table."""
    runs = [run for group in groups.values() for sample in group.values() for run in sample.runs]
    ours = [run for run in runs if run["engine"] == OURS]
    dates = sorted({run["date"] for run in runs})
    seeds = sorted({len(group[OURS].runs) for group in groups.values()})
    notes = {note for run in runs if (note := run.get("note"))}
    commits = sorted({run["commit"] for run in ours})
    threads = sorted({run["threads"] for run in ours})
    parts = [
        " to ".join([dates[0], *dates[-1:]] if len(dates) > 1 else dates),
        *sorted(_each(runs, "machine")),
    ]
    parts += [f"commit {', '.join(commits)}", f"{'/'.join(map(str, threads))} threads of ours"]
    parts += [f"{'/'.join(map(str, seeds))} seeds", *sorted(notes)]
    return "; ".join(parts) + "."


def _each(runs: Iterable[Record], name: str) -> set[str]:
    return {run[name] for run in runs}


def days_table(groups: Mapping[str, Mapping[str, Sample]]) -> str:
    """Weight of unserved visits (worst seed) and hours of travel, and ours beside the best peer."""
    peers = [peer for peer in PEER_ORDER if any(peer in group for group in groups.values())]
    header = ["Visits, breaks", TITLES[OURS], *(TITLES[peer] for peer in peers)]
    header += ["ours ÷ best peer", "our worst ÷ its median", "travel ÷ its"]
    rows = []
    for name, group in sorted(groups.items(), key=lambda item: _day_key(item[0])):
        row = [_day_title(name), *(_day_cell(group.get(engine)) for engine in (OURS, *peers))]
        rows.append(row + _versus(group[OURS], best(group, peers)))
    return markdown(header, rows)


def _day_settings(name: str) -> dict[str, str]:
    return dict(part.split("=", 1) for part in name.partition(":")[2].split(","))


def _day_key(name: str) -> tuple[str, int, int, int]:
    settings = _day_settings(name)
    return settings["roads"], int(settings["visits"]), int(settings["breaks"]), int(settings["seed"])


def _day_title(name: str) -> str:
    settings = _day_settings(name)
    title = f"{int(settings['visits']):,}, {'breaks' if settings['breaks'] == '1' else 'no breaks'}"
    return title if settings["seed"] == "1" else f"{title}, day {settings['seed']}"


def _day_cell(sample: Sample | None) -> str:
    if sample is None:
        return ""
    if not sample.legal:
        return sample.missing
    spread = "" if len(sample.legal) == 1 else f" ({sample.worst:g})"
    return f"{sample.median:g}{spread}, {sample.travel_s / 3600:.1f} h"


def _versus(ours: Sample, peer: Sample | None) -> list[str]:
    if peer is None or not peer.median:
        return ["", "", ""]
    return [
        f"{ours.median / peer.median:.3f}",
        f"{ours.worst / peer.median:.3f}",
        f"{ours.travel_s / peer.travel_s:.3f}",
    ]


def days_summary() -> str:
    """The README's table: medians alone."""
    groups = compared(samples(records("days"), SECONDS["days"]))
    rows = []
    for name, group in sorted(groups.items(), key=lambda item: _day_key(item[0])):
        if OURS in group and group[OURS].legal and _day_settings(name)["seed"] == "1":
            cells = (group.get(engine) for engine in (OURS, *PEER_ORDER))
            rows.append([_day_title(name), *(_median_cell(sample) for sample in cells)])
    header = ["Visits, breaks", f"{TITLES[OURS]} 10 s", *(f"{TITLES[peer]} 60 s" for peer in PEER_ORDER)]
    return markdown(header, rows) if rows else ""


def _median_cell(sample: Sample | None) -> str:
    if sample is None:
        return ""
    return f"{sample.median:g}" if sample.legal else sample.missing


def literature_table(groups: Mapping[str, Mapping[str, Sample]]) -> str:
    """Values with their gaps to the best known, or to the best of all when nobody published one."""
    peers = [peer for peer in PEER_ORDER if any(peer in group for group in groups.values())]
    engines = (OURS, *peers)
    gaps: dict[str, list[float]] = defaultdict(list)
    rows = []
    for name, group in sorted(groups.items()):
        known = group[OURS].runs[0]["best_known"]
        base = known or min(sample.median for sample in group.values() if sample.legal)
        row = [name.partition(":")[2], f"{known:g}" if known else "–"]
        for engine in engines:
            sample = group.get(engine)
            if sample is None or not sample.legal:
                row.append("" if sample is None else sample.missing)
                continue
            gaps[engine].append(gap(sample.median, base))
            row.append(f"{sample.median:.1f} ({gaps[engine][-1]:+.2f} %)")
        rows.append(row)
    means = [
        f"{mean(gaps[engine]):+.2f} % of {len(gaps[engine])}" if gaps[engine] else "" for engine in engines
    ]
    rows.append(["**mean gap**", "", *means])
    return markdown(["Instance", "best known", *(TITLES[engine] for engine in engines)], rows)


def contributions() -> str:
    """What each of our engines did, in the median over the runs of each family."""
    rows = []
    for family in SECONDS:
        stats = [run["stats"] for run in records(family) if run["engine"] == OURS and "stats" in run]
        if stats:
            last = [str(each.get("engine", "")) for each in stats]
            share = ", ".join(f"{name} {last.count(name)}" for name in sorted(set(last)))
            names = sorted({key for each in stats for key in each} - _NO_WORK)
            numbers = (f"{name} {median(float(each.get(name, 0)) for each in stats):g}" for name in names)
            rows.append([family, str(len(stats)), share, ", ".join(numbers)])
    return markdown(["Family", "runs", "who had the last word", "in the median"], rows) if rows else ""


_NO_WORK = frozenset({"engine", "seed", "threads", "start_violations", "seconds"})
