"""Hours as technicians corrected them, and their wishes to be away or to work at other hours"""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "hours_correction",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("technician_id", sa.Integer(), nullable=False),
        sa.Column("on", sa.Date(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("pause", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("said_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("event_key", sa.String(length=64), nullable=False),
        sa.CheckConstraint("starts_at < ends_at AND pause >= 0", name=op.f("ck_hours_correction_hours")),
        sa.ForeignKeyConstraint(
            ["technician_id"], ["technician.id"], name=op.f("fk_hours_correction_technician_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hours_correction")),
        sa.UniqueConstraint("event_key", name=op.f("uq_hours_correction_event_key")),
    )
    op.create_index("ix_hours_correction_technician_id_on", "hours_correction", ["technician_id", "on"])
    op.create_table(
        "shift_wish",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("technician_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("first_on", sa.Date(), nullable=False),
        sa.Column("last_on", sa.Date(), nullable=False),
        sa.Column("starts", sa.Time(), nullable=True),
        sa.Column("ends", sa.Time(), nullable=True),
        sa.Column("words", sa.String(length=300), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("event_key", sa.String(length=64), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by_id", sa.Integer(), nullable=True),
        sa.Column("answer", sa.String(length=300), nullable=False),
        sa.CheckConstraint("kind IN ('away', 'hours')", name=op.f("ck_shift_wish_kind")),
        sa.CheckConstraint(
            "state IN ('asked', 'approved', 'refused', 'withdrawn')", name=op.f("ck_shift_wish_state")
        ),
        sa.CheckConstraint("first_on <= last_on", name=op.f("ck_shift_wish_days")),
        sa.CheckConstraint(
            "kind = 'away' OR (starts IS NOT NULL AND ends IS NOT NULL AND starts < ends)",
            name=op.f("ck_shift_wish_hours"),
        ),
        sa.ForeignKeyConstraint(
            ["technician_id"], ["technician.id"], name=op.f("fk_shift_wish_technician_id")
        ),
        sa.ForeignKeyConstraint(["decided_by_id"], ["user.id"], name=op.f("fk_shift_wish_decided_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shift_wish")),
        sa.UniqueConstraint("event_key", name=op.f("uq_shift_wish_event_key")),
    )
    op.create_index(op.f("ix_shift_wish_technician_id"), "shift_wish", ["technician_id"])


def downgrade() -> None:
    op.drop_table("shift_wish")
    op.drop_table("hours_correction")
