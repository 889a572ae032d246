"""The office's lists: found, filtered, sorted, cut into pages and kept as CSV that runs nowhere."""

from __future__ import annotations

import csv
from datetime import timedelta
from io import StringIO

import pytest
from sqlalchemy.orm import Session

from fieldservice.db import Database
from fieldservice.models import AuditEntry, TroubleshootingResult
from fieldservice.office import lists
from fieldservice.office.tables import TABLES
from fieldservice.sheets import csv_text
from tests.factories import NOW, make_company, make_customer, make_service, make_site
from tests.fieldservice.office.owner import Owner


def sheet(owner: Owner, address: str) -> list[list[str]]:
    """The rows of a CSV file, titles first."""
    answer = owner.client.get(address)
    assert answer.status_code == 200
    assert answer.mimetype == "text/csv"
    assert ".csv" in answer.headers["Content-Disposition"]
    return list(csv.reader(StringIO(answer.text.removeprefix("\ufeff"))))


def fill(session: Session) -> None:
    """A company with three technicians, and seventy customers of whom one writes a formula."""
    company = make_company(session, 3)
    for number in range(70):
        customer = make_customer(session, name=f"Customer {number:02}", email=f"c{number:02}@example.com")
        make_site(session, customer, territory=company.territory)
    make_customer(session, name='=HYPERLINK("http://evil.example")', email="100%_sure@example.com")
    session.add(
        AuditEntry(at=NOW, actor="user:1 Dana", action="office_changed", subject_kind="service", subject_id=3)
    )


def names(owner: Owner, address: str) -> list[str]:
    """The first cells of the rows of a CSV file."""
    return [row[0] for row in sheet(owner, address)[1:]]


@pytest.mark.parametrize("name", sorted(TABLES))
def test_every_column_sorts_and_every_choice_filters(owner: Owner, db: Database, name: str) -> None:
    """Both ways, on both databases; nothing that an address says is an error."""
    db.run(fill)
    table = TABLES[name]
    for column in table.columns:
        for sort in (column.name, f"-{column.name}"):
            owner.open(f"/office/{name}?sort={sort}")
    with db.reading() as session:
        choices = [(each.name, value) for each in table.filters for value, _words in each.choices(session)]
    for key, value in choices:
        owner.open(f"/office/{name}?{key}={value}")
    for strange in (
        "sort=nothing",
        "page=0",
        "page=99999999999",
        "page=x",
        "q=%25_\\",
        "q=a%00b",
        "state=both",
    ):
        owner.open(f"/office/{name}?{strange}")


def test_words_filters_and_pages(owner: Owner, db: Database) -> None:
    """Each word must be there, wildcards are letters; a page has 50 rows, CSV has all."""
    db.run(fill)
    assert names(owner, "/office/customers.csv?q=customer+c07@") == ["Customer 07"]
    assert len(names(owner, "/office/customers.csv?q=100%25_")) == 1
    assert names(owner, "/office/customers.csv?q=c%25r") == []
    assert len(names(owner, "/office/customers.csv?kind=private")) >= 71
    assert names(owner, "/office/customers.csv?kind=internal") == []
    rising = names(owner, "/office/customers.csv?sort=email&q=customer")
    assert names(owner, "/office/customers.csv?sort=-email&q=customer") == rising[::-1]
    assert len(rising) == 70 > lists.PAGE
    first, second = (owner.open(f"/office/customers?q=customer&page={page}").text for page in (1, 2))
    assert "Customer 49" in first
    assert "Customer 50" not in first
    assert "Customer 50" in second
    assert "Page 2 of 2" in second
    assert second == owner.open("/office/customers?q=customer&page=77").text


def test_no_cell_is_a_formula() -> None:
    """Whatever a spreadsheet would run begins with an apostrophe; numbers stay numbers."""
    runs = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"]
    [titles, row] = csv.reader(
        StringIO(csv_text(["=title"], [[*runs, 7, "a=b", None]]).removeprefix("\ufeff"))
    )
    assert titles == ["'=title"]
    assert row == [*(f"'{text}" for text in runs), "7", "a=b", ""]


def test_changes_are_listed_newest_first(owner: Owner, db: Database) -> None:
    """With what was before and what is now, found by a word of either."""

    def work(session: Session) -> None:
        for number, name in enumerate(("Heating", "Kühlung")):
            detail = {"before": {"name": "old"}, "after": {"name": name}}
            at = NOW + timedelta(minutes=number)
            entry = AuditEntry(at=at, actor="user:1 Dana", action="office_changed", detail=detail)
            session.add(entry)

    db.run(work)
    newest = sheet(owner, "/office/changes.csv?action=office_changed")[1]
    assert newest[1:3] == ["Dana", "Changed"]
    assert newest[4:] == ['{"name": "old"}', '{"name": "Kühlung"}']
    for word in ("heating", "kühlung"):
        assert len(names(owner, f"/office/changes.csv?q={word}")) == 1


def test_services_say_how_often_first_checks_solved_it(owner: Owner, db: Database) -> None:
    """Solved problems alone count, each for its own service; the list sorts by it."""

    def check(session: Session) -> None:
        often, never = (make_service(session, code=code, name=code.title()) for code in ("often", "never"))
        for service, ending in ((often, "solved"), (often, "solved"), (often, "book"), (never, "call_us")):
            ended = {"step": "tap", "ending": ending, "ended_at": NOW}
            session.add(TroubleshootingResult(service_id=service.id, **ended))

    db.run(check)
    head, *rows = sheet(owner, "/office/services.csv?sort=-solved")
    at = head.index("Solved by first checks")
    assert (rows[0][0], rows[0][at]) == ("Often", "2")
    assert {row[at] for row in rows[1:]} == {"0"}
