"""Rows with good defaults; every function adds what it needs to the session, flushes and returns the row.

All rows belong to one imaginary company in Baltimore. NOW is a Monday morning there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice.attachments import service as attachments
from fieldservice.booking.catalogue import write_catalogue
from fieldservice.files import FileStore, fit
from fieldservice.geo.types import Coordinates
from fieldservice.models import (
    Absence,
    Attachment,
    BookingDraft,
    Branch,
    BreakRule,
    ContactRole,
    Customer,
    Hold,
    Place,
    Plan,
    Role,
    Route,
    Service,
    ServicePlan,
    ServiceSkill,
    ShiftOverride,
    ShiftPattern,
    Site,
    Skill,
    Stop,
    StopKind,
    Technician,
    TechnicianSkill,
    Territory,
    Visit,
    VisitState,
    Window,
    WorkOrder,
)
from fieldservice.models.recurrence import Rule, Season, Unit
from fieldservice.planning import service_plans
from tests.pictures import photo

NOW = datetime(2026, 3, 2, 13, 0, tzinfo=UTC)  # Monday, 8:00 in Baltimore
TODAY = date(2026, 3, 2)
TOMORROW = date(2026, 3, 3)
CENTRE = Coordinates(39.2904, -76.6122)
HEATING = "heating"

_serial = count(1)


def number() -> int:
    """A number that no other row of this test run has."""
    return next(_serial)


def near(metres_north: float = 0, metres_east: float = 0) -> Coordinates:
    """A place at this distance from the territory's centre."""
    return Coordinates(CENTRE.lat + metres_north / 111_320, CENTRE.lon + metres_east / 86_200)


def window(on: date = TOMORROW, starts: int = 10, ends: int = 12, zone: str = "America/New_York") -> Window:
    """An arrival window in local whole hours."""
    return Window(
        *(datetime.combine(on, time(hour), ZoneInfo(zone)).astimezone(UTC) for hour in (starts, ends))
    )


def add[Row](session: Session, row: Row) -> Row:
    """Store a row, so that it has an id."""
    session.add(row)
    session.flush()
    return row


def make_territory(session: Session, **overrides: Any) -> Territory:
    """An area around the centre of Baltimore."""
    values = {
        "name": f"Territory {number()}",
        "time_zone": "America/New_York",
        "centre_lat": CENTRE.lat,
        "centre_lon": CENTRE.lon,
        "radius_m": 30_000,
    }
    return add(session, Territory(**(values | overrides)))


def make_branch(session: Session, territory: Territory, **overrides: Any) -> Branch:
    """A building at the territory's centre."""
    values = {"name": f"Branch {number()}", "address": "1 Light Street", "lat": CENTRE.lat, "lon": CENTRE.lon}
    return add(session, Branch(territory=territory, **(values | overrides)))


def make_skill(session: Session, code: str = HEATING) -> Skill:
    """The skill with this code, made if need be."""
    found = session.scalar(select(Skill).where(Skill.code == code))
    return found or add(session, Skill(code=code, name=code.capitalize()))


def make_technician(
    session: Session,
    territory: Territory | None = None,
    *,
    skills: Mapping[str, int] | None = None,
    hours: tuple[time, time] = (time(8), time(17)),
    weekdays: Iterable[int] = range(7),
    breaks: Sequence[tuple[time, time, timedelta]] = (),
    home: Coordinates = CENTRE,
    **overrides: Any,
) -> Technician:
    """Somebody who can heat, works 8 to 17 every day without a break and starts at the centre."""
    territory = territory or make_territory(session)
    serial = number()
    technician = Technician(
        **{
            "territory": territory,
            "name": f"Technician {serial}",
            "home_lat": home.lat,
            "home_lon": home.lon,
            "colour": serial % 8 + 1,
        }
        | overrides
    )
    for weekday in weekdays:
        technician.shift_patterns.append(
            ShiftPattern(weekday=weekday, starts=hours[0], ends=hours[1], valid_from=date(2025, 1, 1))
        )
    for earliest, latest, duration in breaks:
        technician.break_rules.append(BreakRule(earliest=earliest, latest=latest, duration=duration))
    for code, level in ({HEATING: 1} if skills is None else skills).items():
        technician.skills.append(TechnicianSkill(skill=make_skill(session, code), level=level))
    return add(session, technician)


def make_absence(session: Session, technician: Technician, starts_at: datetime, ends_at: datetime) -> Absence:
    """A holiday."""
    absence = Absence(starts_at=starts_at, ends_at=ends_at)
    technician.absences.append(absence)
    return add(session, absence)


