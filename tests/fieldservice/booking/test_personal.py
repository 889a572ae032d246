"""Download and erasure: all of one person, nothing of another, and afterwards not a trace in any table."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import pytest
from sqlalchemy import JSON, String, Text, select, text
from sqlalchemy.orm import Session
from time_machine import Traveller

from fieldservice.auth import codes
from fieldservice.booking import erasing, personal
from fieldservice.files import FileStore
from fieldservice.geo.types import Coordinates
from fieldservice.models import (
    AccessCode,
    Approval,
    ApprovalState,
    AreaWish,
    Base,
    Channel,
    ContactRole,
    Conversation,
    Feedback,
    Guest,
    Hold,
    InboundMessage,
    Job,
    KeptWork,
    Occurrence,
    OfficeTask,
    OutboxMessage,
    Outcome,
    Plan,
    PlanChange,
    PushDevice,
    Role,
    ServicePlan,
    Site,
    Unreachable,
    Visit,
    VisitAsset,
    VisitEvent,
    VisitReport,
    VisitState,
    WaitingEntry,
    WaitingOffer,
    WindowOffer,
    WorkOrder,
)
from fieldservice.models.message import new_message
from fieldservice.models.personal import CUSTOMERS, OTHERS
from fieldservice.notify import Channels
from fieldservice.notify.files import file_name, write_whole
from fieldservice.notify.mailers import FileMailer
from fieldservice.notify.push import Device, WebPush
from fieldservice.notify.sms import NoSms
from fieldservice.notify.smtp import SmtpMailer
from fieldservice.web import Services
from tests.factories import (
    NOW,
    TODAY,
    TOMORROW,
    add,
    make_attachment,
    make_customer,
    make_draft,
    make_hold,
    make_service,
    make_site,
    make_technician,
    make_visit,
    make_work_order,
    near,
    window,
)
from tests.fieldservice.booking.walker import Walker
from tests.pictures import PDF, photo

PROVIDERS = Channels(SmtpMailer.from_url("smtp://localhost"), NoSms(), WebPush("tests", "office@example.com"))
ROSA = "rosa.marker@example.com"
BOB = "bob.other@example.com"


def person(
    session: Session, store: FileStore, name: str, email: str, *, state: VisitState = VisitState.DONE
) -> Visit:
    """Somebody with a visit and a word in every column in which a customer can leave one.

    Each word contains the person's name and the column's, such as `Rosa:feedback.body`.
    """

    def said(column: str) -> str:
        return f"{name}:{column}"

    order = _order(session, name, email, said)
    visit = make_visit(session, work_order=order)
    _tell(session, visit, said)
    _keep_from_the_phone(session, visit, said)
    token = _begin_another(session, order.site, email, said)
    _write_before(session, visit, token, said)
    _break_a_rule(session, visit, said("reason"))
    make_attachment(session, store, token, name=said("attachment.name"))
    make_attachment(session, store, visit, name=said("attachment.name"))
    visit.state = state
    _wait(session, visit, name)
    _recur(session, visit, said)
    named = {column: said(f"push_device.{column}") for column in CUSTOMERS["push_device"]}
    visit.devices.append(PushDevice.of(Device(**named), locale="en_US", created_at=NOW))
    session.flush()
    return visit


def _order(session: Session, name: str, email: str, said: Callable[[str], str]) -> WorkOrder:
    """What they asked for, where, who pays and who had to agree."""
    customer = make_customer(
        session, name=said("customer.name"), email=email, phone=f"+1410555{len(name):04d}"
    )
    site = make_site(session, customer, at=near(1_234 * len(name)))
    for column in CUSTOMERS["site"]:
        setattr(site, column, said(f"site.{column}")[:20])
    order = make_work_order(
        session,
        site=site,
        service=make_service(session),
        contact={"name": said("contact_role.name"), "email": email, "phone": customer.phone},
        problem=said("work_order.problem"),
        answers={"more": said("work_order.answers")},
        said=[{"question": "More?", "answer": said("work_order.said"), "kind": "text", "unit": ""}],
    )
    order.also = [{"code": "s", "name": "S", "problem": said("work_order.also")}]
    order.cost_centre, order.request_key = said("work_order.cost_centre"), f"key-of-{len(name)}"
    payer = ContactRole(role=Role.PAYER, name=f"Payer of {name}", email=f"payer.of.{email}")
    payer.address, payer.reference = said("contact_role.address"), said("contact_role.reference")
    order.contacts.append(payer)
    _had_to_agree(session, order.request_key, name)
    return order


def _tell(session: Session, visit: Visit, said: Callable[[str], str]) -> None:
    """What went to them and what they wrote, on each channel, with the task that it made."""
    visit.promise(window(), now=NOW, actor="customer")
    visit.record(
        "said", occurred_at=NOW, now=NOW, actor="customer", payload={"x": said("visit_event.payload")}
    )
    for message in visit.messages:
        message.payload = {"x": said("outbox_message.payload")}
        message.last_error = said("outbox_message.last_error")
        message.sent_subject = said("outbox_message.sent_subject")
        message.sent_text = said("outbox_message.sent_text")
    session.add(
        InboundMessage(
            channel=Channel.SMS,
            provider_key=f"of-{visit.id}",
            sender=visit.work_order.customer.phone,
            body=said("inbound_message.body"),
            received_at=NOW,
            outcome=Outcome.ASKED,
        )
    )
    conversation = add(session, Conversation(visit=visit, last_at=NOW))
    conversation.ask(
        said("conversation_message.body"),
        channel=Channel.EMAIL,
        folded=said("conversation_message.folded"),
        now=NOW,
    )
    conversation.guests.append(
        Guest(
            channel="chat", address=said("guest.address"), name=said("guest.name"), began_at=NOW, locale="en"
        )
    )
    reason = f"{said('unreachable.reason')} {said('unreachable.address')}"
    phone = visit.work_order.customer.phone
    session.add(Unreachable(channel=Channel.SMS, address=phone, reason=reason, since=NOW))
    session.add(Feedback(visit=visit, rating=2, body=said("feedback.body"), created_at=NOW, changed_at=NOW))
    session.add(
        OfficeTask(
            kind="complaint", visit_id=visit.id, detail=said("office_task.detail"), created_at=NOW, due_at=NOW
        )
    )


def _write_before(session: Session, visit: Visit, token: str, said: Callable[[str], str]) -> None:
    """They wrote from WhatsApp, before they booked, and on Messenger, where somebody knew them later."""
    number, name = visit.work_order.customer.phone.removeprefix("+"), said("guest.address").lower()
    given = visit.conversation
    assert given is not None
    for channel, address in (("whatsapp", number), (Channel.PAGE, token), ("messenger", name)):
        told = said(f"{channel}.body")
        talk = given if channel == "messenger" else add(session, Conversation(last_at=NOW))
        talk.ask(told, channel=channel, now=NOW)
        who = {"channel": channel, "address": address, "name": said(f"{channel}.name")}
        talk.guests.append(Guest(**who, began_at=NOW, locale="en"))
        session.flush()
        if talk is not given:
            session.add(OfficeTask(kind="overdue", conversation_id=talk.id, detail=told, created_at=NOW))
        if channel == Channel.PAGE:
            continue
        came = {"channel": channel, "provider_key": f"{channel}-{visit.id}", "sender": address, "body": told}
        session.add(InboundMessage(**came, received_at=NOW, outcome=Outcome.ASKED))
        session.add(Unreachable(channel=channel, address=address, reason=told, since=NOW))
        went = new_message(f"guest {visit.id}", "answer", channel, address, role=Role.REQUESTER)
        went.promise_version, went.due_at, went.next_at, went.sent_text = 0, NOW, NOW, told
        session.add(went)


def _keep_from_the_phone(session: Session, visit: Visit, said: Callable[[str], str]) -> None:
    """A technician's note about them came when the visit was somebody else's."""
    session.add(
        VisitReport(
            visit_id=visit.id,
            technician_id=make_technician(session, visit.territory).id,
            checks={"a/b": {"label": "A", "kind": "text", "unit": "", "answer": said("visit_report.checks")}},
            parts={said("visit_report.parts"): 1},
            notes=said("visit_report.notes"),
            signed_by=said("visit_report.signed_by"),
            said_at=NOW,
            signed_at=NOW,
        )
    )
    session.add(
        VisitAsset(
            visit_id=visit.id,
            technician_id=make_technician(session, visit.territory).id,
            name=said("visit_asset.name"),
            make=said("visit_asset.make"),
            model=said("visit_asset.model"),
            serial=said("visit_asset.serial"),
            said_at=NOW,
        )
    )
    session.add(
        KeptWork(
            item_id=f"item-{visit.id}",
            visit_id=visit.id,
            technician_id=make_technician(session, visit.territory).id,
            kind="note",
            label=said("kept_work.label"),
            fields=[["text", said("kept_work.fields")]],
            status=404,
            reason=said("kept_work.reason"),
            file_name=said("kept_work.file_name"),
            tapped_at=NOW,
            phone_at=NOW,
            received_at=NOW,
        )
    )


def _begin_another(session: Session, site: Site, email: str, said: Callable[[str], str]) -> str:
    """They looked for a window, and began another booking; returns its token."""
    search = {"lat": site.lat, "lon": site.lon, "x": said("job.payload")}
    session.add(
        Job(kind="rooms", dedupe_key=said("key")[:3], payload=search, created_at=NOW, finished_at=NOW)
    )
    begun = make_draft(
        session,
        answers={
            "service": "s",
            "contact": {"email": email.upper()},
            "problem": said("booking_draft.answers"),
        },
    )
    return begun.token


def _break_a_rule(session: Session, visit: Visit, reason: str) -> None:
    """A dispatcher moved the visit outside its window and said why, which stays with the change."""
    visit.accepted_violations = [{"rule": "window", "text": "", "numbers": {}, "reason": reason}]
    plan = add(session, Plan(territory_id=visit.territory_id, on=TODAY))
    marks = {"routes": [], "pins": {}, "marks": {f"v{visit.id}": visit.accepted_violations}}
    summary = {"visit_id": visit.id, "reason": reason}
    change = PlanChange(plan_id=plan.id, kind="move", at=NOW, actor="user:1 Dana", summary=summary)
    change.before, change.after = marks, marks
    session.add(change)


def _recur(session: Session, visit: Visit, said: Callable[[str], str]) -> None:
    """They have a service plan for this order, skipped one of its visits and were invited for another."""
    plan = ServicePlan(
        work_order=visit.work_order,
        territory=visit.territory,
        every=1,
        unit="months",
        anchor_on=TOMORROW,
        starts_on=TOMORROW,
        made_until=TOMORROW,
        end_reason=said("service_plan.end_reason"),
        created_at=NOW,
    )
    add(session, plan)
    for number in range(2):
        occurrence = Occurrence(ruled_on=TOMORROW + timedelta(days=30 * number))
        plan.occurrences.append(occurrence)
        occurrence.fall_due(occurrence.ruled_on)
    plan.occurrences[0].skipped_at = NOW
    plan.occurrences[0].skip_reason = said("occurrence.skip_reason")
    plan.occurrences[1].visit = make_visit(
        session, territory=visit.territory, work_order=visit.work_order, promise_version=0
    )
    plan.occurrences[1].visit.tell("plan_invitation", due_at=NOW, now=NOW)


def _had_to_agree(session: Session, request_key: str, name: str) -> None:
    """Somebody was asked first, and wrote why not."""
    asked = {"email": f"boss.of.{name}@example.com", "reason": f"{name}:approval.reason"}
    until = NOW + timedelta(hours=1)
    add(
        session,
        Approval(
            request_key=request_key,
            state=ApprovalState.DECLINED,
            nonce="n",
            token_hash=f"hash-{request_key}",
            created_at=NOW,
            expires_at=until,
            **asked,
        ),
    )


def _wait(session: Session, visit: Visit, name: str) -> None:
    """They wait for an earlier window and have one reserved; before they moved they wanted us elsewhere."""
    entry = add(session, WaitingEntry(visit_id=visit.id, any_time=False, seen=["x"], joined_at=NOW))
    earlier, site = window(starts=6, ends=8), visit.site
    offer = {"window_starts_at": earlier.starts_at, "window_ends_at": earlier.ends_at, "created_at": NOW}
    add(session, WaitingOffer(entry=entry, expires_at=NOW + timedelta(hours=1), **offer))
    windows = [[earlier.starts_at.isoformat(), earlier.ends_at.isoformat()]]
    until = {"created_at": NOW, "expires_at": NOW + timedelta(hours=1)}
    add(session, WindowOffer(visit_id=visit.id, windows=windows, asked_by="user:1 Dana", **until))
    reserved = make_draft(session, answers={"service": "s"}, visit_id=visit.id)
    at = Coordinates(site.lat or 0, site.lon or 0)
    make_hold(session, visit.territory, visit.service, held=earlier, draft=reserved, at=at)
    requester = visit.work_order.contact(Role.REQUESTER)
    assert requester is not None
    there = {column: f"{name}:area_wish.{column}"[:20] for column in ("city", "postcode")}
    wish = {"email": requester.email.upper(), "service_id": visit.service.id, "locale": "en_US"}
    add(session, AreaWish(**wish, **there, lat=39.3, lon=-76.6, created_at=NOW))


def dump(session: Session) -> str:
    """Every value of every row of every table, as text."""
    rows = [
        row for table in Base.metadata.tables for row in session.execute(text(f'SELECT * FROM "{table}"'))
    ]
    return "\n".join(str(value) for row in rows for value in row)


def test_every_column_with_text_says_whose_it_is() -> None:
    """A new column is in one of two lists, or this fails: what nobody thought of is never erased."""
    for table in Base.metadata.sorted_tables:
        texts = {column.name for column in table.columns if isinstance(column.type, String | Text | JSON)}
        theirs = CUSTOMERS.get(table.name, frozenset())
        others = OTHERS.get(table.name, frozenset())
        assert texts == theirs | others, table.name
        assert not theirs & others, table.name


def test_the_scene_has_a_word_in_every_column(session: Session, store: FileStore) -> None:
    """Control of the two tests below: they would miss a column in which nobody left a word."""
    person(session, store, "Rosa", ROSA)
    everything = dump(session)
    for table, columns in CUSTOMERS.items():
        for column in columns - {"email", "phone", "recipient"}:
            assert f"Rosa:{table}.{column}"[:20] in everything, f"{table}.{column}"


def test_a_download_has_everything_of_one_person_and_nothing_of_another(
    session: Session, store: FileStore
) -> None:
    """Each word that Rosa left is in her file, except drafts and searches, and none of Bob's."""
    rosa = person(session, store, "Rosa", ROSA)
    person(session, store, "Bob", BOB)
    content = json.dumps(personal.export(session, rosa))
    for table, columns in CUSTOMERS.items():
        for column in (
            columns - {"email", "phone", "recipient"} if table not in ("booking_draft", "job") else ()
        ):
            assert f"Rosa:{table}.{column}"[:20] in content, f"{table}.{column}"
    assert ROSA in content
    assert "+14105550004" in content
    for channel in ("whatsapp", "messenger"):  # the text, the answer, the mark, the transcript and its task
        assert content.count(f"Rosa:{channel}.body") >= 4, channel
    assert content.count("Rosa:page.body") == 2
    tokens = session.scalars(select(Guest.address).where(Guest.channel == Channel.PAGE)).all()
    assert not any(token in content for token in tokens)
    assert '"offers": [{"window_starts_at"' in content
    assert "Bob" not in content
    assert "bob" not in content
    for named in ("Payer of Rosa", "boss.of.Rosa@example.com"):  # whom she named is what she told us
        assert named in content


