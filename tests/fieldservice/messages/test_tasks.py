"""The periodic task, as a worker runs it."""

from __future__ import annotations

from dataclasses import replace

from time_machine import Traveller

from fieldservice.config import Settings
from fieldservice.messages import tasks
from fieldservice.worker import make_worker
from tests.fieldservice.messages.conftest import Book, texts_in


def test_the_task_sends_what_is_due_with_the_workers_services(
    settings: Settings, book: Book, clock_at_now: Traveller
) -> None:
    """With nothing but settings: e-mail and text become files in the data folder."""
    book(phone="+14105550187")
    worker = make_worker(replace(settings, sms_gateway="file"))
    try:
        tasks.sweep()
    finally:
        worker.services.db.dispose()
    (mail,) = (settings.data_dir / "outbox").iterdir()
    assert mail.name.endswith("_p1_confirmation_email.eml")
    assert len(texts_in(settings)) == 1
