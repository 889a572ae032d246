"""Photos and documents from the first screen to the technician's phone, without JavaScript."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.test import TestResponse, encode_multipart

from fieldservice import web
from fieldservice.app import create_app
from fieldservice.attachments import requests, uploads
from fieldservice.files import FileStore, NotStored, content
from fieldservice.models import (
    Attachment,
    BookingDraft,
    ScanState,
    Stop,
    Technician,
    UserRole,
    Visit,
    VisitState,
)
from fieldservice.web import Services
from tests.factories import ask, make_attachment, make_visit
from tests.fieldservice.booking.demoville import heating
from tests.fieldservice.booking.walker import Walker
from tests.pictures import HEIC, PDF, SVG, has_place, photo
from tests.signing_in import make_user, signed_in

pytestmark = pytest.mark.usefixtures("company")
PLATE = {"code": "plate", "kind": "photo", "label": "The type plate", "hint": "On its side."}


def files(*sent: tuple[bytes, str]) -> list[tuple[BytesIO, str]]:
    """Files as a form carries them."""
    return [(BytesIO(data), name) for data, name in sent]


def post_large(walker: Walker, path: str, form: dict[str, Any]) -> TestResponse:
    """Send a form with files that the test client would leave open."""
    sent = [
        (name, each) for name, value in form.items() for each in (value if type(value) is list else [value])
    ]
    boundary, body = encode_multipart(
        MultiDict((name, FileStorage(*each) if type(each) is tuple else each) for name, each in sent)
    )
    kind = f"multipart/form-data; boundary={boundary}"
    return walker.client.post(path, data=body, content_type=kind)


def stored(services: Services) -> list[Attachment]:
    """Every attachment."""
    with services.db.reading() as session:
        return list(session.scalars(select(Attachment).order_by(Attachment.id)))


def pictures_on(walker: Walker) -> list[str]:
    """The addresses of the small pictures on the page."""
    return [found.replace("&amp;", "&") for found in re.findall(r'<img src="([^"]+)"', walker.page.html)]


@pytest.fixture
def asked(services: Services) -> None:
    """Heating asks for a photo."""
    with services.db.transaction() as session:
        ask(session, heating(session), [PLATE])


def test_from_the_first_screen_to_the_visit(walker: Walker, services: Services, asked: None) -> None:
    """Files go with the form, are shown before confirming, and belong to the visit afterwards."""
    walker.choose_problem(
        files=files((photo(400, 300), "my photos/boiler.jpg"), (PDF, "bill.pdf")),
        **{"about-heating-plate": files((photo(200, 200), "../../plate.png"))},
    )
    assert walker.status == 200
    walker.give_address()
    walker.open(f"/book/{walker.draft}/time?day=2026-03-04")
    walker.pick_window()
    assert "Photos and documents" in walker.page.text
    assert "bill.pdf" in walker.page.text
    assert "The type plate" in walker.page.text
    small = pictures_on(walker)
    assert len(small) == 2
    answer = walker.client.get(small[0], buffered=True)
    assert answer.mimetype == "image/jpeg"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert set(answer.headers["Cache-Control"].split(", ")) == {"private", "max-age=3600"}
    assert not has_place(answer.data)
    assert walker.client.get(small[0].partition("?")[0], buffered=True).data == services.files.read(
        stored(services)[0].key
    )
    walker.confirm()
    assert [(a.name, a.caption, a.actor) for a in stored(services)] == [
        ("plate.png", "The type plate", "customer"),
        ("boiler.jpg", "", "customer"),
        ("bill.pdf", "", "customer"),
    ]
    assert walker.client.get(small[0]).status_code != 200  # the draft has become a visit
    walker.open(walker.url.removesuffix("/booked"))
    assert "3 files" in walker.page.text
    walker.open(f"{walker.url}/photos")
    number = stored(services)[2].id
    document = next(link for link in walker.page.links if link.endswith(f"/photos/{number}"))
    answer = walker.client.get(document, buffered=True)
    assert answer.data == PDF
    assert answer.headers["Content-Disposition"] == "attachment; filename=bill.pdf"


def test_what_is_refused_is_said_and_the_booking_goes_on(walker: Walker, services: Services) -> None:
    """On the next screen, once, each by its name; what is fine is kept."""
    walker.choose_problem(
        files=files((SVG, "drawing.jpg"), (b"", "empty.jpg"), (HEIC, "IMG_1.heic"), (photo(), "fine.jpg"))
    )
    assert walker.page.title.startswith("Where should we come?")
    assert "“drawing.jpg” was not added: it is neither a photo (JPEG, HEIC, PNG, WebP)" in walker.page.text
    assert "“empty.jpg” was not added: it is empty." in walker.page.text
    assert "“IMG_1.heic” was not added: the file is damaged." in walker.page.text
    assert [attachment.name for attachment in stored(services)] == ["fine.jpg"]
    walker.open(walker.url)
    assert "was not added" not in walker.page.text


def test_a_form_with_a_mistake_loses_no_file(walker: Walker, services: Services) -> None:
    """A browser cannot choose files again by itself: they are there when the form comes back."""
    walker.open("/book")
    walker.send(service="heating", problem="x" * 2001, files=files((photo(), "boiler.jpg")))
    assert walker.status == 422
    assert "boiler.jpg" in walker.page.html
    assert len(pictures_on(walker)) == 1
    [attachment] = stored(services)
    walker.send(drop=[str(attachment.id)])
    assert walker.status == 422
    assert walker.page.checked["drop"] == [str(attachment.id)]  # and taken away when the form goes through
    walker.send(problem="No heat", drop=[])
    [attachment] = stored(services)
    with services.db.reading() as session:
        assert [draft.token for draft in session.scalars(select(BookingDraft))] == [attachment.draft_token]
    walker.open(f"/book/{walker.draft}")
    assert len(pictures_on(walker)) == 1
    walker.send(drop=[str(attachment.id)], files=files((PDF, "bill.pdf")))
    assert [attachment.name for attachment in stored(services)] == ["bill.pdf"]


def test_more_than_five_and_the_same_twice(walker: Walker, services: Services) -> None:
    """The sixth is refused in words; a form that is sent twice keeps each file once."""
    sent = [(photo() + bytes([number]), f"{number}.jpg") for number in range(6)]
    walker.choose_problem(files=files(*sent))
    assert "“5.jpg” was not added: you can send up to 5 files." in walker.page.text
    assert len(stored(services)) == 5
    walker.open(f"/book/{walker.draft}")
    walker.send(files=files(sent[0], (PDF, "bill.pdf")), drop=[])
    assert "“bill.pdf” was not added" in walker.page.text
    assert "“0.jpg”" not in walker.page.text
    assert len(stored(services)) == 5


def test_a_photo_that_is_too_large_does_not_cost_the_form(
    walker: Walker, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More than one file may have, and more than all may have: the rest of the form is there."""
    walker.open("/book")
    huge = photo() + bytes(content.MOST_BYTES)
    sent = files((huge, "huge.jpg"), (photo(), "fine.jpg"))
    answer = post_large(walker, "/book", {**walker.page.fields, "service": "heating", "files": sent})
    walker.open(answer.headers["Location"])
    assert "“huge.jpg” was not added: it is too large. A photo may have up to 15 MB." in walker.page.text
    assert [attachment.name for attachment in stored(services)] == ["fine.jpg"]
    monkeypatch.setattr(requests.UploadRequest, "room", 1000)
    walker.open(f"/book/{walker.draft}")
    walker.send(problem="It drips", files=files((photo(400, 400), "second.jpg")), drop=[])
    assert "“second.jpg” was not added: it is too large." in walker.page.text
    with services.db.reading() as session:
        assert session.scalars(select(BookingDraft)).one().answers["problem"] == "It drips"


