"""The office's side of conversations with people who have no visit yet."""

from __future__ import annotations

from functools import partial
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request
from flask import url_for as url
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from fieldservice import auth, clock, web
from fieldservice.dispatch import edge, guests, talk_pages
from fieldservice.dispatch.edge import staff
from fieldservice.dispatch.forms import BoardForm
from fieldservice.dispatch.inbox_forms import AnswerForm, GiveForm
from fieldservice.dispatch.wording import guest_place, guest_words
from fieldservice.models import Author, Guest
from fieldservice.models.answers import zone_before_a_visit

bp = Blueprint("guests", __name__)


@bp.get("/inbox/guests/<int:guest_id>")
@staff
def show(guest_id: int) -> ResponseReturnValue:
    """One conversation; that of a guest who has a visit by now is the visit's."""
    with web.services().db.reading() as session:
        guest = _guest(session, guest_id)
        if guest.conversation.visit_id is not None:
            return redirect(url("dispatch.inbox.conversation", visit_id=guest.conversation.visit_id))
        return _page(session, guest, AnswerForm(), GiveForm(formdata=None))


@bp.get("/inbox/guests/<int:guest_id>/new")
@staff
def new_messages(guest_id: int) -> ResponseReturnValue:
    """The list of messages alone; 204 when there is nothing after the one that is named."""
    with web.services().db.reading() as session:
        thread = _thread(session, _guest(session, guest_id))
        if thread["last"] == (web.row_of(request.args.get("after", "")) or 0):
            return "", 204
        return render_template("board/_thread.html", news=True, **thread)


@bp.post("/inbox/guests/<int:guest_id>/answer")
@staff
def answer(guest_id: int) -> ResponseReturnValue:
    """Send an answer."""
    now, form = clock.now(), AnswerForm()
    with web.services().db.reading() as session:
        guest = _guest(session, guest_id)
        if form.do.data == "pick":
            talk_pages.pick(session, form, None, now=now)
            return _page(session, guest, form, GiveForm(formdata=None))
        if not form.validate():
            return _page(session, guest, form, GiveForm(formdata=None)), 422

    def work(session: Session) -> ResponseReturnValue:
        guests.answer(session, _guest(session, guest_id), form.body.data, user_id=auth.actor().id, now=now)
        return redirect(url(".show", guest_id=guest_id, _anchor="write"), 303)

    return edge.once(work)


@bp.post("/inbox/guests/<int:guest_id>/assign")
@staff
def assign(guest_id: int) -> ResponseReturnValue:
    """Somebody else looks after the conversation."""
    owner_id = talk_pages.wanted_owner()

    def work(session: Session) -> ResponseReturnValue:
        talk_pages.assign(session, _guest(session, guest_id).conversation, owner_id)
        return redirect(url(".show", guest_id=guest_id), 303)

    return edge.once(work)


@bp.post("/inbox/guests/<int:guest_id>/settle")
@staff
def settle(guest_id: int) -> ResponseReturnValue:
    """No answer is needed."""
    if not BoardForm().validate():
        abort(422)

    def work(session: Session) -> ResponseReturnValue:
        guests.settle(session, _guest(session, guest_id), user_id=auth.actor().id, now=clock.now())
        return redirect(url("dispatch.inbox.show"), 303)

    return edge.once(work)


@bp.post("/inbox/guests/<int:guest_id>/visit")
@staff
def give(guest_id: int) -> ResponseReturnValue:
    """The guest is the customer of a visit."""
    form = GiveForm()
    with web.services().db.reading() as session:
        guest = _guest(session, guest_id)
        valid = form.validate()
        if valid and guests.visit_named(session, form.reference.data) is None:
            form.reference.errors, valid = [_("No visit has this number")], False
        if not valid:
            return _page(session, guest, AnswerForm(formdata=None), form), 422
    return edge.once(partial(_give, guest_id=guest_id, reference=form.reference.data))


def _give(session: Session, *, guest_id: int, reference: str) -> ResponseReturnValue:
    visit = guests.visit_named(session, reference) or abort(404)
    has = guests.give(session, _guest(session, guest_id), visit, now=clock.now())
    if has.id != visit.id:
        flash(_("The conversation belongs to visit %(reference)s already.", reference=has.reference))
    return redirect(url("dispatch.inbox.conversation", visit_id=has.id), 303)


def _guest(session: Session, guest_id: int) -> Guest:
    return session.get(Guest, guest_id) or abort(404)


def _page(session: Session, guest: Guest, form: AnswerForm, give: GiveForm) -> str:
    return render_template(
        "board/guest.html",
        guest=guest,
        form=form,
        give=give,
        where=guest_place(guest),
        picked=form.do.data == "pick",
        **talk_pages.parts(session, guest.conversation, None),
        **_thread(session, guest),
    )


def _thread(session: Session, guest: Guest) -> dict[str, Any]:
    """What the messages of a guest are shown from."""
    conversation = guest.conversation
    last = conversation.messages[-1].id if conversation.messages else 0
    return {
        "news_url": url("dispatch.guests.new_messages", guest_id=guest.id, after=last),
        "who": guest_words(guest),
        "zone": zone_before_a_visit(session),
        "messages": conversation.messages,
        "waiting": conversation.waiting_since,
        "last": last,
        "customer": Author.CUSTOMER,
    }
