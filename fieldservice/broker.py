"""The embedded broker: a Celery transport that keeps messages as files and survives `kill -9`.

A message is written beside the queue and renamed into it, so nobody reads half of one. A consumer renames it
into its own `inflight` folder and removes it on acknowledgement. Every consumer holds a POSIX lock on its
folder: when the lock is free the owner is dead and its messages go back to the queue. A message is only a
hint, the tables are the truth; so files are not synced to the disk.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import time
import uuid
from collections import deque
from pathlib import Path
from queue import Empty
from typing import IO, Any

from kombu.transport import TRANSPORT_ALIASES, virtual

SCHEME = "folder"
POLL_S = 0.2
RECLAIM_S = 5.0

log = logging.getLogger(__name__)
_owned: set[str] = set()  # POSIX locks belong to the process: it must never try the ones it holds


class QoS(virtual.QoS):
    """Removes a message's file when it is acknowledged and puts it back when it is rejected."""

    channel: Channel

    def ack(self, delivery_tag: str) -> None:
        """Forget the message for good."""
        self.channel.inflight.finish(delivery_tag)
        super().ack(delivery_tag)  # type: ignore[no-untyped-call]

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:  # noqa: FBT001, FBT002 - kombu's signature
        """Give the message back, or forget it."""
        super().reject(delivery_tag, requeue=requeue)  # type: ignore[no-untyped-call]
        if not requeue:
            self.channel.inflight.finish(delivery_tag)


class Channel(virtual.Channel):
    """Queues as folders of one file per message."""

    QoS = QoS

    def __init__(self, connection: Any, **kwargs: Any) -> None:
        super().__init__(connection, **kwargs)  # type: ignore[no-untyped-call]
        root = Path(connection.client.transport_options["folder"])
        self.queues = root / "queue"
        self.inflight = Inflight(root / "inflight", self.queues)
        self.incoming = root / "new"
        for folder in (self.queues, self.incoming):
            folder.mkdir(parents=True, exist_ok=True)
        self.listed: dict[str, deque[str]] = {}

    def _put(self, queue: str, message: dict[str, Any], **_: Any) -> None:
        # The clock only orders the files; nobody computes with it.
        name = f"{time.time_ns():020d}-{message['properties']['delivery_tag']}"
        written = self.incoming / name
        written.write_text(json.dumps(message), encoding="utf-8")
        written.rename(self._folder(queue) / name)

    def _get(self, queue: str, timeout: float | None = None) -> Any:
        self.inflight.reclaim()
        folder = self._folder(queue)
        names = self.listed.setdefault(queue, deque())
        if not names:
            names.extend(sorted(os.listdir(folder)))
        while names:
            message = self.inflight.take(folder / names.popleft())
            if message is not None:
                return message
        raise Empty

    def _restore(self, message: Any) -> None:
        self.inflight.give_back(message.delivery_tag)

    def _size(self, queue: str) -> int:
        return len(os.listdir(self._folder(queue)))

    def _purge(self, queue: str) -> int:
        names = os.listdir(self._folder(queue))
        for name in names:
            (self._folder(queue) / name).unlink(missing_ok=True)
        return len(names)

    def _new_queue(self, queue: str, **_: Any) -> None:
        self._folder(queue)

    def _folder(self, queue: str) -> Path:
        folder = self.queues / queue
        folder.mkdir(exist_ok=True)
        return folder

    def close(self) -> None:
        """Put unacknowledged messages back and let go of the folder."""
        super().close()  # type: ignore[no-untyped-call]
        self.inflight.close()


class Inflight:
    """The messages that one channel has taken and not yet acknowledged."""

    def __init__(self, root: Path, queues: Path) -> None:
        self.root = root
        self.queues = queues
        self.root.mkdir(parents=True, exist_ok=True)
        self._lock: IO[bytes] | None = None
        self._folder: Path | None = None
        self._pid = 0
        self._files: dict[str, Path] = {}
        self._reclaimed = -RECLAIM_S

    def take(self, path: Path) -> Any:
        """Move one message here and return it; None when another consumer was faster or it is damaged."""
        mine = self._own() / f"{path.parent.name}@{path.name}"
        try:
            path.rename(mine)
            message = json.loads(mine.read_text(encoding="utf-8"))
            self._files[message["properties"]["delivery_tag"]] = mine
        except FileNotFoundError:
            return None
        except (ValueError, KeyError):
            log.warning("dropped a damaged message: %s", mine.name)
            mine.unlink(missing_ok=True)
            return None
        return message

    def finish(self, delivery_tag: str) -> None:
        """Remove an acknowledged message."""
        if path := self._files.pop(delivery_tag, None):
            path.unlink(missing_ok=True)

    def give_back(self, delivery_tag: str) -> None:
        """Return one message to its queue."""
        if path := self._files.pop(delivery_tag, None):
            self._requeue(path)

    def reclaim(self) -> None:
        """Return the messages of dead consumers to their queues, at most every RECLAIM_S seconds."""
        if time.monotonic() - self._reclaimed < RECLAIM_S:
            return
        self._reclaimed = time.monotonic()
        for folder in self.root.iterdir():
            if folder.name not in _owned and not folder.name.startswith("."):
                self._reclaim(folder)

    def close(self) -> None:
        """Release the folder; what is still in it goes back to the queues."""
        if self._folder is None or self._lock is None or self._pid != os.getpid():
            return  # a forked child only has a copy
        for path in self._files.values():
            self._requeue(path)
        self._files.clear()
        _remove(self._folder)
        self._lock.close()
        _owned.discard(self._folder.name)
        self._folder = self._lock = None

    def _own(self) -> Path:
        if self._folder is None:
            name = uuid.uuid4().hex
            _owned.add(name)
            hidden = self.root / f".{name}"
            hidden.mkdir()
            self._lock = (hidden / "lock").open("wb")
            self._pid = os.getpid()
            fcntl.lockf(self._lock, fcntl.LOCK_EX)
            self._folder = hidden.rename(self.root / name)  # seen by others only once it is locked
        return self._folder

    def _reclaim(self, folder: Path) -> None:
        try:
            with (folder / "lock").open("r+b") as lock:
                fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                for path in folder.glob("*@*"):
                    self._requeue(path)
                _remove(folder)
        except (BlockingIOError, FileNotFoundError):
            return

    def _requeue(self, path: Path) -> None:
        queue, name = path.name.split("@", 1)
        path.rename(self.queues / queue / name)


def _remove(folder: Path) -> None:
    (folder / "lock").unlink(missing_ok=True)
    folder.rmdir()


class Transport(virtual.Transport):
    """`folder://` with `broker_transport_options={"folder": …}`; polls, so it needs no server."""

    Channel = Channel
    driver_type = driver_name = SCHEME
    polling_interval = POLL_S
    # With an event loop the pool's processes are forked by the main thread, as with a real broker.
    implements = virtual.Transport.implements.extend(asynchronous=True)

    def driver_version(self) -> str:
        """Nothing is connected to, so there is no version."""
        return "1"

    def register_with_event_loop(self, connection: Any, loop: Any) -> None:
        """Look for messages as long as the worker's loop runs."""
        loop.call_repeatedly(POLL_S, self._deliver_waiting)

    def _deliver_waiting(self) -> None:
        # Channel by channel: a fair cycle raises Empty as soon as one of them has nothing.
        for channel in list(self.channels):
            try:
                while True:
                    channel.drain_events(callback=self._deliver)
            except Empty:
                continue


def register() -> None:
    """Teach kombu the scheme."""
    TRANSPORT_ALIASES[SCHEME] = "fieldservice.broker:Transport"
