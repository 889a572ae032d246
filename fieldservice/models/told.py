"""What the people of a visit are told: messages that are written with the change that they tell of."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from fieldservice.models import reminders
from fieldservice.models.customer import Role
from fieldservice.models.message import MessageState, OutboxMessage, new_message
from fieldservice.models.push import DEVICE, PUSH, TO_BROWSERS
from fieldservice.models.window import Window

if TYPE_CHECKING:
    from sqlalchemy.orm import Mapped

    from fieldservice.models.push import PushDevice
    from fieldservice.models.work_order import WorkOrder

UNDO = timedelta(seconds=10)
# What stays true, or is judged anew, whatever becomes of the promise.
_KEPT = frozenset(
    {
        "cancelled",
        "on_my_way",
        "answer",
        "code",
        "corrected",
        "complaint",
        "complaint_answer",
        "done",
        "feedback",
        "late",
        "plan_term",
        "approved",
        "not_approved",
    }
)
# What somebody else at the site gets as well, as a text.
_TO_THE_SITE = frozenset({"confirmation", "changed", "cancelled", "late", "on_my_way"})


class Told:
    """The messages of one visit, each written once for an occasion and taken back when it is over."""

    if TYPE_CHECKING:
        reference: Mapped[str]
        promise_version: Mapped[int]
        work_order: Mapped[WorkOrder]
        messages: Mapped[list[OutboxMessage]]
        devices: Mapped[list[PushDevice]]

    def tell_late(self, *, starts_at: datetime, due_at: datetime, now: datetime) -> None:
        """Write the message that the technician comes later than promised, or than was told."""
        payload = {"arrives_at": starts_at.isoformat(), "occasion": now.isoformat()}
        self._write_messages("late", due_at=due_at, now=now, payload=payload)

    def tell_on_my_way(self, *, arrives_at: datetime, now: datetime) -> None:
        """Write the message that the technician has set off; it waits a moment, so that a slip is undone."""
        payload = {"arrives_at": arrives_at.isoformat(), "occasion": now.isoformat()}
        self._write_messages("on_my_way", due_at=now + UNDO, now=now, payload=payload)

    def tell(
        self,
        kind: str,
        *,
        due_at: datetime,
        now: datetime,
        payload: Mapping[str, Any] | None = None,
        channel: str = "",
    ) -> None:
        """Write a message on one channel; without a choice by e-mail, or as a text to who has none."""
        contact = self.work_order.contact(Role.REQUESTER)
        channels = (channel,) if channel else ("email" if contact and contact.email else "sms", PUSH)
        occasion = {"occasion": now.isoformat(), **(payload or {})}
        self._write_messages(kind, due_at=due_at, now=now, payload=occasion, channels=channels)

    def repeat(self, message: OutboxMessage, channel: str, recipient: str, *, now: datetime) -> None:
        """Write what could not be told on one channel on another one."""
        self._write(message.kind, channel, recipient, due_at=now, now=now, payload=message.payload)

    def remind_on(self, device: PushDevice, *, now: datetime) -> None:
        """Let a browser that asks now get the reminders as well that wait to be sent."""
        waiting = {
            message.kind: message
            for message in self.messages
            if message.state == MessageState.PENDING
            and reminders.is_reminder(message.kind)
            and message.promise_version == self.promise_version
        }
        for kind, message in waiting.items():
            due_at, told = message.due_at, message.payload
            self._write(kind, PUSH, str(device.id), role=DEVICE, due_at=due_at, now=now, payload=told)

    def tell_somebody(
        self, kind: str, email: str, *, now: datetime, payload: Mapping[str, Any] | None = None
    ) -> None:
        """Write an e-mail to somebody who is no customer: whoever has to agree, or pays."""
        self._write(kind, "email", email, role="approver", due_at=now, now=now, payload=payload)

    def tell_offer(self, window: Window, *, until: datetime, occasion: str, now: datetime) -> None:
        """Write the message that a window is reserved for the customer, who may take it until then."""
        payload = {**window_payload(window), "until": until.isoformat(), "occasion": occasion}
        self._write_messages("offer", due_at=now, now=now, payload=payload)

    def _keep_back(self, kind: str) -> None:
        """Do not send what waits to be sent of a kind."""
        for message in self.messages:
            if message.kind == kind and message.state == MessageState.PENDING:
                message.state = MessageState.CANCELLED

    def _retire_messages(self) -> None:
        for message in self.messages:
            if message.state == MessageState.PENDING and message.kind not in _KEPT:
                message.state = MessageState.CANCELLED

    def _revive_messages(self, now: datetime) -> None:
        for message in self.messages:
            retired = message.state == MessageState.CANCELLED and reminders.is_reminder(message.kind)
            if retired and message.promise_version == self.promise_version and message.due_at > now:
                message.state = MessageState.PENDING

    def _write_messages(
        self,
        kind: str,
        *,
        due_at: datetime,
        now: datetime,
        payload: Mapping[str, Any] | None = None,
        channels: tuple[str, ...] = ("email", "sms", PUSH),
    ) -> None:
        contact = self.work_order.contact(Role.REQUESTER)
        if contact is None:
            return
        for channel, recipient in (("email", contact.email), ("sms", contact.phone)):
            if recipient and channel in channels:
                self._write(kind, channel, recipient, due_at=due_at, now=now, payload=payload)
        at_site = self.work_order.contact(Role.SITE_CONTACT)
        for_the_site = kind in _TO_THE_SITE or reminders.is_reminder(kind)
        other = at_site is not None and at_site.phone not in ("", contact.phone)
        if at_site is not None and other and for_the_site and "sms" in channels:
            role = Role.SITE_CONTACT
            self._write(kind, "sms", at_site.phone, role=role, due_at=due_at, now=now, payload=payload)

        for device in self.devices if PUSH in channels and reminders.told_as(kind) in TO_BROWSERS else ():
            self._write(kind, PUSH, str(device.id), role=DEVICE, due_at=due_at, now=now, payload=payload)

    def _write(
        self,
        kind: str,
        channel: str,
        recipient: str,
        *,
        role: str = Role.REQUESTER,
        due_at: datetime,
        now: datetime,
        payload: Mapping[str, Any] | None = None,
    ) -> None:
        message = new_message(
            f"{self.reference}:p{self.promise_version}", kind, channel, recipient, role=role, payload=payload
        )
        message.promise_version = self.promise_version
        message.due_at, message.next_at = due_at, max(due_at, now)
        self.messages.append(message)


def window_payload(window: Window | None) -> dict[str, str]:
    """A window as messages and the history keep it; nothing for none."""
    if window is None:
        return {}
    return {"window_starts_at": window.starts_at.isoformat(), "window_ends_at": window.ends_at.isoformat()}
