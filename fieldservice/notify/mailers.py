"""Ways to deliver e-mail: files in a folder, or an SMTP server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from fieldservice.notify.errors import Unavailable
from fieldservice.notify.files import file_name, write_whole
from fieldservice.notify.mail import Mail, compose


class Post(Protocol):
    """An open way to hand over several e-mails one after another."""

    def send(self, mail: Mail) -> None:
        """Return when the e-mail is accepted; raises one of `notify.errors`."""


class Mailer(Protocol):
    """Delivers e-mail."""

    @property
    def longest_send(self) -> timedelta:
        """After this time a `send` has returned or raised."""

    def open(self) -> AbstractContextManager[Post]:
        """A way to send that is closed at the end of the block; the first e-mail connects it."""


@dataclass(frozen=True)
class FileMailer:
    """Writes each e-mail to a file; sent again, it is the same file."""

    folder: Path
    longest_send: timedelta = timedelta(seconds=10)

    @contextmanager
    def open(self) -> Iterator[FileMailer]:
        """This mailer: there is nothing to connect."""
        yield self

    def send(self, mail: Mail) -> None:
        """Write the file; raises Unavailable when the disk refuses."""
        try:
            write_whole(self.folder / file_name(mail.key, ".eml"), compose(mail).as_bytes())
        except OSError as error:
            raise Unavailable(f"cannot write to {self.folder}: {error.strerror}") from error

    def forget(self, key: str) -> None:
        """Remove the file of an e-mail, if it is still there."""
        (self.folder / file_name(key, ".eml")).unlink(missing_ok=True)
