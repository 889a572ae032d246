"""Services that several technicians make together, and windows that are held for a crew"""

import sqlalchemy as sa
from alembic import op
from fieldservice.migrate import create_overlap_guard

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

_ONE = "uq_stop_hold_id"
_EACH = "uq_stop_hold_id_technician_id"


def upgrade() -> None:
    for table in ("service", "hold"):
        crew = f"crew INTEGER DEFAULT 1 NOT NULL CONSTRAINT ck_{table}_crew CHECK (crew BETWEEN 1 AND 3)"
        op.execute(f"ALTER TABLE {table} ADD COLUMN {crew}")
    with op.batch_alter_table("stop") as batch:
        batch.drop_constraint(batch.f(_ONE), type_="unique")
        batch.create_unique_constraint(batch.f(_EACH), ["hold_id", "technician_id"])
    _guard()


def downgrade() -> None:
    crews = sa.text("DELETE FROM stop WHERE hold_id IN (SELECT id FROM hold WHERE crew > 1)")
    op.execute(crews)
    op.execute("DELETE FROM hold WHERE crew > 1")
    with op.batch_alter_table("stop") as batch:
        batch.drop_constraint(batch.f(_EACH), type_="unique")
        batch.create_unique_constraint(batch.f(_ONE), ["hold_id"])
    _guard()
    for table in ("service", "hold"):
        op.execute(f"ALTER TABLE {table} DROP COLUMN crew")


def _guard() -> None:
    """On SQLite the table of stops was copied, and its triggers are gone."""
    if op.get_bind().dialect.name == "sqlite":
        create_overlap_guard(op.get_bind())
