"""Orders that were asked for together, their order in time, who pays, and who has to agree"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_ADDED = {
    "customer": [("kind", sa.String(length=10), "private")],
    "contact_role": [("address", sa.String(length=300), ""), ("reference", sa.String(length=80), "")],
    "work_order": [
        ("request_key", sa.String(length=36), ""),
        ("also", sa.JSON(), "[]"),
        ("cost_centre", sa.String(length=40), ""),
    ],
    "visit": [("turn", sa.Integer(), "0")],
    "outbox_message": [("role", sa.String(length=14), "requester")],
}


def upgrade() -> None:
    # no batch operation: it would copy the tables on SQLite, without their triggers
    for table, columns in _ADDED.items():
        for name, kind, default in columns:
            op.add_column(table, sa.Column(name, kind, nullable=False, server_default=default))
    op.create_index(op.f("ix_work_order_request_key"), "work_order", ["request_key"])
    op.create_table(
        "approval",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("request_key", sa.String(length=36), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("nonce", sa.String(length=64), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approval")),
        sa.UniqueConstraint("request_key", name=op.f("uq_approval_request_key")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_approval_token_hash")),
    )
    op.create_index("ix_approval_state_expires_at", "approval", ["state", "expires_at"])


def downgrade() -> None:
    op.drop_table("approval")
    op.drop_index(op.f("ix_work_order_request_key"), "work_order")
    for table, columns in reversed(_ADDED.items()):
        for name, _kind, _default in reversed(columns):
            op.drop_column(table, name)
