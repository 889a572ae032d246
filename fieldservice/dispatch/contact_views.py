"""One page with everything that was said to and by a customer, calls logged in one click, and figures."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from flask import Blueprint, abort, redirect, render_template
from flask import url_for as url
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from wtforms import HiddenField, TextAreaField
from wtforms.validators import AnyOf, Length

from fieldservice import auth, clock, web
from fieldservice.dispatch import contacts, edge
from fieldservice.dispatch.edge import staff
from fieldservice.dispatch.forms import BoardForm
from fieldservice.message_words import kind_words
from fieldservice.models import Customer
from fieldservice.models.reminders import told_as
from fieldservice.typed import Readable, tidy

bp = Blueprint("contacts", __name__)

_LONGEST = 500


class CallForm(BoardForm):
    """A call: who called whom, and what was said."""

    direction = HiddenField(validators=[AnyOf(("in", "out"), message=_l("Say who called"))])
    words = TextAreaField(
        _l("What was said"),
        filters=[tidy],
        validators=[
            Length(max=_LONGEST, message=_l("Use %(max)d characters or fewer")),
            Readable(lines=True),
        ],
    )


@bp.get("/customers/<int:customer_id>")
@staff
def show(customer_id: int) -> ResponseReturnValue:
    """The timeline of a customer."""
    with web.services().db.reading() as session:
        return _page(session, session.get(Customer, customer_id) or abort(404), CallForm())


@bp.post("/visits/<int:visit_id>/calls")
@staff
def log_call(visit_id: int) -> ResponseReturnValue:
    """A call about a visit was made or taken."""
    form, now = CallForm(), clock.now()
    if not form.validate():
        with web.services().db.reading() as session:
            customer = edge.visit_of(session, visit_id).work_order.customer
            return _page(session, customer, form), 422
    return edge.once(partial(_log, visit_id=visit_id, form=form, now=now))


def _log(session: Session, *, visit_id: int, form: CallForm, now: datetime) -> ResponseReturnValue:
    visit = edge.visit_of(session, visit_id)
    outgoing = form.direction.data == "out"
    contacts.log_call(visit, form.words.data, outgoing=outgoing, now=now, actor=auth.actor().label)
    return redirect(url(".show", customer_id=visit.work_order.customer_id), 303)


@bp.get("/inbox/figures")
@staff
def figures() -> ResponseReturnValue:
    """How soon questions are answered, by channel."""
    with web.services().db.reading() as session:
        return render_template(
            "board/figures.html",
            figures=contacts.figures(session, now=clock.now()),
            channel_words=channel_words,
            length_words=web.minutes_words,
        )


def channel_words(channel: str) -> str:
    """A channel in the office's words."""
    names = {
        "email": _("E-mail"),
        "sms": _("Text message"),
        "page": _("Private page"),
        "phone": _("Phone"),
        "voice": _("Phone"),
        "push": _("Notification"),
    }
    return str(names.get(channel, channel))


def fate_words(fate: str) -> tuple[str, str]:
    """What became of a message, and the tone of its label."""
    known = {
        "pending": (_("waits"), ""),
        "sending": (_("is being sent"), ""),
        "sent": (_("sent"), "ok"),
        "unknown": (_("perhaps delivered"), "warn"),
        "dead": (_("not delivered"), "bad"),
        "cancelled": (_("not sent"), ""),
        "stopped": (_("wants no texts"), "warn"),
        "started": (_("wants texts again"), "ok"),
        "confirmed": (_("confirmed the visit"), "ok"),
        "automatic": (_("written by a program"), ""),
        "bounced": (_("could not be delivered"), "bad"),
        "refused": (_("called unwanted"), "bad"),
    }
    return known.get(fate, ("", ""))


def _page(session: Session, customer: Customer, form: CallForm) -> str:
    found = contacts.timeline(session, customer)
    return render_template(
        "board/contacts.html",
        customer=customer,
        contacts=found,
        form=form,
        latest=max((contact.visit for contact in found), key=lambda visit: visit.id, default=None),
        channel_words=channel_words,
        fate_words=fate_words,
        about_words=lambda kind: kind_words(told_as(kind)),
    )
