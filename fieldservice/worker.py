"""The Celery app: its settings, the table of periodic tasks, and the services that a task works with.

`python -m fieldservice.worker worker|planner|beat` runs one process, as the `fieldservice` command does.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from celery import Celery, beat, current_app, signals

from fieldservice import broker, clock, swept
from fieldservice.config import Settings
from fieldservice.processes import die_with_parent

if TYPE_CHECKING:
    from fieldservice.web import Services

TASK_LIMIT = timedelta(minutes=15)
TASK_MODULES = [
    "fieldservice.attachments.tasks",
    "fieldservice.booking.tasks",
    "fieldservice.field.tasks",
    "fieldservice.messages.tasks",
    "fieldservice.planning.tasks",
]
BEAT_SILENCE = timedelta(minutes=1)
PING_S = 5.0
PLANNING_QUEUE = "planning"
QUEUE = "default"


class Periodic(NamedTuple):
    """One line of the timetable; a message that waited longer than `every` is dropped for its successor."""

    task: str
    every: timedelta
    queue: str = QUEUE


TIMETABLE = [
    Periodic("messages.sweep", timedelta(seconds=5)),
    Periodic("messages.digests", timedelta(minutes=10)),
    Periodic("messages.escalate", timedelta(minutes=5)),
    Periodic("messages.read_mail", timedelta(seconds=60)),
    Periodic("planning.run_jobs", timedelta(seconds=2), PLANNING_QUEUE),
    Periodic("planning.tidy", timedelta(seconds=60)),
    Periodic("booking.tidy", timedelta(minutes=10)),
    Periodic("booking.expire_approvals", timedelta(seconds=60)),
    Periodic("booking.offer_gaps", timedelta(seconds=30)),
    Periodic("booking.tell_areas", timedelta(minutes=10)),
    Periodic("field.push", timedelta(seconds=15)),
    Periodic("field.tidy", timedelta(minutes=5)),
    Periodic("attachments.scan", timedelta(seconds=5)),
    Periodic("attachments.sweep", timedelta(hours=1)),
    Periodic("booking.serve_plans", timedelta(minutes=5)),
    Periodic("planning.tell_delays", timedelta(seconds=60)),
    Periodic("planning.replan", timedelta(minutes=10)),
]
_SWEEPS = frozenset(line.task for line in TIMETABLE)

_opening = threading.Lock()  # a pool of threads opens the services once


class Worker(Celery):  # type: ignore[misc]
    """A Celery app whose tasks find their services in `current_app.services`."""

    settings: Settings
    pid: int  # of the process that forks the pool
    _services: tuple[int, Services] | None = None

    @property
    def services(self) -> Services:
        """The services of this process; made anew after a fork, because connections must not cross it."""
        from fieldservice import company  # beat shares this module and needs none of the product
        from fieldservice.app import make_services

        with _opening:
            if self._services is None or self._services[0] != os.getpid():
                self._services = (os.getpid(), make_services(self.settings))
            self._services = (self._services[0], company.as_set_up(self._services[1]))
            return self._services[1]


def make_worker(settings: Settings, task_modules: list[str] = TASK_MODULES) -> Worker:
    """The Celery app of these settings, set as the current one."""
    broker.register()
    app = Worker("fieldservice", include=task_modules)
    app.settings = settings
    app.pid = os.getpid()
    app.conf.update(_configuration(settings))
    app.set_default()
    return app


def _configuration(settings: Settings) -> dict[str, Any]:
    return {
        **_broker(settings),
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "worker_prefetch_multiplier": 1,
        "task_ignore_result": True,
        "task_serializer": "json",
        "accept_content": ["json"],
        "task_time_limit": TASK_LIMIT.seconds,
        "task_soft_time_limit": TASK_LIMIT.seconds - 60,
        "task_default_queue": QUEUE,
        "task_create_missing_queues": True,
        "broker_connection_retry_on_startup": True,
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
        "enable_utc": True,
        "timezone": "UTC",
        "beat_schedule": {
            line.task: {
                "task": line.task,
                "schedule": line.every,
                "options": {"expires": line.every.total_seconds(), "queue": line.queue},
            }
            for line in TIMETABLE
        },
    }


def _broker(settings: Settings) -> dict[str, Any]:
    if settings.broker_url:
        return {
            "broker_url": settings.broker_url,
            "broker_transport_options": {
                "visibility_timeout": 2 * TASK_LIMIT.seconds,
                "unacked_restore_interval": 10,
                "unacked_restore_throttle": 1,
                "socket_timeout": 5,
                "socket_connect_timeout": 2,
            },
        }
    folder = settings.data_dir / "broker"
    return {
        "broker_url": f"{broker.SCHEME}://localhost",
        "broker_transport_options": {"folder": str(folder.resolve())},
        "worker_enable_remote_control": False,  # needs broadcasts, which files do not have
    }


class Beat(beat.Scheduler):  # type: ignore[misc]
    """Keeps the timetable in memory, as the tasks find their work in the tables; shows that it is alive."""

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Send what is due; returns the seconds until the next task."""
        pulse(self.app.settings).touch()
        return float(super().tick(*args, **kwargs))


