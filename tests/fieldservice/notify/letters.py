"""E-mails as they come in, well-formed and hostile."""

from __future__ import annotations

import random
from collections.abc import Sequence
from email.message import EmailMessage
from email.policy import SMTP

BYTES = bytes(range(256))
CONTENT_TYPES = (
    "text/plain; charset=utf-8",
    "text/html; charset=klingon",
    "text/plain; charset=utf-16",
    "text/plain; charset=undefined",
    'text/plain; charset="a\x00b"',
    'multipart/mixed; boundary="b"',
    "multipart/mixed",
    "message/rfc822",
    "message/delivery-status",
    "message/feedback-report",
    "multipart/report; report-type=delivery-status; boundary=b",
    "application/octet-stream; name*=utf-8''%ff%fe..%2f..%2fetc%2fpasswd",
    'image/png; name="=?utf-8?q?=ff?="',
    "\xff/\xfe; =;;",
)
ENCODINGS = ("base64", "quoted-printable", "7bit", "uuencode", "x-nonsense", "")
HEADERS = (
    "From",
    "To",
    "Cc",
    "Subject",
    "Date",
    "Message-ID",
    "In-Reply-To",
    "References",
    "Auto-Submitted",
    "Precedence",
    "Return-Path",
    "Reply-To",
    "Delivered-To",
)
VALUES = (
    "Rosa <rosa@example.com>",
    '"a\\" <b" <@,@:;<>>',
    "=?utf-8?b?//79?= <x@y>",
    "=?nonsense?q?=41=ZZ?=",
    "=?utf-8?q?" + "=41" * 400 + "?=",
    "<" + "a" * 900 + "@x>",
    "group: a@b, c@d;",
    "\x00\x01\x02",
    "<script>alert(1)</script>",
    "a@b\r\n\tBcc: c@d",
    "",
)
BODIES = (
    b"Yes.\r\n\r\nOn Mon, 2 Mar 2026 at 10:00, Harbor <office@example.com> wrote:\r\n> old\r\n",
    b"<html><body onload=alert(1)><script>alert(1)</script><p>Hi</p><img src=x onerror=alert(2)></body>",
    b"--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b--\r\n",
    b"--b\r\n--b\r\n--b\r\n",
    b"=FF=FE=ZZ=\r\n",
    b"////not base64////",
    BYTES,
    b"",
    b"> " * 5000,
    b"Final-Recipient: rfc822; gone@example.com\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n",
)


def hostile(seed: int) -> bytes:
    """One of any number of e-mails that no honest program writes; the same for the same seed."""
    chance = random.Random(seed)
    lines = [
        f"{name}: {chance.choice(VALUES)}".encode("utf-8", "surrogateescape")
        for name in chance.sample(HEADERS, chance.randrange(len(HEADERS)))
    ]
    lines.append(b"Content-Type: " + chance.choice(CONTENT_TYPES).encode("latin-1"))
    lines.append(b"Content-Transfer-Encoding: " + chance.choice(ENCODINGS).encode())
    body = b"".join(chance.choice(BODIES) for _ in range(chance.randrange(1, 4)))
    raw = bytearray(b"\r\n".join([*lines, b"", body]))
    for _ in range(chance.randrange(8)):
        raw[chance.randrange(len(raw))] = chance.randrange(256)
    return bytes(raw)


def deep(levels: int) -> bytes:
    """An e-mail in an e-mail in an e-mail."""
    raw = b"From: a@b\r\nContent-Type: text/plain\r\n\r\nbottom"
    for level in range(levels):
        edge = b"b%d" % level
        head = b'Content-Type: multipart/mixed; boundary="' + edge + b'"\r\n\r\n'
        raw = head + b"--" + edge + b"\r\n" + raw + b"\r\n--" + edge + b"--\r\n"
    return b"From: a@b\r\n" + raw


def letter(  # noqa: PLR0913 - each is one header of an e-mail
    text: str = "Is the dog a problem?",
    *,
    sender: str = "Rosa Diaz <rosa@example.com>",
    to: str = "office@example.com",
    subject: str = "Re: Your visit",
    key: str = "<1@example.com>",
    answers: str = "",
    html: str = "",
    files: Sequence[tuple[str, bytes]] = (),
    **headers: str,
) -> bytes:
    """An honest e-mail; `headers` have underscores for hyphens."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"], message["Message-ID"] = sender, to, subject, key
    if answers:
        message["In-Reply-To"] = answers
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    if text or not html:
        message.set_content(text)
    if html and text:
        message.add_alternative(html, subtype="html")
    elif html:
        message.set_content(html, subtype="html")
    for name, content in files:
        message.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return message.as_bytes(policy=SMTP)


def bounce(failed: str, original: str, *, status: str = "5.1.1", action: str = "failed") -> bytes:
    """A server's report that it could not deliver `original` (RFC 3464)."""
    return _report(
        "delivery-status",
        "Reporting-MTA: dns; mail.example.net\r\n\r\n"
        f"Final-Recipient: rfc822; {failed}\r\nAction: {action}\r\nStatus: {status}\r\n"
        "Diagnostic-Code: smtp; 550 no such user\r\n",
        original,
        failed,
    )


def complaint(failed: str, original: str) -> bytes:
    """A provider's report that somebody called `original` unwanted (RFC 5965)."""
    head = f"Feedback-Type: abuse\r\nUser-Agent: x/1\r\nVersion: 1\r\nOriginal-Rcpt-To: <{failed}>\r\n"
    return _report("feedback-report", head, original, failed)


def _report(kind: str, report: str, original: str, failed: str) -> bytes:
    return (
        "From: Mail Delivery <mailer-daemon@example.net>\r\nTo: office@example.com\r\nReturn-Path: <>\r\n"
        f"Subject: Report\r\nMessage-ID: <r-{failed}@example.net>\r\nMIME-Version: 1.0\r\n"
        f'Content-Type: multipart/report; report-type={kind}; boundary="r"\r\n\r\n'
        "--r\r\nContent-Type: text/plain\r\n\r\nSorry.\r\n"
        f"--r\r\nContent-Type: message/{kind}\r\n\r\n{report}\r\n"
        f"--r\r\nContent-Type: text/rfc822-headers\r\n\r\nTo: {failed}\r\nMessage-ID: {original}\r\n\r\n"
        "--r--\r\n"
    ).encode()
