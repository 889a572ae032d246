"""The Celery app: its timetable, its settings, and its behaviour on a real Redis."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
from dataclasses import replace
from datetime import timedelta

import pytest
import redis

from fieldservice import worker
from fieldservice.config import Settings
from tests.running import environment
from tests.services import redis_url, wait_until

SLOW = """
import sys, time
from pathlib import Path
from celery import shared_task
from fieldservice import worker
from fieldservice.config import Settings

@shared_task(name="test.slow")
def slow(number):
    (Path(sys.argv[1]) / f"began-{number}").touch()
    time.sleep(1)
    with (Path(sys.argv[1]) / f"done-{number}").open("a") as done:
        done.write("x")

if __name__ == "__main__":
    app = worker.make_worker(Settings.from_environment(), [])
    app.conf.broker_transport_options |= {"visibility_timeout": 3, "unacked_restore_interval": 1}
    if sys.argv[2] == "send":
        for number in range(8):
            slow.apply_async((number,))
    else:
        app.worker_main(worker._worker_arguments(worker.QUEUE, processes=2))
"""


@pytest.fixture
def settings(tmp_path):
    """Settings on the embedded broker, without a database: no test here touches rows."""
    return Settings(data_dir=tmp_path)


@pytest.fixture
def app(settings):
    """The Celery app with the product's tasks."""
    app = worker.make_worker(settings)
    app.loader.import_default_modules()
    return app


def test_every_task_of_the_timetable_exists(app):
    """A line of the timetable names a task that a worker knows, and every task has its line."""
    ours = {name for name in app.tasks if not name.startswith("celery.")}
    assert {line.task for line in worker.TIMETABLE} == {name for name in ours if not name.startswith("test.")}


def test_ticks_expire_before_their_successors_pile_up(app):
    """A worker that was away does not do each missed tick: what waited longer than a period is dropped."""
    for line in worker.TIMETABLE:
        entry = app.conf.beat_schedule[line.task]
        assert entry["schedule"] == line.every
        assert timedelta(seconds=entry["options"]["expires"]) == line.every


def test_searches_have_a_queue_of_their_own():
    """Only the planner reads the queue of the searches, so a message never waits for one."""
    queues = {line.task: line.queue for line in worker.TIMETABLE}
    assert queues["planning.run_jobs"] == worker.PLANNING_QUEUE
    assert queues["messages.sweep"] == worker.QUEUE
    assert f"--queues={worker.QUEUE}" in worker._worker_arguments(worker.QUEUE, processes=2)


def test_a_killed_worker_gives_its_task_back(app):
    """Tasks are acknowledged when done, one at a time, and put back when their process dies."""
    assert (app.conf.task_acks_late, app.conf.task_reject_on_worker_lost) == (True, True)
    assert app.conf.worker_prefetch_multiplier == 1


def test_redis_waits_longer_than_the_longest_task(settings):
    """Redis gives a message to the next worker only after the first must have been stopped."""
    app = worker.make_worker(replace(settings, broker_url="redis://127.0.0.1:1/0"), [])
    assert app.conf.broker_transport_options["visibility_timeout"] > app.conf.task_time_limit
    assert app.conf.task_soft_time_limit < app.conf.task_time_limit


def test_services_are_made_once_and_again_after_a_fork(settings, tmp_path):
    """A connection never crosses a fork: the child makes services of its own."""
    app = worker.make_worker(replace(settings, database_url=f"sqlite:///{tmp_path / 'x.db'}"), [])
    first = app.services
    assert app.services is first
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(write, b"new" if app.services is not first else b"old")
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(read, 3) == b"new"
    first.db.dispose()


@pytest.mark.parametrize("name", ["worker", "planner", "beat"])
def test_a_check_without_the_process_fails_with_a_sentence(settings, name):
    """`--check` on a machine where nothing runs is one sentence and exit code 2."""
    checked = subprocess.run(
        [sys.executable, "-m", "fieldservice.worker", name, "--check"],
        env=environment(settings),
        capture_output=True,
        text=True,
    )
    assert checked.returncode == 2
    assert len(checked.stderr.splitlines()) == 1


@pytest.mark.chaos
@pytest.mark.parametrize("kind", ["embedded", "redis"])
def test_no_task_is_lost_when_the_worker_is_killed(settings, tmp_path, kind):
    """Eight tasks, `kill -9` of the whole worker in the middle, a new worker: all eight get done."""
    if kind == "redis":
        redis.Redis.from_url(redis_url()).flushdb()
        settings = replace(settings, broker_url=redis_url())
    script, results = tmp_path / "slow.py", tmp_path / "results"
    script.write_text(textwrap.dedent(SLOW))
    results.mkdir()

    def start(mode):
        with (tmp_path / "worker.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, script, results, mode],
                env=environment(settings),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    assert start("send").wait() == 0
    first = start("work")
    wait_until(lambda: list(results.glob("done-*")), "the first tasks", 60)
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    second = start("work")
    try:
        wait_until(lambda: len(list(results.glob("done-*"))) == 8, "all tasks", 60)
    finally:
        os.killpg(second.pid, signal.SIGKILL)
        second.wait()


def test_importing_the_web_server_does_not_import_or_tools():
    """OR-Tools would hold the lock of the interpreter and two seconds of start-up; only workers load it."""
    code = "import sys, fieldservice.wsgi; print('ortools' in sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert loaded.strip() == "False"


def test_threads_share_the_services_of_their_process(settings, tmp_path):
    """Two threads that ask at the same time get the same services, so the process has one pool."""
    app = worker.make_worker(replace(settings, database_url=f"sqlite:///{tmp_path / 'x.db'}"), [])
    together, found = threading.Barrier(2), []

    def ask():
        together.wait()
        found.append(app.services)

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found[0] is found[1]
    found[0].db.dispose()
