"""What customers read, and what a hostile customer cannot make another one read."""

from __future__ import annotations

import re
from datetime import timedelta
from html.parser import HTMLParser

import pytest

from fieldservice.notify.rendering import Occasion, letter, short_text
from tests.fieldservice.notify.conftest import TEN, MakeFacts

KINDS = ("confirmation", "reminder_24h", "reminder_2h", "changed", "cancelled", "on_my_way", "late", "offer")
HOSTILE = "<script>alert(1)</script>\"'&{{7*7}}{% raw %}\r\nhttps://evil.example\u202e"


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, tuple[tuple[str, str | None], ...]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember every tag with its attributes."""
        self.seen.append((tag, tuple(attrs)))


def occasion(kind: str, make_facts: MakeFacts, **overrides: object) -> Occasion:
    """A message of this kind with all that a kind can have."""
    return Occasion(
        kind=kind,
        facts=make_facts(cancelled=kind == "cancelled", **overrides),
        technician="Ben Okafor",
        arrives_at=TEN + timedelta(minutes=25),
        old_starts_at=TEN - timedelta(days=1),
        old_ends_at=TEN - timedelta(hours=22),
        answer_by=TEN - timedelta(minutes=30),
    )


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_says_when_where_and_how_to_reach_us(kind: str, make_facts: MakeFacts) -> None:
    """Text and HTML both have day, window, zone in words, place, reference and phone number."""
    mail = letter(occasion(kind, make_facts))
    for body in (mail.text, mail.html.replace("&#39;", "'")):
        for fact in (
            "Tuesday, Nov 24",
            "10 am – 12 pm",
            "Eastern Standard Time (EST)",
            "2939 O'Donnell Street",
            "Boiler repair",
            "HH-7K2M9Q",
            "+1 410 555 0100",
        ):
            assert fact in body
    assert mail.subject
    assert "\n" not in mail.subject


@pytest.mark.parametrize("kind", KINDS)
def test_a_text_is_one_short_line_with_the_company_first(kind: str, make_facts: MakeFacts) -> None:
    """It fits a few segments and names the window and, unless the visit is cancelled, the link."""
    text = short_text(occasion(kind, make_facts))
    assert text.startswith("Harbor Heating: ")
    assert len(text) < 230
    assert "\n" not in text
    assert ("https://" in text) == (kind != "cancelled")


@pytest.mark.parametrize("kind", KINDS)
def test_hostile_text_stays_text(kind: str, make_facts: MakeFacts) -> None:
    """Tags, quotes, template marks and line ends in what people typed change no tag of the HTML part."""
    tame = _Tags()
    tame.feed(letter(occasion(kind, make_facts)).html)
    wild = _Tags()
    mail = letter(occasion(kind, make_facts, service=HOSTILE, address=HOSTILE))
    wild.feed(mail.html)
    assert wild.seen == tame.seen
    assert "{{7*7}}" in mail.html
    assert "49" not in mail.text
    assert not re.search(r"^https://evil", mail.text, re.MULTILINE)


def test_without_a_private_link_the_phone_number_remains(make_facts: MakeFacts) -> None:
    """An expired link leaves no empty button."""
    mail = letter(occasion("confirmation", make_facts, link=""))
    assert "href" not in mail.html
    assert "See, change" not in mail.text
    assert "Questions? Call" in mail.text


@pytest.mark.parametrize(
    ("place", "address", "words"),
    [
        ("at_branch", "Main branch, 1 Light Street", ("Main branch", "We are ready for you")),
        ("remote", "", ("By phone or video", "We call you within this window.")),
    ],
)
def test_services_that_are_not_at_the_customers_door(
    make_facts: MakeFacts, place: str, address: str, words: tuple[str, str]
) -> None:
    """Nobody is told to open the door for a phone call."""
    for kind in ("confirmation", "reminder_2h"):
        text = letter(occasion(kind, make_facts, place=place, address=address)).text
        assert all(word in text for word in words)
        assert "door" not in text
        assert "arrives" not in text


def test_a_change_says_what_no_longer_counts(make_facts: MakeFacts) -> None:
    """Old and new window are both in words."""
    text = letter(occasion("changed", make_facts)).text
    assert "no longer on Monday, Nov 23, 10 am – 12 pm. The new time:" in text


@pytest.mark.parametrize(
    ("locale", "others", "said"),
    [
        ("en_US", (), "Ana Lee is on the way"),
        ("en_US", ("Ben Okafor",), "Ana Lee and Ben Okafor are on the way"),
        ("en_US", ("Ben Okafor", "Carl Moss"), "Ana Lee, Ben Okafor, and Carl Moss are on the way"),
        ("nl_NL", ("Ben Okafor",), "Ana Lee en Ben Okafor zijn onderweg"),
        ("da_DK", ("Ben Okafor",), "Ana Lee og Ben Okafor er på vej"),
        ("pl_PL", ("Ben Okafor", "Carl Moss"), "Ana Lee, Ben Okafor i Carl Moss są w drodze"),
        ("vi_VN", ("Ben Okafor",), "Ana Lee và Ben Okafor đang trên đường"),
    ],
)
def test_everybody_who_comes_is_named(
    make_facts: MakeFacts, locale: str, others: tuple[str, ...], said: str
) -> None:
    """Letter and text name a crew as a whole, in sentences about several."""
    written = Occasion(
        kind="on_my_way",
        facts=make_facts(locale=locale),
        technician="Ana Lee",
        others=others,
        arrives_at=TEN + timedelta(minutes=25),
    )
    assert letter(written).subject.startswith(said)
    assert said in letter(written).text
    assert said in short_text(written)


def test_times_are_in_the_customers_language(make_facts: MakeFacts) -> None:
    """Formats follow the customer's locale even where no translation exists yet."""
    text = letter(occasion("confirmation", make_facts, locale="de_DE")).text
    assert "Dienstag, 24. Nov." in text
    assert "10:00 – 12:00" in text
