"""Whatever anybody types into any field: an answer in words, never an error page, and nothing half-written.

Requests run on a rehearsal of the database: real transactions that are taken back at the end instead of
committed, so that thousands of attempts meet the same company.
"""

from __future__ import annotations

import os
import random
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest
from flask import Flask, redirect, request
from flask.typing import ResponseReturnValue
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import event, update
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict
from werkzeug.test import TestResponse

from fieldservice import web
from fieldservice.app import create_app
from fieldservice.auth import limits
from fieldservice.auth.devices import DeviceForm, EndpointForm
from fieldservice.booking import after_forms, plan_forms
from fieldservice.booking.approval_views import ApprovalForm
from fieldservice.booking.check_views import CheckForm
from fieldservice.booking.choice_views import ChoiceForm
from fieldservice.booking.forms import AddressForm, CancelForm, ContactForm, PlaceForm, TimeForm
from fieldservice.booking.guard_views import PuzzleForm
from fieldservice.booking.phone_forms import PhoneForm
from fieldservice.booking.problem_form import ProblemForm
from fieldservice.booking.returning_forms import ReturningForm, SavedSiteForm
from fieldservice.booking.several_views import RemoveForm
from fieldservice.booking.sites_views import SitesForm
from fieldservice.booking.waiting_forms import OfferForm, WaitForm, WishForm
from fieldservice.db import Database
from fieldservice.dispatch import forms as board
from fieldservice.dispatch import plan_forms as office_plans
from fieldservice.dispatch.contact_views import CallForm
from fieldservice.dispatch.crew_forms import CrewForm
from fieldservice.dispatch.inbox_forms import AnswerForm, GiveForm, OwnerForm, WishDecisionForm
from fieldservice.dispatch.link_forms import LinkForm, UnlinkForm
from fieldservice.dispatch.optimise_forms import OptimiseForm, PartForm
from fieldservice.dispatch.running_forms import (
    CancelVisitForm,
    EmergencyForm,
    KeptDecisionForm,
    MissedForm,
    OverrunForm,
    RouteDayForm,
    SickForm,
    SwapForm,
    VehicleForm,
)
from fieldservice.dispatch.why_forms import AskForm, LetInForm
from fieldservice.field.asset_views import AssetForm
from fieldservice.field.closing_forms import ReportForm, SignatureForm, WorkPhotoForm
from fieldservice.field.ending_forms import CannotForm, FollowUpForm
from fieldservice.field.forms import (
    CorrectionForm,
    GotItForm,
    KeptForm,
    LateForm,
    NavigationForm,
    OutboxForm,
    PositionForm,
    SharingForm,
    TapForm,
)
from fieldservice.field.time_forms import HoursForm, ShiftWishForm
from fieldservice.models import Visit
from fieldservice.office import edit_forms as office_rows
from fieldservice.office import forms as office
from fieldservice.office.answer_forms import CannedForm
from fieldservice.office.text_forms import TextForm
from fieldservice.web import Services
from tests.matrix.world import Browser, World, make_browsers, make_world

TEXTS = [
    "",
    "\t\n",
    "\x00",
    "a\x00b",
    "\x1b[31m",
    "\ud7ff\ufdd0\uffff",
    "\u202egnp.exe",
    "\u200b\u2060\ufeff",
    "𝕏" * 130,
    "👩‍👩‍👧‍👦" * 40,
    "x" * 121,
    "x" * 300_000,
    "A\r\nBcc: everybody@example.com",
    "a@example.com\r\nBcc: everybody@example.com",
    "@example.com",
    "a@" + "b" * 250 + ".com",
    "<script>alert(1)</script>",
    "\"><img src=x onerror='alert(1)'>",
    "{{ 7 * 7 }}{% raw %}",
    "%s%n%(name)s{0}{name}",
    "' OR 1=1; DROP TABLE visit; --",
    "=cmd|' /C calc'!A0",
    "END:VCALENDAR\r\nBEGIN:VEVENT",
    "../../../../etc/passwd",
    "//evil.example.com",
    '{"$ne": 1}',
]
NUMBERS = [
    "-1",
    "0",
    "00",
    "1.5",
    "1e309",
    "NaN",
    "inf",
    "-inf",
    "٣",
    "0x10",
    "1_000",
    str(2**31),
    str(2**63),
    "9" * 400,
]
TIMES = [
    "25:00",
    "24:00",
    "02:30",
    "0001-01-01T00:00:00+00:00",
    "9999-12-31T23:59:59-12:00",
    "9999-12-31T23:59:59+00:00",
    "2026-02-30T10:00:00+00:00",
    "2026-03-08T02:30:00",
    "2026-03-03T10:00:00+99:99",
    "2026-03-03T10:00:00.1234567890123+00:00",
    "2026-W10-1",
    "1772460000",
]
OF_TIMES = {"window", "tapped_at", "phone_at", "at", "start", "first_on", "day", "ends_on", "to"}
OF_NUMBERS = {"plan_version", "visit", "technician", "latitude", "longitude", "age", "pin_lat", "pin_lon"}
OF_NUMBERS |= {
    "every",
    "period_days",
    "lead_days",
    "term_months",
    "version",
    "site",
    "service",
    "minutes",
    "offer",
}
FEW = ["", "\x00", "x" * 5_000, "' OR 1=1; DROP TABLE visit; --", "👩‍👩‍👧‍👦" * 40]
REFUSED = {400, 404, 409, 410, 413, 422}

