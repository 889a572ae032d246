"""The company writes the texts of its messages: checked, previewed, tested, and sent from then on."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from fieldservice.db import Database
from fieldservice.messages import service
from fieldservice.models import MessageText
from fieldservice.notify import open_channels, texts
from fieldservice.notify.facts import Company
from fieldservice.notify.rendering import letter, short_text
from fieldservice.notify.translations import languages, locale_in
from fieldservice.web import Services
from tests.factories import NOW
from tests.fieldservice.messages.conftest import rows
from tests.fieldservice.office.owner import Owner

MINUTE = timedelta(minutes=1)
REMINDER = "/office/messages/reminder_24h/sms/en"
MAIL = "/office/messages/late.named/email/nl"


def test_every_text_can_be_written_and_says_the_same_when_nothing_is_changed() -> None:
    """In each language and channel the product's words are placeholders that the check accepts."""
    company = Company("Harbor Heating", "+1 410 555 0100", "office@example.com")
    for name in texts.names():
        for language in languages():
            locale = locale_in(language, "en_US")
            occasion = texts.sample(name, locale, company, texts.ZoneInfo("UTC"), link="https://x/visit/1")
            own = {}
            for channel in texts.PARTS:
                words = texts.product_text(name, channel, locale)
                own.update(words)
                for part, said in words.items():
                    assert said, (name, language, part)
                    assert texts.unknown(said, name, channel) == [], (name, language, part)
                    assert texts.missing(said, name, channel, part) == [], (name, language, part)
            ours = replace(occasion, own=own)
            assert short_text(ours) == short_text(occasion)
            assert letter(ours).subject == letter(occasion).subject
            assert letter(ours).text.split() == letter(occasion).text.split()
            assert texts.name_of(occasion) == name


def test_a_text_is_refused_previewed_tested_saved_and_taken_back(
    owner: Owner, services: Services, db: Database
) -> None:
    """The whole way of one text, with what goes out at its end and who did it."""
    assert "Reminder, half a day" in owner.open("/office/messages").text
    page = owner.open(REMINDER)
    assert page.fields["sms"] == "{company}: a reminder of your visit on {day}, {window}, {zone}."
    assert "herinnering" in page.text, "the preview has every language"
    refused = owner.send(REMINDER, 422, sms="See you on {dya}, {window}, {zone}!", do="save")
    assert "{dya} is no placeholder here" in refused.text
    refused = owner.send(REMINDER, 422, sms="See you soon!", do="save")
    assert "{day}, {window}, {zone} has to be in these words" in refused.text
    words = "See you on {day}, {window}, {zone}. Mind the <dog>!"
    assert "See you on Tuesday, Nov 24" in owner.send(REMINDER, 200, sms=words, do="look").text
    assert rows(db, MessageText) == []
    refused = owner.send(REMINDER, 422, sms=words, do="test", to="nobody")
    assert "Enter a telephone number" in refused.text
    tested = owner.send(REMINDER, 200, sms=words, do="test", to="+1 410 555 0187")
    assert "A test is on its way to +14105550187" in tested.text
    owner.send(REMINDER, 303, sms=words, do="save")
    page = owner.open(REMINDER)
    assert "Your own words" in page.text
    assert "Olive Owner" in page.text
    channels = open_channels(services.settings)
    service.sweep(db, channels, services.settings, now=NOW + MINUTE, owner="test")
    [sent] = (services.settings.data_dir / "sms").glob("*.json")
    assert "See you on Tuesday, Nov 24" in sent.read_text()
    stale = owner.send(REMINDER, 409, sms=words + "!", do="save", version=0)
    assert "Somebody changed this text meanwhile" in stale.text
    owner.send(REMINDER, 303, do="reset")
    page = owner.open(REMINDER)
    assert page.fields["sms"].startswith("{company}: a reminder")
    assert page.text.count("Back to the product’s own text") == 1, "the history keeps it; no button is left"


def test_a_mail_in_another_language_has_the_company_s_words(owner: Owner, db: Database) -> None:
    """The own words stand in the frame of the e-mail, escaped; other languages keep the product's."""
    owner.send(MAIL, 422, lead="Sorry!", do="save")
    owner.send(MAIL, 303, subject="Later: {arrival}", lead="Sorry <b>\n\n{technician}: {arrival}", do="save")
    with db.reading() as session:
        own = texts_of(session)
    company = Company("Harbor Heating", "+1 410 555 0100", "office@example.com")
    zone = texts.ZoneInfo("America/New_York")
    for locale, ours in (("nl_NL", True), ("da_DK", False)):
        mail = letter(
            texts.with_own(texts.sample("late.named", locale, company, zone, link=""), "email", own)
        )
        assert ("Sorry <b>" in mail.text) == ours
        assert ("Sorry &lt;b&gt;\n\nAna Lee: 10:25" in mail.html) == ours
        assert (mail.subject == "Later: 10:25") == ours
        assert "HH-7K2M9Q" in mail.text


def texts_of(session: object) -> texts.Own:
    """The stored texts."""
    from fieldservice.models.message_text import own_texts

    return own_texts(session)  # type: ignore[arg-type]