def test_after_an_erasure_nothing_of_the_person_is_in_any_table(session: Session, store: FileStore) -> None:
    """Name, e-mail, phone, address and words are gone from a dump of all tables; Bob keeps all of his."""
    rosa, bob = person(session, store, "Rosa", ROSA), person(session, store, "Bob", BOB)
    kept = dump(session).count("Bob")
    lat, sent = str(rosa.site.lat), rosa.id
    assert lat in dump(session)
    assert erasing.erase(session, rosa, store=store, channels=PROVIDERS, now=NOW) == 1
    session.flush()
    everything = dump(session)
    for trace in ("Rosa", ROSA, ROSA.upper(), "+14105550004", "14105550004", "rosa", lat):
        assert trace not in everything, trace
    assert everything.count("Bob") == kept
    assert BOB in everything
    assert session.scalars(select(OutboxMessage).where(OutboxMessage.visit_id == sent)).all() == []
    assert personal.export(session, bob)["customers"][0]["email"] == BOB
    for table in (WaitingEntry, WaitingOffer, WindowOffer, Hold, AreaWish):
        assert len(session.scalars(select(table)).all()) == 1, table  # Bob's


def test_letters_in_our_own_folders_go_as_well(services: Services) -> None:
    """What the demo's post and texts wrote to files is erased with the customer; Bob's letters stay."""
    ours = services.channels
    assert isinstance(ours.email, FileMailer)
    with services.db.transaction() as session:
        rosa = person(session, services.files, "Rosa", ROSA)
        person(session, services.files, "Bob", BOB)
        for message in session.scalars(select(OutboxMessage)):
            write_whole(ours.email.folder / file_name(message.dedupe_key, ".eml"), b"Hello")
        letters = len(list(ours.email.folder.iterdir()))
        theirs = len(session.scalars(select(OutboxMessage).where(OutboxMessage.visit_id == rosa.id)).all())
        assert 0 < theirs < letters
        erasing.erase(session, rosa, store=services.files, channels=ours, now=NOW)
        assert len(list(ours.email.folder.iterdir())) == letters  # it may still be rolled back
    with services.db.reading() as session:
        left = session.scalars(select(OutboxMessage.dedupe_key)).all()
    assert {path.name for path in ours.email.folder.iterdir()} == {file_name(key, ".eml") for key in left}


