"""What technicians did while the plan changed, until the office decides"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "kept_work",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("item_id", sa.String(length=36), nullable=False),
        sa.Column("visit_id", sa.Integer(), nullable=False),
        sa.Column("technician_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("label", sa.String(length=200), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("tapped_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("phone_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("file_key", sa.String(length=32), nullable=True),
        sa.Column("file_name", sa.String(length=120), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("decision", sa.String(length=10), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by_id", sa.Integer(), nullable=True),
        sa.CheckConstraint("(decided_at IS NULL) = (decision = '')", name=op.f("ck_kept_work_decided")),
        sa.CheckConstraint("decision IN ('', 'counts', 'stays')", name=op.f("ck_kept_work_decision")),
        sa.ForeignKeyConstraint(["decided_by_id"], ["user.id"], name=op.f("fk_kept_work_decided_by_id")),
        sa.ForeignKeyConstraint(["technician_id"], ["technician.id"], name=op.f("fk_kept_work_technician_id")),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_kept_work_visit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kept_work")),
        sa.UniqueConstraint("file_key", name=op.f("uq_kept_work_file_key")),
        sa.UniqueConstraint("item_id", name=op.f("uq_kept_work_item_id")),
    )
    op.create_index(op.f("ix_kept_work_visit_id"), "kept_work", ["visit_id"])


def downgrade() -> None:
    op.drop_table("kept_work")
