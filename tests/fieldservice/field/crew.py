"""A technician with a phone, a day of three visits, and a colleague."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from html import unescape

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from fieldservice import web
from fieldservice.db import Database
from fieldservice.geo.estimate import EstimatedTravelTimes
from fieldservice.geo.tables import TravelTables
from fieldservice.geo.types import TravelTable
from fieldservice.models import (
    OutboxMessage,
    Stop,
    StopKind,
    Technician,
    User,
    UserRole,
    Visit,
    VisitEvent,
)
from fieldservice.planning import changes
from fieldservice.planning.judge import Move
from fieldservice.planning.problem import build
from fieldservice.planning.rows import load_day
from fieldservice.planning.store import write_routes
from fieldservice.planning.travel import table_of
from tests.factories import (
    NOW,
    TODAY,
    Company,
    add,
    make_company,
    make_route,
    make_site,
    make_stop,
    make_technician,
    make_visit,
    make_work_order,
    near,
    number,
    window,
)
from tests.fieldservice.planning.scenes import Scene
from tests.signing_in import csrf_token, signed_in

BEFORE = NOW - timedelta(days=1)


def make_account(session: Session, technician: Technician | None, name: str = "Ana") -> User:
    """A technician's account; nobody signs in with its password."""
    account = User(
        email=f"technician{number()}@example.com",
        name=name,
        role=UserRole.TECHNICIAN,
        password="not a hash",  # noqa: S106
        fs_uniquifier=f"uniquifier-{number()}",
        created_at=NOW,
    )
    add(session, account)
    if technician is not None:
        technician.user_id = account.id
    return account


class Crew:
    """Today's visits of one technician, booked yesterday, and a colleague who has none."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.visits: list[int] = []
        self.scene = Scene(db, self._found)

    def _found(self, session: Session) -> Company:
        company = make_company(session, 1)
        [technician] = company.technicians
        for place, hours in enumerate(((8, 10), (10, 12), (12, 14)), start=1):
            promised = window(TODAY, *hours)
            site = make_site(session, territory=company.territory, at=near(1_500 * place))
            order = make_work_order(session, site=site, service=company.service)
            visit = make_visit(session, territory=company.territory, work_order=order)
            visit.promise(promised, now=BEFORE, actor="customer")
            make_stop(
                session, technician, promised.starts_at, promised.starts_at + visit.occupied, visit=visit
            )
            self.visits.append(visit.id)
        rows = load_day(session, company.territory, TODAY, now=BEFORE)
        day = build(rows, table_of(TravelTables(EstimatedTravelTimes()), rows))
        write_routes(session, day, day.plan.routes)
        colleague = make_technician(session, company.territory)
        self.technician_id, self.colleague_id = technician.id, colleague.id
        self.account = make_account(session, technician)
        self.colleague = make_account(session, colleague, "Ben")
        return company

    def state(self, visit_id: int) -> str:
        """The visit's state as stored."""
        with self.db.reading() as session:
            return session.get_one(Visit, visit_id).state

    def events(self, visit_id: int) -> list[tuple[str, str, datetime]]:
        """Kind, new state and moment of what the technician said about a visit."""
        with self.db.reading() as session:
            found = session.scalars(
                select(VisitEvent).where(
                    VisitEvent.visit_id == visit_id, VisitEvent.actor.startswith("user:")
                )
            )
            return [(event.kind, event.to_state, event.occurred_at) for event in found]

    def messages(self, visit_id: int, kind: str = "on_my_way") -> list[OutboxMessage]:
        """The messages of a kind that were written for a visit."""
        with self.db.reading() as session:
            query = select(OutboxMessage).where(
                OutboxMessage.visit_id == visit_id, OutboxMessage.kind == kind
            )
            return list(session.scalars(query))

    def arrives(self, visit_id: int) -> datetime:
        """When the technician is expected at a visit."""
        with self.db.reading() as session:
            return session.scalars(select(Stop.arrives_at).where(Stop.visit_id == visit_id)).one()

    def breaks(self) -> list[datetime]:
        """When the technician's breaks start."""
        with self.db.reading() as session:
            query = select(Stop.starts_at).where(Stop.technician_id == self.technician_id)
            return list(session.scalars(query.where(Stop.kind == StopKind.BREAK)))

    def give_away(self, visit_id: int, on: date = TODAY) -> None:
        """Put a visit on the colleague's route."""
        self._put(visit_id, self.colleague_id, on)

    def take_back(self, visit_id: int, on: date = TODAY) -> None:
        """Put a visit on the technician's own route."""
        self._put(visit_id, self.technician_id, on)

    def _put(self, visit_id: int, technician_id: int, on: date) -> None:

        def work(session: Session) -> None:
            stop = session.scalars(select(Stop).where(Stop.visit_id == visit_id)).one()
            route = make_route(session, session.get_one(Technician, technician_id), on)
            stop.technician_id, stop.route_id = technician_id, route.id

        self.db.run(work)

    def make_together(self, visit_id: int, *others: int) -> None:
        """The technician leads a visit and the others help with it; without others it is made alone."""

        def work(session: Session, tables: Mapping[date, TravelTable]) -> None:
            visit = session.get_one(Visit, visit_id)
            size = len(others) + 1
            move = Move(self.technician_id, TODAY, visit.window_starts_at, others=others, crew=size)
            changes.move_visit(
                session,
                visit,
                move,
                plan_version=self.scene.version(TODAY),
                tables=tables,
                now=NOW,
                actor="test",
                confirmed=False,
            )

        self.scene.change(work, days=[TODAY], now=NOW)

    def starts(self) -> list[datetime]:
        """When each of the visits is planned to start."""
        stops = self.scene.stops()
        return [stops[visit][1] for visit in self.visits]


@dataclass
class Phone:
    """The phone of somebody who is signed in; no JavaScript."""

    client: FlaskClient
    token: str

    def tap(self, visit_id: int, kind: str, *, key: str = "", **form: str) -> TestResponse:
        """Press a button of a page; the same `key` is the same tap sent again."""
        data = {
            "csrf_token": self.token,
            "idempotency_key": key or web.new_key(),
            "kind": kind,
            **form,
        }
        return self.client.post(f"/day/visits/{visit_id}/taps", data=data)

    def say(self, visit_id: int, *kinds: str) -> None:
        """Tap one after the other; each is recorded."""
        for kind in kinds:
            assert self.tap(visit_id, kind).status_code == 303, kind

    def page(self, path: str = "/day/", status: int = 200) -> str:
        """The text of a page, with its entities read, without the cards that wait for what comes next."""
        answer = self.client.get(path)
        assert answer.status_code == status
        return unescape(re.sub(r"<template.*?</template>", "", answer.text, flags=re.DOTALL))

    def after(self, answer: TestResponse) -> str:
        """The page that a tap led to."""
        assert answer.status_code == 303
        return self.page(answer.location)


def phone_of(app: Flask, db: Database, account: User, *, now: datetime = NOW) -> Phone:
    """A phone on which the account is signed in."""
    client = signed_in(app, db, account, now=now)
    return Phone(client, csrf_token(client))
