"""Migrations bring an empty database to the models' schema, and to all that the database enforces."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import (
    JSON,
    CheckConstraint,
    Connection,
    Engine,
    column,
    create_engine,
    inspect,
    select,
    text,
    update,
)
from sqlalchemy import (
    table as plain_table,
)
from sqlalchemy.orm import Session

from fieldservice import migrate, schema
from fieldservice.db import Database, make_engine
from fieldservice.files import FileStore
from fieldservice.models import Base, IntakeQuestion, OutboxMessage, PushDevice
from fieldservice.notify.push import Device
from fieldservice.paths import MIGRATIONS
from tests.databases import DIALECTS, empty_postgres
from tests.factories import NOW, make_company, make_stop, make_visit, make_work_order, window
from tests.fieldservice.booking.test_personal import person

COUNTED = (
    "technician",
    "technician_skill",
    "shift_pattern",
    "shift_override",
    "break_rule",
    "absence",
    "skill",
)
TRIGGERS = {
    "sqlite": {
        *(f"{table}_counted_{event}" for table in COUNTED for event in ("insert", "update", "delete")),
        "audit_entry_append_only_delete",
        "audit_entry_append_only_update",
        "stop_no_overlap_insert",
        "stop_no_overlap_update",
        "visit_event_append_only_delete",
        "visit_event_append_only_update",
    },
    "postgresql": {
        *(f"{table}_counted" for table in COUNTED),
        "audit_entry_append_only",
        "visit_event_append_only",
    },
}


type Contents = dict[str, list[tuple[object, ...]]]
"""The rows of each table."""


@pytest.fixture(params=DIALECTS)
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A database without any table."""
    if request.param == "sqlite":
        engine = make_engine(f"sqlite:///{tmp_path / 'empty.db'}")
        yield engine
        engine.dispose()
        return
    worker = request.getfixturevalue("worker_name")
    with empty_postgres(request.getfixturevalue("postgres_server"), f"fieldservice_empty_{worker}") as url:
        engine = make_engine(url)
        yield engine
        engine.dispose()


def triggers(connection: Connection) -> set[str]:
    """The triggers that are not the database's own."""
    query = {
        "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
        "postgresql": "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal",
    }
    return set(connection.scalars(text(query[connection.dialect.name])))


def exclusions(connection: Connection) -> set[str]:
    """PostgreSQL's exclusion constraints."""
    if connection.dialect.name != "postgresql":
        return set()
    return set(connection.scalars(text("SELECT conname FROM pg_constraint WHERE contype = 'x'")))


def downgrade(engine: Engine, revision: str = "base") -> None:
    """Take migrations back, as an operator would through Alembic."""
    with migrate.rebuilding(engine) as connection:
        command.downgrade(migrate._config(connection), revision)  # the product itself never goes down


def tables(engine: Engine) -> set[str]:
    """Every table but Alembic's own."""
    return set(inspect(engine).get_table_names()) - {"alembic_version"}


def contents(engine: Engine, columns: Mapping[str, Collection[str]] | None = None) -> Contents:
    """Every row of every table, or what is in these columns of each."""
    with engine.connect() as connection:
        return {
            table.name: [
                tuple(row)
                for row in connection.execute(
                    select(*(c for c in table.columns if columns is None or c.name in columns[table.name]))
                    .select_from(table)
                    .order_by(*table.primary_key)
                )
            ]
            for table in Base.metadata.sorted_tables
            if columns is None or columns[table.name]  # a table that the newest step made has nothing older
        }


def columns_of(engine: Engine) -> dict[str, set[str]]:
    """The names of the columns of each table."""
    inspector = inspect(engine)
    return {table: {column["name"] for column in inspector.get_columns(table)} for table in tables(engine)}


def test_the_head_is_the_newest_migration() -> None:
    """What the health check compares with is what Alembic would upgrade to."""
    assert ScriptDirectory(str(MIGRATIONS)).get_current_head() == schema.HEAD


def test_an_empty_database_comes_to_the_models_schema(empty: Engine) -> None:
    """After `upgrade` nothing is missing and nothing is too much, types included."""
    assert not schema.is_current(empty)
    assert migrate.differences(empty)
    migrate.upgrade(empty)
    assert schema.is_current(empty)
    assert migrate.differences(empty) == []
    assert tables(empty) == set(Base.metadata.tables)


def test_the_guards_are_there_afterwards(empty: Engine) -> None:
    """All triggers and the exclusion constraint exist at the end: a batch operation would drop triggers."""
    migrate.upgrade(empty)
    with empty.connect() as connection:
        assert triggers(connection) == TRIGGERS[connection.dialect.name]
        assert exclusions(connection) == (
            {"stop_no_overlap"} if connection.dialect.name == "postgresql" else set()
        )


