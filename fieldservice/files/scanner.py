"""Asks a program of the company whether a file has a virus: a command, or ClamAV's daemon on its socket."""

from __future__ import annotations

import socket
import struct
import subprocess
from collections.abc import Sequence
from contextlib import closing
from enum import StrEnum
from pathlib import Path

import structlog

LONGEST_S = 120.0
SOCKET = "unix:"
_CHUNK = 1 << 16
log = structlog.get_logger()


class Verdict(StrEnum):
    """What the scanner says; FAILED is that it could not say anything."""

    CLEAN = "clean"
    INFECTED = "infected"
    FAILED = "failed"


_VERDICTS = {0: Verdict.CLEAN, 1: Verdict.INFECTED}  # as clamscan and clamdscan end


def scan(command: Sequence[str], path: Path, *, longest_s: float = LONGEST_S) -> Verdict:
    """Run the command with the file's path as its last argument; never raises.

    A command of one word like `unix:/run/clamav/clamd.ctl` is the socket of a clamd, which is sent the file:
    it needs no right to read it, and may run in another container.
    """
    if len(command) == 1 and command[0].startswith(SOCKET):
        return _ask_daemon(command[0].removeprefix(SOCKET), path, longest_s)
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


def _ask_daemon(address: str, path: Path, longest_s: float) -> Verdict:
    """Send a file to a clamd; its answer ends with OK, FOUND or ERROR."""
    try:
        with closing(socket.socket(socket.AF_UNIX)) as daemon, path.open("rb") as file:
            daemon.settimeout(longest_s)
            daemon.connect(address)
            daemon.sendall(b"zINSTREAM\0")
            while chunk := file.read(_CHUNK):
                daemon.sendall(struct.pack("!L", len(chunk)) + chunk)
            daemon.sendall(struct.pack("!L", 0))
            said = _answer(daemon)
    except OSError as error:
        log.error("the virus scanner did not answer", error=type(error).__name__)
        return Verdict.FAILED
    for ending, verdict in ((b"OK", Verdict.CLEAN), (b"FOUND", Verdict.INFECTED)):
        if said.endswith(ending):
            return verdict
    log.error("the virus scanner failed", said=said.decode(errors="replace")[:300])
    return Verdict.FAILED


def _answer(daemon: socket.socket) -> bytes:
    """What the daemon says, up to the end of its first line."""
    said = b""
    while not said.endswith(b"\0") and len(said) < _CHUNK and (more := daemon.recv(_CHUNK)):
        said += more
    return said.rstrip(b"\0\n")
