"""The page of whoever has to agree: a GET shows what is asked, a POST answers it. It opens nothing else."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from sqlalchemy.orm import Session
from wtforms import StringField
from wtforms.validators import AnyOf

from fieldservice import clock, web
from fieldservice.auth import limits, links
from fieldservice.booking import approval_pages, approvals, edge, terms_pages
from fieldservice.booking.edge import Tables
from fieldservice.booking.forms import long_text
from fieldservice.models import Approval, ApprovalState, Role
from fieldservice.planning import service as planning

bp = Blueprint("approval", __name__)
AGREE, DECLINE = "agree", "decline"


class ApprovalForm(FlaskForm):  # type: ignore[misc]
    """The answer is one of two buttons; a reason may go with it."""

    answer = StringField(validators=[AnyOf([AGREE, DECLINE], message=_("Agree or decline"))])
    reason = long_text(_("Why not?"), 500)


@bp.get("/approve/<token>")
@limits.LOOKUP
def show(token: str) -> ResponseReturnValue:
    """What is asked, by whom, and until when; afterwards what became of it."""
    now = clock.now()
    with web.services().db.reading() as session:
        return _page(session, links.find_approval(session, token), ApprovalForm(formdata=None), now)


@bp.post("/approve/<token>")
@limits.BOOKING
def answer(token: str) -> ResponseReturnValue:
    """Agree or decline, once."""
    now, form = clock.now(), ApprovalForm()
    with web.services().db.reading() as session:
        approval = links.find_approval(session, token)
        if not form.validate():
            return _page(session, approval, form, now), 422
        where = _where(session, approval)
    work = partial(_answer, token=token, form=form, now=now)
    try:
        if where is None or form.answer.data == DECLINE:
            return web.once(lambda session: work(session, {}), now=now, scope=token)
        return edge.once_with_travel(work, where, now=now, scope=token)
    except planning.SlotTaken:
        form.form_errors.append(_("This time cannot be kept any more: our day has changed. Please call us"))
    except approvals.NotPending:
        pass  # somebody was quicker, or it is too late: the page says so
    with web.services().db.reading() as session:
        return _page(session, links.find_approval(session, token), form, now), 409


def _answer(
    session: Session, tables: Tables, *, token: str, form: ApprovalForm, now: datetime
) -> ResponseReturnValue:
    approval = links.find_approval(session, token)
    if form.answer.data == AGREE:
        approvals.agree(session, approval, tables=tables, now=now)
    else:
        approvals.decline(session, approval, reason=form.reason.data, now=now)
    return redirect(url_for(".show", token=token), 303)


def _where(session: Session, approval: Approval) -> edge.Where | None:
    """The days whose routes an agreement changes; None when no window is reserved."""
    days, places, territory_id = [], [], 0
    for each in approvals.asked(session, approval):
        ask = planning.ask_of(each.visit)
        if each.window is not None and ask is not None:
            territory_id = each.visit.territory_id
            days.append(each.visit.territory.local_day(each.window.starts_at))
            places.append(ask.place)
    return edge.Where(territory_id, days, places) if days else None


def _page(session: Session, approval: Approval, form: ApprovalForm, now: datetime) -> str:
    visits = approvals.visits_of(session, approval)
    first, asked = visits[0], approvals.asked(session, approval)
    overdue = approval.state == ApprovalState.PENDING and approval.expires_at <= now
    order = first.work_order
    return render_template(
        "booking/approve.html",
        form=form,
        approval=approval,
        state=ApprovalState.EXPIRED.value if overdue else approval.state,
        visits=visits,
        lines=approval_pages.lines(asked),
        rule=terms_pages.approver_rule(asked, now=now),
        until=approval_pages.until_words(approval, first),
        requester=order.contact(Role.REQUESTER),
        payer=order.contact(Role.PAYER),
        cost_centre=order.cost_centre,
    )
