"""The equipment at the site of a visit, noted on the phone."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from wtforms import StringField
from wtforms.validators import InputRequired, Length

from fieldservice import auth, clock, web
from fieldservice.field import edge, outbox, service, site_history
from fieldservice.field.forms import OutboxForm
from fieldservice.models import UserRole
from fieldservice.typed import Readable, tidy

bp = Blueprint("assets", __name__)
_LONG = Length(max=80, message=_l("Write at most 80 characters."))


class AssetForm(OutboxForm):
    """What a piece of equipment is, and what its plate says."""

    name = StringField(
        _l("What is it?"),
        filters=[tidy],
        validators=[
            InputRequired(_l("Say what it is, such as a boiler.")),
            Length(max=120, message=_l("Write at most 120 characters.")),
            Readable(),
        ],
    )
    make = StringField(_l("Make"), filters=[tidy], validators=[_LONG, Readable()])
    model = StringField(_l("Model"), filters=[tidy], validators=[_LONG, Readable()])
    serial = StringField(_l("Serial number"), filters=[tidy], validators=[_LONG, Readable()])


@bp.post("/visits/<int:visit_id>/assets")
@auth.require(UserRole.TECHNICIAN)
def note(visit_id: int) -> ResponseReturnValue:
    """Keep a piece of equipment."""
    now, form = clock.now(), AssetForm()
    back = url_for("field.visit", visit_id=visit_id)
    if not form.validate():
        with web.services().db.reading() as session:
            visit = service.own_visit(session, edge.technician_of(session), visit_id)
            page = render_template("field/equipment.html", visit=visit, form=form)
        return outbox.unfit(form.errors, page)
    said = site_history.Noted(
        visit_id=visit_id,
        name=form.name.data,
        make=form.make.data or "",
        model=form.model.data or "",
        serial=form.serial.data or "",
        moment=form.moment(now),
    )

    def work(session: Session) -> ResponseReturnValue:
        site_history.note(session, edge.technician_of(session), said, now=now)
        flash(_("Saved."))
        return redirect(back, 303)

    return edge.once(work, now=now)


def on_page(session: Session, visit_id: int) -> dict[str, object]:
    """What the page of a visit shows of its site."""
    now, technician = clock.now(), edge.technician_of(session)
    visit = service.seen_visit(session, technician, visit_id)
    found = site_history.history(session, technician, visit, now=now)
    return {"site": found, "asset_form": AssetForm(formdata=None)}
