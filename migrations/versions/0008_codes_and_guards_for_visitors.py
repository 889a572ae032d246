"""Codes for visitors without a visit, signs of abuse, and what a draft has passed"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "visitor_code",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("token", sa.String(length=64), nullable=False),
        sa.Column("purpose", sa.String(length=12), nullable=False),
        sa.Column("channel", sa.String(length=10), nullable=False),
        sa.Column("address_hash", sa.String(length=64), nullable=False),
        sa.Column("nonce", sa.String(length=64), nullable=False),
        sa.Column("draft_id", sa.Integer(), nullable=True),
        sa.Column("work_order_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["draft_id"], ["booking_draft.id"], name=op.f("fk_visitor_code_draft_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["work_order_id"], ["work_order.id"], name=op.f("fk_visitor_code_work_order_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visitor_code")),
        sa.UniqueConstraint("token", name=op.f("uq_visitor_code_token")),
    )
    op.create_index("ix_visitor_code_address_hash", "visitor_code", ["address_hash", "created_at"])
    op.create_index(op.f("ix_visitor_code_expires_at"), "visitor_code", ["expires_at"])
    op.create_table(
        "abuse_sign",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("network", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_abuse_sign")),
    )
    op.create_index("ix_abuse_sign_network", "abuse_sign", ["network", "at"])
    op.create_table(
        "spent_puzzle",
        sa.Column("challenge", sa.String(length=64), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("challenge", name=op.f("pk_spent_puzzle")),
    )
    op.create_index(op.f("ix_spent_puzzle_expires_at"), "spent_puzzle", ["expires_at"])
    op.add_column("booking_draft", sa.Column("network", sa.String(length=64), nullable=True))
    op.add_column("booking_draft", sa.Column("passed", sa.Integer(), nullable=False, server_default="0"))
    op.create_index("ix_booking_draft_network", "booking_draft", ["network", "created_at"])
    for column in ("email", "phone"):
        op.create_index(op.f(f"ix_contact_role_{column}"), "contact_role", [column])
    # the outbox has no triggers that a copy on SQLite would lose
    with op.batch_alter_table("outbox_message") as batch_op:
        batch_op.alter_column("visit_id", existing_type=sa.Integer(), nullable=True)


def downgrade() -> None:
    op.execute("DELETE FROM outbox_message WHERE visit_id IS NULL")
    with op.batch_alter_table("outbox_message") as batch_op:
        batch_op.alter_column("visit_id", existing_type=sa.Integer(), nullable=False)
    for column in ("phone", "email"):
        op.drop_index(op.f(f"ix_contact_role_{column}"), "contact_role")
    op.drop_index("ix_booking_draft_network", "booking_draft")
    op.drop_column("booking_draft", "passed")
    op.drop_column("booking_draft", "network")
    for table in ("spent_puzzle", "abuse_sign", "visitor_code"):
        op.drop_table(table)