def test_what_the_law_wants_stays(session: Session, store: FileStore) -> None:
    """Day, service, state, stars and the history of promises are there, with nobody's name."""
    visit = person(session, store, "Rosa", ROSA)
    erasing.erase(session, visit, store=store, channels=PROVIDERS, now=NOW)
    session.flush()
    session.expire_all()
    left = session.get_one(Visit, visit.id)
    assert left.state == VisitState.DONE
    assert left.window == window()
    assert left.feedback is not None
    assert left.feedback.rating == 2
    promised = [event for event in left.events if event.kind == "promised"]
    assert promised[0].payload
    assert left.work_order.customer.name == erasing.ERASED
    assert left.links == []
    tasks = session.scalars(select(OfficeTask).where(OfficeTask.visit_id == visit.id)).all()
    assert all(task.done_at for task in tasks)


def test_while_somebody_is_to_come_nothing_is_erased(session: Session, store: FileStore) -> None:
    """The technician has to find the door."""
    visit = person(session, store, "Rosa", ROSA, state=VisitState.BOOKED)
    with pytest.raises(erasing.VisitsAhead):
        erasing.erase(session, visit, store=store, channels=PROVIDERS, now=NOW)
    assert "Rosa:site.address" in dump(session)


def test_who_shares_a_phone_keeps_what_is_theirs(session: Session, store: FileStore) -> None:
    """Two people at one address with one phone: the customer's row then tells of the one who stays."""
    rosa = person(session, store, "Rosa", ROSA)
    shared = make_work_order(
        session,
        site=rosa.site,
        contact={"name": "Wim", "email": "wim@example.com", "phone": rosa.work_order.customer.phone},
    )
    theirs = make_visit(session, work_order=shared, state=VisitState.DONE)
    assert "Wim" not in json.dumps(personal.export(session, rosa))
    erasing.erase(session, rosa, store=store, channels=PROVIDERS, now=NOW)
    session.flush()
    session.expire_all()
    assert theirs.site.address == "Rosa:site.address"[:20]  # it is Wim's, too
    assert theirs.work_order.customer.name == "Wim"
    assert ROSA not in dump(session)


