"""Windows among which the office lets a customer choose"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "window_offer",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("visit_id", sa.Integer(), nullable=False),
        sa.Column("windows", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked_by", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_window_offer_visit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_window_offer")),
    )
    op.create_index(op.f("ix_window_offer_visit_id"), "window_offer", ["visit_id"])
    op.create_index("ix_window_offer_state_expires_at", "window_offer", ["state", "expires_at"])


def downgrade() -> None:
    op.drop_table("window_offer")
