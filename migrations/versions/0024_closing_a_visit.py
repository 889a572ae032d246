"""Checklists of services, reports of visits, parts in the vans"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "checklist_item",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("service_id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("label", sa.String(length=200), nullable=False),
        sa.Column("hint", sa.String(length=200), nullable=False),
        sa.Column("unit", sa.String(length=20), nullable=False),
        sa.Column("least", sa.Integer(), nullable=True),
        sa.Column("most", sa.Integer(), nullable=True),
        sa.Column("required", sa.Boolean(), nullable=False),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('tick', 'number', 'choice', 'text', 'photo')", name=op.f("ck_checklist_item_kind")
        ),
        sa.CheckConstraint(
            "least IS NULL OR most IS NULL OR least <= most", name=op.f("ck_checklist_item_bounds")
        ),
        sa.ForeignKeyConstraint(["service_id"], ["service.id"], name=op.f("fk_checklist_item_service_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_checklist_item")),
        sa.UniqueConstraint("service_id", "code", name=op.f("uq_checklist_item_service_id_code")),
    )
    op.create_table(
        "visit_report",
        sa.Column("visit_id", sa.Integer(), nullable=False),
        sa.Column("technician_id", sa.Integer(), nullable=False),
        sa.Column("checks", sa.JSON(), nullable=False),
        sa.Column("parts", sa.JSON(), nullable=False),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.Column("said_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("signed_by", sa.String(length=120), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_visit_report_visit_id")),
        sa.ForeignKeyConstraint(
            ["technician_id"], ["technician.id"], name=op.f("fk_visit_report_technician_id")
        ),
        sa.PrimaryKeyConstraint("visit_id", name=op.f("pk_visit_report")),
    )
    op.create_table(
        "van_part",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("technician_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["technician_id"], ["technician.id"], name=op.f("fk_van_part_technician_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_van_part")),
        sa.UniqueConstraint("technician_id", "name", name=op.f("uq_van_part_technician_id_name")),
    )
    op.create_index(op.f("ix_van_part_technician_id"), "van_part", ["technician_id"])
    op.add_column("attachment", sa.Column("about", sa.String(length=10), server_default="", nullable=False))
    op.add_column("attachment", sa.Column("item", sa.String(length=101), server_default="", nullable=False))


def downgrade() -> None:
    op.drop_column("attachment", "item")
    op.drop_column("attachment", "about")
    op.drop_table("van_part")
    op.drop_table("visit_report")
    op.drop_table("checklist_item")
