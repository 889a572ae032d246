"""What somebody's e-mail says: the words, the files, and whether a person wrote it at all.

E-mails are what anybody on the Internet may send. Nothing in one can make `read` fail: what cannot be read is
left out. Of HTML only the text is taken.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from email.policy import compat32
from email.utils import getaddresses, parseaddr
from enum import StrEnum

from bs4 import BeautifulSoup
from mailparser_reply import EmailReplyParser

from fieldservice.notify.headers import decoded, inner_parts, payload_text

LONGEST_TEXT = 20_000
MOST_PARTS = 200
MOST_FILES = 5
LONGEST_ID = 120
_REASONS = ("Status", "Diagnostic-Code", "Feedback-Type")
_LANGUAGES = ["en", "nl", "da", "pl", "de"]
_MESSAGE_ID = re.compile(r"<[^<>\s]{1,500}>")
_ROBOTS = re.compile(r"^(mailer-daemon|postmaster|no-?reply|do-?not-?reply|bounces?)([+@-]|$)", re.I)
_ANNOUNCES = re.compile(r"@.*:$")  # "On Monday Rosa <rosa@example.com> wrote:", in whichever language
_BULK = frozenset({"bulk", "junk", "list", "auto_reply"})


class Nature(StrEnum):
    """What kind of e-mail it is."""

    PERSONAL = "personal"
    AUTOMATIC = "automatic"  # an absence note, a newsletter, our own mail that came back
    BOUNCE = "bounce"  # a server could not deliver what we sent, for good
    COMPLAINT = "complaint"  # somebody marked what we sent as unwanted (RFC 5965)


@dataclass(frozen=True)
class File:
    """A file that came with an e-mail, and what it was called there."""

    name: str
    content: bytes


@dataclass(frozen=True, kw_only=True)
class Received:
    """An e-mail that came in.

    `key` names it, however often it comes. `text` is what was written now, `folded` the rest: quotes and a
    signature. `answers` are the Message-IDs that it is an answer to or a report about, the nearest first.
    `failed` is the address that a bounce or a complaint is about.
    """

    key: str
    nature: Nature
    sender: str
    recipients: tuple[str, ...]
    subject: str
    text: str
    folded: str = ""
    answers: tuple[str, ...] = ()
    files: tuple[File, ...] = field(default=(), repr=False)
    failed: str = ""
    why: str = ""


def read(raw: bytes, *, own: str = "") -> Received:
    """Read an e-mail as it came over the wire; `own` is the address that we send from."""
    # compat32 parses lazily and never judges a header: the modern policy raises on hostile ones.
    message = message_from_bytes(raw, policy=compat32)
    parts = list(_parts(message))
    nature, report = _nature(message, parts, own)
    body = _body(parts)
    text, folded = _fold(body)
    return Received(
        key=_key(message, raw),
        nature=nature,
        sender=parseaddr(decoded(message["From"]))[1].lower()[:254],
        recipients=tuple(_recipients(message)),
        subject=decoded(message["Subject"])[:500],
        text=text,
        folded=folded,
        answers=tuple(_answers(message, report, parts)),
        files=tuple(_files(parts))[:MOST_FILES],
        failed=_failed(report, parts),
        why=" ".join(filter(None, (_field(report, name) for name in _REASONS))),
    )


def _parts(message: Message) -> Iterator[Message]:
    """The leaves, to a depth and a number that nobody needs more of; an attached e-mail is one leaf."""
    waiting, seen = [message], 0
    while waiting and seen < MOST_PARTS:
        part, seen = waiting.pop(0), seen + 1
        inner = inner_parts(part)
        if part.get_content_maintype() == "multipart" and inner:
            waiting[:0] = [each for each in inner if isinstance(each, Message)]
        else:
            yield part


def _nature(message: Message, parts: list[Message], own: str) -> tuple[Nature, dict[str, str]]:
    kinds = {part.get_content_type(): part for part in parts}
    if (part := kinds.get("message/feedback-report")) is not None:
        return Nature.COMPLAINT, _report(part)
    if (part := kinds.get("message/delivery-status")) is not None:
        report = _report(part)
        failed = report.get("action", "").lower() == "failed" and report.get("status", "5").startswith("5")
        return (Nature.BOUNCE if failed else Nature.AUTOMATIC), report
    sender = parseaddr(decoded(message["From"]))[1].lower()
    automatic = decoded(message["Auto-Submitted"]).partition(";")[0].strip().lower() not in ("", "no")
    bulk = decoded(message["Precedence"]).strip().lower() in _BULK or message["List-Id"] is not None
    no_return = decoded(message["Return-Path"]).strip() == "<>"
    if automatic or bulk or no_return or _ROBOTS.match(sender) or not sender or sender == own.lower():
        return Nature.AUTOMATIC, {}
    return Nature.PERSONAL, {}


def _report(part: Message) -> dict[str, str]:
    """The fields of all paragraphs of a report (RFC 3464, RFC 5965); the first of a name counts."""
    blocks = inner_parts(part) or [message_from_bytes(payload_text(part).encode())]
    found: dict[str, str] = {}
    for block in blocks[:MOST_PARTS]:
        for name, value in block.items() if isinstance(block, Message) else ():
            found.setdefault(name.lower(), decoded(value))
    return found


def _field(report: dict[str, str], name: str) -> str:
    return report.get(name.lower(), "").partition(";")[2].strip()[:500] or report.get(name.lower(), "")[:500]


def _failed(report: dict[str, str], parts: list[Message]) -> str:
    """The address of a report, else the one that the returned e-mail was for."""
    for name in ("Final-Recipient", "Original-Recipient", "Original-Rcpt-To"):
        if "@" in (address := _field(report, name).strip("<> ")):
            return address.lower()[:254]
    returned = _returned(parts) if report else None
    address = parseaddr(decoded(returned["To"]))[1] if returned is not None else ""
    return address.lower()[:254]


def _returned(parts: list[Message]) -> Message | None:
    """The e-mail, or its headers, that a report is about."""
    for part in parts:
        inner = inner_parts(part)
        if part.get_content_type() == "message/rfc822" and inner:
            return inner[0] if isinstance(inner[0], Message) else None
        if part.get_content_type() == "text/rfc822-headers":
            return message_from_bytes(payload_text(part).encode())
    return None


def _answers(message: Message, report: dict[str, str], parts: list[Message]) -> Iterator[str]:
    if report and (returned := _returned(parts)) is not None:
        yield from _MESSAGE_ID.findall(decoded(returned["Message-ID"]))
    yield from _MESSAGE_ID.findall(decoded(message["In-Reply-To"]))[:5]
    yield from reversed(_MESSAGE_ID.findall(decoded(message["References"]))[-20:])


def _recipients(message: Message) -> Iterator[str]:
    names = ("Delivered-To", "X-Original-To", "To", "Cc")
    lines = [decoded(value) for name in names for value in message.get_all(name, [])[:10]]
    for _, address in getaddresses(lines)[:100]:
        if "@" in address:
            yield address.lower()[:254]


def _body(parts: list[Message]) -> str:
    """The first text that is no file; of HTML, where there is nothing else, what would be read."""
    for wanted in ("text/plain", "text/html"):
        for part in parts:
            if part.get_content_type() == wanted and not part.get_filename():
                text = payload_text(part)[: 10 * LONGEST_TEXT]
                return _plain(_without_markup(text) if wanted == "text/html" else text)
    return ""


def _without_markup(markup: str) -> str:
    soup = BeautifulSoup(markup, "html.parser")
    for unseen in soup(["script", "style", "head", "title", "template"]):
        unseen.decompose()
    for ending in soup(["br", "p", "div", "tr", "li", "blockquote", "h1", "h2", "h3"]):
        ending.append("\n")
    return soup.get_text()


def _plain(text: str) -> str:
    """Lines of characters that can be seen, at most one empty one between them."""
    lines = ("".join(c for c in line if c.isprintable()).rstrip() for line in text.splitlines())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()[:LONGEST_TEXT]


def _fold(body: str) -> tuple[str, str]:
    """What was written now, and the rest; where everything looks quoted, all of it was written."""
    replies = EmailReplyParser(languages=_LANGUAGES).read(body).replies if body else []
    now = replies[0].body.strip() if replies and replies[0].body else ""
    lines = [line for line in now.splitlines() if not line.startswith(">")]
    while lines and (not lines[-1].strip() or _ANNOUNCES.search(lines[-1])):
        lines.pop()
    unquoted = "\n".join(lines).strip()
    if not unquoted or not body.startswith(unquoted):
        return body, ""
    return unquoted, body[len(unquoted) :].strip()


def _files(parts: list[Message]) -> Iterator[File]:
    for part in parts:
        name = decoded(part.get_filename() or "")
        if not name and part.get_content_maintype() != "image":
            continue
        content = part.get_payload(decode=True)
        if isinstance(content, bytes) and content:
            yield File(name, content)


def _key(message: Message, raw: bytes) -> str:
    """Its Message-ID, or the checksum of what came where it has none that can be used."""
    found = _MESSAGE_ID.findall(decoded(message["Message-ID"]))
    key = found[0] if found else f"sha256:{hashlib.sha256(raw).hexdigest()}"
    return key if len(key) <= LONGEST_ID else f"sha256:{hashlib.sha256(key.encode()).hexdigest()}"
