"""Which orders were erased, kept outside of the database: a backup of it is older than some of them."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

_FILE = "erasures.jsonl"
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Erasure:
    """That the customer's words in a work order were erased, and when; it says nothing of who they were."""

    work_order_id: int
    at: datetime


def note(folder: Path, erasures: Iterable[Erasure]) -> None:
    """Write down what was erased; when the disk refuses, the database's history still has it."""
    lines = "".join(
        f"{json.dumps({'work_order': each.work_order_id, 'at': each.at.isoformat()})}\n" for each in erasures
    )
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (folder / _FILE).open("a", encoding="ascii") as file:
            file.write(lines)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        _log.error("erasures are not written down beside the files: %s", error)


def noted(folder: Path) -> Iterator[Erasure]:
    """What was written down; a line that a power cut left unfinished is passed over."""
    path = folder / _FILE
    for line in path.read_text(encoding="ascii").splitlines() if path.exists() else ():
        try:
            found = json.loads(line)
            yield Erasure(int(found["work_order"]), datetime.fromisoformat(found["at"]))
        except (ValueError, KeyError, TypeError):
            _log.warning("a line of %s cannot be read", path)