def test_the_history_can_be_emptied_and_not_rewritten(services: Services) -> None:
    """The database lets an erasure take the content of an event, and nothing else of it."""
    with services.db.transaction() as session:
        person(session, services.files, "Rosa", ROSA)
    statements = (
        "UPDATE visit_event SET payload = '{}', actor = 'nobody'",
        "UPDATE visit_event SET payload = '{\"x\": 1}'",
        "DELETE FROM visit_event",
    )
    for statement in statements:
        with pytest.raises(Exception, match="append-only"), services.db.transaction() as session:
            session.execute(text(statement))
    with services.db.transaction() as session:
        session.execute(text("UPDATE visit_event SET payload = '{}'"))
        assert {str(event.payload) for event in session.scalars(select(VisitEvent))} == {"{}"}


# --- the pages


def code_for(services: Services) -> str:
    """The code that was sent last."""
    with services.db.reading() as session:
        code = session.scalars(select(AccessCode).order_by(AccessCode.id.desc())).first()
        assert code is not None
        return codes.code_of(code.nonce, services.settings.secret_key)


def files_in(store: FileStore) -> set[str]:
    """The names of all files on disk; the list of erasures names nobody and stays."""
    return {path.name for path in store.folder.rglob("*") if path.is_file()} - {"erasures.jsonl"}


