"""The board's pages and parts, rendered from what is stored now."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from flask import render_template, request
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.http import quote_etag

from fieldservice import auth, clock, web
from fieldservice.dispatch import edge, listing, service
from fieldservice.dispatch.day import Board, board_of
from fieldservice.dispatch.forms import MoveForm
from fieldservice.dispatch.matches import matches
from fieldservice.dispatch.panel import select_visit
from fieldservice.dispatch.presence import Here, others_here
from fieldservice.dispatch.proposed import comparison_of, panel_of
from fieldservice.dispatch.wording import Broken, Wording
from fieldservice.models import Territory, Visit
from fieldservice.planning import judge
from fieldservice.planning.preview import preview
from fieldservice.planning.problem import Day


def tag_of(territory: Territory, on: date, state: service.DayState) -> str:
    """The entity tag of a day's board: also once a minute, because a visit becomes late by time alone."""
    minute = int(clock.now().timestamp() // 60)
    asked = hashlib.sha256(request.query_string).hexdigest()[:12]
    return f"b-{territory.id}-{on.isoformat()}-{state.tag}-{minute}-{asked}"


def day_page(session: Session, territory: Territory, on: date) -> str:
    """The whole board of a day: the timeline, or with `?view=list` the same visits as a list."""
    return board_page(session, "board/list.html" if edge.as_list() else "board/day.html", territory, on)


def live_parts(session: Session, territory: Territory, on: date) -> str:
    """What of `day_page` changes."""
    template = "board/_list_live.html" if edge.as_list() else "board/_live.html"
    return board_page(session, template, territory, on)


def board_page(session: Session, template: str, territory: Territory, on: date) -> str:
    """A page or part about a day; `?visit=` selects a visit."""
    day = edge.day_of(session, territory, on)
    state = service.state_of_day(session, territory.id, on)
    asked = session.get(Visit, number) if (number := _asked_visit()) else None
    board = board_of(session, day)
    return render_template(
        template,
        board=board,
        matches=matches(board),
        others=others(session, territory, on),
        wanted=listing.wanted_of(request.args),
        **(_list_of(board) if edge.as_list() else {}),
        state=state,
        **_plans_that_wait(session, day, state),
        selected=select_visit(session, day, asked) if asked else None,
        etag=quote_etag(tag_of(territory, on, state)),
        territories=session.scalars(select(Territory).where(Territory.active).order_by(Territory.name)).all(),
        today=territory.local_day(day.rows.now),
        yesterday=on - timedelta(days=1),
        tomorrow=on + timedelta(days=1),
        **frame(day),
    )


def _plans_that_wait(session: Session, day: Day, state: service.DayState) -> dict[str, Any]:
    """The proposal that is looked at, or several to choose from: `?proposal=` looks at one of them."""
    waiting = [number for number, _version in state.proposals]
    asked = request.args.get("proposal", type=web.row_of)
    if len(waiting) > 1 and asked not in waiting:
        return {"panel": None, "comparison": comparison_of(session, waiting)}
    if not waiting:
        return {"panel": None, "comparison": None}
    shown = asked if asked in waiting else waiting[-1]
    freeze = web.services().settings.freeze
    return {"panel": panel_of(session, day, shown or 0, freeze=freeze), "comparison": None}


def others(session: Session, territory: Territory, on: date) -> list[Here]:
    """The other dispatchers at this day."""
    return others_here(session, territory, on, me=auth.actor().id, now=clock.now())


def _list_of(board: Board) -> dict[str, Any]:
    """What the list of a day needs beside the board."""
    services = {line.visit.service.id: line.visit.service.name for line in listing.all_lines(board)}
    return {
        "as_list": True,
        "lines": listing.lines_of(board, listing.wanted_of(request.args)),
        "listed_technicians": [(row.technician.id, row.technician.name) for row in board.rows],
        "listed_services": sorted(services.items(), key=lambda entry: entry[1]),
    }


def inspector(session: Session, visit: Visit) -> str:
    """The inspector of one visit."""
    day = edge.day_of(session, visit.territory, edge.shown_on(session, visit))
    selected = select_visit(session, day, visit)
    return render_template("board/_inspector.html", selected=selected, **frame(day))


@dataclass(frozen=True)
class Refused:
    """Why a move did not happen: rules that it breaks, a plan that somebody changed meanwhile, or that it was
    only asked what it would do."""

    broken: Sequence[Broken] = ()
    judgement: judge.Judgement | None = None
    stale: bool = False
    asked: Callable[[Territory, date], judge.Move] | None = None


def move_page(
    session: Session, visit: Visit, on: date, form: MoveForm, template: str, refused: Refused | None = None
) -> str:
    """Where a visit could go on a day, and what came of the last try."""
    day = edge.day_of(session, visit.territory, on, without=visit)
    found = judge.candidates(day, visit) if service.can_be_placed(visit) else []
    soft = [one for one in found if one.refusal and one.refusal.rule in judge.SOFT_RULES]
    hard = [one.refusal for one in found if one.refusal and one.refusal.rule not in judge.SOFT_RULES]
    asked = refused.asked if refused else None
    return render_template(
        template,
        visit=visit,
        form=form,
        found=preview(day, visit, asked(visit.territory, on)) if asked else None,
        technician_id=form.technician.data,
        refused=refused or Refused(),
        candidates=[one for one in found if one.refusal is None],
        soft=soft,
        refusals=Wording(day).grouped(hard),
        present=visit.stop.technician_id if visit.stop else None,
        yesterday=on - timedelta(days=1),
        tomorrow=on + timedelta(days=1),
        **frame(day),
    )


def refused_page(session: Session, territory: Territory, on: date, broken: Sequence[Broken]) -> str:
    """What keeps a change from being undone."""
    return render_template("board/refused.html", broken=broken, **frame(edge.day_of(session, territory, on)))


def frame(day: Day) -> dict[str, Any]:
    """What every part of the board needs."""
    plan = day.rows.plan
    return {
        "on": day.rows.on,
        "zone": day.rows.territory.zone,
        "plan_version": plan.version if plan else 0,
        "wording": Wording(day),
    }


def _asked_visit() -> int | None:
    return request.args.get("visit", type=web.row_of)
