"""What a scanner says of a file: a command by its exit code, ClamAV's daemon in its own protocol."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread

import pytest

from fieldservice.files import Verdict, scan

type Daemon = Callable[[bytes], str]


def received(connection: socket.socket) -> bytes:
    """What was sent as a stream of pieces, each after its length."""
    stream = connection.makefile("rb")
    assert stream.read(10) == b"zINSTREAM\0"
    content = b""
    while length := struct.unpack("!L", stream.read(4))[0]:
        content += stream.read(length)
    return content


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    """Opens a socket that answers one question as clamd does: an ending for what has EICAR in it."""
    address = tmp_path / "clamd.ctl"
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(address))
    server.listen()

    def begin(otherwise: bytes) -> str:
        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                bad = b"EICAR" in received(connection)
                connection.sendall(b"stream: Eicar-Test FOUND\0" if bad else otherwise)

        Thread(target=serve, daemon=True).start()
        return f"unix:{address}"

    yield begin
    server.close()


@pytest.mark.parametrize(
    ("content", "said", "verdict"),
    [
        (b"clean" * 50_000, b"stream: OK\0", Verdict.CLEAN),
        (b"x" * 100_000 + b"EICAR", b"stream: OK\0", Verdict.INFECTED),
        (b"clean", b"INSTREAM size limit exceeded. ERROR\0", Verdict.FAILED),
        (b"clean", b"", Verdict.FAILED),
    ],
)
def test_the_daemon_is_sent_the_file(
    daemon: Daemon, tmp_path: Path, content: bytes, said: bytes, verdict: Verdict
) -> None:
    """All of it, in pieces; an answer that is none of the two is a failure."""
    path = tmp_path / "file"
    path.write_bytes(content)
    assert scan([daemon(said)], path) == verdict


def test_a_daemon_that_is_not_there_is_a_failure(tmp_path: Path) -> None:
    """The file is kept aside, and looked at again later."""
    path = tmp_path / "file"
    path.write_bytes(b"x")
    assert scan([f"unix:{tmp_path}/nothing"], path) == Verdict.FAILED
    assert scan([f"unix:{tmp_path}/nothing"], tmp_path / "gone") == Verdict.FAILED
