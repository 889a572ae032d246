"""The channels of one company, opened from its settings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from fieldservice.config import Settings
from fieldservice.notify.gateways import HttpSms, TwilioSms
from fieldservice.notify.mailers import FileMailer, Mailer
from fieldservice.notify.sms import FileSms, NoSms, SmsGateway
from fieldservice.notify.smtp import SmtpMailer


@dataclass(frozen=True)
class Channels:
    """How customers are reached."""

    email: Mailer
    sms: SmsGateway

    @property
    def longest_send(self) -> timedelta:
        """After this time a send on any channel has returned or raised."""
        return max(self.email.longest_send, self.sms.longest_send)

    def forget(self, keys: Iterable[str]) -> None:
        """Remove what was written to our own folders under these keys; a provider keeps what it was given."""
        for key in keys:
            for channel in (self.email, self.sms):
                if isinstance(channel, FileMailer | FileSms):
                    channel.forget(key)


def open_channels(settings: Settings) -> Channels:
    """The channels that the settings name; raises SettingError for an address that is none."""
    if settings.smtp_url:
        email: Mailer = SmtpMailer.from_url(settings.smtp_url)
    else:
        email = FileMailer(settings.data_dir / "outbox")
    return Channels(email, _sms(settings))


def _sms(settings: Settings) -> SmsGateway:
    match settings.sms_gateway:
        case "file":
            return FileSms(settings.data_dir / "sms")
        case "http":
            return HttpSms(settings.sms_url, settings.sms_token, settings.sms_sender)
        case "twilio":
            return TwilioSms(settings.sms_url, settings.sms_sender)
        case _:
            return NoSms()
