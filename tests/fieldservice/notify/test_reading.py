"""Reading e-mails: what was written now, who wrote it, what it is about; and nothing makes it fail."""

from __future__ import annotations

import pytest

from fieldservice.notify.reading import LONGEST_TEXT, Nature, read
from tests.fieldservice.notify.letters import bounce, complaint, deep, hostile, letter

OWN = "office@example.com"


def test_a_thousand_hostile_e_mails_are_read() -> None:
    """Whatever the bytes: an answer of bounded size, without markup that runs, always the same."""
    for seed in range(1000):
        raw = hostile(seed)
        found = read(raw, own=OWN)
        assert found == read(raw, own=OWN)
        assert len(found.text) <= LONGEST_TEXT
        assert 0 < len(found.key) <= 120
        for said in (found.text, found.folded, found.subject, found.sender, found.failed, found.why):
            assert "\x00" not in said
            said.encode("utf-8")
    assert read(deep(500), own=OWN).sender == "a@b"
    assert read(b"").nature is Nature.AUTOMATIC


@pytest.mark.parametrize(
    "tail",
    [
        "On Mon, Mar 2, 2026 at 10:00 AM Harbor <office@example.com> wrote:\n> Your visit\n> is booked",
        "Op ma 2 mrt 2026 om 10:00 schreef Harbor <office@example.com>:\n> Uw bezoek",
        "Den man. 2. mar. 2026 kl. 10.00 skrev Harbor <office@example.com>:\n> Dit besøg",
        "-----Original Message-----\nFrom: Harbor <office@example.com>\nSent: Monday\nTo: R\nSubject: x",
        "> Your visit\n> is booked",
    ],
    ids=["english", "dutch", "danish", "outlook", "bare"],
)
def test_what_is_quoted_is_folded(tail: str) -> None:
    """The office reads what was written now; the rest is kept beside it, and nothing is lost."""
    found = read(letter(f"Could you come later?\n\nThe key is at number 4.\n\n{tail}\n"))
    assert found.text == "Could you come later?\n\nThe key is at number 4."
    assert found.folded.split() == tail.split()


def test_an_answer_below_its_quote_is_all_text() -> None:
    """Where the words come after the quote, everything is shown rather than nothing."""
    text = read(letter("> Which door?\nThe green one.")).text
    assert "The green one." in text


def test_html_is_read_as_text() -> None:
    """An e-mail of HTML alone says what it would show; scripts and styles are not text."""
    html = "<style>p{}</style><p>Come <b>later</b></p><script>alert(1)</script><p>&lt;b&gt; please</p>"
    assert read(letter("", html=html)).text == "Come later\n<b> please"


def test_files_and_ids() -> None:
    """Files keep their names, answers name what they answer, and a copy of an e-mail has the same key."""
    raw = letter(
        answers="<a@b>", References="<x@y> <a@b>", files=[("boiler.jpg", b"\xff\xd8"), ("b.pdf", b"%")]
    )
    found = read(raw)
    assert [file.name for file in found.files] == ["boiler.jpg", "b.pdf"]
    assert found.answers == ("<a@b>", "<a@b>", "<x@y>")
    assert (found.key, found.sender, found.nature) == ("<1@example.com>", "rosa@example.com", Nature.PERSONAL)
    assert "office@example.com" in found.recipients


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto_Submitted": "auto-replied"},
        {"Precedence": "bulk"},
        {"List_Id": "<news.example.com>"},
        {"Return_Path": "<>"},
        {"sender": "noreply@example.com"},
        {"sender": OWN},
    ],
)
def test_robots_are_recognised(headers: dict[str, str]) -> None:
    """Absence notes, newsletters and our own e-mails need no answer, so they make no loop."""
    assert read(letter(**headers), own=OWN).nature is Nature.AUTOMATIC  # type: ignore[arg-type]
    assert read(letter(Auto_Submitted="no"), own=OWN).nature is Nature.PERSONAL


def test_reports_say_whom_they_are_about() -> None:
    """A final bounce and a complaint name the address and the e-mail; a delay is nothing to act on."""
    failed = read(bounce("gone@example.com", "<abc@example.com>"))
    assert (failed.nature, failed.failed, failed.answers) == (
        Nature.BOUNCE,
        "gone@example.com",
        ("<abc@example.com>",),
    )
    assert failed.why == "5.1.1 550 no such user"
    unwanted = read(complaint("rosa@example.com", "<abc@example.com>"))
    assert (unwanted.nature, unwanted.failed) == (Nature.COMPLAINT, "rosa@example.com")
    for status, action in (("4.2.2", "failed"), ("4.2.2", "delayed"), ("2.0.0", "delivered")):
        assert read(bounce("a@b.example", "<abc@b>", status=status, action=action)).nature is Nature.AUTOMATIC
