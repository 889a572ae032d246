"""Positions of technicians on the way to a customer, and who shares them"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "position_sharing",
        sa.Column("technician_id", sa.Integer(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["technician_id"], ["technician.id"], name=op.f("fk_position_sharing_technician_id")
        ),
        sa.PrimaryKeyConstraint("technician_id", name=op.f("pk_position_sharing")),
    )
    op.create_table(
        "drive_position",
        sa.Column("visit_id", sa.Integer(), nullable=False),
        sa.Column("technician_id", sa.Integer(), nullable=False),
        sa.Column("lat", sa.Double(), nullable=False),
        sa.Column("lon", sa.Double(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "lat BETWEEN -90 AND 90 AND lon BETWEEN -180 AND 180", name=op.f("ck_drive_position_place")
        ),
        sa.ForeignKeyConstraint(
            ["technician_id"], ["technician.id"], name=op.f("fk_drive_position_technician_id")
        ),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_drive_position_visit_id")),
        sa.PrimaryKeyConstraint("visit_id", name=op.f("pk_drive_position")),
    )
    op.create_index(op.f("ix_drive_position_technician_id"), "drive_position", ["technician_id"])
    op.create_index(op.f("ix_drive_position_ends_at"), "drive_position", ["ends_at"])


def downgrade() -> None:
    op.drop_table("drive_position")
    op.drop_table("position_sharing")