def make_override(session: Session, technician: Technician, on: date, **overrides: Any) -> ShiftOverride:
    """Other hours on one date."""
    override = ShiftOverride(on=on, **overrides)
    technician.shift_overrides.append(override)
    return add(session, override)


def make_service(session: Session, *, skills: Mapping[str, int] | None = None, **overrides: Any) -> Service:
    """A boiler repair: an hour on site, windows of two hours, bookable two hours ahead for two weeks."""
    serial = number()
    questions = overrides.pop("intake_questions", ())
    service = Service(
        **{
            "code": f"service-{serial}",
            "name": f"Boiler repair {serial}",
            "place": Place.ON_SITE,
            "duration": timedelta(hours=1),
            "setup": timedelta(0),
            "cleanup": timedelta(0),
            "price_text": "From $129",
        }
        | overrides
    )
    for code, level in ({HEATING: 1} if skills is None else skills).items():
        service.skills.append(ServiceSkill(skill=make_skill(session, code), level=level))
    ask(session, service, questions)
    for name in overrides.keys() & {
        "crew",
        "reminders",
        "late_after",
    }:  # to write a catalogue is to write them too
        setattr(service, name, overrides[name])
    return add(session, service)


def ask(session: Session, service: Service, questions: Iterable[Any], **more: Any) -> Service:
    """Give a service questions, rows or plain data with `id` or `code`; `more` as in a catalogue."""
    plain = [question for question in questions if isinstance(question, dict)]
    data = [{("code" if name == "id" else name): value for name, value in q.items()} for q in plain]
    skills = {skill.code: skill for skill in session.scalars(select(Skill))}
    write_catalogue(service, {"questions": data, **more}, skills)
    service.intake_questions += [question for question in questions if not isinstance(question, dict)]
    session.flush()
    return service


def make_customer(session: Session, **overrides: Any) -> Customer:
    """Somebody who can be reached by e-mail and phone."""
    serial = number()
    values = {
        "name": f"Customer {serial}",
        "email": f"customer{serial}@example.com",
        "phone": f"+1410555{serial % 10_000:04d}",
        "created_at": NOW,
    }
    return add(session, Customer(**(values | overrides)))


def make_site(
    session: Session,
    customer: Customer | None = None,
    *,
    territory: Territory | None = None,
    at: Coordinates | None = CENTRE,
    **overrides: Any,
) -> Site:
    """An address with coordinates; `at=None` is one that was not found."""
    values = {
        "customer": customer or make_customer(session),
        "territory_id": territory.id if territory else None,
        "address": f"{number()} Charles Street",
        "city": "Baltimore",
        "postcode": "21201",
        "lat": at.lat if at else None,
        "lon": at.lon if at else None,
        "geocoded_by": "local" if at else "",
        "geocode_match": "exact" if at else "",
    }
    return add(session, Site(**(values | overrides)))


def make_work_order(
    session: Session,
    *,
    site: Site | None = None,
    service: Service | None = None,
    contact: Mapping[str, str] | None = None,
    **overrides: Any,
) -> WorkOrder:
    """A request whose requester is the site's customer, unless `contact` says how to reach them otherwise."""
    site = site or make_site(session)
    order = WorkOrder(
        **{
            "customer": site.customer,
            "site": site,
            "service": service or make_service(session),
            "problem": "No heat",
            "created_at": NOW,
        }
        | overrides
    )
    reached = {"name": site.customer.name, "email": site.customer.email, "phone": site.customer.phone}
    order.contacts.append(ContactRole(role=Role.REQUESTER, **(reached if contact is None else dict(contact))))
    return add(session, order)


def make_visit(
    session: Session,
    *,
    territory: Territory | None = None,
    work_order: WorkOrder | None = None,
    promised: Window | None = None,
    **overrides: Any,
) -> Visit:
    """A requested visit with the durations of its service; `promised` only fills in the window."""
    order = work_order or make_work_order(session)
    values = {
        "reference": f"HH-{number():06d}",
        "work_order": order,
        "territory": territory or make_territory(session),
        "state": VisitState.REQUESTED,
        "setup": order.service.setup,
        "service_duration": order.service.duration,
        "cleanup": order.service.cleanup,
        "window_starts_at": promised.starts_at if promised else None,
        "window_ends_at": promised.ends_at if promised else None,
        "created_at": NOW,
    }
    return add(session, Visit(**(values | overrides)))


