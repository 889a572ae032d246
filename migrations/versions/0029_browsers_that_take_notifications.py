"""Browsers that take notifications"""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "push_device",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("visit_id", sa.Integer(), nullable=True),
        sa.Column("login", sa.String(length=64), nullable=False),
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("endpoint_hash", sa.String(length=64), nullable=False),
        sa.Column("p256dh", sa.String(length=120), nullable=False),
        sa.Column("auth", sa.String(length=40), nullable=False),
        sa.Column("locale", sa.String(length=20), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(user_id IS NULL) <> (visit_id IS NULL)", name=op.f("ck_push_device_owner")),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_push_device_user_id")),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_push_device_visit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_push_device")),
    )
    op.create_index(op.f("ix_push_device_user_id"), "push_device", ["user_id"])
    op.create_index(op.f("ix_push_device_visit_id"), "push_device", ["visit_id"])
    op.create_index(op.f("ix_push_device_login"), "push_device", ["login"])
    op.create_index(op.f("ix_push_device_endpoint_hash"), "push_device", ["endpoint_hash"])


def downgrade() -> None:
    op.drop_table("push_device")