@pytest.fixture
def cancelled(booked: Walker) -> Walker:
    """A customer who has no visit ahead, on the page about their data."""
    link = booked.url
    booked.open(f"{link}/photos")
    booked.send(files=[(BytesIO(photo()), "Rosa at home.jpg"), (BytesIO(PDF), "bill.pdf")])
    booked.open(f"{link}/cancel")
    booked.send(reason="I moved to 12 Elsewhere Lane")
    booked.open(f"{link}/data")
    return booked


def prove(walker: Walker, services: Services) -> None:
    """Have a code sent and enter it."""
    page = walker.url.partition("#")[0]
    walker.open(page)
    walker.send(url=f"{page}/code")
    walker.send(url=f"{page}/prove", code=code_for(services))


def test_nothing_is_given_away_before_the_code(cancelled: Walker) -> None:
    """The link alone neither downloads nor erases; the page does not even show the whole address."""
    page = cancelled.url
    assert "r•••@example.com" in cancelled.page.text
    assert "rosa@example.com" not in cancelled.page.text
    for path in (f"{page}/download", f"{page}/erase"):
        answer = cancelled.client.get(path)
        assert answer.status_code == 303
        assert "Rosa" not in answer.text


def test_with_the_code_a_customer_downloads_and_erases(cancelled: Walker, services: Services) -> None:
    """From the page to a file, then through a page that says what stays, to a database without the person."""
    page = cancelled.url
    with services.db.transaction() as session:
        other = make_attachment(session, services.files, make_visit(session), content=PDF + b" %%EOF")
    prove(cancelled, services)
    assert "Download my data" in cancelled.page.text
    answer = cancelled.client.get(f"{page}/download")
    archive = ZipFile(BytesIO(answer.data))
    content: dict[str, Any] = json.loads(archive.read("my-data.json"))
    assert content["customers"][0]["email"] == "rosa@example.com"
    told = content["work_orders"][0]["photos_and_documents"]
    assert [file["name"] for file in told] == ["Rosa at home.jpg", "bill.pdf"]
    assert archive.read(told[1]["file"]) == PDF
    assert sorted(archive.namelist()) == sorted(["my-data.json", *(file["file"] for file in told)])
    assert len(files_in(services.files)) == 4  # two of Rosa's photo, her document, and somebody else's
    assert "attachment" in answer.headers["Content-Disposition"]
    cancelled.open(f"{page}/erase")
    assert "The law wants records of the work for 7 years" in cancelled.page.text
    cancelled.send(sure=None)
    assert cancelled.status == 422
    assert "Tick the box to erase your data" in cancelled.page.text
    cancelled.send(sure="y")
    assert cancelled.url == "/erased"
    with services.db.reading() as session:
        everything = dump(session)
    assert files_in(services.files) == {other.key}
    for trace in ("Rosa", "rosa@example.com", "+14105550187", cancelled.home.street, "Elsewhere Lane"):
        assert trace not in everything, trace
    cancelled.open(page)
    assert cancelled.status == 404


