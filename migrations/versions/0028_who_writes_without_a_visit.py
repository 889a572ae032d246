"""Conversations of people who have no visit yet"""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("conversation") as batch:
        batch.alter_column("visit_id", existing_type=sa.Integer(), nullable=True)
    op.create_table(
        "guest",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("conversation_id", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(length=10), nullable=False),
        sa.Column("address", sa.String(length=254), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("service_id", sa.Integer(), nullable=True),
        sa.Column("locale", sa.String(length=12), nullable=False),
        sa.Column("network", sa.String(length=64), nullable=True),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversation.id"], name=op.f("fk_guest_conversation_id")
        ),
        sa.ForeignKeyConstraint(["service_id"], ["service.id"], name=op.f("fk_guest_service_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_guest")),
    )
    op.create_index("uq_guest_channel_address", "guest", ["channel", "address"], unique=True)
    op.create_index(op.f("ix_guest_conversation_id"), "guest", ["conversation_id"])
    op.create_index("ix_guest_network", "guest", ["network", "began_at"])


def downgrade() -> None:
    op.drop_table("guest")
    op.execute(
        "DELETE FROM conversation_message WHERE conversation_id IN"
        " (SELECT id FROM conversation WHERE visit_id IS NULL)"
    )
    op.execute("DELETE FROM conversation WHERE visit_id IS NULL")
    with op.batch_alter_table("conversation") as batch:
        batch.alter_column("visit_id", existing_type=sa.Integer(), nullable=False)