ACTOR = {
    "/setu": "nobody",
    "/offi": "admin",
    "/book": "customer",
    "/appr": "customer",
    "/visi": "customer",
    "/boar": "dispatcher",
    "/day/": "technician",
    "/logi": "nobody",
}
FORMS: dict[str, Any] = {
    "/book": ProblemForm,
    "/book/<token>": ProblemForm,
    "/book/<token>/photos": None,
    "/book/<token>/photos/<int:attachment_id>/remove": None,
    "/book/<token>/try": CheckForm,
    "/book/<token>/chat": after_forms.MessageForm,
    "/book/<token>/services": ProblemForm,
    "/book/<token>/services/remove": RemoveForm,
    "/approve/<token>": ApprovalForm,
    "/book/<token>/address": AddressForm,
    "/book/<token>/address/check": PlaceForm,
    "/book/<token>/sites": SavedSiteForm,
    "/book/<token>/guard": PuzzleForm,
    "/book/<token>/guard/code": ReturningForm.of_country("US"),
    "/book/<token>/guard/<code>": after_forms.CodeForm,
    "/book/returning": ReturningForm.of_country("US"),
    "/book/returning/<code>": after_forms.CodeForm,
    "/book/<token>/branch": None,
    "/book/<token>/time": TimeForm,
    "/book/<token>/confirm": ContactForm,
    "/book/<token>/outside": WishForm,
    "/book/<token>/waiting": ContactForm,
    "/book/<token>/more-windows": None,
    "/visit/<token>/time": TimeForm,
    "/visit/<token>/more-windows": None,
    "/visit/<token>/sites": SitesForm,
    "/visit/<token>/earlier": WaitForm,
    "/visit/<token>/offer": OfferForm,
    "/visit/<token>/choose": ChoiceForm,
    "/visit/<token>/photos": None,
    "/visit/<token>/photos/<int:attachment_id>/remove": None,
    "/visit/<token>/again": None,
    "/visit/<token>/cancel": CancelForm,
    "/visit/<token>/messages": after_forms.MessageForm,
    "/visit/<token>/details": after_forms.DetailsForm,
    "/visit/<token>/data/consents": after_forms.ConsentForm,
    "/visit/<token>/data/language": after_forms.LanguageForm,
    "/visit/<token>/data/code": None,
    "/visit/<token>/data/prove": after_forms.CodeForm,
    "/visit/<token>/data/erase": after_forms.EraseForm,
    "/visit/<token>/feedback": after_forms.RatingForm,
    "/visit/<token>/feedback/words": after_forms.FeedbackForm,
    "/visit/<token>/plan": plan_forms.PreferencesForm,
    "/visit/<token>/plan/<int:occurrence_id>/skip": plan_forms.SkipForm,
    "/visit/<token>/plan/<int:occurrence_id>/move": plan_forms.LaterForm,
    "/visit/<token>/plan/end": plan_forms.EndPlanForm,
    "/visit/<token>/plan/renew": plan_forms.RenewForm,
    "/day/visits/<int:visit_id>/taps": TapForm,
    "/day/visits/<int:visit_id>/position": PositionForm,
    "/day/visits/<int:visit_id>/late": LateForm,
    "/day/visits/<int:visit_id>/report": ReportForm,
    "/day/visits/<int:visit_id>/assets": AssetForm,
    "/day/visits/<int:visit_id>/photos": WorkPhotoForm,
    "/day/visits/<int:visit_id>/sign": SignatureForm,
    "/day/visits/<int:visit_id>/correct": CorrectionForm,
    "/day/visits/<int:visit_id>/cannot": CannotForm,
    "/day/visits/<int:visit_id>/follow-up": FollowUpForm,
    "/day/sharing": SharingForm,
    "/day/push": DeviceForm,
    "/day/push/off": EndpointForm,
    "/visit/<token>/push": DeviceForm,
    "/visit/<token>/push/off": EndpointForm,
    "/day/kept": KeptForm,
    "/board/visits/<int:visit_id>/kept/<int:kept_id>": KeptDecisionForm,
    "/day/hours/<day:on>": HoursForm,
    "/day/wishes": ShiftWishForm,
    "/day/wishes/<int:wish_id>/withdraw": OutboxForm,
    "/board/wishes/<int:wish_id>": WishDecisionForm,
    "/day/on/<day:on>/seen": GotItForm,
    "/day/me/navigation": NavigationForm,
    "/board/<day:on>/move": board.MoveForm,
    "/board/<day:on>/let-in": LetInForm,
    "/board/<day:on>/technicians/<int:technician_id>/another-day": RouteDayForm,
    "/board/visits/<int:visit_id>/ask": AskForm,
    "/board/visits/<int:visit_id>/ask/withdraw": board.BoardForm,
    "/board/visits/<int:visit_id>/unassign": board.PlanForm,
    "/board/visits/<int:visit_id>/pin": board.PinForm,
    "/board/visits/<int:visit_id>/locate": board.LocateForm,
    "/board/<day:on>/technicians/<int:technician_id>/sick": SickForm,
    "/board/<day:on>/technicians/<int:technician_id>/vehicle": VehicleForm,
    "/board/visits/<int:visit_id>/cancel": CancelVisitForm,
    "/board/visits/<int:visit_id>/missed": MissedForm,
    "/board/<day:on>/technicians/<int:technician_id>/swap": SwapForm,
    "/board/<day:on>/visits/<int:visit_id>/crew": CrewForm,
    "/board/<day:on>/visits/<int:visit_id>/links": LinkForm,
    "/board/<day:on>/visits/<int:visit_id>/unlink": UnlinkForm,
    "/board/phone": PhoneForm,
    "/board/phone/times": PhoneForm,
    "/board/visits/<int:visit_id>/overrun": OverrunForm,
    "/board/visits/<int:visit_id>/emergency": EmergencyForm,
    "/board/<day:on>/absences/<int:absence_id>/end": board.BoardForm,
    "/board/<day:on>/optimise": OptimiseForm,
    "/board/<day:on>/dispatch": board.BoardForm,
    "/board/<day:on>/recall": board.BoardForm,
    "/board/<day:on>/presence": board.PresenceForm,
    "/board/jobs/<int:job_id>/cancel": board.BoardForm,
    "/board/jobs/<int:job_id>/enough": board.BoardForm,
    "/board/proposals/<int:proposal_id>/accept": board.BoardForm,
    "/board/proposals/<int:proposal_id>/discard": board.BoardForm,
    "/board/proposals/<int:proposal_id>/part": PartForm,
    "/board/ahead/accept": board.BoardForm,
    "/board/ahead/discard": board.BoardForm,
    "/board/changes/<int:change_id>/undo": board.BoardForm,
    "/board/inbox/<int:visit_id>/answer": AnswerForm,
    "/board/inbox/<int:visit_id>/assign": OwnerForm,
    "/board/inbox/<int:visit_id>/settle": board.BoardForm,
    "/board/visits/<int:visit_id>/calls": CallForm,
    "/board/inbox/guests/<int:guest_id>/answer": AnswerForm,
    "/board/inbox/guests/<int:guest_id>/assign": OwnerForm,
    "/board/inbox/guests/<int:guest_id>/settle": board.BoardForm,
    "/board/inbox/guests/<int:guest_id>/visit": GiveForm,
    "/board/plans/new": office_plans.NewPlanForm,
    "/board/plans/<int:plan_id>/change": office_plans.ChangeForm,
    "/board/plans/<int:plan_id>/end": office_plans.EndForm,
    "/board/plans/<int:plan_id>/renew": office_plans.RenewForm,
    "/board/occurrences/<int:occurrence_id>/move": office_plans.LaterForm,
    "/board/occurrences/<int:occurrence_id>/skip": office_plans.SkipForm,
    "/board/tasks/<int:task_id>/take": board.BoardForm,
    "/board/tasks/<int:task_id>/done": board.BoardForm,
    "/setup/<token>": office.FirstForm,
    "/office/setup/company": office.CompanyForm,
    "/office/setup/services": office.ServicesForm,
    "/office/setup/technicians": office.TechnicianForm,
    "/office/messages/<name>/<channel>/<language>": TextForm,
    "/office/answers/new": CannedForm,
    "/office/answers/<int:answer_id>": CannedForm,
    "/office/answers/<int:answer_id>/remove": office.OfficeForm,
    "/office/services/new": office_rows.ServiceForm,
    "/office/services/<int:number>": office_rows.ServiceForm,
    "/office/areas/new": office_rows.TerritoryForm,
    "/office/areas/<int:number>": office_rows.TerritoryForm,
    "/office/areas/<int:number>/branches": office_rows.BranchForm,
    "/office/accounts/new": office_rows.AccountForm,
    "/office/accounts/<int:number>": office_rows.AccountForm,
    "/office/accounts/<int:number>/logins/<int:login>/end": office.OfficeForm,
    "/office/technicians/<int:number>": office_rows.PersonForm,
    "/office/technicians/<int:number>/days": office_rows.ExceptionForm,
    "/login": None,
}
EXTRA = {
    "/office/services/<int:number>": ["skill_1"],
    "/office/technicians/<int:number>": ["skill_1", "until_1", "starts_0", "ends_0"],
    "/book": ["service", "known", "files", "drop", "website"],
    "/book/<token>": ["service", "files", "drop"],
    "/book/<token>/photos": ["files"],
    "/visit/<token>/photos": ["files"],
    "/book/<token>/services": ["service"],
    "/board/phone": ["service", "do"],
    "/board/phone/times": ["service"],
    "/book/<token>/address/check": ["place"],
    "/book/<token>/time": ["technician"],
    "/visit/<token>/time": ["technician"],
    "/book/<token>/more-windows": ["technician", "then"],
    "/visit/<token>/more-windows": ["technician", "then"],
    "/board/plans/new": ["site"],
    "/board/plans/<int:plan_id>/change": ["step"],
    "/login": ["email", "password", "remember", "next"],
}
PARTS = 6
POSTS = int(os.environ.get("HOSTILE_POSTS", "5"))
ONLY = re.compile(os.environ.get("HOSTILE_FORMS", ""))
"""Forms that many posts go to, such as new ones: a part of their rules."""
PARTS_OF_MANY = 12 if POSTS > 5 else 1  # so that two processes share the work, and one failure ends little
BOTH = ["idempotency_key", "csrf_token"]


