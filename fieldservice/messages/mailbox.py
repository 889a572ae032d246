"""Reads the mailbox that customers answer to, over IMAP. It marks what it has read and deletes nothing."""

from __future__ import annotations

import imaplib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from urllib.parse import unquote, urlsplit

import structlog
from imap_tools import AND, BaseMailBox, MailBox, MailBoxUnencrypted
from imap_tools.errors import ImapToolsError

from fieldservice.config import SettingError

MARK = "fieldservice"
"""The keyword of e-mails that were taken in. A person who reads the mailbox as well sets other flags."""
AT_MOST = 50
TIMEOUT_S = 20
_LOOK_BACK = timedelta(days=30)

log = structlog.get_logger()


class MailboxDown(Exception):
    """The server does not answer, or lets nobody in; the text says why and holds no password."""


@dataclass(frozen=True)
class Mailbox:
    """A folder on an IMAP server."""

    host: str
    port: int
    user: str
    password: str
    folder: str
    encrypted: bool

    @classmethod
    def from_url(cls, url: str) -> Mailbox:
        """Read `imaps://user:password@host:port/INBOX`; raises SettingError."""
        parts = urlsplit(url)
        if parts.scheme not in ("imap", "imaps") or not parts.hostname or not parts.username:
            raise SettingError("FIELDSERVICE_IMAP_URL is not imaps://user:password@host:port/INBOX")
        encrypted = parts.scheme == "imaps"
        return cls(
            host=parts.hostname,
            port=parts.port or (993 if encrypted else 143),
            user=unquote(parts.username),
            password=unquote(parts.password or ""),
            folder=unquote(parts.path.strip("/")) or "INBOX",
            encrypted=encrypted,
        )

    def read(self, take: Callable[[bytes], object], *, today: date, largest: int) -> int:
        """Hand over what is new, oldest first, up to 50; returns how many. Raises MailboxDown.

        An e-mail is marked after `take` has returned, so that some may be handed over twice. Where `take`
        fails, the others come all the same, and its first error is raised after them. Of a large one the
        first `largest` bytes are handed over.
        """
        count, first = 0, None
        with self._open() as box:
            new = AND(no_keyword=MARK, date_gte=today - _LOOK_BACK)
            for uid in box.uids(new)[:AT_MOST]:
                raw = _fetch(box, uid, largest)
                try:
                    take(raw)
                except Exception as error:
                    log.exception("e-mail not taken in", uid=uid)
                    first = first or error
                    continue
                box.flag(uid, MARK, value=True)
                count += 1
        if first is not None:
            raise first
        return count

    @contextmanager
    def _open(self) -> Iterator[BaseMailBox]:
        kind = MailBox if self.encrypted else MailBoxUnencrypted
        try:
            box = kind(self.host, self.port, timeout=TIMEOUT_S)
            try:
                box.login(self.user, self.password, self.folder)
                _require_keywords(box)
                yield box
            finally:
                box.client.shutdown()  # a refused login leaves the connection open otherwise
        except (OSError, imaplib.IMAP4.error, ImapToolsError) as error:
            raise MailboxDown(f"{self.host}: {type(error).__name__}") from error


def _require_keywords(box: BaseMailBox) -> None:
    """Without keywords the same e-mails would be new each time, and later ones never be reached."""
    kept = str(box.client.untagged_responses.get("PERMANENTFLAGS", ""))
    if kept and "\\*" not in kept and MARK not in kept:
        raise MailboxDown("the server keeps no keywords")


def _fetch(box: BaseMailBox, uid: str, largest: int) -> bytes:
    """The first bytes as they came, without a flag being set. Raises MailboxDown."""
    status, found = box.client.uid("FETCH", uid, f"(BODY.PEEK[]<0.{largest}>)")
    for part in found or ():
        if status == "OK" and isinstance(part, tuple):
            return bytes(part[1])
    raise MailboxDown(f"an e-mail cannot be read: {status}")
