"""Visits that a dispatcher has tied together"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "visit_link",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("visit_id", sa.Integer(), nullable=False),
        sa.Column("after_id", sa.Integer(), nullable=False),
        sa.Column("min_lag", sa.Integer(), nullable=False),
        sa.Column("max_lag", sa.Integer(), nullable=True),
        sa.Column("same_technician", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("visit_id <> after_id", name=op.f("ck_visit_link_two_visits")),
        sa.ForeignKeyConstraint(["after_id"], ["visit.id"], name=op.f("fk_visit_link_after_id")),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_visit_link_visit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visit_link")),
        sa.UniqueConstraint("visit_id", "after_id", name=op.f("uq_visit_link_visit_id_after_id")),
    )
    op.create_index(op.f("ix_visit_link_after_id"), "visit_link", ["after_id"])


def downgrade() -> None:
    op.drop_table("visit_link")
