"""A morning with three technicians and five visits, and a dispatcher without JavaScript."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from fieldservice.db import Database
from fieldservice.models import (
    OfficeTask,
    Plan,
    Service,
    Stop,
    Technician,
    Territory,
    Visit,
    VisitState,
    Window,
)
from fieldservice.web import new_key
from tests.factories import (
    NOW,
    TODAY,
    add,
    make_customer,
    make_service,
    make_site,
    make_stop,
    make_technician,
    make_territory,
    make_visit,
    make_work_order,
    near,
    window,
)
from tests.signing_in import csrf_token

BOARD = f"/board/{TODAY.isoformat()}"


@dataclass
class Scene:
    """The rows that the tests speak of; `ids` by the first name of the customer."""

    territory: Territory
    service: Service
    ana: Technician
    ben: Technician
    carl: Technician
    today: date
    ids: dict[str, int] = field(default_factory=dict)


def set_up(session: Session, today: date = TODAY) -> Scene:
    """Ana visits Ida and Joe, Ben visits Kim; Lea waits for a place, Max for a pin. Carl cannot heat."""
    territory = make_territory(session)
    service = make_service(session, name="Heating")
    ana = make_technician(session, territory, name="Ana Reyes", home=near(-1000))
    ben = make_technician(session, territory, name="Ben Okafor", home=near(1000))
    carl = make_technician(session, territory, name="Carl Moss", skills={"advice": 1})
    scene = Scene(territory, service, ana, ben, carl, today)
    book(session, scene, "Ida", at=near(500), technician=ana, starts=time(10), promised=window(today, 10, 12))
    book(session, scene, "Joe", at=near(900), technician=ana, starts=time(13), promised=window(today, 13, 15))
    book(session, scene, "Kim", at=near(700), technician=ben, starts=time(10), promised=window(today, 10, 12))
    book(session, scene, "Lea", at=near(300), promised=window(today, 13, 15))
    book(session, scene, "Max", at=None)
    session.add(OfficeTask(kind="find_address", visit_id=scene.ids["Max"], created_at=NOW))
    return scene


def book(
    session: Session,
    scene: Scene,
    name: str,
    *,
    at: Any,
    technician: Technician | None = None,
    starts: time = time(9),
    promised: Window | None = None,
    **overrides: Any,
) -> Visit:
    """A visit of a customer with this first name, with a stop when there is a technician."""
    territory = session.get_one(Territory, scene.territory.id)
    service = session.get_one(Service, scene.service.id)
    site = make_site(session, make_customer(session, name=f"{name} Park"), territory=territory, at=at)
    order = make_work_order(session, site=site, service=service)
    visit = make_visit(
        session,
        territory=territory,
        work_order=order,
        promised=promised,
        state=VisitState.BOOKED if promised else VisitState.REQUESTED,
        **overrides,
    )
    if technician is not None:
        starts_at = datetime.combine(scene.today, starts, scene.territory.zone)
        technician = session.get_one(Technician, technician.id)
        make_stop(session, technician, starts_at, starts_at + timedelta(hours=1), visit=visit)
    scene.ids[name] = visit.id
    return add(session, visit)


@dataclass
class Dispatcher:
    """Somebody at the board, without JavaScript."""

    client: FlaskClient
    db: Database
    scene: Scene
    token: str

    @classmethod
    def at(cls, client: FlaskClient, db: Database, scene: Scene) -> Dispatcher:
        """With a token that fits the client's cookie."""
        return cls(client, db, scene, csrf_token(client))

    def get(self, path: str = BOARD, **options: Any) -> TestResponse:
        """Open a page."""
        return self.client.get(path, **options)

    def post(self, path: str, **form: Any) -> TestResponse:
        """Send a form with a new key."""
        fields = {"csrf_token": self.token, "idempotency_key": new_key()} | form
        return self.client.post(path, data=fields)

    def move(self, name: str, technician: Technician, start: str = "", **others: Any) -> TestResponse:
        """Send the Move form for today; `others` are its other fields."""
        return self.send_move(visit=self.scene.ids[name], technician=technician.id, start=start, **others)

    def send_move(self, **form: Any) -> TestResponse:
        """Send the Move form for today with the plan's present version."""
        return self.post(f"{BOARD}/move", **({"plan_version": self.version()} | form))

    def version(self) -> int:
        """The version of today's plan, as every form of the board carries it."""
        with self.db.reading() as session:
            return session.scalars(select(Plan.version).where(Plan.on == TODAY)).one_or_none() or 0

    def stops(self) -> dict[str, tuple[str, str]]:
        """Customer's first name -> technician and local start of every visit of today that has a stop."""
        zone = self.scene.territory.zone
        with self.db.reading() as session:
            found = session.scalars(select(Stop).where(Stop.visit_id.is_not(None))).all()
            return {
                stop.visit.work_order.customer.name.split()[0]: (
                    stop.technician.name.split()[0],
                    f"{stop.starts_at.astimezone(zone):%H:%M}",
                )
                for stop in found
                if stop.visit and stop.starts_at.astimezone(zone).date() == TODAY
            }

    def visit(self, name: str) -> Visit:
        """The visit as it is stored now, with its pin."""
        with self.db.reading() as session:
            visit = session.get_one(Visit, self.scene.ids[name])
            _ = visit.pin, visit.messages, visit.site
            return visit


def words_of(response: TestResponse) -> str:
    """What can be read on a page."""
    text = re.sub(r"<(script|style|svg)\b.*?</\1>", "", response.text, flags=re.DOTALL)
    text = re.sub(r"<[^>]+>", " ", text).replace("&#39;", "'")
    return re.sub(r" (?=[,.:])", "", re.sub(r"\s+", " ", text))


def found_in(response: TestResponse, pattern: str) -> str:
    """The first group of a pattern on a page."""
    found = re.search(pattern, response.text)
    assert found, pattern
    return found[1]
