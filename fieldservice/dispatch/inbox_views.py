"""The office's inbox: what customers ask, and complaints with their owner and deadline."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, abort, redirect, render_template, request
from flask import url_for as url
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy.orm import Session

from fieldservice import auth, clock, web
from fieldservice.dispatch import edge, inbox, talk_pages, wishes
from fieldservice.dispatch.absences import BadTime
from fieldservice.dispatch.edge import staff
from fieldservice.dispatch.forms import BoardForm
from fieldservice.dispatch.inbox_forms import AnswerForm, WishDecisionForm
from fieldservice.dispatch.wording import guest_place, guest_words, task_words
from fieldservice.models import Author, Conversation, OfficeTask, ShiftWish, Visit
from fieldservice.models.answers import zone_before_a_visit

bp = Blueprint("inbox", __name__)


@dataclass(frozen=True)
class Refused:
    """A decision that could not be stored: about which wish, why, and the answer that was typed."""

    wish_id: int
    why: str
    answer: str


@bp.get("/inbox")
@staff
def show() -> ResponseReturnValue:
    """Questions that wait, tasks with a deadline, and what was answered lately; all, mine, or nobody's."""
    return _inbox_page(of=request.args.get("of", ""))


def _inbox_page(refused: Refused | None = None, *, of: str = "") -> str:
    now, me = clock.now(), auth.actor().id
    owned: dict[str, inbox.Owned] = {
        "mine": lambda owner: owner == me,
        "nobody": lambda owner: owner.is_(None),
    }
    with web.services().db.reading() as session:
        return render_template(
            "board/inbox.html",
            inbox=inbox.inbox(session, now=now, owned=owned.get(of, inbox.anybody)),
            of=of if of in owned else "",
            now=now,
            me=me,
            moment=_moment,
            task_words=task_words,
            guest_words=guest_words,
            guest_place=guest_place,
            guest_zone=zone_before_a_visit(session),
            length_words=_length,
            shown_on=partial(edge.shown_on, session),
            refused=refused,
        )


@bp.get("/inbox/count")
@staff
def count() -> ResponseReturnValue:
    """How much waits in the inbox, a part of the board's navigation."""
    with web.services().db.reading() as session:
        return render_template("board/_inbox_count.html", count=inbox.count(session, now=clock.now()))


@bp.get("/inbox/<int:visit_id>")
@staff
def conversation(visit_id: int) -> ResponseReturnValue:
    """One conversation, and who it is with."""
    with web.services().db.reading() as session:
        return _conversation_page(session, edge.visit_of(session, visit_id), AnswerForm())


@bp.get("/inbox/<int:visit_id>/new")
@staff
def new_messages(visit_id: int) -> ResponseReturnValue:
    """The list of messages alone; 204 when there is nothing after the one that is named."""
    with web.services().db.reading() as session:
        visit = edge.visit_of(session, visit_id)
        if _last(visit.conversation) == (web.row_of(request.args.get("after", "")) or 0):
            return "", 204
        return render_template("board/_thread.html", news=True, **_thread(visit))


@bp.post("/inbox/<int:visit_id>/answer")
@staff
def answer(visit_id: int) -> ResponseReturnValue:
    """Send an answer."""
    now, form = clock.now(), AnswerForm()
    with web.services().db.reading() as session:
        visit = edge.visit_of(session, visit_id)
        if form.do.data == "pick":
            talk_pages.pick(session, form, visit, now=now)
            return _conversation_page(session, visit, form)
        if not form.validate():
            return _conversation_page(session, visit, form), 422
    return edge.once(partial(_answer, visit_id=visit_id, body=form.body.data, now=now))


def _answer(session: Session, *, visit_id: int, body: str, now: datetime) -> ResponseReturnValue:
    inbox.answer(session, edge.visit_of(session, visit_id), body, user_id=auth.actor().id, now=now)
    return redirect(url(".conversation", visit_id=visit_id, _anchor="write"), 303)


@bp.post("/inbox/<int:visit_id>/assign")
@staff
def assign(visit_id: int) -> ResponseReturnValue:
    """Somebody else looks after the conversation."""
    owner_id = talk_pages.wanted_owner()

    def work(session: Session) -> ResponseReturnValue:
        talk_pages.assign(session, edge.visit_of(session, visit_id).conversation or abort(404), owner_id)
        return redirect(url(".conversation", visit_id=visit_id), 303)

    return edge.once(work)


