"""The product as processes of its own, and a browser over real HTTP that is cheap enough to have fifty of."""

from __future__ import annotations

import http.client
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, fields, replace
from functools import partial
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlencode

from fieldservice.config import Settings, variable
from fieldservice.processes import die_with_parent
from fieldservice.supervisor import is_healthy
from tests.services import free_port, wait_until

STOP_S = 20
_CSRF = re.compile(r'"X-CSRFToken": "([^"]+)"')


def environment(settings: Settings) -> dict[str, str]:
    """The variables that give a process these settings, and none of this process's own."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("FIELDSERVICE_")}
    values = {variable(setting.name): getattr(settings, setting.name) for setting in fields(settings)}
    return inherited | {name: str(value) for name, value in values.items() if value is not None}


@contextmanager
def process(settings: Settings, *command: str, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A Python module of the product as a process, which is stopped at the end."""
    with log.open("ab") as output:
        running = subprocess.Popen(
            [sys.executable, "-m", *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=environment(settings),
            preexec_fn=partial(die_with_parent, os.getpid()),
        )
    try:
        yield running
    finally:
        running.terminate()
        try:
            running.wait(STOP_S)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()


@contextmanager
def web_server(settings: Settings) -> Iterator[Settings]:
    """gunicorn on a free port, behind a proxy that says who calls; gives the settings with the port."""
    port = free_port()
    settings = replace(settings, port=port, public_url=f"http://localhost:{port}", behind_proxy=True)
    log = settings.data_dir / "web.log"
    with process(settings, "fieldservice.wsgi", log=log) as running:
        ready(settings, running, log)
        yield settings


def ready(settings: Settings, running: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until the pages are served; a process that ended instead shows its last words."""

    def healthy() -> bool:
        assert running.poll() is None, log.read_text(errors="replace")[-2000:]
        return is_healthy(settings)

    wait_until(healthy, f"a healthy web server ({log})", 60)


@dataclass
class Answer:
    """What the server said."""

    status: int
    location: str
    text: str


class Browser:
    """Keeps its cookies; every request comes from `address`, as a proxy reports it."""

    def __init__(self, settings: Settings, address: str = "192.0.2.1", seconds: float = 60) -> None:
        self.address = address
        self._port = settings.port
        self._seconds = seconds
        self._cookies: dict[str, str] = {}
        self._csrf = ""

    def get(self, path: str) -> Answer:
        """Open a page."""
        return self._send("GET", path, b"", {})

    def post(self, path: str, form: Mapping[str, str]) -> Answer:
        """Send a form with the token of a page that was seen before."""
        self.see_a_form()
        body = urlencode({**form, "csrf_token": self._csrf}).encode()
        return self._send("POST", path, body, {"Content-Type": "application/x-www-form-urlencoded"})

    def see_a_form(self) -> None:
        """Open a page with a form once, for its token."""
        if not self._csrf:
            found = _CSRF.search(self.get("/book").text)
            assert found, "the page has no CSRF token"
            self._csrf = found[1]

    def _send(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Answer:
        headers = headers | {
            "X-Forwarded-For": self.address,
            "Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items()),
        }
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=self._seconds)
        with closing(connection):
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            text = response.read().decode()
        for cookie in response.headers.get_all("Set-Cookie") or ():
            self._cookies.update({name: morsel.value for name, morsel in SimpleCookie(cookie).items()})
        return Answer(response.status, response.headers.get("Location", ""), text)
