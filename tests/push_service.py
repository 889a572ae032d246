"""What the maker of a browser runs for notifications, on this machine: takes them and opens them."""

from __future__ import annotations

import base64
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, BinaryIO

import http_ece
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from py_vapid import Vapid

from fieldservice.notify.push import Device


class PushService:
    """Listens while the block lasts, and is one browser at that; `shown` is what came, opened."""

    def __init__(self) -> None:
        self.shown: list[dict[str, str]] = []
        self.headers: list[dict[str, str]] = []
        self.status, self.answer = 201, dict[str, str]()
        self.drips = False  # answers a byte at a time, and never comes to an end
        self.hung_up = threading.Event()  # whoever was answered so has closed the connection
        self._key, self._auth = ec.generate_private_key(ec.SECP256R1()), b"sixteen secret b"
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                service.take({name.lower(): value for name, value in self.headers.items()}, body)
                if service.drips:
                    service.drip(self.wfile)
                    return
                self.send_response(service.status)
                for name, value in service.answer.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def take(self, headers: dict[str, str], body: bytes) -> None:
        """Prove who sends, open what is sent; raises for what no browser would take."""
        assert Vapid.verify(headers["authorization"])
        opened = http_ece.decrypt(body, private_key=self._key, auth_secret=self._auth, version="aes128gcm")
        self.headers.append(headers)
        self.shown.append(json.loads(opened))

    def drip(self, line: BinaryIO) -> None:
        """Answer slowly until whoever asked hangs up, for half a minute at most."""
        line.write(b"HTTP/1.1 201 ")
        for _ in range(600):
            try:
                line.write(b"x")
            except OSError:
                self.hung_up.set()
                return
            time.sleep(0.05)

    @property
    def device(self) -> Device:
        """The browser, as it says of itself to our server."""
        point = self._key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return Device(endpoint=f"{self.origin}/push/one", p256dh=_text(point), auth=_text(self._auth))

    @property
    def origin(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> PushService:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
