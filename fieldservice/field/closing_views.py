"""Closing a visit on the phone: the checklist, photos, the signature, and the report of all that."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from fieldservice import auth, clock, language, web
from fieldservice.attachments import report, uploads
from fieldservice.attachments.requests import is_too_large, takes_files
from fieldservice.attachments.service import Label
from fieldservice.field import checklist, closing, edge, outbox, service
from fieldservice.field.closing import Said
from fieldservice.field.closing_forms import SignatureForm, WorkPhotoForm, form_for
from fieldservice.models import CheckKind, Role, Technician, UserRole, Visit
from fieldservice.models.visit import ENDED

bp = Blueprint("closing", __name__)


@bp.post("/visits/<int:visit_id>/report")
@auth.require(UserRole.TECHNICIAN)
def write(visit_id: int) -> ResponseReturnValue:
    """Keep the checklist, notes and parts as far as they are filled in; then on to the signature."""
    now, db = clock.now(), web.services().db
    with db.reading() as session:
        technician = edge.technician_of(session)
        visit = service.own_visit(session, technician, visit_id)
        items, stock = checklist.items_of(visit), closing.stock_of(session, technician)
        form = form_for(items, stock, None, fill=False)
        if not form.validate():
            page = render_template("field/report.html", visit=visit, form=form, items=items)
            return outbox.unfit(form.errors, page)
    said = Said(
        visit_id=visit_id,
        answers=form.answers,
        parts=form.parts,
        notes=form.notes.data or "",
        moment=form.moment(now),
    )

    def work(session: Session) -> ResponseReturnValue:
        closing.write(session, edge.technician_of(session), said, now=now)
        session.flush()
        visit = service.own_visit(session, edge.technician_of(session), visit_id)
        return redirect(_after(session, visit, wanted=form.next.data or ""), 303)

    return edge.once(work, now=now)


def _after(session: Session, visit: Visit, *, wanted: str) -> str:
    """To the signature when nothing is missing; else back to the visit, which says what is."""
    if wanted == "sign" and (items := checklist.missing(session, visit)):
        flash(open_words(items))
    elif wanted == "sign":
        return url_for(".sign", visit_id=visit.id)
    else:
        flash(_("Saved."))
    return url_for("field.visit", visit_id=visit.id)


def open_words(items: list[checklist.Item]) -> str:
    """What is missing, in a sentence."""
    labels = [language.written(item.label, item.service) for item in items]
    return str(_("Not done yet. Still missing: %(items)s.", items=", ".join(labels)))


@bp.post("/visits/<int:visit_id>/photos")
@auth.require(UserRole.TECHNICIAN)
@takes_files
def photo(visit_id: int) -> ResponseReturnValue:
    """Keep photos of the work; an item of the phone's outbox is told the checksum of the file that came."""
    form = WorkPhotoForm()
    if not form.validate():
        return outbox.unfit(form.errors, _refused(visit_id))
    label = Label(name="", about=form.about.data, item=form.item.data or "")
    answer = _keep(visit_id, label, form.sha256.data or "")
    page = "field.endings.cannot" if label.about == checklist.CANNOT else "field.visit"
    return answer or redirect(url_for(page, visit_id=visit_id), 303)


@bp.route("/visits/<int:visit_id>/sign", methods=["GET", "POST"])
@auth.require(UserRole.TECHNICIAN)
@takes_files
def sign(visit_id: int) -> ResponseReturnValue:
    """What was done, and who signs: keeps the name, and the drawing where there is one."""
    form = SignatureForm()
    if form.validate_on_submit():
        return _signed(visit_id, form)
    with web.services().db.reading() as session:
        page = _sign_page(session, visit_id, form)
    return outbox.unfit(form.errors, page) if form.errors else page


def _signed(visit_id: int, form: SignatureForm) -> ResponseReturnValue:
    answer = _keep(visit_id, Label(name="", about=checklist.SIGNATURE), form.sha256.data or "")
    if answer and answer[1] != 200:
        return answer
    now = clock.now()
    name, moment = form.name.data, form.moment(now)

    def work(session: Session) -> ResponseReturnValue:
        closing.sign(session, edge.technician_of(session), visit_id, name, moment=moment, now=now)
        return redirect(url_for(".sign", visit_id=visit_id), 303)

    done = web.services().db.run(work)
    return answer or done


