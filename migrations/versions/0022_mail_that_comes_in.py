"""Addresses that do not work, Message-IDs of what was sent, and what an e-mail quotes"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("outbox_message", sa.Column("mail_id", sa.String(32), nullable=False, server_default=""))
    op.create_index(op.f("ix_outbox_message_mail_id"), "outbox_message", ["mail_id"])
    op.add_column("conversation_message", sa.Column("folded", sa.Text(), nullable=False, server_default=""))
    op.create_table(
        "unreachable",
        sa.Column("channel", sa.String(length=12), nullable=False),
        sa.Column("address", sa.String(length=254), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("channel", "address", name=op.f("pk_unreachable")),
    )


def downgrade() -> None:
    op.drop_table("unreachable")
    op.drop_column("conversation_message", "folded")
    op.drop_index(op.f("ix_outbox_message_mail_id"), "outbox_message")
    op.drop_column("outbox_message", "mail_id")