@bp.post("/inbox/<int:visit_id>/settle")
@staff
def settle(visit_id: int) -> ResponseReturnValue:
    """No answer is needed."""
    _require_form()

    def work(session: Session) -> ResponseReturnValue:
        inbox.settle(session, edge.visit_of(session, visit_id), user_id=auth.actor().id, now=clock.now())
        return redirect(url(".show"), 303)

    return edge.once(work)


@bp.post("/tasks/<int:task_id>/take")
@staff
def take(task_id: int) -> ResponseReturnValue:
    """Become the owner of a task."""
    _require_form()

    def work(session: Session) -> ResponseReturnValue:
        inbox.take(_task(session, task_id), user_id=auth.actor().id)
        return redirect(url(".show"), 303)

    return edge.once(work)


@bp.post("/tasks/<int:task_id>/done")
@staff
def finish(task_id: int) -> ResponseReturnValue:
    """A task is done."""
    now = clock.now()
    _require_form()

    def work(session: Session) -> ResponseReturnValue:
        inbox.finish(_task(session, task_id), user_id=auth.actor().id, now=now)
        return redirect(url(".show"), 303)

    return edge.once(work)


@bp.post("/wishes/<int:wish_id>")
@staff
def decide(wish_id: int) -> ResponseReturnValue:
    """Approve or refuse what a technician asks for; what was typed stays on the page when that cannot be."""
    now, form = clock.now(), WishDecisionForm()
    if not form.validate():
        said = _("Nothing was changed: say yes or no, in at most 300 characters.")
        return _inbox_page(Refused(wish_id, said, form.answer.data or "")), 422

    def work(session: Session) -> ResponseReturnValue:
        wish = session.get(ShiftWish, wish_id) or abort(404)
        decision = {"approve": form.decision.data == "approve", "answer": form.answer.data or ""}
        wishes.decide(session, wish, **decision, user_id=auth.actor().id, now=now, actor=auth.actor().label)
        return redirect(url(".show"), 303)

    try:
        return edge.once(work)
    except wishes.AlreadyDecided:
        said, status = _("Somebody has decided this already, or it was withdrawn."), 409
    except BadTime:
        said, status = _("These days are over: refuse it, or let the technician ask anew."), 422
    return _inbox_page(Refused(wish_id, said, form.answer.data or "")), status


def _moment(at: datetime, zone: ZoneInfo) -> str:
    """A day and a time in the territory of the visit."""
    return f"{web.day_words(at.astimezone(zone).date(), short=True)}, {web.clock_time(at, zone)}"


def _length(length: timedelta) -> str:
    """How long, to the minute; days for what is longer than two of them."""
    if length >= timedelta(days=2):
        return str(ngettext("%(num)d day", "%(num)d days", length.days))
    return web.minutes_words(max(length, timedelta(0)))


def _require_form() -> None:
    if not BoardForm().validate():
        abort(422)


def _task(session: Session, task_id: int) -> OfficeTask:
    return session.get(OfficeTask, task_id, with_for_update=True) or abort(404)


def _conversation_page(session: Session, visit: Visit, form: AnswerForm) -> str:
    return render_template(
        "board/conversation.html",
        form=form,
        on=edge.shown_on(session, visit),
        picked=form.do.data == "pick",
        **talk_pages.parts(session, visit.conversation, visit),
        **_thread(visit),
    )


def _thread(visit: Visit) -> dict[str, Any]:
    """What the messages of a visit are shown from."""
    conversation = visit.conversation
    return {
        "visit": visit,
        "news_url": url("dispatch.inbox.new_messages", visit_id=visit.id, after=_last(conversation)),
        "who": visit.work_order.customer.name,
        "zone": visit.territory.zone,
        "messages": conversation.messages if conversation else [],
        "waiting": conversation.waiting_since if conversation else None,
        "last": _last(conversation),
        "customer": Author.CUSTOMER,
    }


def _last(conversation: Conversation | None) -> int:
    return conversation.messages[-1].id if conversation and conversation.messages else 0