def make_route(session: Session, technician: Technician, on: date = TOMORROW) -> Route:
    """The technician's route of a day, made if need be together with its plan."""
    plan = session.scalar(
        select(Plan).where(Plan.territory_id == technician.territory_id, Plan.on == on)
    ) or add(session, Plan(territory_id=technician.territory_id, on=on))
    found = session.scalar(
        select(Route).where(Route.plan_id == plan.id, Route.technician_id == technician.id)
    )
    return found or add(session, Route(plan=plan, technician=technician))


def make_stop(
    session: Session,
    technician: Technician,
    starts_at: datetime,
    ends_at: datetime,
    *,
    visit: Visit | None = None,
    **overrides: Any,
) -> Stop:
    """A stop as the database sees it; without a visit it is a break."""
    route = make_route(session, technician, technician.territory.local_day(starts_at))
    values: dict[str, Any] = {
        "route_id": route.id,
        "technician_id": technician.id,
        "kind": StopKind.VISIT if visit else StopKind.BREAK,
        "visit_id": visit.id if visit else None,
        "arrives_at": starts_at,
        "starts_at": starts_at,
        "ends_at": ends_at,
    }
    return add(session, Stop(**(values | overrides)))


def make_draft(session: Session, **overrides: Any) -> BookingDraft:
    """The answers of a customer who has just begun."""
    values = {
        "token": f"draft-{number()}",
        "answers": {},
        "created_at": NOW,
        "expires_at": NOW + timedelta(days=1),
    }
    return add(session, BookingDraft(**(values | overrides)))


def make_attachment(
    session: Session, store: FileStore, owner: Visit | str, *, content: bytes | None = None, **overrides: Any
) -> Attachment:
    """A photo, or what `content` is, of a visit or of a draft by its token, with its files in the store."""
    sent = photo() + b"%d" % number() if content is None else content
    stored = attachments.store_file(store, fit(sent), sent)
    label = attachments.Label(name=overrides.pop("name", f"photo-{number()}.jpg"))
    actor = overrides.pop("actor", "customer")
    made = attachments.add(session, owner, stored, label, actor=actor, scanned=False, now=NOW)
    assert made is not None
    for column, value in overrides.items():
        setattr(made, column, value)
    return add(session, made)


def make_hold(
    session: Session,
    territory: Territory,
    service: Service,
    *,
    held: Window | None = None,
    draft: BookingDraft | None = None,
    expires_at: datetime = NOW + timedelta(minutes=15),
    at: Coordinates = CENTRE,
) -> Hold:
    """A reserved window, without a stop."""
    held = held or window()
    hold = Hold(
        draft_id=(draft or make_draft(session)).id,
        territory_id=territory.id,
        service_id=service.id,
        lat=at.lat,
        lon=at.lon,
        window_starts_at=held.starts_at,
        window_ends_at=held.ends_at,
        expires_at=expires_at,
    )
    return add(session, hold)


@dataclass
class Company:
    """A small company that is ready to take bookings."""

    territory: Territory
    service: Service
    technicians: list[Technician] = field(default_factory=list)


def make_company(
    session: Session,
    technicians: int = 2,
    *,
    hours: tuple[time, time] = (time(8), time(17)),
    breaks: Sequence[tuple[time, time, timedelta]] = (),
    **service: Any,
) -> Company:
    """A territory, a bookable service (`service` overrides it) and technicians who live 2 km apart."""
    company = Company(make_territory(session), make_service(session, **service))
    for position in range(technicians):
        company.technicians.append(
            make_technician(
                session,
                company.territory,
                hours=hours,
                breaks=breaks,
                home=near(metres_east=2_000 * position),
            )
        )
    return company


def make_service_plan(
    session: Session,
    company: Company,
    *,
    first_on: date = TOMORROW,
    every: int = 1,
    unit: Unit = Unit.MONTHS,
    season: Season | None = None,
    likes: service_plans.Likes | None = None,
    site: Site | None = None,
    now: datetime = NOW,
    **terms: Any,
) -> ServicePlan:
    """Every month from tomorrow on, at a site of a new customer near the centre."""
    rule = Rule(first_on, every, unit, season)
    return service_plans.start(
        session,
        service_plans.Terms(rule=rule, **({"skip_holidays": False} | terms)),
        likes or service_plans.Likes(),
        site=site or make_site(session, territory=company.territory, at=near(800)),
        service=company.service,
        now=now,
    )