class Rehearsal(Database):
    """The database, but every transaction is taken back at its end; `written` is what would have stayed."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.written: list[str] = []

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session whose work is flushed, judged by every constraint, and rolled back."""
        statements: list[str] = []

        def note(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
            if re.match(r"\s*(INSERT|UPDATE|DELETE)\b", statement, re.IGNORECASE):
                statements.append(statement)

        with self._write() as session:
            event.listen(session.connection(), "before_cursor_execute", note)
            yield session
            session.flush()
            session.rollback()
        self.written += statements


@dataclass
class Stage:
    """The site on the rehearsed database, and who uses it."""

    world: World
    browsers: dict[str, Browser]
    db: Rehearsal

    def send(self, rule: str, **fields: Any) -> TestResponse:
        """An allowed actor's good form with some fields replaced; None takes a field away."""
        browser, path = self.way(rule)
        form = MultiDict({name: str(value) for name, value in self.world.form(rule).items()})
        form["csrf_token"], form["idempotency_key"] = browser.token, "key-of-a-good-form"
        for name, value in fields.items():
            form.poplist(name)
            if isinstance(value, list):
                form.setlist(name, value)
            elif value is not None:
                form[name] = value
        self.db.written.clear()
        return browser.client.post(path, data=form, buffered=True)

    def way(self, rule: str) -> tuple[Browser, str]:
        """Who may send this form, and the address that it goes to."""
        actor = ACTOR[rule[:5]]
        values = self.world.values(rule, actor)
        path = re.sub(r"<(?:\w+:)?(\w+)>", lambda found: str(values[found[1]]), rule)
        return self.browsers[actor], path

    def require_clean(self, answer: TestResponse, what: str) -> None:
        """No crash; a refusal says something to people and leaves nothing behind; markup is escaped."""
        assert answer.status_code in REFUSED | {200, 204, 302, 303}, f"{what}: {answer.status_code}"
        assert "<script>alert" not in answer.text, what
        assert "onerror='alert" not in answer.text, what
        for name, value in answer.headers:
            assert "\n" not in value, what
            assert name != "Bcc", what
        location = answer.headers.get("Location", "/")
        assert re.match(r"/(?!/)|https?://localhost/", location), f"{what}: leads to {location}"
        if answer.status_code in REFUSED:
            words = re.sub(r"<(script|style|head)\b.*?</\1>|<[^>]+>", " ", answer.text, flags=re.DOTALL)
            named = answer.is_json and {"error", "errors"} & set(answer.json or ())  # read by a script
            assert named or len(words.split()) > 5, f"{what}: {answer.status_code} without words"
            # a customer whose window is gone keeps what they typed
            kept = [statement for statement in self.db.written if "booking_draft" not in statement]
            assert kept == [], f"{what}: {answer.status_code} and yet {kept[0]}"


@pytest.fixture
def stage(services: Services, db: Database, database_url: str, clock_at_now: object) -> Iterator[Stage]:
    """The whole site with everything that a rule may name."""
    world = make_world(services)
    rehearsal = Rehearsal(database_url)
    app: Flask = create_app(services.settings, replace(services, db=rehearsal))
    app.config.update(dict.fromkeys(limits.DEFAULTS, "1000000/second"))
    yield Stage(world, make_browsers(app, db, world), rehearsal)
    rehearsal.dispose()


def fields_of(rule: str) -> list[str]:
    """Every field that a form of this rule has."""
    form = FORMS[rule]
    declared = [name for name in dir(form) if hasattr(getattr(form, name), "field_class")] if form else []
    return sorted({*declared, *EXTRA.get(rule, []), *BOTH})


def nasty_values(rule: str, name: str, position: int) -> list[str]:
    """What is tried in a field: all of its own kind and some of the others."""
    if name in BOTH or rule == "/login":
        return FEW
    if name in OF_TIMES:
        return TIMES + TEXTS[position % 3 :: 3]
    if name in OF_NUMBERS:
        return NUMBERS + TEXTS[position % 3 :: 3]
    return TEXTS[position % 2 :: 2] + NUMBERS[::5] + TIMES[::5]


CASES = [(rule, name) for rule in FORMS for name in fields_of(rule)]


def test_every_form_is_here(app: Flask) -> None:
    """A new rule that takes POST has to be listed, or this fails; signing out has no field.

    What a gateway reports is signed: tests in `tests/fieldservice/messages` send it nonsense.
    Programs send JSON: `tests/fieldservice/api/test_anything.py` tries all of it.
    """
    rules = {rule.rule for rule in app.url_map.iter_rules() if "POST" in (rule.methods or ())}
    rules = {rule for rule in rules if not rule.startswith("/api/")}
    signed = {rule for rule in rules if rule.startswith("/hooks/")}
    assert rules - {"/logout"} - signed == set(FORMS)


@pytest.mark.parametrize("part", range(PARTS))
def test_no_value_in_any_field_breaks_anything(stage: Stage, part: int) -> None:
    """Nasty values in each field of each form, one at a time; the field missing, and twice."""
    for rule in [*FORMS][part::PARTS]:
        assert stage.send(rule).status_code < 500
        for position, name in enumerate(fields_of(rule)):
            values = nasty_values(rule, name, position)
            if stage.db.engine.dialect.name == "sqlite":
                values = values[position % 2 :: 2]  # PostgreSQL refuses more and gets all
            for value in (None, ["1", "2"], *values):
                what = f"{rule} {name}={str(value)[:40]!r}"
                stage.require_clean(stage.send(rule, **{name: value}), what)


def test_bytes_that_are_no_text(stage: Stage) -> None:
    """Bytes that are not UTF-8, in every field of a form at once."""
    for rule in FORMS:
        browser, path = stage.way(rule)
        body = "&".join(f"{name}=%FF%FE%C0%AF" for name in fields_of(rule) if name not in BOTH)
        body += f"&csrf_token={browser.token}&idempotency_key=key-of-a-good-form"
        stage.db.written.clear()
        answer = browser.client.post(path, data=body, content_type="application/x-www-form-urlencoded")
        stage.require_clean(answer, rule)


@hypothesis_settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.sampled_from(CASES), st.text(st.characters(codec="utf-8"), max_size=400))
def test_random_text_breaks_nothing(stage: Stage, case: tuple[str, str], value: str) -> None:
    """Hypothesis looks for a text in some field that the list has missed."""
    rule, name = case
    stage.require_clean(stage.send(rule, **{name: value}), f"{rule} {name}={value!r}")


