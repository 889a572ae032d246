"""The supervisor keeps the product running, and takes all of it down with itself."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import contextmanager, suppress

import psutil
import pytest

from fieldservice import supervisor
from fieldservice.config import Settings
from tests.known_misses import missed
from tests.running import environment
from tests.services import free_port, wait_until

pytestmark = pytest.mark.chaos

CHILDREN = ("fieldservice.wsgi", "worker worker", "worker planner", "worker beat")
START_S = 60
SECOND_START_S = 5


class Product:
    """`fieldservice run` as a process, with what it printed."""

    def __init__(self, settings):
        self.settings = settings
        self.output = settings.data_dir.parent / "output.txt"
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "fieldservice.cli", "run"],
                env=environment(settings),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self.seen = set()

    def printed(self):
        """Everything so far."""
        return self.output.read_text(encoding="utf-8")

    def family(self):
        """Every process below the supervisor; remembered, so that survivors are found later."""
        with suppress(psutil.NoSuchProcess):
            self.seen.update(psutil.Process(self.process.pid).children(recursive=True))
        return [process for process in self.seen if process.is_running() and process.status() != "zombie"]

    def child(self, name):
        """The supervised process whose command ends with `name`; None while there is none."""
        for process in self.family():
            with suppress(psutil.NoSuchProcess):
                if process.ppid() == self.process.pid and " ".join(process.cmdline()).endswith(name):
                    return process
        return None

    def wait_until_complete(self):
        """Until pages are served and both workers have their pools."""
        wait_until(lambda: "is ready" in self.printed(), self.printed(), START_S)
        for name in CHILDREN:
            wait_until(lambda name=name: self.child(name), name, START_S)
        for name in CHILDREN[:3]:
            wait_until(lambda name=name: self.child(name).children(), f"processes of {name}", START_S)
        self.family()


@contextmanager
def _running(settings):
    product = Product(settings)
    try:
        wait_until(
            lambda: "is ready" in product.printed() or product.process.poll() is not None, "ready", START_S
        )
        assert product.process.poll() is None, product.printed()
        yield product
    finally:
        if product.process.poll() is None:
            product.process.kill()
            product.process.wait()
        for process in product.family():
            with suppress(psutil.NoSuchProcess):
                process.kill()


@pytest.fixture
def settings(tmp_path):
    """The embedded default on a free port, as light as it gets."""
    (tmp_path / "data").mkdir()
    return Settings(
        data_dir=tmp_path / "data", port=free_port(), web_workers=2, worker_processes=1, map_tiles="none"
    )


@pytest.fixture
def product(settings):
    """The whole product, running."""
    with _running(settings) as product:
        product.wait_until_complete()
        yield product


def test_a_killed_child_comes_back_and_no_request_is_refused(product):
    """`kill -9` of web, worker, planner and beat: each is replaced, its forks die, nobody is refused."""
    refused, stop = [], threading.Event()

    def ask():
        while not stop.is_set():
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{product.settings.port}/healthz", timeout=60):
                    pass
            except ConnectionRefusedError as error:
                refused.append(error)
            except OSError:  # the request that the killed process was just answering
                pass
            time.sleep(0.05)

    visitor = threading.Thread(target=ask)
    visitor.start()
    try:
        for name in CHILDREN:
            old = product.child(name)
            orphans = old.children(recursive=True)
            old.kill()
            new = wait_until(
                lambda name=name, old=old: (found := product.child(name)) and found.pid != old.pid and found,
                f"another {name}",
            )
            assert new.pid != old.pid
            psutil.wait_procs(orphans, timeout=5)
            assert [orphan for orphan in orphans if orphan.is_running()] == []
        wait_until(lambda: supervisor.is_healthy(product.settings), "pages", START_S)
    finally:
        stop.set()
        visitor.join()
    assert refused == []
    assert product.printed().count("was killed by SIGKILL; starting it again in 0.5 s") == len(CHILDREN)


def test_nothing_survives_a_killed_supervisor(product):
    """`kill -9` of the supervisor: after two seconds no child or grandchild is left, the port is free."""
    family = product.family()
    assert len(family) >= 8  # four children, two web processes, two pools
    product.process.kill()
    product.process.wait()
    psutil.wait_procs(family, timeout=2)
    assert product.family() == []
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", product.settings.port))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_everything_within_the_limit(product, number):
    """Ctrl-C and SIGTERM end all of it in ten seconds, gracefully, with exit code 0."""
    family = product.family()
    asked = time.monotonic()
    product.process.send_signal(number)
    assert product.process.wait(timeout=supervisor.STOP_S + 2) == 0
    assert time.monotonic() - asked < supervisor.STOP_S + 1
    assert [process for process in family if process.is_running()] == []
    assert "Traceback" not in product.printed()


def test_a_second_start_keeps_the_data_and_takes_little_time(settings):
    """Database and secret are kept; `ready` comes within 5 s on a machine that has a processor to spare."""
    with _running(settings):
        secret = (settings.data_dir / "secret.key").read_bytes()
        database = (settings.data_dir / "fieldservice.db").stat().st_ino
    busy = psutil.cpu_percent(interval=1) > 100 * (1 - 1 / (os.cpu_count() or 1))
    asked = time.monotonic()
    with _running(settings):
        took = time.monotonic() - asked
    assert (settings.data_dir / "secret.key").read_bytes() == secret
    assert (settings.data_dir / "fieldservice.db").stat().st_ino == database
    assert took < START_S
    missed(busy or took < SECOND_START_S, f"ready after {took:.1f} s, asked for are {SECOND_START_S} s")


def test_a_taken_port_is_said_before_anything_starts(settings, tmp_path):
    """One sentence with the port, exit code 2, and nothing was written."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", settings.port))
        other.listen()
        product = Product(settings)
        assert product.process.wait(timeout=START_S) == 2
    said = product.printed()
    assert said == f"fieldservice: port {settings.port} on 127.0.0.1 is in use; choose another\n"
    assert list(settings.data_dir.iterdir()) == []


