"""A company with a service plan whose customer was invited, and the two who look at it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from fieldservice import web
from fieldservice.auth import limits
from fieldservice.auth.links import token_of
from fieldservice.booking import plan_sweep
from fieldservice.booking.new_visits import company_of
from fieldservice.models import Occurrence, PartOfDay, ServicePlan, Visit
from fieldservice.planning.service_plans import Likes
from fieldservice.web import Services
from tests.factories import NOW, TODAY, make_company, make_customer, make_service_plan, make_site, near
from tests.signing_in import csrf_token, make_user, signed_in

DUE = TODAY + timedelta(days=2)  # a Wednesday


@dataclass
class Somebody:
    """A browser without JavaScript, with a token that fits its cookie."""

    client: FlaskClient
    token: str

    def get(self, path: str) -> TestResponse:
        """Open a page."""
        return self.client.get(path)

    def post(self, path: str, **form: object) -> TestResponse:
        """Send a form with a new key; a 303 is followed to the page that it leads to."""
        fields = {"csrf_token": self.token, "idempotency_key": web.new_key(), **form}
        answer = self.client.post(path, data=fields)
        return self.client.get(answer.headers["Location"]) if answer.status_code == 303 else answer


@dataclass
class Scene:
    """The stored plan, read anew each time."""

    services: Services
    plan_id: int
    site_id: int

    def sweep(self, now: datetime = NOW) -> plan_sweep.Served:
        """What happens in the background."""
        return plan_sweep.serve_plans(self.services.db, company_of(self.services.settings), now=now)

    def look[T](self, what: Callable[[ServicePlan], T]) -> T:
        """Something about the plan as it is stored now."""
        with self.services.db.reading() as session:
            return what(session.get_one(ServicePlan, self.plan_id))

    def run(self, what: Callable[[Session, ServicePlan], object]) -> None:
        """Something happens to the plan."""
        self.services.db.run(lambda session: what(session, session.get_one(ServicePlan, self.plan_id)))

    def occurrence(self, number: int = 0) -> Occurrence:
        """One of the dates with its visit."""

        def find(plan: ServicePlan) -> Occurrence:
            found = plan.occurrences[number]
            _ = found.visit, found.plan, found.state
            return found

        return self.look(find)

    @property
    def visit(self) -> Visit:
        """The visit of the first date."""
        visit = self.occurrence().visit
        assert visit is not None
        return visit

    @property
    def link(self) -> str:
        """The address in the invitation, without its last part."""

        def token(plan: ServicePlan) -> str:
            visit = plan.latest_visit
            assert visit is not None
            return token_of(visit.links[-1], self.services.settings.secret_key)

        return f"/visit/{self.look(token)}"


@pytest.fixture
def scene(app: Flask, services: Services) -> Scene:
    """A plan every month, first due the day after tomorrow; its customer likes Thursday mornings."""
    app.config.update(dict.fromkeys(limits.DEFAULTS, "100000/minute"))

    def make(session: Session) -> Scene:
        company = make_company(session, 2)
        company.service.name = "Boiler service"
        customer = make_customer(session, name="Rosa Whitfield", email="rosa@example.com")
        site = make_site(session, customer, territory=company.territory, at=near(900), address="14 Oak Lane")
        likes = Likes(weekdays="3", part=PartOfDay.MORNING)
        plan = make_service_plan(session, company, first_on=DUE, site=site, likes=likes, term_months=6)
        return Scene(services, plan.id, site.id)

    return services.db.run(make)


@pytest.fixture
def rosa(scene: Scene, client: FlaskClient) -> Somebody:
    """The customer, who was invited."""
    scene.sweep()
    return Somebody(client, csrf_token(client))


@pytest.fixture
def dana(app: Flask, services: Services, scene: Scene, client: FlaskClient) -> Somebody:
    """A dispatcher; `client` keeps the clock at NOW."""
    browser = signed_in(app, services.db, services.db.run(make_user))
    return Somebody(browser, csrf_token(browser))


def path_of(answer: TestResponse) -> str:
    """Where a page was found."""
    assert answer.request is not None
    return urlsplit(answer.request.url).path