def test_every_constraint_of_the_models_is_in_the_database(empty: Engine) -> None:
    """Checks and foreign keys are compared one by one by name, because Alembic compares no checks."""
    migrate.upgrade(empty)
    inspector = inspect(empty)
    for table in Base.metadata.sorted_tables:
        checks = {str(c.name) for c in table.constraints if isinstance(c, CheckConstraint)}
        assert {c["name"] for c in inspector.get_check_constraints(table.name)} == checks, table.name
        foreign = {str(c.name) for c in table.foreign_key_constraints}
        assert {c["name"] for c in inspector.get_foreign_keys(table.name)} == foreign, table.name


def test_upgrading_twice_is_nothing(empty: Engine) -> None:
    """A second start finds the schema and leaves it, and the data, alone."""
    migrate.upgrade(empty)
    fill(empty)
    before = contents(empty)
    migrate.upgrade(empty)
    assert contents(empty) == before


def test_down_and_up_again(empty: Engine) -> None:
    """Each migration can be taken back completely and run again, with its guards."""
    migrate.upgrade(empty)
    downgrade(empty)
    assert tables(empty) == set()
    with empty.connect() as connection:
        assert triggers(connection) == set()
    migrate.upgrade(empty)
    assert migrate.differences(empty) == []
    with empty.connect() as connection:
        assert triggers(connection) == TRIGGERS[connection.dialect.name]


def without_strangers(before: Contents) -> Contents:
    """What a release can keep that knows nobody without a visit: their conversations are newer than it."""
    rows = [dict(zip(names("conversation"), row, strict=True)) for row in before["conversation"]]
    gone = {row["id"] for row in rows if row["visit_id"] is None}
    assert gone
    by = {"conversation": "id", "conversation_message": "conversation_id", "office_task": "conversation_id"}
    return before | {
        table: [row for row in before[table] if row[names(table).index(column)] not in gone]
        for table, column in by.items()
    }


@pytest.mark.parametrize("release", ["0024", "-1"], ids=["the last release", "the newest step"])
def test_an_upgrade_keeps_the_data(empty: Engine, tmp_path: Path, release: str) -> None:
    """With all that two customers leave and a planned visit in it, down and up loses nothing older.

    SQLite copies and drops tables for it, whose rows others refer to.
    """
    migrate.upgrade(empty)
    fill(empty)
    with Session(empty) as session:
        person(session, FileStore(tmp_path / "files"), "Rosa", "rosa@example.com")
        session.commit()
    before = contents(empty)
    assert all(
        before[table] for table in ("visit", "stop", "outbox_message", "conversation_message", "guest")
    )
    downgrade(empty, release)
    older = columns_of(empty)
    if "guest" not in older:
        before = without_strangers(before)
    migrate.upgrade(empty)
    everywhere = {table.name: older.get(table.name, set()) for table in Base.metadata.sorted_tables}
    assert contents(empty, everywhere) == {
        table: [
            tuple(value for name, value in zip(names(table), row, strict=True) if name in kept)
            for row in before[table]
        ]
        for table, kept in everywhere.items()
        if kept
    }
    with empty.connect() as connection:
        assert triggers(connection) == TRIGGERS[connection.dialect.name]


def test_a_row_that_refers_to_nothing_stops_an_upgrade(tmp_path: Path) -> None:
    """What is not watched while tables are rebuilt is looked through before anything is committed."""
    engine = make_engine(f"sqlite:///{tmp_path / 'broken.db'}")
    migrate.upgrade(engine)
    with (
        pytest.raises(migrate.BrokenReferences, match="user_session"),
        migrate.rebuilding(engine) as connection,
    ):
        connection.execute(
            text(
                "INSERT INTO user_session"
                " (user_id, token_hash, created_at, last_seen_at, expires_at, user_agent)"
                " VALUES (7, 'h', '2026-01-01', '2026-01-01', '2026-01-01', '')"
            )
        )
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM user_session")) == 0
        assert connection.scalar(text("PRAGMA foreign_keys")) == 1
    engine.dispose()


def names(table: str) -> list[str]:
    """The columns of a table in the order in which `contents` has them."""
    return [column.name for column in Base.metadata.tables[table].columns]


def test_a_failed_migration_leaves_nothing_behind(empty: Engine) -> None:
    """All migrations run in one transaction: when one cannot be done the database is as before."""
    with empty.begin() as connection:
        connection.execute(text("CREATE TABLE work_order (id INTEGER PRIMARY KEY)"))
    with pytest.raises(Exception, match="work_order"):
        migrate.upgrade(empty)
    assert tables(empty) == {"work_order"}
    assert not schema.is_current(empty)


