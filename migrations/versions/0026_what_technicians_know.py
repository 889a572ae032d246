"""What technicians know of their routes: the phone says what the office changed since"""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "route_seen",
        sa.Column("technician_id", sa.Integer(), nullable=False),
        sa.Column("on", sa.Date(), nullable=False),
        sa.Column("visits", sa.JSON(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["technician_id"], ["technician.id"], name=op.f("fk_route_seen_technician_id")
        ),
        sa.PrimaryKeyConstraint("technician_id", "on", name=op.f("pk_route_seen")),
    )


def downgrade() -> None:
    op.drop_table("route_seen")