def test_only_forms_with_files_may_be_large(walker: Walker, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit of all others stays, and there is one for these, too, and for each of their texts."""
    for path, status in (("/book", 400), ("/book/x/address", 413), ("/login", 413)):
        answer = post_large(walker, path, {"files": (BytesIO(bytes(2_000_000)), "x.jpg")})
        assert answer.status_code == status, path
    assert post_large(walker, "/book", {"problem": "x" * 130_000}).status_code == 413
    assert walker.client.post("/book", data={"problem": "x" * 1_100_000}).status_code == 413
    monkeypatch.setattr(requests, "MOST_BODY", 1_000_000)
    answer = post_large(walker, "/book", {"files": (BytesIO(bytes(2_000_000)), "x.jpg")})
    assert answer.status_code == 413
    assert "Go back: what you typed is still there." in answer.text


@pytest.mark.parametrize("broken", ["full disk", "full of unfinished bookings"])
def test_a_store_that_is_full_does_not_stop_a_booking(
    walker: Walker, services: Services, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    """The file is not kept, that is said, and the visit is booked."""

    def full(_store: FileStore, _content: bytes) -> str:
        raise NotStored("no space left")

    if broken == "full disk":
        monkeypatch.setattr(FileStore, "put", full)
    else:
        monkeypatch.setattr("fieldservice.attachments.service.UNBOOKED_BYTES", 10)
    walker.choose_problem(files=files((photo(), "boiler.jpg")))
    assert "“boiler.jpg” was not added: we could not store it." in walker.page.text
    walker.give_address()
    walker.open(f"/book/{walker.draft}/time?day=2026-03-04")
    walker.pick_window()
    walker.confirm()
    assert "You’re booked" in walker.page.text
    assert stored(services) == []
    assert not [path for path in services.files.folder.rglob("*") if path.is_file()]


def test_files_before_and_while_a_draft_is_made(walker: Walker, services: Services) -> None:
    """What a script sends: to a page whose draft has not begun, then to the draft; answered with the list."""
    walker.open("/book")
    token, csrf = walker.page.fields["draft"], walker.page.fields["csrf_token"]

    def add(data: bytes, name: str) -> str:
        form = {"csrf_token": csrf, "files": (BytesIO(data), name)}
        answer = walker.client.post(f"/book/{token}/photos", data=form, content_type="multipart/form-data")
        assert answer.status_code == 200
        return answer.text

    assert 'data-count="1"' in add(photo(), "one.jpg")
    assert "data-refused" in add(SVG, "two.jpg")
    walker.send(service="heating")
    assert walker.draft == token
    assert 'data-count="2"' in add(PDF, "three.pdf")
    number = stored(services)[0].id
    answer = walker.client.post(f"/book/{token}/photos/{number}/remove", data={"csrf_token": csrf})
    assert 'data-count="1"' in answer.text
    assert walker.client.get(f"/book/{token}/photos/{number}").status_code == 404
    other = web.new_key()
    assert walker.client.get(f"/book/{other}/photos/{number + 1}").status_code == 404
    walker.open(f"/book/{token}/confirm")
    walker.give_address()
    walker.open(f"/book/{token}/time?day=2026-03-04")
    walker.pick_window()
    walker.confirm()
    form = {"csrf_token": csrf, "files": (BytesIO(photo()), "late.jpg")}
    answer = walker.client.post(f"/book/{token}/photos", data=form, content_type="multipart/form-data")
    assert answer.status_code == 303  # to the visit, where the customer can go on
    assert [attachment.name for attachment in stored(services)] == ["three.pdf"]


# --- behind the private link

type Enter = Callable[..., None]


@pytest.fixture
def enter(services: Services) -> Enter:
    """The visit goes on."""

    def work(session: Session, state: VisitState) -> None:
        session.execute(update(Visit).values(state=state))

    return lambda state: services.db.run(lambda session: work(session, state))


def test_the_private_page_adds_and_removes(booked: Walker, services: Services, enter: Enter) -> None:
    """Adding until the end, removing until the technician sets off, and only what is one's own."""
    page = booked.url
    assert "They help us bring the right parts." in booked.page.text
    booked.open(f"{page}/photos")
    booked.send(files=files((photo(), "boiler.jpg"), (SVG, "drawing.svg")))
    assert "“drawing.svg” was not added" in booked.page.text
    assert "boiler.jpg" in booked.page.html
    with services.db.transaction() as session:
        theirs = make_attachment(
            session, services.files, session.scalars(select(Visit)).one(), actor="user:2", name="after.jpg"
        ).id
    booked.open(f"{page}/photos")
    assert "after.jpg" not in booked.page.html
    assert booked.client.get(f"{page}/photos/{theirs}").status_code == 404
    own = stored(services)[0].id
    key = {"csrf_token": booked.page.fields["csrf_token"], "idempotency_key": web.new_key()}
    assert booked.client.post(f"{page}/photos/{theirs}/remove", data=key).status_code == 404
    enter(VisitState.EN_ROUTE)
    assert booked.client.post(f"{page}/photos/{own}/remove", data=key).status_code == 409
    booked.open(f"{page}/photos")
    assert "Remove" not in booked.page.text
    booked.send(files=files((PDF, "late.pdf")))
    assert len(stored(services)) == 3
    enter(VisitState.BOOKED)
    for _ in range(2):
        assert booked.client.post(f"{page}/photos/{own}/remove", data=key).status_code == 303
    assert [attachment.name for attachment in stored(services)] == ["after.jpg", "late.pdf"]
    enter(VisitState.DONE)
    booked.open(f"{page}/photos")
    assert "The visit is over, so nothing can be added." in booked.page.text
    late = key | {"files": (BytesIO(photo()), "too late.jpg")}
    answer = booked.client.post(f"{page}/photos", data=late, content_type="multipart/form-data")
    assert answer.status_code == 409


def test_staff_see_what_was_looked_at(booked: Walker, app: Flask, services: Services) -> None:
    """The dispatcher and the assigned technician; nothing that waits for the scanner, or has a virus."""
    booked.open(f"{booked.url}/photos")
    booked.send(files=files((photo(), "boiler.jpg"), (PDF, "bill.pdf")))
    [picture, document] = stored(services)
    with services.db.transaction() as session:
        visit = session.scalars(select(Visit)).one()
        stop = session.scalars(select(Stop)).one()
        assigned = session.get_one(Technician, stop.technician_id)
        other = session.scalars(select(Technician).where(Technician.id != assigned.id)).first()
        users = [make_user(session, UserRole.TECHNICIAN) for _ in range(2)]
        assigned.user_id, other.user_id = (user.id for user in users)  # type: ignore[union-attr]
        office = make_user(session)
        draft = make_attachment(session, services.files, "a draft", name="unbooked.jpg").id
    desk, phone, colleague = (signed_in(app, services.db, user) for user in (office, *users))
    board = f"/board/visits/{visit.id}"
    assert desk.get(f"/board/photos/{picture.id}?size=small", buffered=True).data == services.files.read(
        str(picture.small_key)
    )
    assert f"/board/photos/{document.id}" in desk.get(board).text
    assert f"/day/photos/{picture.id}" in phone.get(f"/day/visits/{visit.id}").text
    answer = phone.get(f"/day/photos/{document.id}", buffered=True)
    assert answer.data == PDF
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert colleague.get(f"/day/photos/{document.id}").status_code == 404
    assert desk.get(f"/board/photos/{draft}").status_code == 404
    for state, said in (
        (ScanState.WAITING, "1 file is being checked for viruses."),
        (ScanState.FAILED, "1 file could not be checked for viruses and is kept aside."),
        (ScanState.INFECTED, "1 file has a virus. Nobody can open it."),
    ):
        with services.db.transaction() as session:
            session.get_one(Attachment, document.id).scan_state = state
        for pages, face in ((desk, board), (phone, f"/day/visits/{visit.id}")):
            assert said in pages.get(face).text
        assert desk.get(f"/board/photos/{document.id}").status_code == 404
        assert phone.get(f"/day/photos/{document.id}").status_code == 404
        own = booked.client.get(f"{booked.url}/{document.id}", buffered=True)
        assert own.status_code == (404 if state == ScanState.INFECTED else 200)
        booked.open(booked.url)
        assert "virus" in booked.page.text


def test_with_a_scanner_files_wait_for_it(walker: Walker, services: Services) -> None:
    """The setting decides; the customer sees what they sent, and is told."""
    settings = replace(services.settings, virus_scan_command="clamdscan --no-summary --fdpass")
    assert settings.virus_scanner == ["clamdscan", "--no-summary", "--fdpass"]
    app = create_app(settings, replace(services, settings=settings))
    scanned = Walker(app.test_client(), walker.home)
    scanned.choose_problem(files=files((photo(), "boiler.jpg")))
    assert stored(services)[0].scan_state == ScanState.WAITING
    scanned.open(f"/book/{scanned.draft}")
    assert "Being checked for viruses. We see it afterwards." in scanned.page.text
    assert scanned.client.get(pictures_on(scanned)[0], buffered=True).status_code == 200


def test_a_file_that_the_store_lost_is_not_found(booked: Walker, services: Services) -> None:
    """As after a backup without its files: no error of ours, on no page."""
    with services.db.transaction() as session:
        lost = make_attachment(session, services.files, session.scalars(select(Visit)).one())
        make_attachment(session, services.files, make_visit(session))
    services.files.remove(lost.key)
    assert booked.client.get(f"{booked.url}/photos/{lost.id}").status_code == 404
    booked.open(f"{booked.url}/photos")
    assert booked.status == 200


def test_names_are_text(walker: Walker, services: Services) -> None:
    """No folder, no control character, no markup, no end; and a name where there is none."""
    names = {
        "../../etc/passwd": "passwd",
        "/": "File",
        "a\u202egpj.exe": "agpj.exe",
        "x" * 300 + ".jpg": "x" * 116 + ".jpg",
    }
    for number, (sent, kept) in enumerate(names.items()):
        walker.choose_problem(files=files((photo() + bytes([number]), sent)))
        assert stored(services)[-1].name == kept
    walker.choose_problem(files=files((photo(), "<img src=x onerror=alert(1)>.jpg")))
    walker.open(f"/book/{walker.draft}")
    assert "<img src=x" not in walker.page.html
    assert Attachment.name.type.length == uploads.LONGEST_NAME  # type: ignore[attr-defined]
