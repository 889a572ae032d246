"""What each message said when it was sent, what customers text, and numbers that want no texts"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("sent_subject", "sent_text"):
        op.add_column("outbox_message", sa.Column(name, sa.Text(), nullable=False, server_default=""))
    op.create_table(
        "inbound_message",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(length=12), nullable=False),
        sa.Column("provider_key", sa.String(length=120), nullable=False),
        sa.Column("sender", sa.String(length=254), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("visit_id", sa.Integer(), nullable=True),
        sa.Column("outcome", sa.String(length=12), nullable=False),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_inbound_message_visit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbound_message")),
    )
    op.create_index(op.f("ix_inbound_message_sender"), "inbound_message", ["sender"])
    op.create_index(op.f("ix_inbound_message_visit_id"), "inbound_message", ["visit_id"])
    op.create_index(
        op.f("uq_inbound_message_channel_provider_key"),
        "inbound_message",
        ["channel", "provider_key"],
        unique=True,
    )
    op.create_table(
        "text_stop",
        sa.Column("phone", sa.String(length=32), nullable=False),
        sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("inbound_message_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["inbound_message_id"], ["inbound_message.id"], name=op.f("fk_text_stop_inbound_message_id")
        ),
        sa.PrimaryKeyConstraint("phone", name=op.f("pk_text_stop")),
    )


def downgrade() -> None:
    op.drop_table("text_stop")
    op.drop_table("inbound_message")
    for name in ("sent_text", "sent_subject"):
        op.drop_column("outbox_message", name)
