"""Asks a program of the company whether a file has a virus."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

import structlog

LONGEST_S = 120.0
log = structlog.get_logger()


class Verdict(StrEnum):
    """What the scanner says; FAILED is that it could not say anything."""

    CLEAN = "clean"
    INFECTED = "infected"
    FAILED = "failed"


_VERDICTS = {0: Verdict.CLEAN, 1: Verdict.INFECTED}  # as clamscan and clamdscan end


def scan(command: Sequence[str], path: Path, *, longest_s: float = LONGEST_S) -> Verdict:
    """Run the command with the file's path as its last argument; never raises."""
    try:
        done = subprocess.run(  # noqa: S603  the command is the company's own setting
            [*command, str(path)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=longest_s,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        log.error("the virus scanner did not run", error=type(error).__name__)
        return Verdict.FAILED
    verdict = _VERDICTS.get(done.returncode, Verdict.FAILED)
    if verdict == Verdict.FAILED:
        said = done.stderr.decode(errors="replace").strip()[:300]
        log.error("the virus scanner failed", code=done.returncode, said=said)
    return verdict