@bp.get("/visits/<int:visit_id>/report.pdf")
@auth.require(UserRole.TECHNICIAN)
def pdf(visit_id: int) -> Response:
    """The report as the customer has it."""
    with web.services().db.reading() as session:
        visit = service.own_visit(session, edge.technician_of(session), visit_id)
        return report.send(session, visit)


def _keep(visit_id: int, label: Label, sha256: str) -> tuple[Mapping[str, str], int] | None:
    """Keep the request's files; for the outbox the answer that lets it forget them, or why they stay."""
    files = [file for file in request.files.getlist(uploads.FIELD) if file.filename]
    if sha256 and (len(files) != 1 or is_too_large(files[0]) or _sha256(files[0].stream) != sha256):
        return {"error": _("The file did not arrive whole.")}, 400

    def owner(session: Session) -> Visit:
        return service.own_visit(session, edge.technician_of(session), visit_id)

    web.services().db.run(owner)  # a visit of somebody else is refused before a file is looked at
    refused = uploads.receive(owner, {uploads.FIELD: label}, actor=auth.actor().label, now=clock.now())
    if outbox.item() and files:
        return ({"error": " ".join(refused)}, 422) if refused else ({"sha256": sha256}, 200)
    for text in refused:
        flash(text)
    return None


def _sha256(stream: object) -> str:
    stream.seek(0)  # type: ignore[attr-defined]
    digest = hashlib.file_digest(stream, "sha256").hexdigest()  # type: ignore[arg-type]
    stream.seek(0)  # type: ignore[attr-defined]
    return digest


def _refused(visit_id: int) -> str:
    with web.services().db.reading() as session:
        service.own_visit(session, edge.technician_of(session), visit_id)
    return render_template("field/refused.html", heading=_("Not recorded"), text=_("Choose a photo again."))


def _sign_page(session: Session, visit_id: int, form: SignatureForm) -> str:
    technician = edge.technician_of(session)
    visit = service.own_visit(session, technician, visit_id)
    found, customer = closing.report_of(session, visit), visit.work_order.contact(Role.SITE_CONTACT)
    if not form.is_submitted():
        form.name.process_data(
            found.signed_by if found and found.signed_by else getattr(customer, "name", "")
        )
    return render_template(
        "field/sign.html",
        visit=visit,
        form=form,
        report=found,
        lines=report.check_lines(found, visit) if found else [],
        missing=checklist.missing(session, visit),
        names=_names(session, technician, visit),
        open_words=open_words,
        over=visit.state in ENDED,
        zone=technician.territory.zone,
    )


def _names(session: Session, technician: Technician, visit: Visit) -> dict[str, object]:
    """How the phone calls what waits on it: the items of the checklist and the parts of the van, by field.

    `beside` are the parts that are used whatever waits.
    """
    found = closing.report_of(session, visit)
    missing = {item.key for item in checklist.missing(session, visit)}
    items: list[dict[str, object]] = [
        {
            "key": item.key,
            "field": f"check-{item.key}",
            "label": language.written(item.label, item.service),
            "unit": language.written(item.row.unit, item.service) if item.row.unit else "",
            "tick": item.row.kind == CheckKind.TICK,
            "photo": item.is_photo,
            "options": {option: language.written(option, item.service) for option in item.row.options},
            "required": item.row.required,
            "missing": item.key in missing,
        }
        for item in checklist.items_of(visit)
    ]
    stock = {part.name: f"part-{part.id}" for part in closing.stock_of(session, technician)}
    return {
        "items": items,
        "parts": [{"field": field, "label": name} for name, field in stock.items()],
        "beside": list((found.beside(technician.id, stock) if found else {}).items()),
    }


def on_page(session: Session, visit: Visit) -> dict[str, object]:
    """What the page of a visit shows of its closing."""
    technician = edge.technician_of(session)
    items, found = checklist.items_of(visit), closing.report_of(session, visit)
    photos: dict[str, list[object]] = {}
    for about in (checklist.BEFORE, checklist.AFTER, checklist.CHECK):
        for file in checklist.files_of(session, visit, about):
            photos.setdefault(file.item or about, []).append(file)
    stock = closing.stock_of(session, technician)
    return {
        "items": items,
        "report": found,
        "work_photos": photos,
        "report_form": form_for(items, stock, found, fill=True),
        "stock": stock,
    }
