"""What has to be checked before a visit is done, and whether it was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice.models import Attachment, CheckKind, ChecklistItem, Service, Visit, VisitReport

BEFORE, AFTER, CHECK, SIGNATURE, CANNOT = "before", "after", "check", "signature", "cannot"
"""What a technician's file is about, see `Attachment`."""
PHOTOS = (BEFORE, AFTER, CHECK, CANNOT)


@dataclass(frozen=True)
class Item:
    """An item of the checklist of one of the visit's services; `key` names it among all of them."""

    service: Service
    row: ChecklistItem

    @property
    def key(self) -> str:
        """The codes of the service and the item: an item that the office writes anew keeps its answers."""
        return f"{self.service.code}/{self.row.code}"

    @property
    def label(self) -> str:
        """What is to be checked, in the office's words."""
        return self.row.label

    @property
    def is_photo(self) -> bool:
        """Whether it is answered with a picture."""
        return self.row.kind == CheckKind.PHOTO


class ChecklistOpen(Exception):
    """Required items of the visit's checklist are not answered."""

    def __init__(self, visit: Visit, items: Sequence[Item]) -> None:
        super().__init__(f"visit {visit.id}: not answered: {', '.join(item.key for item in items)}")
        self.visit_id = visit.id


def items_of(visit: Visit) -> list[Item]:
    """The items of all services of the visit, in the order in which the office wrote them."""
    return [Item(service, row) for service in visit.work_order.services for row in service.checklist]


def files_of(session: Session, visit: Visit, about: str) -> Sequence[Attachment]:
    """What the technician left at the visit of one sort, the oldest first."""
    query = select(Attachment).where(Attachment.visit_id == visit.id, Attachment.about == about)
    return session.scalars(query.order_by(Attachment.id)).all()


def missing(session: Session, visit: Visit) -> list[Item]:
    """The required items that are not answered yet."""
    report = session.get(VisitReport, visit.id)
    answered = {key for key, said in report.checks.items() if _counts(said["answer"])} if report else set()
    answered |= {file.item for file in files_of(session, visit, CHECK) if not file.harmful}
    return [item for item in items_of(visit) if item.row.required and item.key not in answered]


def _counts(answer: object) -> bool:
    """Whether something was answered: nought is a number, but no tick is none."""
    return answer is not False and answer not in ("", None)


def has_report(session: Session, visit: Visit) -> bool:
    """Whether the technician wrote something down."""
    return session.get(VisitReport, visit.id) is not None


def require_complete(session: Session, visit: Visit) -> None:
    """Raise ChecklistOpen while a required item is missing."""
    if items := missing(session, visit):
        raise ChecklistOpen(visit, items)
