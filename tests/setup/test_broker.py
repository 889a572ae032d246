"""The embedded broker delivers every message once, also when consumers are killed and files are damaged."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from queue import Empty

import pytest
from kombu import Connection

from fieldservice import broker
from tests.services import wait_until

TAKER = """
import sys, time
from kombu import Connection
from fieldservice import broker
broker.register()
connection = Connection("folder://localhost", transport_options={"folder": sys.argv[1]})
message = connection.SimpleQueue("work").get(timeout=10)
print(message.payload, flush=True)
time.sleep(60)
"""


@pytest.fixture
def folder(tmp_path):
    """Where the messages lie."""
    return tmp_path / "broker"


@pytest.fixture
def connect(folder):
    """Makes connections, each with channels of its own, and closes them afterwards."""
    broker.register()
    opened = []

    def make():
        connection = Connection("folder://localhost", transport_options={"folder": str(folder)})
        opened.append(connection)
        return connection

    yield make
    for connection in opened:
        connection.release()


@pytest.fixture(autouse=True)
def reclaim_at_once(monkeypatch):
    """Look for dead consumers at every poll instead of every five seconds."""
    monkeypatch.setattr(broker, "RECLAIM_S", 0.0)


def _waiting(folder: Path) -> list[Path]:
    return sorted((folder / "queue" / "work").iterdir())


def _taken(folder: Path) -> list[Path]:
    return sorted((folder / "inflight").glob("*/*@*"))


def test_messages_come_in_the_order_in_which_they_were_sent(connect):
    """First in, first out."""
    sender, receiver = connect().SimpleQueue("work"), connect().SimpleQueue("work")
    for number in range(20):
        sender.put(number)
    received = []
    for _ in range(20):
        message = receiver.get(timeout=5)
        message.ack()
        received.append(message.payload)
    assert received == list(range(20))


def test_an_acknowledged_message_is_gone(connect, folder):
    """Nothing grows: neither the queue nor the consumer's folder keeps a file."""
    queue = connect().SimpleQueue("work")
    queue.put("a")
    message = queue.get(timeout=5)
    assert (len(_waiting(folder)), len(_taken(folder))) == (0, 1)
    message.ack()
    assert (len(_waiting(folder)), len(_taken(folder))) == (0, 0)


def test_a_requeued_message_comes_again(connect, folder):
    """A consumer may give a message back; it is delivered once more."""
    queue = connect().SimpleQueue("work")
    queue.put("a")
    queue.get(timeout=5).requeue()
    again = queue.get(timeout=5)
    again.ack()
    assert again.payload == "a"
    assert _waiting(folder) == _taken(folder) == []


def test_a_rejected_message_is_gone(connect, folder):
    """A consumer may refuse a message for good."""
    queue = connect().SimpleQueue("work")
    queue.put("a")
    queue.get(timeout=5).reject()
    assert _waiting(folder) == _taken(folder) == []


def test_a_consumer_that_leaves_gives_back_what_it_did_not_acknowledge(connect, folder):
    """Closing the connection puts the message back."""
    connection = connect()
    queue = connection.SimpleQueue("work")
    queue.put("a")
    queue.get(timeout=5)
    connection.release()
    assert (len(_waiting(folder)), len(_taken(folder))) == (1, 0)


@pytest.mark.chaos
def test_the_message_of_a_killed_consumer_comes_again(connect, folder):
    """A consumer killed with -9 loses nothing; while it lives nobody else gets its message."""
    queue = connect().SimpleQueue("work")
    queue.put("a")
    with subprocess.Popen(
        [sys.executable, "-c", TAKER, str(folder)], stdout=subprocess.PIPE, text=True
    ) as taker:
        assert taker.stdout
        assert taker.stdout.readline().strip() == "a"
        with pytest.raises(Empty):
            queue.get(timeout=1)
        os.kill(taker.pid, signal.SIGKILL)
    message = queue.get(timeout=10)
    message.ack()
    assert message.payload == "a"
    assert _waiting(folder) == _taken(folder) == []
    assert {owner.name for owner in (folder / "inflight").iterdir()} <= broker._owned


def test_a_damaged_file_is_dropped_and_the_next_message_delivered(connect, folder):
    """Half a file, as a power cut leaves it, stops nobody."""
    queue = connect().SimpleQueue("work")
    queue.put("lost")
    _waiting(folder)[0].write_text('{"body": ', encoding="utf-8")
    queue.put("whole")
    message = queue.get(timeout=5)
    message.ack()
    assert message.payload == "whole"
    assert _waiting(folder) == _taken(folder) == []


def test_two_consumers_share_a_queue_without_a_duplicate(connect):
    """Each message goes to exactly one of them."""
    sender = connect().SimpleQueue("work")
    for number in range(60):
        sender.put(number)
    consumers = [connect().SimpleQueue("work") for _ in range(2)]
    received = []

    def take():
        for consumer in consumers:
            try:
                message = consumer.get(block=False)
            except Empty:
                continue
            message.ack()
            received.append(message.payload)
        return len(received) >= 60

    wait_until(take, "sixty messages")
    assert sorted(received) == list(range(60))


def test_a_message_is_written_before_it_is_seen(connect, folder):
    """What stands in the queue is always whole: it is written elsewhere and moved."""
    connect().SimpleQueue("work").put({"n": 1})
    (message,) = _waiting(folder)
    assert json.loads(message.read_text(encoding="utf-8"))["properties"]["delivery_tag"] in message.name
    assert list((folder / "new").iterdir()) == []
