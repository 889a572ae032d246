"""Visits that two or three technicians make together"""

import sqlalchemy as sa
from alembic import op
from fieldservice.migrate import create_overlap_guard

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

_KIND_BEFORE = (
    "(kind = 'visit' AND visit_id IS NOT NULL AND hold_id IS NULL)"
    " OR (kind = 'hold' AND hold_id IS NOT NULL AND visit_id IS NULL)"
    " OR (kind = 'break' AND visit_id IS NULL AND hold_id IS NULL)"
)
_KIND = (
    "(kind = 'visit' AND visit_id IS NOT NULL AND hold_id IS NULL AND crew_visit_id IS NULL)"
    " OR (kind = 'hold' AND hold_id IS NOT NULL AND visit_id IS NULL AND crew_visit_id IS NULL)"
    " OR (kind = 'crew' AND crew_visit_id IS NOT NULL AND visit_id IS NULL AND hold_id IS NULL)"
    " OR (kind = 'break' AND visit_id IS NULL AND hold_id IS NULL AND crew_visit_id IS NULL)"
)


def upgrade() -> None:
    crew = "crew INTEGER DEFAULT 1 NOT NULL CONSTRAINT ck_visit_crew CHECK (crew BETWEEN 1 AND 3)"
    op.execute(f"ALTER TABLE visit ADD COLUMN {crew}")
    op.add_column("stop", sa.Column("crew_visit_id", sa.Integer(), nullable=True))
    with op.batch_alter_table("stop") as batch:
        batch.create_foreign_key(batch.f("fk_stop_crew_visit_id"), "visit", ["crew_visit_id"], ["id"])
        batch.create_unique_constraint(
            batch.f("uq_stop_crew_visit_id_technician_id"), ["crew_visit_id", "technician_id"]
        )
        batch.drop_constraint(batch.f("ck_stop_kind"), type_="check")
        batch.create_check_constraint(batch.f("ck_stop_kind"), _KIND)
    _guard()


def downgrade() -> None:
    op.execute("DELETE FROM stop WHERE kind = 'crew'")
    with op.batch_alter_table("stop") as batch:
        batch.drop_constraint(batch.f("ck_stop_kind"), type_="check")
        batch.create_check_constraint(batch.f("ck_stop_kind"), _KIND_BEFORE)
        batch.drop_constraint(batch.f("uq_stop_crew_visit_id_technician_id"), type_="unique")
        batch.drop_constraint(batch.f("fk_stop_crew_visit_id"), type_="foreignkey")
        batch.drop_column("crew_visit_id")
    _guard()
    op.execute("ALTER TABLE visit DROP COLUMN crew")


def _guard() -> None:
    """On SQLite the table of stops was copied, and its triggers are gone."""
    if op.get_bind().dialect.name == "sqlite":
        create_overlap_guard(op.get_bind())