def test_a_data_folder_has_one_supervisor(settings):
    """A second start on the same folder says so and leaves the first alone."""
    with _running(settings) as product:
        second = subprocess.run(
            [sys.executable, "-m", "fieldservice.cli", "run"],
            env=environment(settings) | {"FIELDSERVICE_PORT": str(free_port())},
            capture_output=True,
            text=True,
            timeout=START_S,
        )
        assert second.returncode == 2
        assert second.stderr == (
            f"fieldservice: the product is already running on the data folder {settings.data_dir}\n"
        )
        assert supervisor.is_healthy(product.settings)


def test_a_child_that_cannot_start_is_tried_again_ever_later(settings, monkeypatch):
    """A broken child does not keep the processor busy: the pauses double, and the other children run on."""
    monkeypatch.setitem(supervisor.COMMANDS, "planner", ["fieldservice.no_such_module"])
    said, done = [], threading.Event()

    def say(text):
        said.append(text)
        if len(said) == 3:
            os.kill(os.getpid(), signal.SIGHUP)  # as a terminal does that is closed
            done.set()

    running = supervisor.Supervisor(settings, say=say, ready=lambda: None)
    for child in running.children:
        child.due = 0.0
    running.run()
    assert done.is_set()
    pauses = [text.split("again in ")[1].split(" s")[0] for text in said if text.startswith("planner")]
    assert pauses == ["0.5", "1", "2"]


def test_a_long_log_is_cut(settings, monkeypatch):
    """A log over the limit is copied and emptied in place, while the child goes on writing to it."""
    monkeypatch.setattr(supervisor, "LOG_BYTES", 100)
    running = supervisor.Supervisor(settings, say=print, ready=lambda: None)
    running.logs.mkdir()
    log = running.logs / "web.log"
    with log.open("ab", buffering=0) as child:
        child.write(b"x" * 200)
        running._trim_logs()
        child.write(b"after")
    assert log.read_bytes() == b"after"
    assert log.with_suffix(".log.1").read_bytes() == b"x" * 200
