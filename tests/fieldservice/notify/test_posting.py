"""One POST to a stranger's server: it is who it should be, and over in time."""

from __future__ import annotations

import datetime as dt
import socket
import ssl
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from fieldservice.notify.posting import Answer, NoAnswer, Within, post

SOON = Within(connect=dt.timedelta(seconds=5), all=dt.timedelta(seconds=5))
HASTY = Within(connect=dt.timedelta(seconds=1), all=dt.timedelta(seconds=1))
NAME, WORDS = "push.example.com", b"sealed words"
ANSWER = b"HTTP/1.1 429 Slow Down\r\nRetry-After: 7\r\nContent-Length: 999\r\n\r\n"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of push.example.com, signed by itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("certificate") / "both.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(made.public_bytes(Encoding.PEM) + private)
    return path


class Server:
    """Takes one connection: encrypts unless `silent`, and answers at once unless `dripping`."""

    def __init__(self, certificate: Path, *, silent: bool = False, dripping: bool = False) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate)
        self._silent, self._dripping = silent, dripping
        self.request = b""
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def _serve(self) -> None:
        sock, _ = self._listening.accept()
        sock.settimeout(20)
        with closing(sock):
            if self._silent:
                sock.recv(10_000)
                sock.recv(1)  # nothing, when the other side hangs up
                return
            try:
                with self._context.wrap_socket(sock, server_side=True) as line:
                    while not self.request.endswith(WORDS) and (more := line.recv(10_000)):
                        self.request += more
                    self._answer(line)
            except OSError:
                return

    def _answer(self, line: ssl.SSLSocket) -> None:
        if not self._dripping:
            line.sendall(ANSWER)
            return
        for byte in ANSWER[:20] * 20:
            line.sendall(bytes([byte]))
            time.sleep(0.05)

    def __enter__(self) -> Server:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join(10)
        self._listening.close()
        assert not self._thread.is_alive()


@pytest.fixture
def trusted(certificate: Path) -> ssl.SSLContext:
    """Whoever trusts that certificate."""
    return ssl.create_default_context(cafile=str(certificate))


def test_the_name_and_not_the_address_is_certified(certificate: Path, trusted: ssl.SSLContext) -> None:
    """Connected to at its address and asked by its name; the body of the answer is not waited for."""
    with Server(certificate) as server:
        url = f"https://{NAME}:{server.port}/take?one=1"
        found = post(url, "127.0.0.1", {"TTL": "1"}, WORDS, within=SOON, trusted=trusted)
    assert found == Answer(429, "7")
    head, _, body = server.request.partition(b"\r\n\r\n")
    assert head.startswith(b"POST /take?one=1 HTTP/1.1\r\n")
    assert [line for line in head.split(b"\r\n") if line.startswith(b"Host:")] == [
        f"Host: {NAME}:{server.port}".encode()
    ]
    assert body == WORDS


@pytest.mark.parametrize("name", ["other.example.com", "127.0.0.1"])
def test_another_name_is_refused(certificate: Path, trusted: ssl.SSLContext, name: str) -> None:
    """The certificate of one name is none of another; nothing is said to it."""
    with Server(certificate) as server, pytest.raises(NoAnswer, match="SSLCertVerificationError"):
        post(f"https://{name}:{server.port}/", "127.0.0.1", {}, WORDS, within=SOON, trusted=trusted)
    assert server.request == b""


def test_a_certificate_that_nobody_trusts_is_refused(certificate: Path) -> None:
    """Those whom this machine trusts have not signed it."""
    with Server(certificate) as server, pytest.raises(NoAnswer, match="SSLCertVerificationError"):
        post(f"https://{NAME}:{server.port}/", "127.0.0.1", {}, WORDS, within=SOON)


@pytest.mark.parametrize("how", ["silent", "dripping"])
def test_who_is_slow_is_left(certificate: Path, trusted: ssl.SSLContext, how: str) -> None:
    """One who does not encrypt, and one who answers a byte at a time."""
    with Server(certificate, **{how: True}) as server:
        url, began = f"https://{NAME}:{server.port}/", time.monotonic()
        with pytest.raises(NoAnswer, match="TimeoutError"):
            post(url, "127.0.0.1", {}, WORDS, within=HASTY, trusted=trusted)
        assert 0.9 < time.monotonic() - began < 5


def test_who_speaks_no_http() -> None:
    """A greeting of another kind of server, and nobody at all."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]

        def greet() -> None:
            line, _ = listening.accept()
            with closing(line):
                line.recv(10_000)
                line.sendall(b"220 mail.example.com ESMTP\r\n")

        thread = threading.Thread(target=greet, daemon=True)
        thread.start()
        with pytest.raises(NoAnswer, match="BadStatusLine"):
            post(f"http://127.0.0.1:{port}/", "127.0.0.1", {}, b"", within=SOON)
        thread.join(5)
    with pytest.raises(NoAnswer, match="ConnectionRefusedError"):
        post(f"http://127.0.0.1:{port}/", "127.0.0.1", {}, b"", within=SOON)