def test_a_wrong_code_counts_its_tries(cancelled: Walker, services: Services) -> None:
    """Five tries, then even the right one is too late."""
    page = cancelled.url
    cancelled.send(url=f"{page}/code")
    right = code_for(services)
    wrong = f"{(int(right) + 1) % 1_000_000:06d}"
    for _ in range(5):
        cancelled.open(page)
        cancelled.send(url=f"{page}/prove", code=wrong)
        assert "This is not the code that we sent last" in cancelled.page.text
    cancelled.open(page)
    cancelled.send(url=f"{page}/prove", code=right)
    assert cancelled.status == 409
    assert cancelled.client.get(f"{page}/download").status_code == 303


def test_a_code_runs_out_and_so_does_what_it_proved(
    cancelled: Walker, services: Services, clock_at_now: Traveller
) -> None:
    """Ten minutes for the code, fifteen for the pages that it opens."""
    page = cancelled.url
    cancelled.send(url=f"{page}/code")
    clock_at_now.shift(timedelta(minutes=11))
    cancelled.send(url=f"{page}/prove", code=code_for(services))
    assert cancelled.status == 409
    cancelled.open(page)
    prove(cancelled, services)
    assert cancelled.client.get(f"{page}/download").status_code == 200
    clock_at_now.shift(timedelta(minutes=16))
    assert cancelled.client.get(f"{page}/download").status_code == 303


