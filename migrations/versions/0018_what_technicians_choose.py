"""The application that a technician's directions open in"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "phone_choice",
        sa.Column("technician_id", sa.Integer(), nullable=False),
        sa.Column("navigation", sa.String(length=10), nullable=False),
        sa.CheckConstraint(
            "navigation IN ('google', 'apple', 'waze', 'osm', 'geo')",
            name=op.f("ck_phone_choice_navigation"),
        ),
        sa.ForeignKeyConstraint(
            ["technician_id"], ["technician.id"], name=op.f("fk_phone_choice_technician_id")
        ),
        sa.PrimaryKeyConstraint("technician_id", name=op.f("pk_phone_choice")),
    )


def downgrade() -> None:
    op.drop_table("phone_choice")
