"""The factories make rows that the product itself accepts."""

from fieldservice.db import Database
from fieldservice.models import Technician
from tests.factories import (
    NOW,
    TOMORROW,
    make_company,
    make_draft,
    make_hold,
    make_site,
    make_stop,
    make_visit,
    make_work_order,
    window,
)


def test_a_small_company_is_stored_and_works_tomorrow(db: Database) -> None:
    """make_company gives technicians with hours and the skill that the service needs, on both databases."""
    with db.transaction() as session:
        company = make_company(session, technicians=3)
    with db.reading() as session:
        stored = session.query(Technician).all()
        assert len(stored) == 3
        for technician in stored:
            assert technician.working_day(TOMORROW, technician.territory.zone)
            assert technician.skill_levels(TOMORROW) == company.service.required_skills()


def test_every_row_of_a_booking_can_be_made(db: Database) -> None:
    """Visits, stops and holds made by the factories pass every constraint."""
    with db.transaction() as session:
        company = make_company(session)
        order = make_work_order(
            session, service=company.service, site=make_site(session, territory=company.territory)
        )
        visit = make_visit(session, territory=company.territory, work_order=order)
        promised = window()
        visit.promise(promised, now=NOW, actor="test")
        make_stop(session, company.technicians[0], promised.starts_at, promised.ends_at, visit=visit)
        make_hold(session, company.territory, company.service, draft=make_draft(session))
    with db.reading() as session:
        assert session.get_one(type(visit), visit.id).window == promised