@pytest.mark.parametrize("part", range(PARTS_OF_MANY))
def test_many_posts_with_all_fields_at_once(stage: Stage, part: int) -> None:
    """Forms in which several fields are nasty together; `make hostile` sends a thousand to each."""
    seed = int(os.environ.get("HOSTILE_SEED", "1"))
    for rule in [rule for rule in FORMS if ONLY.search(rule)][part::PARTS_OF_MANY]:
        chance = random.Random(f"{seed} {rule}")
        fields = [name for name in fields_of(rule) if name != "csrf_token"]
        for number in range(POSTS):
            chosen = chance.sample(fields, chance.randint(1, len(fields))) if fields else []
            typed = {name: chance.choice([None, ["1", "2"], *TEXTS, *NUMBERS, *TIMES]) for name in chosen}
            what = f"{rule} seed {seed} post {number} {str(typed)[:200]}"
            stage.require_clean(stage.send(rule, **typed), what)


ADDRESSES = [
    "/book/%00/confirm",
    "/book/" + "x" * 3_000 + "/time",
    "/book/%F0%9F%92%A9/confirm",
    "/visit/..%2f..%2fetc/cancel",
    "/board/0000-00-00/move",
    "/board/9999-12-31/move",
    "/board/0001-01-01/optimise",
    "/board/2026-02-30/dispatch",
    "/board/visits/99999999999999999999/pin",
    "/board/visits/0/unassign",
    "/board/jobs/2147483648/cancel",
    "/board/proposals/-1/accept",
    "/day/visits/99999999999999999999/taps",
]


