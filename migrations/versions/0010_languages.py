"""The language of an order, and what is written about services in other languages"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # no batch operation: it would copy the table on SQLite, without its triggers
    op.add_column("work_order", sa.Column("locale", sa.String(length=16), nullable=True))
    op.create_table(
        "service_translation",
        sa.Column("service_id", sa.Integer(), nullable=False),
        sa.Column("language", sa.String(length=16), nullable=False),
        sa.Column("texts", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["service_id"], ["service.id"], name=op.f("fk_service_translation_service_id")),
        sa.PrimaryKeyConstraint("service_id", "language", name=op.f("pk_service_translation")),
    )


def downgrade() -> None:
    op.drop_table("service_translation")
    op.drop_column("work_order", "locale")
