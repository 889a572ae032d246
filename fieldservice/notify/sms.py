"""Ways to deliver text messages to a phone."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from fieldservice.notify.errors import SwitchedOff, Unavailable
from fieldservice.notify.files import file_name, write_whole


@dataclass(frozen=True, kw_only=True)
class Text:
    """A text message to one phone; `key` stays the same however often it is sent."""

    key: str
    recipient: str
    text: str


class SmsGateway(Protocol):
    """Delivers text messages."""

    @property
    def knows_keys(self) -> bool:
        """Whether a text that is sent again under its key reaches nobody twice."""

    @property
    def longest_send(self) -> timedelta:
        """After this time a `send` has returned or raised."""

    def send(self, text: Text) -> None:
        """Return when the text is accepted; raises one of `notify.errors`."""


@dataclass(frozen=True)
class FileSms:
    """Writes each text to a JSON file; sent again, it is the same file."""

    folder: Path
    longest_send: timedelta = timedelta(seconds=10)
    knows_keys: bool = True

    def send(self, text: Text) -> None:
        """Write the file; raises Unavailable when the disk refuses."""
        content = json.dumps(asdict(text), ensure_ascii=False, indent=1) + "\n"
        try:
            write_whole(self.folder / file_name(text.key, ".json"), content.encode())
        except OSError as error:
            raise Unavailable(f"cannot write to {self.folder}: {error.strerror}") from error

    def forget(self, key: str) -> None:
        """Remove the file of a text, if it is still there."""
        (self.folder / file_name(key, ".json")).unlink(missing_ok=True)


@dataclass(frozen=True)
class NoSms:
    """The company sends no text messages."""

    longest_send: timedelta = timedelta(0)
    knows_keys: bool = True

    def send(self, text: Text) -> None:
        """Raise SwitchedOff."""
        raise SwitchedOff("text messages are switched off")