def test_no_address_breaks_anything(stage: Stage) -> None:
    """Tokens, days and numbers that do not exist, in the address of a POST and of a GET."""
    form = {"plan_version": "1", "pinned": "both", "kind": "on_my_way", "visit": "1", "technician": "1"}
    stage.db.written.clear()
    for path in ADDRESSES:
        for browser in (stage.browsers[actor] for actor in ("customer", "dispatcher", "technician")):
            for answer in (browser.send("POST", path, form), browser.send("GET", path, {})):
                assert answer.status_code in REFUSED | {302, 303, 401, 403, 405}, path
    assert stage.db.written == []


def test_too_much_is_refused(stage: Stage) -> None:
    """A body over the limit, and a form of thousands of fields, are refused before anything is done."""
    customer = stage.browsers["customer"]
    big = customer.client.post("/book", data={"problem": "x" * 1_200_000, "csrf_token": customer.token})
    assert big.status_code == 413
    many = customer.client.post(
        "/book",
        data={f"field{position}": "x" for position in range(2_000)},
        content_type="multipart/form-data",
    )
    assert many.status_code in (400, 413)
    assert stage.db.written == []


# --- positive control


def crash() -> ResponseReturnValue:
    """A view that does not expect what it gets."""
    raise LookupError


def write_half() -> ResponseReturnValue:
    """A view that has changed something before it refuses."""
    web.services().db.run(lambda session: session.execute(update(Visit).values(priority=9)))
    return "Please look at the marked fields again, something is missing.", 422


