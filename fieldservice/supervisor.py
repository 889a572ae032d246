"""Web, workers and beat as the children of one process, for a machine without a service manager.

A child that dies is started again, later each time; what it left behind is killed first. Stopping is graceful
for STOP_S seconds. When this process itself is killed the kernel kills the children.
"""

from __future__ import annotations

import errno
import fcntl
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from fieldservice.config import Settings
from fieldservice.processes import SOCKET_VARIABLE, die_with_parent

STOP_S = 10.0
FIRST_DELAY_S = 0.5
LONGEST_DELAY_S = 30.0
HEAD_START_S = 10.0  # for the web server, so that pages are there first; the others follow when it answers
SETTLED_S = 20.0  # a child that lived this long gets the first delay again
LOG_BYTES = 20_000_000
WELCOME = "welcome.txt"  # what a demo company has to say when the product is ready
URL_MARK = "{url}"  # stands in it for the public address, which the next start may change
TICK_S = 1.0
STARTUP_TICK_S = 0.1

COMMANDS = {
    "web": ["fieldservice.wsgi"],
    "worker": ["fieldservice.worker", "worker"],
    "planner": ["fieldservice.worker", "planner"],
    "beat": ["fieldservice.worker", "beat"],
}


class PortTaken(Exception):
    """Another program listens on the web address."""


class AlreadyRunning(Exception):
    """Another supervisor works on the same data folder."""


@dataclass
class Child:
    """One supervised process and when it may start again."""

    name: str
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    delay: float = FIRST_DELAY_S
    due: float = 0.0


class Supervisor:
    """Runs the children until SIGINT, SIGTERM or SIGHUP."""

    def __init__(self, settings: Settings, *, say: Callable[[str], None], ready: Callable[[], None]) -> None:
        self.settings = settings
        self.say = say
        self.ready = ready
        later = time.monotonic() + HEAD_START_S
        self.children = [Child(name, due=0.0 if name == "web" else later) for name in COMMANDS]
        self.logs = settings.data_dir / "logs"
        self._stopping = False
        self._healthy = False

    def run(self) -> None:
        """Start everything and keep it running; returns once all of it has stopped.

        Raises PortTaken or AlreadyRunning before anything was started.
        """
        self.logs.mkdir(parents=True, exist_ok=True)
        with (
            _only_one(self.settings.data_dir),
            _listen(self.settings) as listener,
            _wakeup(self._stop) as wakeup,
        ):
            try:
                while not self._stopping:
                    self._reap()
                    self._start_due(listener)
                    self._announce()
                    self._trim_logs()
                    select.select([wakeup], [], [], TICK_S if self._healthy else STARTUP_TICK_S)
                    _drain(wakeup)
            finally:
                self._stop_children()

    def _stop(self) -> None:
        self._stopping = True

    def _start_due(self, listener: socket.socket) -> None:
        now = time.monotonic()
        for child in self.children:
            if child.process is None and now >= child.due:
                self._start(child, listener, now)

    def _start(self, child: Child, listener: socket.socket, now: float) -> None:
        with (self.logs / f"{child.name}.log").open("ab") as log:
            child.process = subprocess.Popen(
                [sys.executable, "-m", *COMMANDS[child.name]],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, SOCKET_VARIABLE: str(listener.fileno())},
                pass_fds=[listener.fileno()] if child.name == "web" else [],
                start_new_session=True,  # Ctrl-C is for us alone; its group is what we kill when it dies
                preexec_fn=partial(die_with_parent, os.getpid()),
            )
        child.started = now

    def _reap(self) -> None:
        now = time.monotonic()
        for child in self.children:
            if child.process is not None and _has_ended(child.process):
                _kill_group(child.process)
                code = child.process.wait()
                child.process = None
                if now - child.started > SETTLED_S:
                    child.delay = FIRST_DELAY_S
                child.due = now + child.delay
                self.say(
                    f"{child.name} {_ending(code)}; starting it again in {child.delay:g} s"
                    f" (see {self.logs / child.name}.log)"
                )
                child.delay = min(2 * child.delay, LONGEST_DELAY_S)

    def _announce(self) -> None:
        if not self._healthy and is_healthy(self.settings):
            self._healthy = True
            for child in self.children:
                child.due = min(child.due, time.monotonic())
            self.ready()

    def _trim_logs(self) -> None:
        for child in self.children:
            log = self.logs / f"{child.name}.log"
            if log.exists() and log.stat().st_size > LOG_BYTES:
                # The child appends to the open file, so empty it in place; lines written meanwhile are lost.
                shutil.copyfile(log, log.with_suffix(".log.1"))
                os.truncate(log, 0)

    def _stop_children(self) -> None:
        running = [child.process for child in self.children if child.process is not None]
        for process in running:
            process.terminate()
        deadline = time.monotonic() + STOP_S
        for process in running:
            while not _has_ended(process) and time.monotonic() < deadline:
                time.sleep(0.05)
            _kill_group(process)
            process.wait()


