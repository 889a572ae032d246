"""``python -m bench.messages``: messages a second and worker, and how long 10,000 take that are due at once.

A company with that many promised visits is stored, the clock is put to the moment at which their reminders
are due, and one process sweeps as a worker does until nothing is left. E-mails go to a mail server in a
process of its own. Wall time says what customers notice, processor time what a quiet machine would need.
"""

from __future__ import annotations

import argparse
import cProfile
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.orm import Session

    from fieldservice.config import Settings
    from fieldservice.db import Database
    from fieldservice.models import Service, Territory

DUE = 10_000
BAR_S, BAR_RATE = 120, 100
NOW = datetime(2026, 3, 2, 13, tzinfo=UTC)
STARTS_AT = NOW + timedelta(days=2)
DUE_AT = STARTS_AT - timedelta(hours=24)
_CHUNK = 500


@dataclass(frozen=True)
class Measured:
    """One run."""

    database: str
    messages: int
    wall_s: float
    cpu_s: float

    @property
    def kept(self) -> bool:
        """Whether a quiet machine keeps both bars: the sweep does nothing else than send."""
        return self.cpu_s <= self.messages / BAR_RATE and self.wall_s <= BAR_S * self.messages / DUE

    def words(self) -> str:
        """The run in one line."""
        return (
            f"{self.database:<11} {self.messages:>6,} messages: {self.wall_s:6.1f} s on the clock "
            f"({self.messages / self.wall_s:5.0f}/s), {self.cpu_s:6.1f} s of the processor "
            f"({self.messages / self.cpu_s:5.0f}/s)  {'kept' if self.kept else 'MISSED'}"
        )


def store(db: Database, settings: Settings, count: int) -> None:
    """A company and `count` promised visits of as many customers, whose confirmations were sent."""
    from sqlalchemy import update

    from fieldservice.db import Base
    from fieldservice.models import OutboxMessage, Service, Territory
    from tests.factories import make_service, make_territory

    Base.metadata.create_all(db.engine)
    with db.transaction() as session:
        territory_id, service_id = make_territory(session).id, make_service(session).id
    for first in range(0, count, _CHUNK):
        with db.transaction() as session:
            territory, service = (
                session.get_one(Territory, territory_id),
                session.get_one(Service, service_id),
            )
            for number in range(first, min(first + _CHUNK, count)):
                _visit(session, territory, service, number, settings.secret_key)
    with db.transaction() as session:
        confirmed = update(OutboxMessage).where(OutboxMessage.kind == "confirmation")
        session.execute(confirmed.values(state="sent", sent_at=NOW))


def _visit(session: Session, territory: Territory, service: Service, number: int, key: str) -> None:
    from fieldservice.auth.links import make_link
    from fieldservice.models import Window
    from tests.factories import make_site, make_visit, make_work_order

    contact = {"name": f"Customer {number}", "email": f"customer{number}@example.com", "phone": ""}
    order = make_work_order(session, site=make_site(session), service=service, contact=contact)
    visit = make_visit(session, territory=territory, work_order=order)
    make_link(visit, secret_key=key, now=NOW, expires_at=NOW + timedelta(days=60))
    visit.promise(Window(STARTS_AT, STARTS_AT + timedelta(hours=2)), now=NOW, actor="bench")


def run(db: Database, settings: Settings, name: str, *, profile: str = "") -> Measured:
    """Sweep until nothing is left, as a worker does."""
    from fieldservice.messages import service
    from fieldservice.notify import open_channels

    channels, sent, serial = open_channels(settings), 0, 0
    profiler = cProfile.Profile() if profile else None
    begun, cpu = time.perf_counter(), time.process_time()
    if profiler:
        profiler.enable()
    while True:
        serial += 1
        at = DUE_AT + timedelta(seconds=serial)
        result = service.sweep(db, channels, settings, now=at, owner=f"bench-{serial}")
        sent += result.sent
        if result == service.SweepResult():
            break
    if profiler:
        profiler.disable()
        profiler.dump_stats(profile)
    return Measured(name, sent, time.perf_counter() - begun, time.process_time() - cpu)


@contextmanager
def mail_server() -> Iterator[str]:
    """A mail server that takes everything, in a process of its own; its address."""
    code = (
        "import sys, time\n"
        "from aiosmtpd.controller import Controller\n"
        "from aiosmtpd.handlers import Sink\n"
        "controller = Controller(Sink(), hostname='127.0.0.1', port=int(sys.argv[1]))\n"
        "controller.start(); print('ready', flush=True)\n"
        "sys.stdin.read()\n"
    )
    port = _free_port()
    command = [sys.executable, "-c", code, str(port)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield f"smtp://127.0.0.1:{port}"
        process.terminate()


def _free_port() -> int:
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


@contextmanager
def databases(server: str) -> Iterator[dict[str, str]]:
    """A fresh SQLite file, and a fresh PostgreSQL database where a server answers."""
    import psycopg

    with tempfile.TemporaryDirectory() as folder:
        found = {"SQLite": f"sqlite:///{Path(folder) / 'bench.db'}"}
        name = f"bench_{os.getpid()}"
        try:
            with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {name}")
        except psycopg.OperationalError as error:
            print(f"no PostgreSQL at {server}: {error}")  # noqa: T201
            yield found
            return
        yield found | {"PostgreSQL": f"{server.replace('postgresql://', 'postgresql+psycopg://')}/{name}"}
        with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure on both databases; 1 when a bar is missed."""
    from fieldservice.config import Settings
    from fieldservice.db import Database

    parser = argparse.ArgumentParser(prog="python -m bench.messages", description=__doc__)
    parser.add_argument("--messages", type=int, default=DUE)
    parser.add_argument(
        "--postgresql", default=os.environ.get("BENCH_POSTGRESQL", "postgresql://postgres@127.0.0.1:5432")
    )
    parser.add_argument("--only", default="", help="SQLite or PostgreSQL")
    parser.add_argument("--profile", default="", help="file for cProfile's numbers")
    asked = parser.parse_args(arguments)
    kept = True
    with mail_server() as smtp_url, databases(asked.postgresql) as urls:
        for name, url in urls.items():
            if asked.only not in ("", name):
                continue
            settings = Settings(
                data_dir=Path("unused"), smtp_url=smtp_url, sms_gateway="none", secret_key="bench"
            )  # noqa: S106
            db = Database(url)
            store(db, settings, asked.messages)
            found = run(db, settings, name, profile=asked.profile)
            db.dispose()
            print(found.words())  # noqa: T201
            kept = kept and found.kept and found.messages == asked.messages
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
