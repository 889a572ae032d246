"""Notifications: sealed for one browser, signed by us, and sent to no address of the own network."""

from __future__ import annotations

import json
import socket
import time
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from py_vapid.utils import b64urldecode

from fieldservice.messages.service import LEASE_MARGIN
from fieldservice.notify.errors import Gone, Permanent, Temporary
from fieldservice.notify.public_address import NotPublic, require_https, resolve
from fieldservice.notify.push import Device, Notification, WebPush, Within, Words
from tests.factories import NOW
from tests.push_service import PushService

SENDER = WebPush("a secret", "office@example.com", local=True)
WORDS = Words(title="Harbor Heating", body="Your route has changed – touch", page="", tag="route")


def of(device: Device) -> Notification:
    """The same words to one browser."""
    return Notification(device=device, words=WORDS, written_at=NOW)


def test_a_browser_opens_what_was_sealed_for_it() -> None:
    """The words arrive; the proof is for the browser's maker and of the key that browsers know."""
    with PushService() as service:
        SENDER.send(of(service.device))
        SENDER.send(of(service.device))
    assert service.shown == [{"title": WORDS.title, "body": WORDS.body, "page": "", "tag": "route"}] * 2
    [first, second] = service.headers
    assert (first["topic"], first["urgency"], int(first["ttl"])) == (second["topic"], "high", 43_200)
    token, key = first["authorization"].removeprefix("vapid t=").split(",k=")
    claims = json.loads(b64urldecode(token.split(".")[1].encode()))
    lasts = (NOW + timedelta(hours=12)).timestamp()
    assert claims == {"aud": service.origin, "exp": int(lasts), "sub": "mailto:office@example.com"}
    assert key == SENDER.public_key == WebPush("a secret", "x@example.com").public_key
    assert key != WebPush("another", "office@example.com").public_key


@pytest.mark.parametrize(
    ("status", "kind"),
    [(410, Gone), (404, Gone), (429, Temporary), (503, Temporary), (400, Permanent), (403, Permanent)],
)
def test_what_an_answer_means(status: int, kind: type[Exception]) -> None:
    """Gone is for good; of another refusal only this one notification is given up."""
    with PushService() as service:
        service.status, service.answer = status, {"Retry-After": "77", "Location": "http://127.0.0.1:1/"}
        with pytest.raises(kind) as raised:
            SENDER.send(of(service.device))
    assert type(raised.value) is kind
    if isinstance(raised.value, Temporary):
        assert raised.value.retry_after == timedelta(seconds=77)


def test_a_service_that_is_away_or_leads_elsewhere() -> None:
    """Nobody listens: later. A redirect is not followed."""
    with PushService() as service:
        away = service.device
        service.status, service.answer = 307, {"Location": f"{service.origin}/other"}
        with pytest.raises(Permanent):
            SENDER.send(of(away))
        assert len(service.shown) == 1
    with pytest.raises(Temporary):
        SENDER.send(of(away))


def test_who_answers_slowly_does_not_hold_the_sender() -> None:
    """A byte every now and then, for ever: over in time, and the connection is closed."""
    within = Within(connect=timedelta(seconds=1), all=timedelta(seconds=1))
    hasty = WebPush("a secret", "office@example.com", local=True, within=within)
    assert hasty.longest_send == within.all
    with PushService() as service:
        service.drips = True
        began = time.monotonic()
        with pytest.raises(Temporary, match="TimeoutError"):
            hasty.send(of(service.device))
        assert 0.9 < time.monotonic() - began < 5
        assert service.hung_up.wait(5)
    assert SENDER.longest_send < LEASE_MARGIN / 2


@pytest.mark.parametrize(
    "url",
    [
        "http://push.example.com/x",
        "https://127.0.0.1/x",
        "https://10.1.2.3/",
        "https://169.254.169.254/latest",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://[64:ff9b::a00:1]/",
        "https://[2002:a00:1::]/",
        "https://localhost/",
        "https://intranet/",
        "https://user:pw@push.example.com/",
        "https://push.example.com:8443/",
        "https://push.example.com\\@127.0.0.1/",
        "https://push.example.com/\r\nX: y",
        "https://[broken",
        "https://.example.com/",
        "https://push..example.com/",
        "https://" + "x" * 64 + ".example.com/",
        "ftp://push.example.com/",
        "https://push.example.com/" + "x" * 1000,
        "",
    ],
)
def test_addresses_that_no_browser_may_name(url: str) -> None:
    """Neither stored nor sent to."""
    with pytest.raises(NotPublic):
        require_https(url)
    strict = WebPush("a secret", "office@example.com")
    with PushService() as service, pytest.raises(Permanent):
        strict.send(of(replace(service.device, endpoint=url)))


def test_a_name_that_leads_home_is_refused_when_it_is_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """The name service says so at that moment; one bad address among good ones is enough."""
    assert require_https("https://push.example.com/a?b=c") == "push.example.com"

    def leads_to(*addresses: str) -> None:
        found: list[Any] = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, 443)) for each in addresses]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)

    leads_to("2606:4700::1", "93.184.215.14")
    assert resolve("push.example.com") == "93.184.215.14"
    leads_to("93.184.215.14", "192.168.1.10")
    with pytest.raises(NotPublic):
        resolve("push.example.com")
    strict = WebPush("a secret", "office@example.com")
    with PushService() as service, pytest.raises(Permanent, match="own network"):
        strict.send(of(replace(service.device, endpoint="https://push.example.com/x")))


def test_keys_that_are_none() -> None:
    """A browser's keys are looked at before anything is stored."""
    with PushService() as service:
        good = service.device
    good.require_usable(local=True)
    for broken in ({"auth": "AAAA"}, {"p256dh": "AAAA"}, {"auth": "?"}, {"p256dh": "B" * 87}):
        with pytest.raises(ValueError, match="auth|base64|EC|key|point|encod|length"):
            replace(good, **broken).require_usable(local=True)
    with pytest.raises(NotPublic):
        good.require_usable()