def test_a_dropped_index_is_noticed(empty: Engine) -> None:
    """Positive control of `differences`: it sees what somebody removed by hand."""
    migrate.upgrade(empty)
    with empty.begin() as connection:
        connection.execute(text("DROP INDEX ix_visit_territory_id_window"))
    assert migrate.differences(empty)


def test_there_is_one_line_of_migrations() -> None:
    """Two heads would leave it to chance which schema a database gets."""
    assert len(ScriptDirectory(str(MIGRATIONS)).get_heads()) == 1


def test_a_database_that_is_not_ours_is_not_current() -> None:
    """A database that Alembic never saw is reported as such, without an error."""
    engine = create_engine("sqlite://")
    assert not schema.is_current(engine)
    engine.dispose()


def fill(engine: Engine) -> None:
    """A company with one booked visit."""
    database = Database(engine.url.render_as_string(hide_password=False))

    def work(session: Session) -> None:
        company = make_company(session, technicians=1)
        order = make_work_order(session, service=company.service)
        visit = make_visit(session, territory=company.territory, work_order=order)
        promised = window()
        visit.promise(promised, now=NOW, actor="customer")
        make_stop(session, company.technicians[0], promised.starts_at, promised.ends_at, visit=visit)

    database.run(work)
    database.dispose()


def test_the_number_of_a_browser_is_never_given_again(empty: Engine) -> None:
    """0034: neither of one that is gone, though a message may still name it, nor of one that goes later."""
    migrate.upgrade(empty)
    fill(empty)
    downgrade(empty, "0033")
    one, two = new_browser(empty), new_browser(empty)
    message = {"dedupe_key": "to a browser", "channel": "push", "recipient": str(two), "role": "device"}
    with Session(empty) as session:
        of_all = {"kind": "changed", "promise_version": 1, "due_at": NOW, "next_at": NOW}
        session.add(OutboxMessage(**message, **of_all))
        session.execute(text("DELETE FROM push_device WHERE id = :id"), {"id": two})
        session.commit()
    migrate.upgrade(empty)
    three = new_browser(empty)
    with empty.begin() as connection:
        connection.execute(text("DELETE FROM push_device WHERE id = :id"), {"id": three})
    four = new_browser(empty)
    assert one < two < three < four
    with empty.connect() as connection:
        found = connection.execute(text("SELECT id, locale FROM push_device ORDER BY id")).all()
    assert [tuple(row) for row in found] == [(one, "da"), (four, "da")]
    inspector = inspect(empty)
    assert {index["name"] for index in inspector.get_indexes("push_device")} == {
        *(f"ix_push_device_{name}" for name in ("endpoint_hash", "login", "user_id", "visit_id"))
    }


def new_browser(engine: Engine) -> int:
    """A customer's browser asks for notifications; returns its number."""
    device = Device(endpoint="https://push.example.com/x", p256dh="x", auth="x")
    with Session(engine) as session:
        visit_id = session.scalar(text("SELECT min(id) FROM visit"))
        row = PushDevice.of(device, visit_id=visit_id, locale="da", login="", created_at=NOW)
        session.add(row)
        session.commit()
        return row.id


QUESTIONS = [
    {"id": "symptoms", "kind": "chips", "label": "What is happening?", "options": ["No heat", "Leaking"]},
    {"id": "gas", "kind": "yesno", "label": "Do you smell gas?"},
    {"id": "model", "kind": "text", "label": "Which model?"},
]


def test_questions_in_a_column_become_rows_and_come_back(empty: Engine) -> None:
    """0003: services keep their questions, visits what was answered, now in words; one step down restores."""
    migrate.upgrade(empty)
    fill(empty)
    downgrade(empty, "0002")
    service = plain_table("service", column("intake_questions", JSON))
    order = plain_table("work_order", column("answers", JSON), column("said", JSON))
    with empty.begin() as connection:
        connection.execute(update(service).values(intake_questions=QUESTIONS))
        answers = {"symptoms": ["Leaking"], "gas": "no", "model": "", "gone": "x"}
        connection.execute(update(order).values(answers=answers))
    migrate.upgrade(empty)
    with Session(empty) as session:
        found = session.scalars(select(IntakeQuestion).order_by(IntakeQuestion.position)).all()
        assert [(q.code, q.kind, q.label, [o.code for o in q.options]) for q in found] == [
            ("symptoms", "chips", "What is happening?", ["No heat", "Leaking"]),
            ("gas", "yesno", "Do you smell gas?", []),
            ("model", "text", "Which model?", []),
        ]
        (said,) = session.scalars(select(order.c.said)).all()
        assert [(entry["question"], entry["answer"]) for entry in said] == [
            ("What is happening?", ["Leaking"]),
            ("Do you smell gas?", "no"),
        ]
    downgrade(empty, "0002")
    with empty.connect() as connection:
        assert connection.scalars(select(service.c.intake_questions)).all() == [QUESTIONS]
