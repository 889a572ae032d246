"""Text messages over HTTP, through a real server: what is sent, and what each answer means."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import timedelta

import pytest

from fieldservice.config import SettingError, Settings
from fieldservice.notify import open_channels
from fieldservice.notify.errors import NotDelivered, Permanent, Temporary, Unavailable, Unknown
from fieldservice.notify.gateways import HttpSms, TwilioSms
from fieldservice.notify.sms import Text
from tests.fieldservice.notify.gateway import Gateway
from tests.services import free_port

TEXT = Text(key="HH-1:p1:confirmation:sms", recipient="+14105550187", text="Zażółć gęślą jaźń")


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    """A gateway that accepts everything."""
    with Gateway() as gateway:
        yield gateway


def test_a_text_goes_out_as_json_with_its_key(gateway: Gateway) -> None:
    """The gateway gets number, words and sender, a token, and the key by which it knows a repeat."""
    settings = Settings(sms_gateway="http", sms_url=gateway.url, sms_token="pass", sms_sender="Harbor")
    settings.require_valid()
    open_channels(settings).sms.send(TEXT)
    ((headers, content),) = gateway.asked
    assert headers["authorization"] == "Bearer pass"
    assert headers["idempotency-key"] == TEXT.key
    assert content == {"key": TEXT.key, "from": "Harbor", "to": TEXT.recipient, "text": TEXT.text}


def test_a_text_goes_out_as_twilio_wants_it(gateway: Gateway) -> None:
    """A form with From, To and Body; the account's name and password are in the header."""
    url = gateway.url.replace("http://", "http://AC1:to%2Fken@")
    settings = Settings(sms_gateway="twilio", sms_url=url, sms_sender="+14105550100")
    settings.require_valid()
    open_channels(settings).sms.send(TEXT)
    ((headers, content),) = gateway.asked
    assert headers["authorization"] == f"Basic {base64.b64encode(b'AC1:to/ken').decode()}"
    assert content == {"From": ["+14105550100"], "To": [TEXT.recipient], "Body": [TEXT.text]}


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, Permanent),  # this number, this text
        (422, Permanent),
        (401, Unavailable),  # our password
        (404, Unavailable),
        (301, Unavailable),  # a password is not carried to another address
        (429, Temporary),
        (503, Temporary),
        (500, Unknown),  # it may have been queued before
        (504, Unknown),
    ],
)
def test_each_answer_asks_for_its_own_next_step(
    gateway: Gateway, status: int, expected: type[NotDelivered]
) -> None:
    """What is wrong with one text stops no other; what is wrong with the set-up costs no text a try."""
    gateway.status = status
    gateway.headers = {"Location": gateway.url} if status == 301 else {}
    with pytest.raises(expected, match=f"^{status} "):
        HttpSms(gateway.url).send(TEXT)
    assert len(gateway.asked) == 1


def test_a_gateway_says_when_to_come_back(gateway: Gateway) -> None:
    """Retry-After counts in seconds and as an instant; nonsense is no wait."""
    gateway.status = 429
    waits = []
    for wanted in ("600", "Wed, 21 Oct 2026 07:38:00 GMT", "soon"):
        gateway.headers = {"Retry-After": wanted, "Date": "Wed, 21 Oct 2026 07:28:00 GMT"}
        with pytest.raises(Temporary) as refused:
            HttpSms(gateway.url).send(TEXT)
        waits.append(refused.value.retry_after)
    assert waits[::2] == [timedelta(minutes=10), None]
    assert waits[1] is not None
    assert waits[1] >= timedelta(0)


def test_nobody_listening_is_known_and_a_cut_is_not(gateway: Gateway) -> None:
    """A refused connection carried no text; one that broke or hung after it may have delivered it."""
    with pytest.raises(Unavailable):
        HttpSms(f"http://127.0.0.1:{free_port()}/").send(TEXT)
    gateway.cut = True
    with pytest.raises(Unknown):
        HttpSms(gateway.url).send(TEXT)
    gateway.cut, gateway.delay_s = False, 0.5
    with pytest.raises(Unknown):
        HttpSms(gateway.url, answer_s=0.1).send(TEXT)


def test_no_error_tells_the_password(gateway: Gateway) -> None:
    """Errors are stored and shown, so they name the host alone."""
    gateway.cut = True
    with pytest.raises(Unknown) as broken:
        TwilioSms(gateway.url.replace("http://", "http://AC1:secret@"), "+14105550100").send(TEXT)
    assert str(broken.value).startswith("127.0.0.1: ")
    assert "secret" not in str(broken.value)


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"sms_gateway": "pigeon"}, "SMS_GATEWAY"),
        ({"sms_gateway": "http"}, "SMS_URL"),
        ({"sms_gateway": "http", "sms_url": "gateway.example.com"}, "SMS_URL"),
        ({"sms_gateway": "twilio", "sms_url": "https://a:b@api.example.com"}, "SMS_SENDER"),
        ({"quiet_from": 24}, "QUIET_FROM"),
    ],
)
def test_a_setting_that_cannot_work_is_refused_at_start(values: dict[str, object], named: str) -> None:
    """The fault names its variable."""
    with pytest.raises(SettingError, match=f"FIELDSERVICE_{named}"):
        Settings(**values).require_valid()  # type: ignore[arg-type]
