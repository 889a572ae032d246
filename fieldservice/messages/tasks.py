"""The periodic tasks of messages: sending what is due, and reading what came."""

from __future__ import annotations

import uuid

import structlog
from celery import current_app, shared_task

from fieldservice import clock
from fieldservice.messages import digests, escalation, service
from fieldservice.messages.mail_in import LARGEST_MAIL, take_in
from fieldservice.messages.mailbox import Mailbox, MailboxDown

log = structlog.get_logger()


@shared_task(name="messages.sweep")  # type: ignore[untyped-decorator]
def sweep() -> None:
    """Send what is due."""
    services = current_app.services
    service.sweep(
        services.db, services.channels, services.settings, now=clock.now(), owner=f"sweep-{uuid.uuid4()}"
    )


@shared_task(name="messages.digests")  # type: ignore[untyped-decorator]
def write_digests() -> None:
    """Write the evening's digests that are due, each once."""
    services = current_app.services
    services.db.run(lambda session: digests.write_digests(session, services.settings, now=clock.now()))


@shared_task(name="messages.escalate")  # type: ignore[untyped-decorator]
def escalate() -> None:
    """Give questions that wait too long to somebody."""
    current_app.services.db.run(lambda session: escalation.escalate(session, now=clock.now()))


@shared_task(name="messages.read_mail")  # type: ignore[untyped-decorator]
def read_mail() -> None:
    """Take in what customers wrote to the mailbox, if there is one."""
    services = current_app.services
    if not services.settings.imap_url:
        return
    now = clock.now()

    def take(raw: bytes) -> None:
        take_in(raw, services.db, services.files, services.settings, now=now)

    try:
        Mailbox.from_url(services.settings.imap_url).read(take, today=now.date(), largest=LARGEST_MAIL)
    except MailboxDown as error:
        log.warning("mailbox not read", reason=str(error))