def test_three_codes_in_a_quarter_of_an_hour(cancelled: Walker) -> None:
    """Nobody's mailbox is filled through a link."""
    page = cancelled.url
    for _ in range(3):
        cancelled.open(page)
        cancelled.send(url=f"{page}/code")
        assert cancelled.status == 200
    cancelled.open(page)
    cancelled.send(url=f"{page}/code")
    assert cancelled.status == 429


def test_a_changed_address_gets_no_code_for_two_days(
    booked: Walker, services: Services, clock_at_now: Traveller
) -> None:
    """Who got hold of the link cannot have the code sent to themselves before the owner was told."""
    link = booked.url
    booked.open(f"{link}/details")
    booked.send(email="mallory@example.com")
    booked.open(f"{link}/data")
    booked.send(url=f"{link}/data/code")
    assert booked.status == 409
    assert "To protect you" in booked.page.text
    clock_at_now.shift(timedelta(hours=49))
    booked.open(f"{link}/data")
    booked.send(url=f"{link}/data/code")
    assert booked.status == 200


def test_an_erasure_waits_for_the_end_of_the_visit(booked: Walker, services: Services) -> None:
    """The page says which visit is ahead."""
    booked.open(f"{booked.url}/data")
    page = booked.url
    prove(booked, services)
    booked.open(f"{page}/erase")
    assert booked.status == 409
    assert "You have a visit on Wednesday, Mar 4." in booked.page.text


def test_a_decision_is_kept_and_stops_what_is_written(booked: Walker, services: Services) -> None:
    """Without reminders the sweep retires them; the confirmation is part of the visit."""
    from fieldservice.messages.rules import why_pointless

    booked.open(f"{booked.url}/data")
    assert sorted(booked.page.checked) == ["feedback", "reminders", "texts"]
    booked.send(url=f"{booked.url}/consents", reminders=None, texts=None, offers="y")
    assert "Saved." in booked.page.text
    assert sorted(booked.page.checked) == ["feedback", "offers"]
    with services.db.reading() as session:
        messages = session.scalars(select(OutboxMessage)).all()
        visit = session.scalars(select(Visit)).one()
        sent = {
            (message.kind, message.channel)
            for message in messages
            if why_pointless(message, visit, now=NOW) is None
        }
    assert sent == {("confirmation", "email")}
