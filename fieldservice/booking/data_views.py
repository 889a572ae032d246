"""The customer's own data: what they want to get, download, erase. A GET changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from io import BytesIO
from zipfile import ZipFile

from flask import Blueprint, Response, json, redirect, render_template, request, url_for
from flask import session as cookie
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from fieldservice import clock, language, web
from fieldservice.auth import codes, limits, links
from fieldservice.booking import consents, data_pages, erasing, personal, refusals
from fieldservice.booking.after_forms import CodeForm, ConsentForm, EraseForm, LanguageForm
from fieldservice.booking.pages import gettext
from fieldservice.files import FileMissing
from fieldservice.models import Purpose, Visit

bp = Blueprint("data", __name__)

_PROOF = "data_proof"
_PROVEN_FOR = timedelta(minutes=15)


class NotProven(Exception):
    """Who asks has to enter the code first."""


@bp.get("/visit/<token>/data")
@limits.LOOKUP
def show(token: str) -> ResponseReturnValue:
    """What can be decided, and the way to a code."""
    now = clock.now()
    with web.services().db.reading() as session:
        form = CodeForm(formdata=None)
        if request.args.get("code") == "wrong":
            form.code.errors = [gettext("This is not the code that we sent last")]
        return _page(session, links.find_visit(session, token, now=now), token, now, form)


@bp.post("/visit/<token>/data/consents")
@limits.FORM
def decide(token: str) -> ResponseReturnValue:
    """Keep what the customer wants to get."""
    now, form = clock.now(), ConsentForm()
    form.validate()

    def work(session: Session) -> ResponseReturnValue:
        consents.decide(session, links.find_visit(session, token, now=now), form.decisions(), now=now)
        return redirect(url_for(".show", token=token, saved="yes"), 303)

    return web.once(work, now=now, scope=token)


@bp.post("/visit/<token>/data/language")
@limits.FORM
def speak(token: str) -> ResponseReturnValue:
    """Keep the language of the order's pages and messages."""
    now, form = clock.now(), LanguageForm()
    if not form.validate():
        with web.services().db.reading() as session:
            return _page(session, links.find_visit(session, token, now=now), token, now, form), 422

    def work(session: Session) -> ResponseReturnValue:
        visit = links.find_visit(session, token, now=now)
        session.refresh(visit, with_for_update={"of": Visit})
        visit.work_order.locale = language.locale_for(form.language.data)
        return redirect(url_for(".show", token=token, saved="yes", lang=None), 303)

    return web.once(work, now=now, scope=token)


@bp.post("/visit/<token>/data/code")
@limits.BOOKING
def send_code(token: str) -> ResponseReturnValue:
    """Send a code to the requester."""
    now = clock.now()

    def work(session: Session) -> ResponseReturnValue:
        visit = links.find_visit(session, token, now=now)
        session.refresh(visit, with_for_update={"of": Visit})
        personal.require_settled(visit, now=now)
        codes.send_code(session, visit, now=now)
        return redirect(url_for(".show", token=token, _anchor="prove"), 303)

    return web.once(work, now=now, scope=token)


@bp.post("/visit/<token>/data/prove")
@limits.BOOKING
def prove(token: str) -> ResponseReturnValue:
    """Compare the code; it counts once, and wrong ones use up its tries."""
    now, form = clock.now(), CodeForm()
    if not form.validate():
        with web.services().db.reading() as session:
            return _page(session, links.find_visit(session, token, now=now), token, now, form), 422
    return web.once(partial(_prove, token=token, typed=form.code.data, now=now), now=now, scope=token)


def _prove(session: Session, *, token: str, typed: str, now: datetime) -> ResponseReturnValue:
    visit = links.find_visit(session, token, now=now)
    session.refresh(visit, with_for_update={"of": Visit})
    secret = web.services().settings.secret_key
    if not codes.use_code(session, visit, typed, secret_key=secret, now=now):
        return redirect(url_for(".show", token=token, code="wrong"), 303)
    cookie[_PROOF] = [visit.id, (now + _PROVEN_FOR).isoformat()]
    return redirect(url_for(".show", token=token, _anchor="yours"), 303)


@bp.get("/visit/<token>/data/download")
@limits.LOOKUP
def download(token: str) -> ResponseReturnValue:
    """Everything about the person: a JSON file, and the photos and documents that it names."""
    now = clock.now()
    with web.services().db.reading() as session:
        visit = links.find_visit(session, token, now=now)
        require_proof(visit, now)
        content = json.dumps(personal.export(session, visit), indent=2, ensure_ascii=False)
        files = {name: found.key for name, found in personal.files_of(session, visit).items()}
    headers = {"Content-Disposition": 'attachment; filename="my-data.zip"'}
    return Response(_packed(f"{content}\n", files), content_type="application/zip", headers=headers)


