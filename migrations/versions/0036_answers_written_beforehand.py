"""Answers that are written beforehand, and who looks after a conversation"""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "canned_answer",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("language", sa.String(length=16), nullable=False),
        sa.Column("title", sa.String(length=80), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_canned_answer")),
        sa.UniqueConstraint("language", "title", name=op.f("uq_canned_answer_language_title")),
    )
    op.add_column("conversation", sa.Column("owner_id", sa.Integer(), nullable=True))
    with op.batch_alter_table("conversation") as batch:
        batch.create_foreign_key(batch.f("fk_conversation_owner_id"), "user", ["owner_id"], ["id"])
    op.create_index(op.f("ix_conversation_owner_id"), "conversation", ["owner_id"])


def downgrade() -> None:
    op.drop_index(op.f("ix_conversation_owner_id"), "conversation")
    with op.batch_alter_table("conversation") as batch:
        batch.drop_constraint(batch.f("fk_conversation_owner_id"), type_="foreignkey")
        batch.drop_column("owner_id")
    op.drop_table("canned_answer")
