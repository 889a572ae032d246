"""Which language a page has: by address, by what the customer chose, by the browser, by the company."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from fieldservice.booking.catalogue import write_catalogue
from fieldservice.models import OutboxMessage, Service, Visit, WorkOrder
from fieldservice.models.facts import facts_of
from fieldservice.web import Services
from tests.fieldservice.booking.walker import Walker

HEADINGS = {
    "en": "What needs fixing?",
    "nl": "Wat moet er gerepareerd worden?",
    "da": "Hvad skal laves?",
    "pl": "Co wymaga naprawy?",
    "vi": "Quý khách cần sửa gì?",
}


def language_of(html: str) -> str:
    """The language that the page says it has."""
    found = re.search(r'<html lang="([a-z]+)', html)
    assert found
    return found[1]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("language", HEADINGS)
def test_the_address_decides(walker: Walker, language: str) -> None:
    """`?lang=` wins over the browser's wish, is kept by the links of the page, and by this browser later."""
    answer = walker.client.get(f"/book?lang={language}", headers={"Accept-Language": "pl"})
    assert language_of(answer.text) == language
    assert HEADINGS[language] in answer.text
    assert {"Accept-Language", "Cookie"} <= answer.vary.as_set(preserve_casing=True)
    assert answer.headers["Content-Language"].partition("-")[0] == language
    assert f"/book/questions?lang={language}" in answer.text
    later = walker.client.get("/book", headers={"Accept-Language": "pl"})
    assert HEADINGS[language] in later.text


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_browser_comes_first_and_the_company_last(walker: Walker) -> None:
    """A wish of the browser counts as far as we speak it; without one it is the company's language."""

    def asked(wish: str) -> str:
        return language_of(walker.client.get("/book", headers={"Accept-Language": wish} if wish else {}).text)

    assert asked("da-DK,da;q=0.9,en;q=0.5") == "da"
    assert asked("de,nl;q=0.5,en;q=0.1") == "nl"
    assert asked("de,fr") == "en"
    assert asked("*") in HEADINGS
    assert asked("") == "en"
    assert asked("x" * 500 + ",;q=,\x7f") == "en"
    assert walker.client.get_cookie("language") is None


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("code", ["de", "", "NL", "../pl", "x" * 300, "en_US"])
def test_an_unknown_language_is_none(walker: Walker, code: str) -> None:
    """The page is there in the language that it has otherwise, and nothing is remembered."""
    answer = walker.client.get("/book", query_string={"lang": code}, headers={"Accept-Language": "da"})
    assert answer.status_code == 200
    assert language_of(answer.text) == "da"
    assert walker.client.get_cookie("language") is None


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_every_page_offers_the_others_by_their_own_names(walker: Walker) -> None:
    """The menu's links keep what else the address says; the answer to a form has no address, and no menu."""
    page = walker.open("/book?service=heating&lang=nl")
    assert [link for link in page.links if "lang=" in link and link.startswith("?")] == [
        f"?service=heating&lang={code}" for code in ("en", "da", "nl", "pl", "vi")
    ]
    for name in ("English", "Dansk", "Nederlands", "Polski", "Tiếng Việt"):
        assert name in page.text
    refused = walker.send(service=None)
    assert walker.status == 422
    assert not [link for link in refused.links if link.startswith("?")]
    assert "Kies wat er gerepareerd moet worden" in refused.text


def test_a_booking_remembers_its_language(walker: Walker, services: Services) -> None:
    """Who books in Dutch has Dutch pages and messages, in any browser; their next order has its own."""
    walker.open("/book?lang=nl")
    walker.send(service="heating")
    walker.give_address()
    walker.open(f"/book/{walker.draft}/time?day=2026-03-04")
    walker.pick_window()
    walker.confirm()
    assert "Uw afspraak staat vast" in walker.page.text
    private = walker.url.partition("?")[0].removesuffix("/booked")
    other = walker.client.application.test_client()
    assert "Uw afspraak" in other.get(private, headers={"Accept-Language": "pl"}).text
    other.get("/book?lang=da")
    assert language_of(other.get(private).text) == "nl"  # the customer's choice, not this browser's
    assert language_of(other.get(f"{private}?lang=vi").text) == "vi"
    assert language_of(other.get(private).text) == "nl"
    walker.open("/book?lang=en")
    walker.book()
    with services.db.reading() as session:
        first, second = session.scalars(select(WorkOrder).order_by(WorkOrder.id))
        assert first.customer is second.customer
        assert (first.locale, second.locale) == ("nl", "en_US")
        visits = session.scalars(select(Visit).order_by(Visit.id)).all()
        facts = [facts_of(visit, services.settings, link="") for visit in visits]
    assert [fact.locale for fact in facts] == ["nl", "en_US"]