def pulse(settings: Settings) -> Path:
    """The file that beat touches at every tick."""
    return settings.data_dir / "beat.pulse"


@signals.task_success.connect  # type: ignore[untyped-decorator]
def _remember_sweep(sender: Any, **_: Any) -> None:
    """What `/readyz` and the metrics know of the sweeps."""
    if isinstance(sender.app, Worker) and sender.name in _SWEEPS:
        swept.mark(sender.app.settings.data_dir, sender.name)


@signals.worker_process_init.connect  # type: ignore[untyped-decorator]
def _start_pool_process(**_: Any) -> None:
    die_with_parent(current_app.pid)


def main(arguments: list[str]) -> int:
    """Run `worker`, `planner` (searches for better plans, so that these never delay a message) or `beat`.

    With `--check` the exit code says whether the one on this machine is alive.
    """
    settings = Settings.from_environment()
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    match arguments:
        case ["beat"]:
            make_worker(settings, []).Beat(scheduler_cls=Beat, loglevel="WARNING", quiet=True).run()
        case ["planner"]:
            _compile_the_search()
            make_worker(settings).worker_main(_worker_arguments(PLANNING_QUEUE, processes=1))
        case ["worker"]:
            make_worker(settings).worker_main(_worker_arguments(QUEUE, settings.worker_processes))
        case ["beat", "--check"]:
            return 0 if _beat_is_alive(settings) else _fail("beat has not ticked for a minute")
        case [("worker" | "planner") as name, "--check"]:
            if not settings.broker_url:
                return _fail("the embedded broker carries no questions; the supervisor watches the workers")
            queue = QUEUE if name == "worker" else PLANNING_QUEUE
            return 0 if _worker_is_alive(settings, queue) else _fail(f"the {name} does not answer")
        case _:
            return _fail("one of: worker, planner, beat; each with --check")
    return 0


def _compile_the_search() -> None:
    """Have the machine code of the search on disk before it is needed: half a minute, once on a machine."""
    command = [sys.executable, "-m", "scheduler.engines.warm"]
    subprocess.run(command, preexec_fn=partial(die_with_parent, os.getpid()), check=False)


def _fail(sentence: str) -> int:
    sys.stderr.write(f"fieldservice: {sentence}\n")
    return 2


def _beat_is_alive(settings: Settings) -> bool:
    try:
        touched = datetime.fromtimestamp(pulse(settings).stat().st_mtime, UTC)
    except FileNotFoundError:
        return False
    return clock.now() - touched < BEAT_SILENCE


def _worker_is_alive(settings: Settings, queue: str) -> bool:
    name = f"{queue}@{socket.gethostname()}"
    return bool(make_worker(settings, []).control.ping(destination=[name], timeout=PING_S))


def _worker_arguments(queue: str, processes: int) -> list[str]:
    return [
        "worker",
        "--without-gossip",
        "--without-mingle",
        "--without-heartbeat",
        f"--queues={queue}",
        f"--concurrency={processes}",
        f"--hostname={queue}@%h",
        "--loglevel=WARNING",  # a line for each tick of the timetable would hide the rest
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