def refuse_without_words() -> ResponseReturnValue:
    """A view that leaves people alone with a number."""
    return "", 422


def repeat_as_it_came() -> ResponseReturnValue:
    """A view that shows what was typed without escaping it."""
    return request.form["name"]


def lead_astray() -> ResponseReturnValue:
    """A view that sends people where the form says."""
    return redirect("//evil.example.com")


@pytest.mark.parametrize(
    ("view", "finding"),
    [
        (crash, ": 500"),
        (write_half, "422 and yet UPDATE visit"),
        (refuse_without_words, "without words"),
        (repeat_as_it_came, "<script>alert"),
        (lead_astray, "leads to //evil.example.com"),
    ],
)
def test_the_check_sees(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, view: Callable[[], ResponseReturnValue], finding: str
) -> None:
    """Positive control: in place of the real view, one that does what must never happen is found out."""
    rule = "/book/<token>/confirm"
    typed = {"name": "<script>alert(1)</script>"}
    stage.require_clean(stage.send(rule, **typed), "the real view")
    app = stage.browsers["customer"].client.application
    monkeypatch.setitem(app.view_functions, "booking.book", lambda **_: view())
    with pytest.raises(AssertionError, match=re.escape(finding)):
        stage.require_clean(stage.send(rule, **typed), "the view")
