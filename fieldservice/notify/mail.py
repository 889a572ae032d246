"""One e-mail: what it says, and how that is written down for the wire."""

from __future__ import annotations

import hashlib
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address, BaseHeader, HeaderRegistry
from email.message import EmailMessage
from email.policy import SMTP

from fieldservice.notify.errors import Permanent


@dataclass(frozen=True)
class Invitation:
    """A calendar entry and what the receiver shall do with it (RFC 5546: PUBLISH or CANCEL)."""

    method: str
    content: bytes


@dataclass(frozen=True, kw_only=True)
class Mail:
    """An e-mail to one person; `key` stays the same however often it is sent.

    Raises Permanent when the address of the recipient is none.
    """

    key: str
    sender_name: str
    sender: str
    recipient_name: str
    recipient: str
    written_at: datetime
    subject: str
    text: str
    html: str
    invitation: Invitation | None = None
    reply_to: str = ""
    answers: str = ""  # the Message-ID of the e-mail that this one answers

    def __post_init__(self) -> None:
        local, _, domain = self.recipient.rpartition("@")
        if not local or not domain or one_line(self.recipient) != self.recipient or " " in self.recipient:
            raise Permanent(f"not an e-mail address: {self.recipient!r}")

    @property
    def international(self) -> bool:
        """Whether an address needs a server that knows more than ASCII (RFC 6531)."""
        return not (self.sender.isascii() and self.recipient.isascii())

    @property
    def mail_id(self) -> str:
        """The same for every try, so that a mailbox can drop a duplicate.

        A hash, because EmailMessage cuts an identifier at a colon.
        """
        return hashlib.sha256(self.key.encode()).hexdigest()[:32]

    @property
    def message_id(self) -> str:
        """What the header Message-ID says."""
        return f"<{self.mail_id}@{self.sender.rpartition('@')[2]}>"


class _Headers(HeaderRegistry):
    """Makes the class of a header once, and not thirty of them for each e-mail."""

    def __init__(self) -> None:
        super().__init__()
        self._made: dict[str, type[BaseHeader]] = {}

    def __getitem__(self, name: str) -> type[BaseHeader]:
        key = name.lower()
        if key not in self._made:
            self._made[key] = super().__getitem__(name)
        return self._made[key]


_HEADERS = _Headers()
_POLICIES = {
    international: SMTP.clone(utf8=international, cte_type="7bit", header_factory=_HEADERS)
    for international in (False, True)
}


def compose(mail: Mail) -> EmailMessage:
    """Text, HTML and calendar entry in one message that any server accepts."""
    message = EmailMessage(policy=_POLICIES[mail.international])
    message["From"] = _address(mail.sender_name, mail.sender)
    message["To"] = _address(mail.recipient_name, mail.recipient)
    message["Subject"] = one_line(mail.subject)
    message["Date"] = mail.written_at
    message["Message-ID"] = mail.message_id
    if mail.reply_to:
        message["Reply-To"] = _address(mail.sender_name, mail.reply_to)
    if mail.answers:
        message["In-Reply-To"] = message["References"] = mail.answers
    message["Auto-Submitted"] = "auto-generated"  # asks holiday notes and other robots not to answer
    message.set_content(mail.text)
    message.add_alternative(mail.html, subtype="html")
    if mail.invitation is not None:
        message.add_attachment(
            mail.invitation.content.decode("utf-8"),
            subtype="calendar",
            params={"method": mail.invitation.method},
            filename="visit.ics",
        )
    for number, part in enumerate(part for part in message.walk() if part.is_multipart()):
        part.set_boundary(f"={mail.mail_id}-{number}=")  # else each e-mail is searched for one that is free
    return message


def one_line(text: str) -> str:
    """The text without line ends and other control characters, fit for a header."""
    visible = "".join(" " if unicodedata.category(letter)[0] in "CZ" else letter for letter in text)
    return " ".join(visible.split())


def _address(name: str, address: str) -> Address:
    local, _, domain = address.rpartition("@")
    return Address(one_line(name), local, domain)
