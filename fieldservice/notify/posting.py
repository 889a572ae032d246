"""One POST to a stranger's server, over when its time is over, however slowly the server answers.

A timeout of the usual kind begins anew with each byte that arrives: whoever sends one every few seconds
would hold the sender for hours.
"""

from __future__ import annotations

import io
import socket
import ssl
import time
from collections.abc import Buffer, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from http.client import HTTPConnection, HTTPException
from urllib.parse import SplitResult, urlsplit


class NoAnswer(Exception):
    """The server took too long, broke off, is not the one it should be, or does not speak HTTP."""


@dataclass(frozen=True)
class Answer:
    """What a server said; its body is never read."""

    status: int
    retry_after: str


@dataclass(frozen=True)
class Within:
    """How long it may take: to be connected, and all of it."""

    connect: timedelta
    all: timedelta


def post(
    url: str,
    address: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    within: Within,
    trusted: ssl.SSLContext | None = None,
) -> Answer:
    """The answer of the server at this address, whose certificate is that of the name in `url`.

    Its connection is closed when this returns or raises. Redirects are not followed. Raises NoAnswer.
    """
    parts = urlsplit(url)
    target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    until = time.monotonic() + within.all.total_seconds()
    connection = HTTPConnection(parts.netloc)
    try:
        with closing(_connected(parts, address, within.connect, until, trusted)) as line:
            connection.sock = line
            connection.request("POST", target, body, {**headers, "Host": parts.netloc})
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers.get("Retry-After", ""))
    except (HTTPException, OSError) as error:
        raise NoAnswer(f"{parts.hostname}: {type(error).__name__}") from error


class _Line:
    """A connection whose every wait is at most what is left of its time."""

    def __init__(self, sock: socket.socket, until: float) -> None:
        self._sock, self._until = sock, until

    def sendall(self, data: bytes) -> None:
        self._in_time().sendall(data)

    def receive(self, buffer: Buffer) -> int:
        return self._in_time().recv_into(buffer)

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Reader(self))

    def close(self) -> None:
        self._sock.close()

    def _in_time(self) -> socket.socket:
        self._sock.settimeout(_left(self._until))
        return self._sock


class _Reader(io.RawIOBase):
    def __init__(self, line: _Line) -> None:
        self._line = line

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer, /) -> int:
        return self._line.receive(buffer)


def _connected(
    parts: SplitResult, address: str, within: timedelta, until: float, trusted: ssl.SSLContext | None
) -> _Line:
    secure = parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    sock = socket.create_connection((address, port), min(within.total_seconds(), _left(until)))
    try:
        sock.settimeout(_left(until))
        if secure:
            sock = (trusted or _trusted()).wrap_socket(sock, server_hostname=parts.hostname)
    except OSError:
        sock.close()
        raise
    return _Line(sock, until)


def _left(until: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


@cache
def _trusted() -> ssl.SSLContext:
    """Whom this machine trusts; read once, as it takes long."""
    return ssl.create_default_context()