def test_the_private_page_changes_the_language(booked: Walker, services: Services) -> None:
    """The choice holds for pages and for messages written already; a GET with `?lang=` stores nothing."""
    private = booked.url
    booked.open(f"{private}/data?lang=pl")
    with services.db.reading() as session:
        assert session.scalars(select(WorkOrder.locale)).one() == "en_US"
        waiting = session.scalars(select(OutboxMessage.id)).all()
    booked.send(url=f"{private}/data/language?lang=pl", language="da")
    assert "lang=" not in booked.url
    assert "Gemt." in booked.page.text
    booked.open(private)
    assert "Dit besøg" in booked.page.text
    with services.db.reading() as session:
        visit = session.scalars(select(Visit)).one()
        assert facts_of(visit, services.settings, link="").locale == "da"
        assert session.scalars(select(OutboxMessage.id)).all() == waiting


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_addresses_for_others_have_no_language(booked: Walker) -> None:
    """A calendar speaks the language of its order; a new booking begins in that of the page it comes from."""
    private = booked.url
    page = booked.open(f"{private}/calendar?lang=nl")
    assert "Abonneren" in page.text
    assert ".ics?lang=" not in page.html.replace("calendar.ics?lang=", "")
    booked.open(f"{private}/cancel?lang=da")
    booked.send()
    booked.send(url=f"{private}/again?lang=da", follow=False)
    assert booked.response is not None
    assert booked.response.headers["Location"].endswith("?lang=da")


@pytest.mark.parametrize("code", ["de", "", "x" * 5000, "\x00", "en_US"])
def test_a_foreign_choice_is_refused(booked: Walker, services: Services, code: str) -> None:
    """The error names the field, and nothing is stored."""
    private = booked.url
    booked.open(f"{private}/data")
    booked.send(url=f"{private}/data/language", language=code)
    assert booked.status == 422
    assert "Choose one of these" in booked.page.text
    assert 'href="#language"' in booked.page.html
    with services.db.reading() as session:
        assert session.scalars(select(WorkOrder.locale)).one() == "en_US"


def test_what_the_office_wrote_is_translated_as_far_as_it_goes(walker: Walker, services: Services) -> None:
    """Names, questions, options, checks and answers; the office reads its own words."""
    with services.db.transaction() as session:
        service = session.scalars(select(Service).where(Service.code == "heating")).one()
        write_catalogue(
            service,
            {
                "questions": [
                    {
                        "code": "what",
                        "kind": "chips",
                        "label": "What is it?",
                        "options": ["No heat", "Noise"],
                    },
                    {
                        "code": "gas",
                        "kind": "yesno",
                        "label": "Gas?",
                        "effects": [{"answer": "yes", "priority": 2}],
                    },
                ],
                "faq": [{"question": "Why?", "answer": "Because."}],
                "translations": {
                    "nl": {
                        service.name: "Verwarming",
                        "What is it?": "Wat is het?",
                        "No heat": "Geen warmte",
                    },
                    "pl": {"Why?": "Dlaczego?"},
                },
            },
            {},
        )
    page = walker.open("/book?service=heating&lang=nl")
    for text in ("Verwarming", "Wat is het?", "Geen warmte", "Noise", "Why?"):
        assert text in page.text
    assert "No heat" not in page.text
    assert "Dlaczego?" in walker.open("/book?service=heating&lang=pl").text
    walker.open("/book?service=heating&lang=nl")
    walker.send(**{"service": "heating", "about-heating-what": ["No heat"], "about-heating-gas": "yes"})
    walker.give_address()
    walker.open(f"/book/{walker.draft}/time?day=2026-03-04")
    walker.pick_window()
    assert "Verwarming" in walker.page.text
    assert "Geen warmte" in walker.page.text
    assert "Gas? ja" in walker.page.text
    walker.confirm()
    assert "Geen warmte" in walker.open(walker.url.partition("?")[0].removesuffix("/booked")).text
    with services.db.reading() as session:
        visit = session.scalars(select(Visit)).one()
        assert visit.work_order.said[0]["answer"] == ["No heat"]
        assert facts_of(visit, services.settings, link="").service == "Verwarming"
