"""The channels of one company, opened from its settings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from fieldservice.config import Settings
from fieldservice.notify.gateways import HttpSms, TwilioSms
from fieldservice.notify.mailers import FileMailer, Mailer
from fieldservice.notify.push import WebPush
from fieldservice.notify.sms import FileSms, NoSms, SmsGateway
from fieldservice.notify.smtp import SmtpMailer
from fieldservice.notify.social import SocialChannel, social_channels


@dataclass(frozen=True)
class Channels:
    """How customers are reached; `others` are social channels by their names."""

    email: Mailer
    sms: SmsGateway
    push: WebPush
    others: Mapping[str, SmsGateway] = field(default_factory=dict)

    @property
    def longest_send(self) -> timedelta:
        """After this time a send on any channel has returned or raised."""
        texts = (self.sms, *self.others.values())
        return max(self.email.longest_send, self.push.longest_send, *(each.longest_send for each in texts))

    def gateway(self, channel: str) -> SmsGateway:
        """What takes the texts of a channel; one that the company has no more takes none."""
        return self.sms if channel == "sms" else self.others.get(channel, NoSms())

    def forget(self, keys: Iterable[str]) -> None:
        """Remove what was written to our own folders under these keys; a provider keeps what it was given."""
        for key in keys:
            for channel in (self.email, self.sms, *self.others.values()):
                if isinstance(channel, FileMailer | FileSms):
                    channel.forget(key)


def open_channels(settings: Settings) -> Channels:
    """The channels that the settings name; raises SettingError for an address that is none."""
    if settings.smtp_url:
        email: Mailer = SmtpMailer.from_url(settings.smtp_url)
    else:
        email = FileMailer(settings.data_dir / "outbox")
    social = social_channels(settings.social_channels)
    others = {name: _social(settings, each) for name, each in social.items()}
    push = WebPush(settings.secret_key, settings.company_email, local=settings.push_local)
    return Channels(email, _sms(settings), push, others)


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


def _social(settings: Settings, channel: SocialChannel) -> SmsGateway:
    if not channel.send_url:
        return FileSms(settings.data_dir / f"social-{channel.name}")
    return HttpSms(channel.send_url, channel.send_token, channel.send_from, channel.name)
