"""Tasks about conversations that have no visit"""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("office_task", sa.Column("conversation_id", sa.Integer(), nullable=True))
    with op.batch_alter_table("office_task") as batch:
        name = batch.f("fk_office_task_conversation_id")
        batch.create_foreign_key(name, "conversation", ["conversation_id"], ["id"])
    op.create_index(op.f("ix_office_task_conversation_id"), "office_task", ["conversation_id"])


def downgrade() -> None:
    op.execute("DELETE FROM office_task WHERE conversation_id IS NOT NULL")
    op.drop_index(op.f("ix_office_task_conversation_id"), "office_task")
    with op.batch_alter_table("office_task") as batch:
        batch.drop_constraint(batch.f("fk_office_task_conversation_id"), type_="foreignkey")
        batch.drop_column("conversation_id")