def _packed(content: str, files: Mapping[str, str]) -> bytes:
    """The data and the files in one; a file that the store has lost is left out."""
    packed = BytesIO()
    with ZipFile(packed, "w") as archive:
        archive.writestr("my-data.json", content)
        for name, key in files.items():
            with suppress(FileMissing):
                archive.writestr(name, web.services().files.read(key))
    return packed.getvalue()


@bp.get("/visit/<token>/data/erase")
@limits.LOOKUP
def confirm_erase(token: str) -> ResponseReturnValue:
    """What goes, and what the law keeps."""
    now = clock.now()
    with web.services().db.reading() as session:
        visit = links.find_visit(session, token, now=now)
        require_proof(visit, now)
        return _erase_page(session, visit, token, EraseForm(formdata=None))


@bp.post("/visit/<token>/data/erase")
@limits.BOOKING
def erase(token: str) -> ResponseReturnValue:
    """Forget the person; the link ends with it."""
    now, form = clock.now(), EraseForm()
    if not form.validate():
        with web.services().db.reading() as session:
            visit = links.find_visit(session, token, now=now)
            require_proof(visit, now)
            return _erase_page(session, visit, token, form), 422
    answer = web.once(partial(_erase, token=token, now=now), now=now, scope=token)
    cookie.pop(_PROOF, None)
    return answer


def _erase(session: Session, *, token: str, now: datetime) -> ResponseReturnValue:
    visit = links.find_visit(session, token, now=now)
    require_proof(visit, now)
    ours = web.services()
    erasing.erase(session, visit, store=ours.files, channels=ours.channels, now=now)
    return redirect(url_for(".erased"), 303)


@bp.get("/erased")
def erased() -> str:
    """It is done."""
    return render_template("booking/erased.html")


def require_proof(visit: Visit, now: datetime) -> None:
    """Raise NotProven unless this browser entered the visit's code a short time ago."""
    if not _proven(visit, now):
        raise NotProven


def _proven(visit: Visit, now: datetime) -> bool:
    """Whether this browser entered the visit's code a short time ago."""
    visit_id, until = cookie.get(_PROOF) or (None, "")
    return visit_id == visit.id and now < datetime.fromisoformat(until)


def _page(session: Session, visit: Visit, token: str, now: datetime, form: CodeForm | LanguageForm) -> str:
    order = visit.work_order
    return render_template(
        "booking/data.html",
        visit=visit,
        token=token,
        form=form,
        code_form=form if isinstance(form, CodeForm) else CodeForm(formdata=None),
        consent_form=ConsentForm(formdata=None, data={purpose: order.allows(purpose) for purpose in Purpose}),
        language_form=form if isinstance(form, LanguageForm) else _language_form(),
        target=data_pages.code_target(visit),
        waiting=codes.waiting_code(session, visit, now=now) is not None,
        proven=_proven(visit, now),
        saved=request.args.get("saved") == "yes",
    )


def _language_form() -> LanguageForm:
    return LanguageForm(formdata=None, data={"language": language.current()})


def _erase_page(session: Session, visit: Visit, token: str, form: EraseForm) -> str:
    orders = erasing.require_erasable(session, visit)
    return render_template(
        "booking/erase.html",
        visit=visit,
        token=token,
        form=form,
        visits=[other for order in orders for other in order.visits],
    )


def not_proven(_error: NotProven) -> ResponseReturnValue:
    """The way to the code."""
    return redirect(
        url_for("booking.data.show", token=(request.view_args or {})["token"], _anchor="prove"), 303
    )


def _visits_ahead(error: erasing.VisitsAhead) -> ResponseReturnValue:
    return refusals.refused(data_pages.ahead_words(error.on))


def _changed_lately(error: personal.ChangedLately) -> ResponseReturnValue:
    return refusals.refused(data_pages.lately_words(error.until, error.zone))


def _too_many(_error: codes.TooManyCodes) -> ResponseReturnValue:
    return refusals.refused(
        gettext("We sent you several codes just now. Please wait a quarter of an hour."), 429
    )


def _wrong_code(_error: codes.WrongCode) -> ResponseReturnValue:
    return refusals.refused(gettext("The code has run out. Go back and have another one sent."), 409)


bp.register_error_handler(NotProven, not_proven)
bp.register_error_handler(erasing.VisitsAhead, _visits_ahead)
bp.register_error_handler(personal.ChangedLately, _changed_lately)
bp.register_error_handler(codes.TooManyCodes, _too_many)
bp.register_error_handler(codes.WrongCode, _wrong_code)