def is_healthy(settings: Settings) -> bool:
    """Whether the web server of these settings answers /healthz with 200."""
    try:
        with urllib.request.urlopen(f"{address(settings)}/healthz", timeout=1) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def address(settings: Settings) -> str:
    """Where a browser on this machine finds the web server."""
    host = settings.host
    if host in ("127.0.0.1", "0.0.0.0", "::", "::1"):
        host = "localhost" if host in ("127.0.0.1", "0.0.0.0") else "[::1]"
    return f"http://{host}:{settings.port}"


def require_free_port(settings: Settings) -> None:
    """Raise PortTaken when the web server could not listen; said before anything long is begun."""
    with _listen(settings):
        return


@contextmanager
def _only_one(data_dir: Path) -> Iterator[None]:
    with (data_dir / "supervisor.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AlreadyRunning(f"the product is already running on the data folder {data_dir}") from error
        yield


@contextmanager
def _listen(settings: Settings) -> Iterator[socket.socket]:
    """Hold the port while the web server restarts: connections wait instead of being refused."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((settings.host, settings.port))
            listener.listen(1024)
        except OSError as error:
            reason = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be used ({error.strerror})"
            raise PortTaken(f"port {settings.port} on {settings.host} {reason}; choose another") from error
        yield listener


@contextmanager
def _wakeup(stop: Callable[[], None]) -> Iterator[socket.socket]:
    """A socket that becomes readable when a signal arrives; those that end a program call `stop`."""
    reader, writer = socket.socketpair()
    with reader, writer:
        reader.settimeout(0)
        writer.settimeout(0)
        before = {number: signal.signal(number, lambda *_: stop()) for number in _STOP_SIGNALS}
        before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: None)
        old = signal.set_wakeup_fd(writer.fileno())
        try:
            yield reader
        finally:
            signal.set_wakeup_fd(old)
            for number, handler in before.items():
                signal.signal(number, handler)


_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def _drain(wakeup: socket.socket) -> None:
    try:
        while wakeup.recv(1024):
            pass
    except BlockingIOError:
        return


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Look without reaping, so that the process group's number cannot be given away before we kill it."""
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _ending(code: int) -> str:
    return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"


def main() -> int:
    """Run the product with the settings of the environment; the exit code."""
    settings = Settings.from_environment()
    welcome = settings.data_dir / WELCOME

    def ready() -> None:
        if welcome.exists():
            _say(welcome.read_text(encoding="utf-8").replace(URL_MARK, settings.public_url).rstrip())
        _say(f"{address(settings)} is ready")

    try:
        Supervisor(settings, say=_say, ready=ready).run()
    except (PortTaken, AlreadyRunning) as error:
        sys.stderr.write(f"fieldservice: {error}\n")
        return 2
    return 0


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
