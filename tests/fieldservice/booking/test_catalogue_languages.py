"""What the office wrote in other languages: kept by its words, refused with the place named."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy.orm import Session

from fieldservice.booking.catalogue import CatalogueFault, write_catalogue
from fieldservice.booking.catalogue_languages import texts_of_service
from fieldservice.booking.catalogue_text import read_catalogue
from fieldservice.demo.catalogue import OFFERS, SKILLS, Offer, translated, written_about
from fieldservice.models import Service, Skill
from fieldservice.notify.translations import SOURCE, languages
from tests.factories import make_service

QUESTION = {
    "code": "s",
    "kind": "chips",
    "label": "What?",
    "options": ["A", {"code": "b", "label": "Gas", "effects": [{"call_us": "Leave."}]}],
}
DATA: dict[str, Any] = {
    "questions": [QUESTION],
    "first_checks": [{"code": "a", "title": "Look", "question": "Well?"}],
    "faq": [{"question": "Q?", "answer": "A."}],
}
DUTCH = {"What?": "Wat?", "Leave.": "Ga weg.", "Look": "Kijk", "A.": " Een. ", "Q?": ""}


def test_translations_are_kept_and_replaced(session: Session) -> None:
    """Empty ones count as missing; writing again leaves nothing of the old ones."""
    service = make_service(session)
    write_catalogue(service, DATA | {"translations": {"nl": DUTCH, "pl": {"Look": "Patrz"}}}, {})
    session.flush()
    session.expire_all()
    assert service.in_language("What?", "nl") == "Wat?"
    assert service.in_language("A.", "nl") == "Een."
    assert service.in_language("Q?", "nl") == "Q?"
    assert service.in_language("What?", "pl") == "What?"
    assert service.in_language("What?", "en") == "What?"
    assert read_catalogue(service)["translations"]["pl"] == {"Look": "Patrz"}
    write_catalogue(service, DATA | {"translations": {"nl": {"Look": "Let op"}}}, {})
    session.flush()
    session.expire_all()
    assert read_catalogue(service)["translations"] == {"nl": {"Look": "Let op"}}
    write_catalogue(service, DATA, {})
    session.flush()
    session.expire_all()
    assert service.in_language("Look", "nl") == "Look"
    assert "translations" not in read_catalogue(service)


def test_what_is_missing_is_shown_empty_and_can_be_written(session: Session) -> None:
    """Every text that customers read is asked for, once; a list that is filled in half is no mistake."""
    service = make_service(session, name="Heating", price_text="$95")
    write_catalogue(service, DATA | {"translations": {"nl": DUTCH}}, {})
    shown = read_catalogue(service, ["nl", "da"])
    assert set(shown["translations"]["da"].values()) == {""}
    for text in ("Heating", "$95", "What?", "A", "Gas", "Leave.", "Look", "Well?", "Q?", "A."):
        assert text in shown["translations"]["da"]
    assert shown["translations"]["nl"]["Look"] == "Kijk"
    assert shown["translations"]["nl"]["Well?"] == ""
    write_catalogue(service, shown, {})
    assert read_catalogue(service)["translations"].keys() <= {"nl", "da"}
    assert service.in_language("Look", "nl") == "Kijk"


@pytest.mark.parametrize(
    ("translations", "place"),
    [
        ([], "translations: not an object"),
        ({"xx": {}}, "translations.xx: not one of en"),
        ({"nl": []}, "translations.nl: not an object"),
        ({"nl": {"Nothing": "Niets"}}, "translations.nl.Nothing: the service has no such text"),
        ({"nl": {"Look": 7}}, "translations.nl.Look: not a text"),
        ({"nl": {"Look": "x" * 5000}}, "translations.nl.Look: not a text of at most 4000"),
    ],
)
def test_a_mistake_is_named_and_changes_nothing(translations: Any, place: str) -> None:
    """The text of the refusal begins with the place."""
    service = Service(code="heating", name="Heating", description="", price_text="", price_note="")
    write_catalogue(service, DATA | {"translations": {"nl": {"Look": "Kijk"}}}, {})
    before = read_catalogue(service)
    with pytest.raises(CatalogueFault) as fault:
        write_catalogue(service, DATA | {"translations": translations}, {})
    assert str(fault.value).startswith(place)
    assert read_catalogue(service) == before


@pytest.mark.parametrize("offer", OFFERS, ids=lambda offer: offer.code)
def test_the_demo_company_wrote_everything_in_all_languages(offer: Offer) -> None:
    """Each text about each service has its translation."""
    service = Service(
        code=offer.code, name=offer.name, description=offer.description, price_text=offer.price, price_note=""
    )
    skills = {code: Skill(code=code, name=code) for code in SKILLS}
    write_catalogue(service, written_about(offer.code), skills)
    texts = texts_of_service(service)
    found = translated(texts)
    assert set(found) == set(languages()) - {SOURCE}
    assert [(language, text) for language in found for text in texts if text not in found[language]] == []
